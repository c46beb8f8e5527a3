"""Ingestion that is killed, and what must be left of it.

A child ingests a small corpus into a store and is killed: at a random instant, or just before or after a named step.
Then the same ingestion is run again, and everything the store holds is compared with what a clean ingestion of the
same files gave, which is kept outside the store. Real catalog, real Chroma, real parsers; the vectors are the real
embedder's, made once and handed to the children as a table, so that they need not load it.

Imported by a fork server, which every child is forked from: nothing here may start a thread or load torch.
"""

from __future__ import annotations

import json
import logging
import multiprocessing
import os
import random
import shutil
import signal
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from multiprocessing.synchronize import Event
from pathlib import Path
from time import sleep
from typing import Any

import numpy as np

import ingest.sync
import rag.vectors
from rag.catalog import Catalog
from rag.models import BUNDLED_EMBEDDER, Encoded, embedder_folder, load_tokenizer
from rag.settings import Settings
from rag.store import Store
from rag.vectors import VectorIndex

CHUNK_TOKENS = 32
_BATCH_CHUNKS = 16  # so that the small corpus is written in many steps
_TOLERANCE = 1e-3  # of a vector's numbers
# Chroma's index is written to its files after so few changes; by default after a thousand.
_SYNC_THRESHOLD = 40

CONTEXT = multiprocessing.get_context("forkserver")
CONTEXT.set_forkserver_preload(["tests.crash"])


@dataclass(frozen=True)
class Corpus:
    """A folder as it was and as it is now, the clean stores of both, and every text's embedding."""

    before: Path
    after: Path
    store_before: Path
    embeddings: dict[str, Encoded]


@dataclass(frozen=True)
class Step:
    """The `count`-th call of a method, `when` before or after it."""

    owner: type
    method: str
    when: str
    count: int

    def __str__(self) -> str:
        return f"{self.when}-{self.owner.__name__}.{self.method}-{self.count}"


STEPS = (
    Step(Catalog, "set_unsettled", "before", 1),
    Step(Catalog, "set_unsettled", "after", 1),
    Step(VectorIndex, "upsert", "before", 1),
    Step(VectorIndex, "upsert", "after", 1),
    Step(VectorIndex, "upsert", "after", 5),
    Step(Catalog, "put_documents", "before", 2),
    Step(Catalog, "put_documents", "after", 2),
    Step(VectorIndex, "delete", "before", 3),
    Step(VectorIndex, "delete", "after", 3),
    Step(Catalog, "put_files", "before", 2),
    Step(Catalog, "put_files", "after", 3),
    Step(Catalog, "remove_file", "before", 1),
    Step(Catalog, "remove_file", "after", 1),
    Step(Catalog, "remove_file", "after", 2),
    Step(Catalog, "drop_unused_embeddings", "before", 1),
    Step(Catalog, "drop_unused_embeddings", "after", 1),
    Step(Catalog, "set_unsettled", "before", 2),
    Step(Catalog, "set_unsettled", "after", 2),
)


class TableEmbedder:
    """Gives the embeddings it was handed, and counts how many it was asked for."""

    window = 256

    def __init__(self, embeddings: dict[str, Encoded]) -> None:
        self._embeddings = embeddings
        self._tokenizer = load_tokenizer(embedder_folder(BUNDLED_EMBEDDER))
        self.asked = 0

    def encode_words(self, texts: Sequence[str]) -> list[Encoded]:
        """The embeddings of known texts."""
        self.asked += len(texts)
        return [self._embeddings[text] for text in texts]

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """As the embedder counts them."""
        return [len(one.ids) for one in self._tokenizer.encode_batch_fast(list(texts), add_special_tokens=False)]


def settings_for(store: Path) -> Settings:
    """The settings that corpus and stores are made with."""
    return Settings(store=store, chunk_tokens=CHUNK_TOKENS)


def write_corpus(folder: Path, version: int) -> None:
    """Ten files of made-up sentences. Version 2 changes two, renames one, removes one and adds two."""
    folder.mkdir()
    words = "treaty border river talks envoy grain pipeline visit summit trade minister letter army island".split()
    for number in range(10):
        chance = random.Random(number)
        paragraphs = [
            " ".join(f"The {' '.join(chance.sample(words, 6))} of {chance.randint(1900, 2020)}." for _ in range(3))
            for _ in range(12)
        ]
        if version == 2 and number in (2, 7):
            paragraphs[5] = f"This paragraph of file {number} was written anew, and nothing else was."
        (folder / f"{number}.txt").write_text(f"File {number}\n\n" + "\n\n".join(paragraphs))
    if version == 2:
        (folder / "4.txt").rename(folder / "four.txt")
        (folder / "5.txt").unlink()
        (folder / "new.md").write_text("# New\n\n" + (folder / "1.txt").read_text().replace("The", "That"))
        rows = [{"source": f"line {row}", "title": f"Line {row}", "text": f"Row {row} was added."} for row in range(40)]
        (folder / "lines.jsonl").write_text("\n".join(map(json.dumps, rows)))


