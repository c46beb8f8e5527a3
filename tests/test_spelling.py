from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.assistant import Assistant
from rag.retrieve import Retriever
from rag.settings import Settings
from rag.spelling import nearest_stem, replace_words, strange_words
from rag.store import Store
from rag.terms import stem
from tests.conftest import ingest

VOCABULARY = {"kissing": 3, "kiss": 9, "gorbachev": 4, "goulart": 1, "treati": 7, "zhenbao": 2}


@pytest.mark.parametrize(
    ("word", "meant"),
    [
        ("kisinger", "kissing"),
        ("kissigner", "kissing"),
        ("gorbatchov", "gorbachev"),
        ("zenbao", "zhenbao"),
        ("zhebnao", "zhenbao"),
        ("goulash", None),
        ("brezhnev", None),
    ],
)
def test_the_nearest_word_is_meant_if_it_is_near_enough(word: str, meant: str | None) -> None:
    assert nearest_stem(word, VOCABULARY) == meant


def test_of_two_equally_near_words_the_more_frequent_is_meant() -> None:
    assert nearest_stem("mallet", {"ballet": 2, "wallet": 5}) == "wallet"


def test_only_long_unknown_words_without_digits_are_strange() -> None:
    text = "Did Kisinger meet Mao in Mongolia about SALT2, the swapping and treaties?"
    assert strange_words(text, {stem("treaties")}, {"mongolia", "about"}.__contains__) == ["kisinger"]


@given(st.text(), st.dictionaries(st.text(), st.text()))
def test_nothing_but_the_words_named_is_replaced(text: str, spellings: dict[str, str]) -> None:
    replaced = replace_words(text, spellings)
    assert replaced == text or any(word in text.lower() for word in spellings)


@pytest.fixture
def store(settings: Settings, folder: Path) -> Iterator[Store]:
    (folder / "visit.txt").write_text("Henry Kissinger flew to Beijing in July 1971, in secret.")
    (folder / "relief.txt").write_text("The Détente between the powers ended when the valley was invaded.")
    (folder / "baker.txt").write_text("The baker sells rye bread and rolls at the market every morning.")
    (folder / "tonnage.txt").write_text(
        "In 27 of 50 ports 27,000 crates came in, 3.5 tons each, says the OS of the Weißensee under stored_case."
    )
    (folder / "tolls.txt").write_text("The toll was 1,000 crowns for 50 crates.")
    ingest(settings, folder)
    with Store(settings) as opened:
        yield opened


@pytest.mark.parametrize("typed", ["Kisinger", "kissigner", "KISSINGR"])
def test_a_misspelt_name_finds_its_documents(store: Store, typed: str) -> None:
    answer = Assistant(store).ask(f"When did {typed} fly to Beijing?")
    assert answer.standalone_question == "When did Kissinger fly to Beijing?"
    assert answer.passages[0].ranks["keyword"] == 1
    assert "July 1971" in answer.text


def test_names_are_searched_as_typed_if_one_wants_that(store: Store) -> None:
    with Store(store.settings.model_copy(update={"spelling": False})) as as_typed:
        question = "When did Kisinger fly to Beijing?"
        assert Retriever(as_typed).read(question).query.text == question


@pytest.mark.parametrize("question", ["When was Brezhnev born?", "Who rules Mongolia?", "Did the bakers sell it?"])
def test_what_is_no_slip_is_searched_as_typed(store: Store, question: str) -> None:
    assert Retriever(store).read(question).query.text == question


def test_accents_do_not_make_a_word_unknown(store: Store) -> None:
    for question in ("When did the détente end?", "When did the detente end?"):
        read = Retriever(store).read(question)
        assert read.query.text == question
        assert store.document_frequencies(read.query.terms).get("detent") == 1
        assert Retriever(store).search(read).passages[0].chunk.source == "relief.txt"


def test_a_word_occurs_where_the_index_holds_its_parts_side_by_side(store: Store) -> None:
    there = ["27,000", "3.5", "1,000", "os", "weißensee", "stored_case", "crates", "27"]
    assert store.document_frequencies([*there, "50,000", "27,500", "case_stored", "___"]) == {
        stem(word): 2 if word == "crates" else 1 for word in there
    }


def test_a_refusal_names_only_what_stands_nowhere(store: Store) -> None:
    with Store(store.settings.changed(strictness=1.0)) as strict:
        answer = Assistant(strict).ask("Did the OS of Weißensee say 27,000 or 50,000 crates, 3.5 tons or stored_case?")
    assert answer.text.strip().endswith("They nowhere mention: 50,000.")
