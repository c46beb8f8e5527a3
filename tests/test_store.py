import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import textwrap
from contextlib import closing, suppress
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as run
from hypothesis import strategies as st

from rag.catalog import Embedding, Entry, FileRecord
from rag.errors import StoreBusy, StoreError, StoreMismatch
from rag.settings import Settings
from rag.store import Store
from rag.types import Chunk, Document, Span
from rag.words import WordIndex
from tests.conftest import ingest

RECORD = FileRecord("a.txt", "/", "hash", "now")


def entry(name: str, *words: str) -> Entry:
    """A document whose chunks are its words; each word's vector is a direction of its own."""
    text = " ".join(words)
    spans, start = [], 0
    for word in words:
        spans.append(Span(start, start + len(word)))
        start += len(word) + 1
    chunks = tuple(Chunk(f"{name}/{word}", name, name, span, word) for word, span in zip(words, spans, strict=True))
    embeddings = tuple(Embedding(vector(word), WordIndex.of([word], vector(word)[np.newaxis])) for word in words)
    return Entry(Document(name, name, name, text), name, chunks, tuple(word.encode() for word in words), embeddings)


def vector(word: str) -> np.ndarray[tuple[int], np.dtype[np.float32]]:
    found = np.random.default_rng(abs(hash(word)) % 2**32).standard_normal(384).astype(np.float32)
    return found / np.linalg.norm(found)


def findable(store: Store, *words: str) -> set[str]:
    """Which of these words' chunks both indexes lead to and the catalog confirms."""
    found = set()
    for word in words:
        dense = [hit.chunk_id for hit in store.nearest(vector(word), 3) if hit.score > 0.99]
        keyword = [hit.chunk_id for hit in store.keyword([word], 3)]
        known = store.chunks(dense + keyword)
        by_dense = {known[id].text for id in dense if id in known}
        by_keyword = {known[id].text for id in keyword if id in known}
        assert by_dense & {word} == by_keyword & {word}, word
        found |= by_dense & {word}
    return found


def test_who_still_reads_when_the_store_is_closed_is_told_so(settings: Settings) -> None:
    with Store(settings, create=True) as store:
        assert store.statistics().chunks == 0
    with pytest.raises(StoreError, match=r"has been closed\. Open it again"):
        store.statistics()


def test_what_is_put_can_be_found_and_what_is_replaced_cannot(settings: Settings) -> None:
    with Store(settings, create=True) as store:
        with store.writing() as writer:
            writer.put_documents([entry("a", "apple", "pear"), entry("b", "plum")])
        assert findable(store, "apple", "pear", "plum") == {"apple", "pear", "plum"}
        with store.writing() as writer:
            writer.put_documents([entry("a", "apple", "quince")])
        assert findable(store, "apple", "pear", "plum", "quince") == {"apple", "plum", "quince"}
        assert store.check().ok


def test_removing_a_file_removes_its_documents_everywhere(settings: Settings) -> None:
    with Store(settings, create=True) as store:
        with store.writing() as writer:
            writer.put_documents([entry("a.txt", "apple")])
            writer.put_files([(RECORD, ["a.txt"])])
        assert store.files() == {"a.txt": RECORD}
        with store.writing() as writer:
            writer.remove_file("a.txt")
        assert findable(store, "apple") == set()
        assert (store.documents(), store.files(), store.embeddings([b"apple"])) == ((), {}, {})


operations = st.lists(
    st.tuples(st.sampled_from("abc"), st.lists(st.sampled_from(["fig", "kiwi", "lime", "nut", "oat"]), unique=True)),
    min_size=1,
    max_size=8,
)


@run(max_examples=8, deadline=None)
@given(operations, st.data())
def test_a_chunk_is_found_if_and_only_if_its_documents_row_is_committed(
    tmp_path_factory: pytest.TempPathFactory, operations: list[tuple[str, list[str]]], data: st.DataObject
) -> None:
    """Invariant 3, with a write that dies at each of its steps; the next write mends what it left."""
    expected: dict[str, list[str]] = {}
    words = ["fig", "kiwi", "lime", "nut", "oat"]
    with Store(Settings(store=tmp_path_factory.mktemp("store") / "s"), create=True) as store:
        for number, (name, chosen) in enumerate(operations):
            labels = [f"{name}{word}" for word in chosen]
            step = data.draw(st.sampled_from(["none", "after vectors", "after catalog"]))
            with pytest.MonkeyPatch.context() as patch, suppress(_Killed), store.writing() as writer:
                if step == "after vectors":
                    patch.setattr(store.catalog, "put_documents", _die)
                if step == "after catalog":
                    patch.setattr(store.vectors, "delete", _die)
                writer.put_documents([entry(name, *labels)] if labels else [])
            if labels and step != "after vectors":
                expected[name] = labels
            assert findable(store, *[f"{name}{word}" for name in "abc" for word in words]) == {
                label for labels in expected.values() for label in labels
            }, number
        with store.writing():
            pass
        assert store.check().ok


class _Killed(BaseException):
    """Stands for the end of the process: nothing of ours catches it."""


