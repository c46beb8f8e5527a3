import os
from pathlib import Path

import pytest

from rag.errors import QuestionError
from rag.query import Filters, parse_query
from rag.retrieve import Retriever
from rag.settings import Settings
from rag.store import Store
from tests.conftest import ingest


@pytest.mark.parametrize(
    ("question", "text", "filters"),
    [
        ("Who won? source:report.pdf", "Who won?", Filters(sources=("report.pdf",))),
        ('source:"annual report*" Who won?', "Who won?", Filters(sources=("annual report*",))),
        ("folder:2023/q1/ after:2023-02 before:2024 sales", "sales", Filters((), ("2023/q1",), "2023-02", "2024")),
        ('What is "peace with honor"?', "What is peace with honor?", Filters(phrases=("peace with honor",))),
        ("What is “détente”?", "What is détente?", Filters(phrases=("détente",))),
        ("Is the ratio a:b or resource:x?", "Is the ratio a:b or resource:x?", Filters()),
        ('An empty "" pair', 'An empty "" pair', Filters()),
    ],
)
def test_a_question_is_taken_apart(question: str, text: str, filters: Filters) -> None:
    query = parse_query(question)
    assert (query.text, query.filters) == (text, filters)


@pytest.mark.parametrize(
    ("question", "code"),
    [("What does E_BUSY_4 mean?", "e_busy_4"), ("Is SALT-2 signed?", "salt-2"), ("Use v2.3.1?", "v2.3.1")],
)
def test_a_code_is_looked_up_as_it_stands(question: str, code: str) -> None:
    assert code in parse_query(question).terms


@pytest.mark.parametrize("question", ["source:a.txt", "after:2020 before:2021"])
def test_filters_alone_are_no_question(question: str) -> None:
    with pytest.raises(QuestionError, match="filters only"):
        parse_query(question)


def test_a_date_that_is_none_is_named() -> None:
    with pytest.raises(QuestionError, match="'tomorrow' is no date"):
        parse_query("sales after:tomorrow")


@pytest.fixture
def birds(settings: Settings, folder: Path) -> Store:
    """Two years of notes on birds, in two folders, and one code among them."""
    for year, bird in (("2021", "heron"), ("2022", "heron"), ("2022", "stork")):
        path = folder / year / f"{bird}.txt"
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"In {year} the {bird} nested by the northern lake and raised its young there.")
        os.utime(path, (0, int(year) * 31_556_952 - 1970 * 31_556_952 + 9_000_000))
    (folder / "apart.txt").write_text("On page 12 of the AB list it says that ring AB 99 was found, ring 12 not.")
    (folder / "code.txt").write_text("Ring AB-12 was lost in the reeds by the northern lake one winter evening.")
    ingest(settings, folder)
    return Store(settings)


@pytest.mark.parametrize("exact", [False, True])
@pytest.mark.parametrize(
    ("question", "sources"),
    [
        ("nests by the lake folder:2021", {"2021/heron.txt"}),
        ("nests by the lake folder:2021 folder:2022", {"2021/heron.txt", "2022/heron.txt", "2022/stork.txt"}),
        ("nests by the lake source:HERON", {"2021/heron.txt", "2022/heron.txt"}),
        ("nests by the lake source:2022/*", {"2022/heron.txt", "2022/stork.txt"}),
        ("nests by the lake source:heron folder:2022", {"2022/heron.txt"}),
        ("nests by the lake after:2022 source:*.txt folder:2021 folder:2022", {"2022/heron.txt", "2022/stork.txt"}),
        ("nests by the lake before:2022", {"2021/heron.txt"}),
        ('"stork nested" by the lake', {"2022/stork.txt"}),
        ("nests by the lake source:[a]", set()),
        ('"words that stand nowhere" heron folder:2021', {"2021/heron.txt"}),
    ],
)
def test_filters_hold_in_both_indexes(birds: Store, question: str, sources: set[str], exact: bool) -> None:
    with birds, Store(birds.settings.changed(exact_search=exact)) as store:
        retriever = Retriever(store)
        assert {passage.chunk.source for passage in retriever.retrieve(question)} == sources
        for hits in retriever.lists(retriever.read(question), 10):
            found = store.chunks([hit.chunk_id for hit in hits])
            assert {chunk.source for chunk in found.values()} <= sources


def test_a_code_outranks_its_scattered_parts(birds: Store) -> None:
    with birds:
        assert Retriever(birds).retrieve("AB-12")[0].chunk.source == "code.txt"