def run(
    store: Path, folder: Path, embeddings: dict[str, Encoded], prepare: Callable[[], None] | None, ready: Event
) -> None:
    """A child's whole life: ingest the folder. `prepare` may plant a fault or a death."""
    logging.disable(logging.WARNING)
    rag.vectors._HNSW = rag.vectors._HNSW | {"sync_threshold": _SYNC_THRESHOLD, "batch_size": _SYNC_THRESHOLD}
    ingest.sync.BATCH_CHUNKS = _BATCH_CHUNKS  # type: ignore[attr-defined]
    table = TableEmbedder(embeddings)
    ingest.sync.load_embedder = lambda settings: table  # type: ignore
    if prepare:
        prepare()
    ready.set()
    with Store(settings_for(store), create=True) as opened:
        report = ingest.sync.sync(opened, [folder])
    assert not report.failed, report.failed


class Die:
    """Plants a death by SIGKILL at a step. An object, so that it can be handed to another process."""

    def __init__(self, step: Step) -> None:
        self._step = step

    def __call__(self) -> None:
        step, calls = self._step, 0
        original = getattr(step.owner, step.method)

        def dying(*arguments: Any, **named: Any) -> Any:
            nonlocal calls
            calls += 1
            if calls == step.count and step.when == "before":
                os.kill(os.getpid(), signal.SIGKILL)
            result = original(*arguments, **named)
            if calls == step.count and step.when == "after":
                os.kill(os.getpid(), signal.SIGKILL)
            return result

        setattr(step.owner, step.method, dying)


def ingest_in_child(
    corpus: Corpus,
    store: Path,
    *,
    folder: Path | None = None,
    prepare: Callable[[], None] | None = None,
    killed_after: float | None = None,
) -> int | None:
    """Ingest in a child, killed so many seconds after it was ready; its exit status."""
    ready = CONTEXT.Event()
    arguments = (store, folder or corpus.after, corpus.embeddings, prepare, ready)
    child = CONTEXT.Process(target=run, args=arguments)
    child.start()
    ready.wait(60)
    if killed_after is not None:
        sleep(killed_after)
        child.kill()
    child.join(120)
    status = child.exitcode
    child.close()
    return status


def contents(store: Path) -> dict[str, Any]:
    """Everything a store holds, with the vectors as the catalog and as Chroma have them; not when it was ingested."""
    with Store(settings_for(store)) as opened:
        ids = sorted(opened.chunk_ids())
        chunks = opened.chunks(ids)
        indexed = opened.indexed(ids)
        words = sorted({word for id in ids for word in chunks[id].text.lower().split()})
        return {
            "documents": [opened.document(summary.id) for summary in opened.documents()],
            "files": {source: record.sha256 for source, record in opened.files().items()},
            "chunks": [chunks[id] for id in ids],
            "order": sorted(ids, key=lambda id: (indexed[id].document_id, indexed[id].row)),
            "words": {id: indexed[id].embedding.words.to_bytes() for id in ids},
            "keywords": {
                word: sorted(hit.chunk_id for hit in opened.keyword([word], 10_000)) for word in sorted(words)
            },
            "embedded": opened.catalog.embedding_count(),
            "vectors": opened.catalog.chunk_vectors(opened._collection.id, opened.model, ids),
            "found": opened.vectors.read(sorted(opened.vectors.ids())),
            "health": opened.check().ok,
        }


def difference(found: dict[str, Any], expected: dict[str, Any]) -> str | None:
    """The first thing in which two stores differ, or None."""
    for name, wanted in expected.items():
        have = found[name]
        if name in ("vectors", "found"):
            if have.keys() != wanted.keys():
                return (
                    f"{name}: {len(have.keys() - wanted.keys())} too many, {len(wanted.keys() - have.keys())} missing"
                )
            if not all(np.allclose(have[id], wanted[id], rtol=0, atol=_TOLERANCE) for id in wanted):
                return f"{name}: other numbers"
        elif have != wanted:
            return f"{name}: {have!r:.300} instead of {wanted!r:.300}"
    return None


def start_from_before(corpus: Corpus, store: Path) -> None:
    """Make a store that holds the folder as it was."""
    shutil.copytree(corpus.store_before, store)
