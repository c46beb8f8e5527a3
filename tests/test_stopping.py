"""Ingestion that is stopped, runs out of disk, or is asked while it works."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event
from time import sleep
from typing import Any

import pytest
from llama_index.core.schema import Document as LlamaDocument

from ingest.llama_index import from_llama_index, sync_llama_index
from ingest.sync import sync
from rag.catalog import Catalog
from rag.errors import StoreUnwritable
from rag.retrieve import Retriever
from rag.settings import Settings
from rag.store import Store
from rag.vectors import VectorIndex
from tests.conftest import ingest
from tests.test_sync import sentences


@pytest.fixture
def many(folder: Path) -> Path:
    """Files of about 800 small chunks: two batches."""
    for number in range(20):
        (folder / f"{number:02}.txt").write_text("\n\n".join(sentences(6, number * 100 + part) for part in range(16)))
    return folder


@pytest.mark.parametrize("signal_number", [signal.SIGINT, signal.SIGTERM])
def test_stopped_by_hand_it_goes_on_later_without_embedding_again(
    settings: Settings, many: Path, signal_number: int
) -> None:
    settings = settings.changed(chunk_tokens=32)
    command = [sys.executable, "-m", "ingest", str(many), "--store", str(settings.store), "--json"]
    environment = os.environ | {"RAG_CHUNK_TOKENS": "32"}
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)
    while process.poll() is None and not _chunks(settings):
        sleep(0.05)
    process.send_signal(signal_number)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130, errors
    assert errors.strip().endswith("stopped. Run the same command again to go on.")
    stored = _chunks(settings)
    report = ingest(settings, many)
    total = report.chunks_embedded + stored
    with Store(settings) as store:
        assert store.check().ok
        assert store.statistics().chunks == total, "what was stored before is not embedded again"


def test_a_watched_folder_is_ingested_at_every_change_until_stopped(settings: Settings, folder: Path) -> None:
    (folder / "a.txt").write_text("The ferry crosses the strait.")
    command = [sys.executable, "-m", "ingest", str(folder), "--store", str(settings.store), "--watch", "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as watching:
        assert watching.stdout is not None
        assert json.loads(watching.stdout.readline())["added"] == ["a.txt"]
        sleep(1)  # until it watches
        (folder / "b.txt").write_text("The train crosses the plain.")
        assert json.loads(watching.stdout.readline())["added"] == ["b.txt"]
        (folder / "a.txt").rename(folder / "c.txt")
        assert json.loads(watching.stdout.readline())["renamed"] == [{"from": "a.txt", "to": "c.txt"}]
        watching.send_signal(signal.SIGINT)
        assert watching.wait(30) == 130


def _chunks(settings: Settings) -> int:
    path = settings.store / "catalog.sqlite3"
    if not path.exists():
        return 0
    try:
        connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
        try:
            count: int = connection.execute("SELECT count(*) FROM chunks").fetchone()[0]
            return count
        finally:
            connection.close()
    except sqlite3.Error:
        return 0


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("two")
    (folder / "a.txt").write_text("The ferry crosses the strait.")
    (folder / "b.txt").write_text("The train crosses the plain.")
    return folder


class _Faults:
    """Makes the N-th write of any kind fail."""

    def __init__(self, patch: pytest.MonkeyPatch, failing: int) -> None:
        self.writes = 0
        self._failing = failing
        transaction = Catalog._transaction
        do = VectorIndex._do

        def failing_transaction(catalog: Catalog) -> Any:
            catalog_error = self._error(sqlite3.OperationalError("disk I/O error"))
            return _raising(transaction(catalog), catalog_error) if catalog_error else transaction(catalog)

        def failing_do(index: VectorIndex, call: Any, *, write: bool = False) -> Any:
            error = self._error(OSError(28, "No space left on device")) if write else None

            def fail() -> None:
                assert error is not None
                raise error

            return do(index, fail if error else call, write=write)

        patch.setattr(Catalog, "_transaction", failing_transaction)
        patch.setattr(VectorIndex, "_do", failing_do)

    def _error(self, error: Exception) -> Exception | None:
        self.writes += 1
        return error if self.writes == self._failing else None


def _error_of(store: Store, folder: Path) -> str | None:
    """What a sync says that cannot write; None if it came to its end."""
    try:
        sync(store, [folder])
    except StoreUnwritable as error:
        return str(error)
    return None


class _raising:
    """A transaction whose commit fails."""

    def __init__(self, transaction: Any, error: Exception) -> None:
        self._transaction = transaction
        self._error = error

    def __enter__(self) -> Any:
        return self._transaction.__enter__()

    def __exit__(self, *_: object) -> None:
        self._transaction.__exit__(type(self._error), self._error, None)


def test_every_write_may_fail_and_nothing_is_lost(settings: Settings, folder: Path, two: Path) -> None:
    """For N = 1, 2, 3 ... the N-th write fails, until a run makes fewer: then it was whole."""
    (folder / "a.txt").write_text("The ferry crossed the strait.")
    (folder / "c.txt").write_text("The plane crosses the sea.")
    failing = 0
    finished = False
    while not finished:
        failing += 1
        store_settings = settings.changed(store=settings.store.with_name(f"store {failing}"))
        ingest(store_settings, folder)
        for source in two.iterdir():
            (folder / source.name).write_bytes(source.read_bytes())
        (folder / "c.txt").unlink()
        with Store(store_settings) as store, pytest.MonkeyPatch.context() as patch:
            faults = _Faults(patch, failing)
            error = _error_of(store, folder)
            if error is None:
                assert faults.writes < failing
            else:
                assert error.startswith(f"the store at {store_settings.store} cannot be written to")
                assert "MB are free on its disk" in error
            finished = error is None
            patch.undo()
            assert Retriever(store).retrieve("What crosses?", k=3)
        report = ingest(store_settings, folder)
        assert not report.failed
        with Store(store_settings) as store:
            assert [document.source for document in store.documents()] == ["a.txt", "b.txt"]
            assert store.check().ok
        (folder / "b.txt").unlink()
        (folder / "a.txt").write_text("The ferry crossed the strait.")
        (folder / "c.txt").write_text("The plane crosses the sea.")
    assert failing > 8


def test_questions_during_an_ingestion_see_one_version_of_each_document(settings: Settings, folder: Path) -> None:
    def write(version: int) -> None:
        for name in "abcdef":
            lines = [f"Version {version} of {name}, paragraph {part}: {sentences(3, part)}" for part in range(12)]
            (folder / f"{name}.txt").write_text("\n\n".join(lines))

    write(0)
    ingest(settings, folder)
    done = Event()

    def ask(store: Store) -> int:
        retriever = Retriever(store)
        asked = 0
        while not done.is_set():
            passages = retriever.retrieve("Which version has the treaty?", k=30)
            versions: dict[str, set[str]] = {}
            for passage in passages:
                found = passage.chunk.text.partition("Version ")[2][:1]
                if found:
                    versions.setdefault(passage.chunk.source, set()).add(found)
            assert all(len(one) == 1 for one in versions.values()), versions
            asked += 1
        return asked

    with Store(settings) as store, ThreadPoolExecutor(8) as readers:
        asked = [readers.submit(ask, store) for _ in range(8)]
        try:
            for version in range(1, 5):
                write(version)
                sync(store, [folder])
        finally:
            done.set()
        assert all(one.result() > 0 for one in asked)
        assert store.check().ok


def test_llama_index_documents_are_ingested_and_their_pages_put_together(settings: Settings) -> None:
    pages = [
        LlamaDocument(
            text=f"Page {number} tells of the {topic}.", metadata={"file_path": "r.pdf", "page_label": number}
        )
        for number, topic in ((1, "ferry"), (2, "zeppelin"))
    ]
    note = LlamaDocument(
        text="A note on the bridge.", id_="note", metadata={"title": "Bridges", "date": "2024-05-01T10"}
    )
    (report_document, note_document) = from_llama_index([*pages, note])
    assert (report_document.source, len(report_document.pages)) == ("r.pdf", 2)
    assert report_document.page_at(report_document.text.index("zeppelin")) == 2
    assert (note_document.title, note_document.date) == ("Bridges", "2024-05-01")
    with Store(settings, create=True) as store:
        assert sync_llama_index(store, [*pages, note], "mine").added == ["r.pdf", "note"]
        (found,) = Retriever(store).retrieve("Where is the zeppelin?", k=1)
        assert (found.chunk.source, "zeppelin" in found.chunk.text) == ("r.pdf", True)
    with Store(settings) as store:
        again = sync_llama_index(store, [note, LlamaDocument(text=" ", id_="blank")], "mine")
        assert (again.unchanged, again.removed, again.chunks_embedded) == (["note"], ["r.pdf"], 0)
        assert [failure.code for failure in again.failed] == ["E_NO_TEXT"]
        assert store.check().ok
        assert json.loads(json.dumps(again.as_json()))["removed"] == ["r.pdf"]
