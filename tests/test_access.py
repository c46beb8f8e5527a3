from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from types import SimpleNamespace
from typing import Any

import pytest

from ingest.sync import sync
from rag.assistant import Assistant
from rag.errors import StoreBusy, StoreError
from rag.library import Library
from rag.page.access import Access
from rag.settings import Settings
from rag.store import Store
from tests.conftest import SAMPLE


def asked_by(user: str | None) -> Any:
    return SimpleNamespace(username=user)


NOBODY, ALICE, BOB = asked_by(None), asked_by("alice"), asked_by("bob")


def test_collections_answer_each_from_its_own_documents(settings: Settings) -> None:
    with Store(settings, create=True) as store:
        library = Library(store)
        papers = library.create("papers")
        sync(papers, [SAMPLE / "korean-war-armistice.txt"])
        assert library.names() == ("default", "papers")
        assert not library.assistant("papers").ask("When was the armistice in Korea signed?").refused
        assert library.assistant("default").ask("When was the armistice in Korea signed?").refused
        with pytest.raises(StoreError, match="'papers' already"):
            library.create("papers")
        with pytest.raises(StoreError, match="no collection 'letters'; it has: default, papers"):
            library.store("letters")
        library.close()
    with Store(settings.changed(collection="papers")) as reopened:
        assert len(reopened.documents()) == 1


def test_a_dropped_collection_leaves_nothing(settings: Settings) -> None:
    with Store(settings, create=True) as store:
        library = Library(store)
        sync(library.create("papers"), [SAMPLE / "korean-war-armistice.txt"])
        library.drop("papers")
        assert library.names() == ("default",)
        assert store.catalog.embedding_count() == 0
        assert store.check().ok
        assert library.create("papers").documents() == ()
        library.close()


def test_one_collection_is_written_at_a_time(settings: Settings) -> None:
    with (
        Store(settings, create=True) as store,
        store.beside("papers", create=True) as papers,
        store.writing(),
        pytest.raises(StoreBusy),
        papers.writing(),
    ):
        pass


@pytest.fixture
def access(settings: Settings) -> Any:
    with Store(settings, create=True) as store:
        library = Library(store)
        for name in ("papers", "@alice", "@alice/letters", "@alicent", "@bob"):
            library.create(name)
        yield Access(library)
        library.close()


def test_who_logs_in_sees_what_is_everybodys_and_ones_own(access: Access) -> None:
    assert set(access.names(ALICE)) == {"default", "papers", "@alice", "@alice/letters"}
    assert set(access.names(BOB)) == {"default", "papers", "@bob"}
    assert set(access.names(asked_by("carol"))) == {"default", "papers", "@carol"}
    assert len(access.names(NOBODY)) == 6
    assert access.shared().names() == ("default", "papers")


def test_ones_own_collection_is_made_once_when_several_tabs_ask_for_it(access: Access) -> None:
    tabs = 6
    ready = Barrier(tabs)

    def ask() -> Assistant:
        ready.wait(10)
        return access.assistant("@carol", asked_by("carol"))

    with ThreadPoolExecutor(tabs) as pool:
        found = [future.result() for future in [pool.submit(ask) for _ in range(tabs)]]
    assert len(set(map(id, found))) == 1


@pytest.mark.parametrize("name", ["@alice", "@alice/letters", "@alicent", "nothing", "", "\x1fnext\x1fdefault"])
def test_what_a_browser_names_without_having_been_offered_it_is_refused(access: Access, name: str) -> None:
    for ask in (access.assistant, access.store, access.to_change):
        with pytest.raises(StoreError, match="there is no collection"):
            ask(name, BOB)


def test_what_is_everybodys_is_changed_by_nobody_who_logs_in(access: Access) -> None:
    with pytest.raises(StoreError, match=r"'papers' is everybody's and cannot be changed here. Choose '@bob'."):
        access.to_change("papers", BOB)
    assert access.to_change("@bob", BOB).collection == "@bob"
    assert access.to_change("papers", NOBODY).collection == "papers"
    assert access.to_change("@carol", asked_by("carol")).documents() == ()


def test_new_collections_are_ones_own(access: Access) -> None:
    assert access.create("drafts", BOB) == "@bob/drafts"
    assert access.create(" plans ", NOBODY) == "plans"
    for name in ("", "  ", "@alice", "@bob/x"):
        with pytest.raises(StoreError, match="cannot be a collection's name"):
            access.create(name, NOBODY)


def test_dropping_tells_first_and_spares_the_one_that_was_started_with(access: Access) -> None:
    told: list[str] = []
    access.drop("papers", NOBODY, lambda store: told.append(store.collection))
    assert told == ["papers"]
    with pytest.raises(StoreError, match="Footnote was started with 'default'"):
        access.drop("default", NOBODY, lambda store: told.append(store.collection))
    with pytest.raises(StoreError):
        access.drop("@alice", BOB, lambda store: told.append(store.collection))
    assert told == ["papers"]
