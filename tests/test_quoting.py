"""What is quoted beside the best sentence, and what is said of it: parts, lists, each document, disagreement, scans."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from rag.assistant import Assistant
from rag.lists import asks_for_a_list
from rag.mentions import asked_for
from rag.parts import asks_every_document, parts
from rag.sentences import is_item
from rag.settings import Settings
from rag.store import Store
from tests.conftest import ingest

DOCUMENTS = {
    "harbour-report.md": "# Harbour report\n\nThe harbour of Lindau handled 240 billion crowns of trade in 2023. "
    "It was built by Karl Anders.\n\nThe harbour has these docks:\n\n- North dock for grain\n- South dock for timber\n"
    "- East dock for passengers\n\nThe docks close in winter.",
    "harbour-review.md": "# Harbour review\n\nTrade handled by the harbour of Lindau came to 190 billion crowns in "
    "2023.\n\nThe plan for a new bridge is a costly mistake, this review thinks.",
    "bridge.md": "# Bridge\n\nThe plan for a new bridge is a blessing for the town, says this article. "
    "The Falk treaty was signed by Anna Berg in Oslo in 1931. It ended a long quarrel about herring.",
}


@pytest.fixture(scope="module", params=[True, False], ids=["with the reader", "without"])
def assistant(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Iterator[Assistant]:
    folder: Path = tmp_path_factory.mktemp("harbour")
    for name, text in DOCUMENTS.items():
        (folder / name).write_text(text, "utf-8")
    settings = Settings(store=tmp_path_factory.mktemp("store") / "store", strictness=0.2, reader=request.param)
    ingest(settings, folder)
    with Store(settings) as store:
        yield Assistant(store)


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("Who signed the treaty?", ("Who signed the treaty?",)),
        ("Who signed the treaty and when?", ("Who signed the treaty", "when signed the treaty?")),
        ("Who wrote it, and in which year?", ("Who wrote it", "in which year wrote it?")),
        ("What is trade and commerce?", ("What is trade and commerce?",)),
        (
            "What did Anna Berg sign and where was she born?",
            ("What did Anna Berg sign", "where was she born? (Anna Berg sign)"),
        ),
        ("and when?", ("and when?",)),
    ],
)
def test_a_question_is_taken_apart_where_it_asks_twice(question: str, expected: tuple[str, ...]) -> None:
    assert parts(question) == expected


def test_both_parts_are_answered_and_what_is_missing_is_named(assistant: Assistant) -> None:
    answer = assistant.ask("Who built the harbour of Lindau, and where was the Falk treaty signed?")
    assert "Karl Anders" in answer.text
    assert "Oslo" in answer.text
    assert {citation.source for citation in answer.citations} >= {"harbour-report.md", "bridge.md"}
    same = assistant.ask("Who built the harbour of Lindau, and who built the harbour of Lindau?")
    assert len({(citation.source, citation.span) for citation in same.citations}) == len(same.citations)
    half = assistant.ask("Who built the harbour of Lindau, and how many penguins live in Antarctica?")
    assert "Karl Anders" in half.text
    assert any("penguins" in note for note in half.notes)


def test_a_part_keeps_to_the_filters_of_the_whole(assistant: Assistant) -> None:
    answer = assistant.ask("How much trade did Lindau handle in 2023, and who built it? source:harbour-review.md")
    assert {passage.chunk.source for passage in answer.passages} == {"harbour-review.md"}


def test_documents_that_disagree_are_both_quoted_and_named(assistant: Assistant) -> None:
    answer = assistant.ask("How much trade did the harbour of Lindau handle in 2023?")
    assert "240 billion" in answer.text
    assert "190 billion" in answer.text
    (note,) = [note for note in answer.notes if "different answers" in note]
    assert "harbour-report.md says “240 billion" in note
    assert "harbour-review.md says “190 billion" in note


def test_documents_that_agree_are_not_said_to_disagree(sample_assistant: Assistant) -> None:
    for question in ("How many missiles were eliminated under the INF Treaty?", "When did Nixon visit China?"):
        assert not [note for note in sample_assistant.ask(question).notes if "different answers" in note]


def test_each_document_is_quoted_where_each_is_asked_for(assistant: Assistant) -> None:
    answer = assistant.ask("Do both articles think that the plan for a new bridge is good?")
    assert "costly mistake" in answer.text
    assert "blessing" in answer.text
    assert asks_every_document("Do all the authors agree?")
    assert not asks_every_document("Did both presidents sign?")


def test_a_list_is_quoted_whole_item_by_item(assistant: Assistant) -> None:
    answer = assistant.ask("Which docks does the harbour have?")
    for dock in ("these docks:", "- North dock for grain", "- South dock for timber", "- East dock for passengers"):
        assert f"{dock} [" in answer.text
    assert "\n- South dock" in answer.text
    assert len(answer.citations) == 4


def test_a_list_says_when_only_some_passages_were_looked_at(assistant: Assistant) -> None:
    with Store(assistant.store.settings.changed(k=1)) as store:
        some = Assistant(store).ask("Which docks does the harbour have?")
    assert some.notes == (
        f"This may not be all: 1 of the collection's {assistant.store.statistics().chunks} passages was looked at.",
    )
    assert assistant.ask("Which docks does the harbour have?").notes == ()
    assert asks_for_a_list("What are the terms of the pact?")
    assert not asks_for_a_list("When was the pact signed?")
    assert is_item("a) first")
    assert not is_item("A treaty.")


def test_a_sentence_that_leans_brings_the_one_before_it(assistant: Assistant) -> None:
    answer = assistant.ask("What did the Falk treaty end a long quarrel about?")
    assert answer.text.index("The Falk treaty was signed") < answer.text.index("It ended a long quarrel about herring")
    assert answer.short_answer
    assert answer.short_answer in "It ended a long quarrel about herring."


@pytest.mark.parametrize(
    ("question", "words"),
    [
        ("Which documents mention the Falk treaty?", "the Falk treaty"),
        ("How many of my files contain the word harbour?", "harbour"),
        ("In how many articles is “Lindau” mentioned?", "Lindau"),
        ("How often is Karl Anders mentioned?", "Karl Anders"),
        ("Which documents were signed?", None),
        ("How many missiles were eliminated?", None),
    ],
)
def test_a_question_about_the_whole_collection_is_recognised(question: str, words: str | None) -> None:
    assert asked_for(question) == words


def test_the_whole_collection_is_read_for_words(assistant: Assistant) -> None:
    answer = assistant.ask("Which documents mention LINDAU?")
    assert {citation.source for citation in answer.citations} == {"harbour-report.md", "harbour-review.md"}
    assert answer.notes == ("All of the collection was read, 3 documents: “LINDAU” stands in 2 of them, 2 times.",)
    assert answer.confidence == 1
    none = assistant.ask("Which documents mention Timbuktu?")
    assert none.refused
    assert none.notes == ("All of the collection was read, 3 documents: “Timbuktu” stands in none.",)


def test_one_item_brings_the_line_that_introduces_it_but_not_the_others(assistant: Assistant) -> None:
    answer = assistant.ask("What is the dock for timber called?")
    assert "these docks: [" in answer.text
    assert "- South dock for timber [" in answer.text
    assert "passengers" not in answer.text


def test_what_one_item_says_is_not_said_of_the_next(assistant: Assistant) -> None:
    ranked = assistant.find("What is the dock for timber called?").parts[0].extraction.ranked
    context = {each.candidate.text: each.candidate.features.context_coverage for each in ranked}
    assert context["- East dock for passengers"] < context["- South dock for timber"]
    assert context["- East dock for passengers"] == context["- North dock for grain"]


def test_a_name_in_the_possessive_is_the_same_name(assistant: Assistant) -> None:
    ranked = assistant.find("Where was Berg's treaty signed?").parts[0].extraction.ranked
    names = {each.candidate.text: each.candidate.features.names for each in ranked}
    assert names["The Falk treaty was signed by Anna Berg in Oslo in 1931."] == 1
