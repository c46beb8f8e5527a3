"""Invariant 4: killed at any instant, the same ingestion run again leaves what a clean one would have."""

from __future__ import annotations

import os
import random
import signal
from dataclasses import replace
from pathlib import Path
from time import perf_counter
from typing import Any

import pytest

from ingest.sync import sync
from rag.catalog import Catalog, Entry
from rag.models import Embedder, Encoded
from rag.store import Store
from rag.vectors import VectorIndex
from tests.crash import (
    STEPS,
    Corpus,
    Die,
    Step,
    contents,
    difference,
    ingest_in_child,
    settings_for,
    start_from_before,
    write_corpus,
)

_KILLS = int(os.environ.get("FOOTNOTE_KILLS", "25"))


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory, embedder: Embedder) -> Corpus:
    home = tmp_path_factory.mktemp("crash")
    embeddings: dict[str, Encoded] = {}

    class Recording:
        """The real embedder, whose every answer is kept."""

        window = embedder.window
        count_tokens = staticmethod(embedder.count_tokens)

        @staticmethod
        def encode_words(texts: list[str]) -> Any:
            encoded = embedder.encode_words(texts)
            embeddings.update(zip(texts, encoded, strict=True))
            return encoded

    folder = home / "documents"
    for version in (1, 2):
        write_corpus(home / f"version {version}", version)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("ingest.sync.load_embedder", lambda settings: Recording)
            with Store(settings_for(home / f"recorded {version}"), create=True) as store:
                sync(store, [home / f"version {version}"])
    # The folder itself is one and the same, as it is for people who change files in it.
    (home / "version 1").rename(folder)
    made = Corpus(folder, folder, home / "before", embeddings)
    assert ingest_in_child(made, made.store_before) == 0
    folder.rename(home / "version 1")
    (home / "version 2").rename(folder)
    return made


@pytest.fixture(scope="module")
def expected(corpus: Corpus, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What a clean ingestion of the folder leaves, kept outside of the stores that are killed."""
    clean = tmp_path_factory.mktemp("clean") / "store"
    assert ingest_in_child(corpus, clean) == 0
    found = contents(clean)
    assert len(found["chunks"]) > 150
    return found


@pytest.fixture(scope="module")
def seconds(corpus: Corpus, tmp_path_factory: pytest.TempPathFactory) -> float:
    """How long the ingestion takes that is not killed."""
    store = tmp_path_factory.mktemp("timed") / "store"
    start_from_before(corpus, store)
    started = perf_counter()
    assert ingest_in_child(corpus, store) == 0
    return perf_counter() - started


@pytest.mark.parametrize("seed", range(_KILLS))
def test_killed_at_a_random_instant(
    seed: int, corpus: Corpus, expected: dict[str, Any], seconds: float, tmp_path: Path
) -> None:
    """Every second one begins with a store of the folder as it was; every fifth is killed in its recovery as well."""
    chance = random.Random(seed)
    store = tmp_path / "store"
    if seed % 2:
        start_from_before(corpus, store)
    for _ in range(3 if seed % 5 == 0 else 1):
        status = ingest_in_child(corpus, store, killed_after=chance.uniform(0, seconds))
        assert status in (-signal.SIGKILL, 0)
    assert ingest_in_child(corpus, store) == 0
    assert difference(contents(store), expected) is None


@pytest.mark.parametrize("step", STEPS, ids=str)
def test_killed_at_a_named_step(step: Step, corpus: Corpus, expected: dict[str, Any], tmp_path: Path) -> None:
    store = tmp_path / "store"
    start_from_before(corpus, store)
    assert ingest_in_child(corpus, store, prepare=Die(step)) == -signal.SIGKILL
    assert ingest_in_child(corpus, store) == 0
    assert difference(contents(store), expected) is None


def _forget_stale_vectors() -> None:
    VectorIndex.delete = lambda self, ids: None  # type: ignore[method-assign]


def _lose_the_last_chunk() -> None:
    insert = Catalog._insert_document

    def losing(self: Catalog, db: Any, collection: int, model: str, entry: Entry) -> None:
        kept = slice(0, -1)
        shorter = replace(
            entry, chunks=entry.chunks[kept], text_hashes=entry.text_hashes[kept], embeddings=entry.embeddings[kept]
        )
        insert(self, db, collection, model, shorter)

    Catalog._insert_document = losing  # type: ignore[method-assign]


def _keep_removed_files() -> None:
    Catalog.remove_file = lambda self, collection, source: []  # type: ignore[method-assign]


def _keep_unused_embeddings() -> None:
    Catalog.drop_unused_embeddings = lambda self: 0  # type: ignore[method-assign]


@pytest.mark.parametrize(
    "fault", [_forget_stale_vectors, _lose_the_last_chunk, _keep_removed_files, _keep_unused_embeddings]
)
def test_the_comparison_catches_a_planted_fault(
    fault: Any, corpus: Corpus, expected: dict[str, Any], tmp_path: Path
) -> None:
    """A test that cannot fail proves nothing."""
    store = tmp_path / "store"
    start_from_before(corpus, store)
    assert ingest_in_child(corpus, store, prepare=fault) == 0
    assert difference(contents(store), expected) is not None
