"""`python -m tests.bench_ingest [CHUNKS] [--folder DIR]`: a large bulk import against bare encoding, in one run.

Made-up text of the length of real chunks is imported end to end: read, parsed, cut, embedded, written into catalog,
full-text index and vectors. Every few thousand chunks some of the texts are encoded by the bare model as well, so that
both are measured under the same load of the machine. Prints chunks a second, their ratio, peak memory and store size.
"""

from __future__ import annotations

import argparse
import json
import random
import resource
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
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

_PARTS = 20  # as many imports, with as many stretches of bare encoding between them
_BARE = 0.1  # share of the texts that is encoded bare, too
_SENTENCES = 8  # a chunk: about 140 tokens, as in the sample corpus and the like


@dataclass(frozen=True, slots=True)
class _Part:
    """One import, and the bare encoding beside it. Memory is in MB."""

    embedded: int
    seconds: float
    bare: int
    bare_seconds: float
    memory: float
    peak: float

    @property
    def ratio(self) -> float:
        return self.embedded / self.seconds / (self.bare / self.bare_seconds)


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench_ingest", description=__doc__)
    parser.add_argument("chunks", nargs="?", type=int, default=100_000)
    parser.add_argument("--folder", type=Path, help="where store and figures are kept; a run that stopped goes on")
    options = parser.parse_args()
    with TemporaryDirectory() as temporary:
        folder = options.folder or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        figures = folder / "parts.jsonl"
        done = [_Part(**json.loads(line)) for line in figures.read_text().splitlines()] if figures.exists() else []
        console = Console()
        settings = Settings(store=folder / "store")
        model = _bare_model(settings)
        with Store(settings, create=True) as store:
            for number in range(len(done), _PARTS):
                part = _measured(store, model, folder / f"part {number}.jsonl", number, options.chunks // _PARTS)
                done.append(part)
                with figures.open("a") as file:
                    file.write(json.dumps(asdict(part)) + "\n")
                console.print(
                    f"{sum(one.embedded for one in done):,} chunks: {part.embedded / part.seconds:.1f} a second, "
                    f"bare {part.bare / part.bare_seconds:.1f}, ratio {part.ratio:.3f}, {part.memory:.0f} MB"
                )
        console.print(_table(done, sum(one.stat().st_size for one in settings.store.rglob("*") if one.is_file())))


def _bare_model(settings: Settings) -> SentenceTransformer:
    """The same weights in the same precision, without anything of ours around them."""
    model = SentenceTransformer(
        str(embedder_folder(settings.embedder)),
        device="cpu",
        local_files_only=True,
        model_kwargs={"dtype": getattr(torch, load_embedder(settings).dtype)},
    )
    model.encode(list(made_up_texts(64, seed=-1)))
    return model


def _measured(store: Store, model: SentenceTransformer, path: Path, number: int, chunks: int) -> _Part:
    texts = list(made_up_texts(chunks, seed=number))
    path.write_text("\n".join(made_up_lines(number, texts)), "utf-8")
    report = sync(store, [path])
    memory = resident() / 2**20
    sample = random.Random(number).sample(texts, max(1, round(_BARE * chunks)))
    started = perf_counter()
    model.encode(sample)
    bare_seconds = perf_counter() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return _Part(report.chunks_embedded, report.seconds, len(sample), bare_seconds, memory, peak)


def _table(parts: list[_Part], size: int) -> Table:
    embedded, bare = sum(part.embedded for part in parts), sum(part.bare for part in parts)
    ours = embedded / sum(part.seconds for part in parts)
    alone = bare / sum(part.bare_seconds for part in parts)
    ratios = sorted(part.ratio for part in parts)
    table = Table("", "", title=f"{embedded:,} chunks", show_header=False)
    for name, value in (
        ("end to end, chunks a second", f"{ours:.1f}"),
        ("bare encode, chunks a second", f"{alone:.1f}"),
        ("ratio", f"{ours / alone:.3f}"),
        ("ratio of the worst, the middle and the best part", f"{ratios[0]:.3f} {median(ratios):.3f} {ratios[-1]:.3f}"),
        ("memory after the first part, MB", f"{parts[0].memory:.0f}"),
        ("memory at the end, MB", f"{parts[-1].memory:.0f}"),
        ("peak, MB", f"{max(part.peak for part in parts):.0f}"),
        ("store, kB a chunk", f"{size / embedded / 1024:.2f}"),
    ):
        table.add_row(name, value)
    return table


def made_up_texts(count: int, seed: int) -> Iterator[str]:
    """Texts of made-up sentences that fit one chunk each, all different."""
    chance = random.Random(seed)
    words = [
        "".join(chance.choice("bcdfglmnprstv") + chance.choice("aeiou") for _ in range(chance.randint(1, 3)))
        for _ in range(5000)
    ]
    for number in range(count):
        sentences = (" ".join(chance.choices(words, k=8)).capitalize() + "." for _ in range(_SENTENCES))
        yield f"Number {seed}-{number}. " + " ".join(sentences)


def made_up_lines(part: int, texts: list[str]) -> Iterator[str]:
    """Texts as lines of a bulk import."""
    for number, text in enumerate(texts):
        yield json.dumps({"source": f"{part}/{number}", "title": f"Text {number}", "text": text})


if __name__ == "__main__":
    main()