def _die(*_: object) -> None:
    raise _Killed


def test_two_readers_share_a_store_and_a_writer_waits_for_neither(settings: Settings) -> None:
    Store(settings, create=True).close()
    with Store(settings) as one, Store(settings) as other:
        assert one.documents() == other.documents() == ()
        with pytest.raises(StoreBusy, match="in use by another process that reads it"), one.writing():
            pass
    with Store(settings) as store, store.writing(), pytest.raises(StoreBusy, match=f"in use by process {os.getpid()}"):
        Store(settings)


def test_another_process_that_writes_is_named(settings: Settings) -> None:
    Store(settings, create=True).close()
    script = f"""
        from pathlib import Path; from rag.settings import Settings; from rag.store import Store; import sys
        with Store(Settings(store=Path({str(settings.store)!r}))) as store, store.writing():
            print("writing", flush=True); sys.stdin.read()
    """
    command = [sys.executable, "-c", textwrap.dedent(script)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "writing\n"
        with pytest.raises(StoreBusy, match=f"in use by process {other.pid}, which has been writing since"):
            Store(settings)
        other.kill()
    Store(settings).close()


def test_what_a_killed_writer_leaves_behind_is_waited_for(settings: Settings) -> None:
    """A child that it was starting has its lock for a moment; what it wrote of itself stays in the file."""
    Store(settings, create=True).close()
    script = f"""
        from pathlib import Path; from rag.settings import Settings; from rag.store import Store
        import os, signal, subprocess, sys
        with Store(Settings(store=Path({str(settings.store)!r}))) as store, store.writing():
            sleeper = [sys.executable, "-c", "import time; time.sleep(1)"]
            subprocess.Popen(sleeper, pass_fds=store._owner._files, stdout=subprocess.DEVNULL)
            os.kill(os.getpid(), signal.SIGKILL)
    """
    killed = subprocess.run([sys.executable, "-c", textwrap.dedent(script)], check=False)
    assert killed.returncode == -signal.SIGKILL
    with (
        Store(settings) as one,
        Store(settings),
        pytest.raises(StoreBusy, match="in use by another process that reads it"),
        one.writing(),
    ):
        pass


@pytest.mark.parametrize("key", ["chunk_tokens", "chunk_overlap", "embedder"])
def test_other_settings_are_refused_naming_both_values_and_the_cure(
    settings: Settings, folder: Path, key: str, tmp_path: Path
) -> None:
    (folder / "a.txt").write_text("Some text stands here.")
    ingest(settings, folder)
    value: object = 100
    if key == "embedder":
        from rag.models import embedder_folder

        shutil.copytree(embedder_folder(settings.embedder), tmp_path / "other")
        value = str(tmp_path / "other")
    other = settings.changed(**{key: value})
    with Store(other) as store, pytest.raises(StoreMismatch, match=rf"built with {key} .* say {value!r}.*--reembed"):
        store.check_identity()
    with Store(other, create=True) as store:
        store.reset()
    assert ingest(other, folder).added == ["a.txt"]


def test_a_missing_store_or_collection_says_what_to_do(settings: Settings) -> None:
    with pytest.raises(StoreError, match=r"no store at .*python -m ingest FOLDER --store"):
        Store(settings)
    Store(settings, create=True).close()
    with pytest.raises(StoreError, match="no collection 'x'; it has: default"):
        Store(settings.changed(collection="x"))


def test_collections_do_not_see_each_other(settings: Settings) -> None:
    other = settings.changed(collection="Ünusual name, with / and ..")
    for one, word in ((settings, "apple"), (other, "pear")):
        with Store(one, create=True) as store, store.writing() as writer:
            writer.put_documents([entry("a", word)])
    with Store(settings) as first, Store(other) as second:
        assert findable(first, "apple", "pear") == {"apple"}
        assert findable(second, "apple", "pear") == {"pear"}


def test_lost_and_orphaned_vectors_are_reported_and_mended(settings: Settings) -> None:
    with Store(settings, create=True) as store:
        with store.writing() as writer:
            writer.put_documents([entry("a", "apple", "pear")])
        store.vectors.delete(["a/apple"])
        store.vectors.upsert(["ghost"], vector("ghost")[np.newaxis])
        health = store.check()
        assert (health.missing, health.orphaned, health.ok) == (1, 1, False)
        store.repair()
        assert store.check().ok
        assert findable(store, "apple", "pear") == {"apple", "pear"}


def test_the_stores_files_are_the_users_alone(settings: Settings) -> None:
    Store(settings, create=True).close()
    assert settings.store.stat().st_mode & 0o077 == 0


def test_a_store_of_an_older_format_is_refused_with_what_to_do(settings: Settings) -> None:
    Store(settings, create=True).close()
    with closing(sqlite3.connect(settings.store / "catalog.sqlite3")) as older:
        older.execute("PRAGMA user_version = 1")
    with pytest.raises(StoreMismatch, match=r"has format 1, this Footnote writes 4\. Move the folder away and ingest"):
        Store(settings)
