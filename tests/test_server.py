"""Four processes that write to one Chroma server, which is killed again and again: nothing is lost or twice."""

from __future__ import annotations

import os
import random
import shutil
import socket
import subprocess
import sys
from itertools import count
from multiprocessing.synchronize import Event
from pathlib import Path
from time import sleep

import numpy as np
import pytest

from rag.catalog import Embedding, Entry, FileRecord
from rag.errors import StoreUnavailable
from rag.models import Vectors
from rag.settings import Settings
from rag.store import Store
from rag.types import Chunk, Document, Span
from rag.words import WordIndex
from tests.crash import CONTEXT

_PROCESSES = 4
_CHUNKS = 1000
_BATCH = 20
_KILLS = int(os.environ.get("FOOTNOTE_SERVER_KILLS", "4"))
_TRIES = 200


class Server:
    """A `chroma run` that can be killed and started again on the same port and folder."""

    def __init__(self, folder: Path) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            self._port = free.getsockname()[1]
        self._folder = folder
        self.url = f"http://127.0.0.1:{self._port}"
        self.start()

    def start(self) -> None:
        command = shutil.which("chroma", path=str(Path(sys.executable).parent))
        assert command
        arguments = ["run", "--path", str(self._folder), "--host", "127.0.0.1", "--port", str(self._port)]
        nothing = subprocess.DEVNULL
        self._process = subprocess.Popen([command, *arguments], cwd=self._folder.parent, stdout=nothing, stderr=nothing)
        for _ in range(_TRIES):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self._port)) == 0:
                    return
            sleep(0.05)
        raise AssertionError("the Chroma server did not start")

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()


def _vectors(process: int) -> Vectors:
    found: Vectors = np.random.default_rng(process).standard_normal((_CHUNKS, 384)).astype(np.float32)
    found /= np.linalg.norm(found, axis=1, keepdims=True)
    return found


def _entries(process: int) -> list[Entry]:
    """Documents of twenty chunks, which are words with a vector each."""
    entries = []
    vectors = _vectors(process)
    for start in range(0, _CHUNKS, _BATCH):
        words = [f"p{process}w{number:04}" for number in range(start, start + _BATCH)]
        name = f"document {process} {start}"
        spans = [Span(place * 7, place * 7 + 6) for place in range(_BATCH)]
        chunks = tuple(Chunk(f"{word}-id", name, name, span, word) for word, span in zip(words, spans, strict=True))
        embeddings = tuple(
            Embedding(vectors[start + place], WordIndex.of([word], vectors[start + place][np.newaxis]))
            for place, word in enumerate(words)
        )
        document = Document(name, name, name, " ".join(words))
        entries.append(Entry(document, name, chunks, tuple(word.encode() for word in words), embeddings))
    return entries


def write(store: Path, url: str, process: int) -> None:
    """Put in what is not there yet, and go on after every failure of the server."""
    settings = Settings(store=store, chroma_url=url)
    for _ in range(_TRIES):
        try:
            with Store(settings, create=True) as opened, opened.writing() as writer:
                for entry in _entries(process):
                    if not writer.holds(entry.document):
                        writer.put_documents([entry])
                        writer.put_files([(FileRecord(entry.file, entry.file, "hash", "now"), [entry.document.id])])
            return
        except StoreUnavailable:
            sleep(0.2)
    raise AssertionError("the server was gone for too long")


def write_again_and_again(folder: Path, url: str, process: int, enough: Event) -> None:
    """Store after store, so that there is a load for as long as the server is killed."""
    for number in count():
        write(folder / f"store {number}-{process}", url, process)
        if enough.is_set():
            return


def test_four_processes_lose_nothing_to_a_server_that_is_killed(tmp_path: Path) -> None:
    server = Server(tmp_path / "server")
    chance = random.Random(1)
    enough = CONTEXT.Event()
    children = [
        CONTEXT.Process(target=write_again_and_again, args=(tmp_path, server.url, process, enough))
        for process in range(_PROCESSES)
    ]
    try:
        for child in children:
            child.start()
        for _ in range(_KILLS):
            sleep(chance.uniform(0.5, 1.5))
            server.kill()
            sleep(chance.uniform(0, 0.5))
            server.start()
        enough.set()
        for child in children:
            child.join(300)
            assert child.exitcode == 0
        stores = sorted(tmp_path.glob("store *"))
        assert len(stores) >= _PROCESSES
        for path in stores:
            process = int(path.name[-1])
            with Store(Settings(store=path, chroma_url=server.url)) as store:
                health = store.check()
                assert (health.chunks, health.missing, health.orphaned, health.wrong) == (_CHUNKS, 0, 0, 0)
                for number, vector in enumerate(_vectors(process)[::50]):
                    assert store.nearest(vector, 1)[0].chunk_id == f"p{process}w{number * 50:04}-id"
        print(f"{_KILLS} kills, {len(stores)} stores of {_CHUNKS} chunks, none lost")  # noqa: T201
    finally:
        for child in children:
            child.kill()
        server.kill()


def test_a_server_that_is_gone_is_named_soon(tmp_path: Path) -> None:
    server = Server(tmp_path / "server")
    settings = Settings(store=tmp_path / "store", chroma_url=server.url)
    try:
        with Store(settings, create=True) as store, store.writing() as writer:
            server.kill()
            with pytest.raises(StoreUnavailable, match=rf"no Chroma server answers at {server.url} .* goes on when"):
                writer.put_documents(_entries(0)[:1])
            server.start()
            writer.put_documents(_entries(0)[:1])
            assert store.check().ok
    finally:
        server.kill()


def test_a_reader_stays_while_another_process_writes_to_a_server(tmp_path: Path) -> None:
    server = Server(tmp_path / "server")
    path = tmp_path / "store"
    try:
        write(path, server.url, 0)
        with Store(Settings(store=path, chroma_url=server.url)) as reader:
            child = CONTEXT.Process(target=write, args=(path, server.url, 1))
            child.start()
            while child.is_alive():
                assert reader.nearest(_vectors(0)[3], 1)[0].chunk_id == "p0w0003-id"
            assert child.exitcode == 0
            assert reader.nearest(_vectors(1)[3], 1)[0].chunk_id == "p1w0003-id"
            assert reader.statistics().chunks == 2 * _CHUNKS
    finally:
        server.kill()
