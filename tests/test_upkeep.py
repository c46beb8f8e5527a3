"""Damaged vectors: every kind is found when the store is opened, and mended from the catalog without embedding."""

import logging
import os
import pickle
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from rag.catalog import Embedding, Entry, FileRecord
from rag.models import Vectors
from rag.probe import Findings, probe
from rag.settings import Settings
from rag.store import Store
from rag.types import Chunk, Document, Span
from rag.words import WordIndex
from tests.conftest import ingest

_CHUNKS = 1200  # over Chroma's thousand, so that its index stands in files of its own


def _vectors(seed: int, count: int) -> Vectors:
    found: Vectors = np.random.default_rng(seed).standard_normal((count, 384)).astype(np.float32)
    found /= np.linalg.norm(found, axis=1, keepdims=True)
    return found


def _entry(name: str, seed: int, count: int) -> Entry:
    """A document of numbered words, each of them a chunk with a vector of its own."""
    words = [f"{name}{number:05}" for number in range(count)]
    spans = [Span(place * (len(words[0]) + 1), place * (len(words[0]) + 1) + len(words[0])) for place in range(count)]
    chunks = tuple(Chunk(f"{word}-id", name, name, span, word) for word, span in zip(words, spans, strict=True))
    embeddings = tuple(
        Embedding(vector, WordIndex.of([word], vector[np.newaxis]))
        for word, vector in zip(words, _vectors(seed, count), strict=True)
    )
    return Entry(Document(name, name, name, " ".join(words)), name, chunks, tuple(map(str.encode, words)), embeddings)


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store in order, to be copied and damaged."""
    settings = Settings(store=tmp_path_factory.mktemp("sound") / "store")
    with Store(settings, create=True) as store, store.writing() as writer:
        writer.put_documents([_entry("a", 1, _CHUNKS)])
    return settings.store


def _segment(store: Path, name: str) -> Path:
    (found,) = store.glob(f"chroma/*/{name}")
    return found


def _shorten(name: str) -> Callable[[Path], None]:
    def damage(store: Path) -> None:
        path = _segment(store, name)
        os.truncate(path, path.stat().st_size // 2)

    return damage


def _zero_header(store: Path) -> None:
    path = _segment(store, "header.bin")
    path.write_bytes(bytes(path.stat().st_size))


def _lose_links(store: Path) -> None:
    _segment(store, "link_lists.bin").unlink()


def _lose_segment(store: Path) -> None:
    shutil.rmtree(_segment(store, "header.bin").parent)


def _lose_database(store: Path) -> None:
    (store / "chroma" / "chroma.sqlite3").unlink()


def _garble_database(store: Path) -> None:
    path = store / "chroma" / "chroma.sqlite3"
    with path.open("r+b") as file:
        file.seek(path.stat().st_size // 2 // 4096 * 4096)
        file.write(os.urandom(8 * 4096))
        file.seek(0)
        file.write(b"garbage" * 100)


def _forget_rows(store: Path) -> None:
    """As after a kill between writing the index's files and noting how far they go."""
    with closing(sqlite3.connect(store / "chroma" / "chroma.sqlite3")) as database, database:
        database.execute("UPDATE max_seq_id SET seq_id = seq_id + 100000")
    path = _segment(store, "index_metadata.pickle")
    known = pickle.loads(path.read_bytes())  # noqa: S301  our own file
    for key in list(known["id_to_label"])[:400]:
        del known["id_to_label"][key]
    path.write_bytes(pickle.dumps(known))


def _looks(monkeypatch: pytest.MonkeyPatch) -> list[Findings | None]:
    """What each look at a store's vectors will have found."""
    looks: list[Findings | None] = []

    def look(store: Path, collection: str, chunks: int) -> Findings | None:
        looks.append(probe(store, collection, chunks))
        return looks[-1]

    monkeypatch.setattr("rag.upkeep.probe", look)
    return looks


DAMAGES: dict[str, Callable[[Path], None]] = {
    "shortened pickle": _shorten("index_metadata.pickle"),
    "shortened vectors": _shorten("data_level0.bin"),
    "zeroed header": _zero_header,
    "lost links": _lose_links,
    "lost segment": _lose_segment,
    "lost database": _lose_database,
    "garbled database": _garble_database,
    "rows forgotten": _forget_rows,
}


@pytest.mark.parametrize("damage", DAMAGES, ids=lambda name: name.replace(" ", "-"))
def test_damage_is_found_at_opening_and_mended_without_embedding(
    damage: str, sound: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    store_path = tmp_path / "store"
    shutil.copytree(sound, store_path)
    DAMAGES[damage](store_path)
    looks = _looks(monkeypatch)
    with caplog.at_level(logging.WARNING, "footnote"), Store(Settings(store=store_path)) as store:
        (found,) = looks
        assert found is None or not found.ok
        health = store.check()
        assert (health.ok, health.chunks) == (True, _CHUNKS)
        for number, vector in enumerate(_vectors(1, _CHUNKS)[:50]):
            assert store.nearest(vector, 1)[0].chunk_id == f"a{number:05}-id"
        assert len(caplog.messages) == 1
        assert "put back" in caplog.messages[0]
    caplog.clear()
    with Store(Settings(store=store_path)) as store:
        assert store.check().ok
    assert caplog.messages == []
    assert len(looks) == 1


def test_a_store_left_in_order_is_opened_without_a_look_at_every_vector(
    settings: Settings, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "a.txt").write_text("The ferry crosses the strait.")
    ingest(settings, folder)
    looks = _looks(monkeypatch)
    for _ in range(2):
        with Store(settings) as store:
            assert store.keyword(["ferry"], 1)
    assert looks == []
    (settings.store / "chroma" / "chroma.sqlite3").touch()
    Store(settings).close()
    assert len(looks) == 1


CANARY = "Zanzibarquartz"


def _raw_hits(store: Path) -> int:
    """In how many of the store's files the canary stands, in any case."""
    wanted = CANARY.lower().encode()
    return sum(wanted in path.read_bytes().lower() for path in store.rglob("*") if path.is_file())


def test_purged_text_is_nowhere_in_the_stores_bytes(settings: Settings, folder: Path) -> None:
    (folder / "secret.txt").write_text(f"The code word is {CANARY}. " * 20)
    (folder / "kept.txt").write_text("This text is kept.")
    ingest(settings, folder)
    assert _raw_hits(settings.store) > 0
    (folder / "secret.txt").unlink()
    ingest(settings, folder)
    with Store(settings) as store:
        assert store.keyword([CANARY.lower()], 10) == []
        store.purge()
        assert store.check().ok
        assert [document.source for document in store.documents()] == ["kept.txt"]
    assert _raw_hits(settings.store) == 0
    assert list(settings.store.glob("chroma.bad-*")) == []


def test_adding_and_deleting_again_and_again_does_not_grow_the_store(tmp_path: Path) -> None:
    settings = Settings(store=tmp_path / "store")

    def size() -> int:
        return sum(path.stat().st_size for path in settings.store.rglob("*") if path.is_file())

    sizes = []
    for _ in range(8):
        with Store(settings, create=True) as store:
            with store.writing() as writer:
                writer.put_documents([_entry("a", 1, 400)])
                writer.put_files([(FileRecord("a", "a", "hash", "now"), ["a"])])
            with store.writing() as writer:
                writer.remove_file("a")
        sizes.append(size())
    # Chroma drops what it logged, and writes its index, only every thousand changes: some cycles are its ordinary size.
    assert max(sizes[4:]) <= 1.5 * max(sizes[:4])
    assert len([path for path in (settings.store / "chroma").iterdir() if path.is_dir()]) <= 1
