"""Another embedder: built beside the present index, swapped at one instant, resumable, and back again."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from ingest.reembed import reembed
from ingest.report import Report
from rag.catalog import Catalog
from rag.errors import StoreMismatch
from rag.models import embedder_folder
from rag.retrieve import Retriever
from rag.settings import Settings
from rag.store import Store
from tests.conftest import ingest

_TOPICS = ("trade", "treaty", "river", "bridge", "border", "pipeline", "visit", "army")


@pytest.fixture
def filled(settings: Settings, folder: Path) -> Settings:
    for topic in _TOPICS:
        (folder / f"{topic}.txt").write_text(f"The {topic} was discussed.\n\nNobody spoke of the {topic} again.")
    ingest(settings, folder)
    return settings


@pytest.fixture
def other(filled: Settings, tmp_path: Path) -> Settings:
    """The same weights under another name: to the store, another embedder."""
    shutil.copytree(embedder_folder(filled.embedder), tmp_path / "other model")
    return filled.changed(embedder=str(tmp_path / "other model"))


def _sources(store: Store, question: str) -> list[str]:
    return [passage.chunk.source for passage in Retriever(store).retrieve(question, k=1)]


def test_the_new_index_is_what_a_clean_ingestion_gives(
    filled: Settings, other: Settings, folder: Path, tmp_path: Path
) -> None:
    with Store(filled) as store:
        report = reembed(store, other)
        assert (len(report.updated), report.chunks_embedded) == (len(_TOPICS), len(_TOPICS))
    clean = other.changed(store=tmp_path / "clean")
    ingest(clean, folder)
    with Store(other) as swapped, Store(clean) as expected:
        assert swapped.check().ok
        assert [swapped.document(one.id) for one in swapped.documents()] == [
            expected.document(one.id) for one in expected.documents()
        ]
        assert swapped.chunk_ids() == expected.chunk_ids()
        assert swapped.files().keys() == expected.files().keys()
        assert _sources(swapped, "Who discussed the bridge?") == ["bridge.txt"]
    assert len(ingest(other, folder).unchanged) == len(_TOPICS)


def test_it_answers_meanwhile_from_the_old_index(
    filled: Settings, other: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ingest.reembed._CHARACTERS", 0)  # every document a batch of its own
    asked: list[str] = []
    with Store(filled) as store:

        def ask(report: Report) -> None:
            asked.extend(_sources(store, "Who discussed the river?"))

        reembed(store, other, ask)
        assert len(asked) > len(_TOPICS)
        assert set(asked) == {"river.txt"}
        assert _sources(store, "Who discussed the river?") == ["river.txt"], "an open store goes on answering"
        with pytest.raises(StoreMismatch, match="Open it again"), store.writing():
            pass
    with pytest.raises(StoreMismatch, match="was built with embedder"), Store(filled) as store:
        store.check_identity()


class _Stopped(BaseException):
    """Stands for the end of the process."""


def test_stopped_halfway_it_changes_nothing_and_goes_on_where_it_was(
    filled: Settings, other: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ingest.reembed._CHARACTERS", 0)

    def stop(report: Report) -> None:
        if report.documents == 3:
            raise _Stopped

    with Store(filled) as store:
        with pytest.raises(_Stopped):
            reembed(store, other, stop)
        assert _sources(store, "Who discussed the treaty?") == ["treaty.txt"]
        assert store.check().begun == other.embedder
    with Store(filled) as store:
        report = reembed(store, other)
        assert (len(report.unchanged), len(report.updated)) == (3, len(_TOPICS) - 3)
    with Store(other) as store:
        assert store.check().ok


def test_killed_in_the_swap_the_collection_is_wholly_old_or_wholly_new(
    filled: Settings, other: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(*_: Any) -> None:
        raise _Stopped

    with Store(filled) as store:
        monkeypatch.setattr(Catalog, "rename_collections", die)
        with pytest.raises(_Stopped):
            reembed(store, other)
        monkeypatch.undo()
    with Store(filled) as store:
        store.check_identity()
        assert store.check().ok
        assert reembed(store, other).chunks_embedded == 0


def test_it_swaps_back_without_embedding_until_the_next_ingestion(
    filled: Settings, other: Settings, folder: Path
) -> None:
    with Store(filled) as store:
        reembed(store, other)
    with Store(other) as store:
        back = reembed(store, filled)
        assert (back.chunks_embedded, len(back.unchanged)) == (0, len(_TOPICS))
    with Store(filled) as store:
        store.check_identity()
        assert _sources(store, "Who discussed the army?") == ["army.txt"]
    ingest(filled, folder)
    with Store(filled) as store:
        assert [one.name for one in store.catalog.collections()] == [filled.collection]
        assert store.catalog.embedding_count() == len(_TOPICS)


def test_a_store_of_an_older_chunker_is_brought_up_by_the_same_command(filled: Settings) -> None:
    with Store(filled) as store:
        identity = dict(store._collection.identity)
        del identity["chunker"]
        store.catalog._db.execute("UPDATE collections SET identity = json(?)", [json.dumps(identity)])
    with Store(filled) as store:
        with pytest.raises(
            StoreMismatch, match=r"built with chunker 1, the settings say 2\. .*--reembed --store [^,]*\.$"
        ):
            store.check_identity()
        reembed(store, filled)
    with Store(filled) as store:
        store.check_identity()
