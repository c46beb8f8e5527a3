"""`python -m tests.bench_ingest [CHUNKS]`: a large bulk import against bare encoding, in one run.

Made-up text of the length of real chunks is imported end to end: read, parsed, cut, embedded, written into catalog,
full-text index and vectors. Every few thousand chunks some of the texts are encoded by the bare model as well, so that
both are measured under the same load of the machine. Prints chunks a second, their ratio, peak memory and store size.
"""

from __future__ import annotations

import json
import random
import resource
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

import torch
from rich.console import Console
from rich.table import Table
from sentence_transformers import SentenceTransformer

from ingest.sync import sync
from rag.models import embedder_folder, load_embedder
from rag.settings import Settings
from rag.store import Store
from tests.reading import resident

_CHUNKS = 100_000
_PARTS = 20  # as many imports, with as many stretches of bare encoding between them
_BARE = 0.1  # share of the texts that is encoded bare, too
_SENTENCES = 11  # a chunk: about 190 tokens, as of real documents


def main() -> None:
    """Measure and print a table."""
    chunks = int(sys.argv[1]) if len(sys.argv) > 1 else _CHUNKS
    part = chunks // _PARTS
    with TemporaryDirectory() as folder:
        settings = Settings(store=Path(folder) / "store")
        embedder = load_embedder(settings)
        model = SentenceTransformer(
            str(embedder_folder(settings.embedder)),
            device="cpu",
            local_files_only=True,
            model_kwargs={"dtype": getattr(torch, embedder.dtype)},
        )
        model.encode(list(_texts(64, seed=-1)))
        seconds = bare_seconds = 0.0
        embedded = bare = 0
        memory: list[float] = []
        console = Console()
        with Store(settings, create=True) as store:
            for number in range(_PARTS):
                path = Path(folder) / f"part {number}.jsonl"
                texts = list(_texts(part, seed=number))
                path.write_text("\n".join(_lines(number, texts)), "utf-8")
                report = sync(store, [path])
                seconds += report.seconds
                embedded += report.chunks_embedded
                memory.append(resident() / 2**20)
                sample = random.Random(number).sample(texts, max(1, round(_BARE * part)))
                started = perf_counter()
                model.encode(sample)
                bare_seconds += perf_counter() - started
                bare += len(sample)
                ratio = embedded / seconds / (bare / bare_seconds)
                console.print(
                    f"{embedded:,} chunks: {embedded / seconds:.1f} a second, bare {bare / bare_seconds:.1f}, "
                    f"ratio {ratio:.3f}, {memory[-1]:.0f} MB"
                )
        size = sum(one.stat().st_size for one in settings.store.rglob("*") if one.is_file())
    table = Table("", "", title=f"{embedded:,} chunks, {embedder.dtype}", show_header=False)
    for name, value in (
        ("end to end, chunks a second", f"{embedded / seconds:.1f}"),
        ("bare encode, chunks a second", f"{bare / bare_seconds:.1f}"),
        ("ratio", f"{ratio:.3f}"),
        ("memory after a tenth, MB", f"{memory[_PARTS // 10]:.0f}"),
        ("memory at the end, MB", f"{memory[-1]:.0f}"),
        ("peak, MB", f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f}"),
        ("store, kB a chunk", f"{size / embedded / 1024:.2f}"),
    ):
        table.add_row(name, value)
    console.print(table)


def _texts(count: int, seed: int) -> Iterator[str]:
    """Texts of made-up sentences that fit one chunk each, all different."""
    chance = random.Random(seed)
    words = [
        "".join(chance.choice("bcdfglmnprstv") + chance.choice("aeiou") for _ in range(chance.randint(1, 3)))
        for _ in range(5000)
    ]
    for number in range(count):
        sentences = (" ".join(chance.choices(words, k=8)).capitalize() + "." for _ in range(_SENTENCES))
        yield f"Number {seed}-{number}. " + " ".join(sentences)


def _lines(part: int, texts: list[str]) -> Iterator[str]:
    for number, text in enumerate(texts):
        yield json.dumps({"source": f"{part}/{number}", "title": f"Text {number}", "text": text})


if __name__ == "__main__":
    main()
