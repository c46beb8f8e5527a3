"""The vector index: exact search, and the same code with Chroma as a server of its own."""

import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rag.assistant import Assistant
from rag.errors import StoreError
from rag.settings import Settings
from rag.store import Store
from tests.conftest import SAMPLE, ingest


@pytest.fixture
def chroma_url(tmp_path: Path) -> Iterator[str]:
    """A `chroma run` server on a free port."""
    command = shutil.which("chroma", path=str(Path(sys.executable).parent))
    assert command
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    arguments = [command, "run", "--path", str(tmp_path / "server"), "--host", "127.0.0.1", "--port", str(port)]
    with subprocess.Popen(arguments, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=tmp_path) as server:
        for _ in range(200):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.1)
        yield f"http://127.0.0.1:{port}"
        server.terminate()


def test_exact_search_finds_the_nearest_of_all_and_notices_every_write(settings: Settings) -> None:
    random = np.random.default_rng(3)
    vectors = random.normal(size=(2500, 384)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    ids = [f"{number:04}" for number in range(len(vectors))]
    with Store(settings.changed(exact_search=True), create=True) as store:
        assert store.nearest(vectors[0], 5) == []
        store.vectors.upsert(ids[:2000], vectors[:2000])
        for query in vectors[2000:2010]:
            wanted = sorted(ids[:2000], key=lambda id: -float(vectors[int(id)] @ query))[:50]
            assert [hit.chunk_id for hit in store.nearest(query, 50)] == wanted
        store.vectors.upsert(ids[2000:], vectors[2000:])
        assert store.nearest(vectors[2400], 1)[0].chunk_id == "2400"
        store.vectors.delete(["2400"])
        assert store.nearest(vectors[2400], 1)[0].chunk_id != "2400"
        store.vectors.clear()
        assert store.nearest(vectors[0], 5) == []


def test_a_question_during_a_write_leaves_no_stale_vectors_behind(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = np.eye(2, 384, dtype=np.float32)
    with Store(settings.changed(exact_search=True), create=True) as store:
        store.vectors.upsert(["first"], first[np.newaxis])
        collection = store.vectors._collection
        write = collection.upsert

        def asked_meanwhile(**records: Any) -> None:
            assert [hit.chunk_id for hit in store.nearest(second, 2)] == ["first"]
            write(**records)

        monkeypatch.setattr(collection, "upsert", asked_meanwhile)
        store.vectors.upsert(["second"], second[np.newaxis])
        assert store.nearest(second, 1)[0].chunk_id == "second"


def test_a_server_gives_the_same_answers_as_the_embedded_index(
    chroma_url: str, settings: Settings, folder: Path
) -> None:
    for name in ("arms-control-treaties.pdf", "nixon-1972-visit.md"):
        shutil.copy(SAMPLE / name, folder)
    served = settings.changed(chroma_url=chroma_url, store=settings.store.with_name("served"))
    answers = []
    for each in (settings, served):
        assert len(ingest(each, folder).added) == 2
        assert ingest(each, folder).chunks_embedded == 0
        with Store(each) as store:
            assert store.check().ok
            answers.append(Assistant(store).ask("How many missiles were eliminated under the INF Treaty?"))
    assert not (served.store / "chroma").exists()
    embedded, remote = answers
    assert remote.citations == embedded.citations != ()
    assert [passage.chunk.id for passage in remote.passages] == [passage.chunk.id for passage in embedded.passages]


def test_a_server_that_does_not_answer_is_named(settings: Settings) -> None:
    with pytest.raises(StoreError, match=r"no Chroma server answers at http://127\.0\.0\.1:9.*unset RAG_CHROMA_URL"):
        Store(settings.changed(chroma_url="http://127.0.0.1:9"), create=True)
