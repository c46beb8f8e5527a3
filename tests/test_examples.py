from pathlib import Path

import pytest

from ingest.sync import sync
from rag.assistant import Assistant
from rag.examples import example_questions, question_from
from rag.settings import Settings
from rag.store import Store
from tests.scripted_model import saying, serving


@pytest.mark.parametrize(
    ("sentence", "question", "answer"),
    [
        ("The Treaty of Nerchinsk was signed in 1689.", "When was the Treaty of Nerchinsk signed?", "1689"),
        ("Resolution 2758 was adopted in October 1971 by the Assembly.", "When was Resolution 2758 adopted?", "1971"),
        ("The Bell Rock has 340 steps.", "How many steps does the Bell Rock have?", "340"),
        ("The Bell Rock had about 1,200 visitors a year.", "How many visitors did the Bell Rock have?", "1,200"),
        ("The Eddystone light was designed by John Smeaton.", "Who designed the Eddystone light?", "John Smeaton"),
        (
            "Zhou Enlai was the first foreign minister.",
            "Who was Zhou Enlai?",
            "first foreign minister",
        ),
        ("The Moon Treaty is an agreement among states.", "What is the Moon Treaty?", "agreement"),
    ],
)
def test_a_sentence_that_tells_gives_its_question(sentence: str, question: str, answer: str) -> None:
    assert question_from(sentence) == (question, answer)


@pytest.mark.parametrize(
    "sentence",
    [
        "It was signed in 1689.",
        "The first was signed in 1689.",
        "A charter was signed in 1689.",
        "In 1689 the treaty was signed.",
        "They had 40 ships.",
        "This was an agreement.",
        "Nothing of the kind happened.",
        "",
    ],
)
def test_what_is_clear_in_its_place_only_gives_none(sentence: str) -> None:
    assert question_from(sentence) is None


def test_every_example_is_answered_by_the_document_it_comes_from(settings: Settings, folder: Path) -> None:
    (folder / "treaties.txt").write_text("The Treaty of Nerchinsk was signed in 1689. It settled the border.")
    (folder / "lights.txt").write_text("The Eddystone light was designed by John Smeaton. It is of granite.")
    (folder / "plain.txt").write_text("Gulls nest on the cliffs, and seals rest below them.")
    with Store(settings, create=True) as store:
        assert example_questions(Assistant(store)) == ()
        sync(store, [folder])
        assistant = Assistant(store)
        found = example_questions(assistant)
        assert set(found) == {"When was the Treaty of Nerchinsk signed?", "Who designed the Eddystone light?"}
        assert not any(assistant.ask(question).refused for question in found)
        assert len(example_questions(assistant, count=1)) == 1


def test_no_language_model_is_asked_for_examples(sample_store: Store) -> None:
    with serving(saying("Yes [1].")) as model:
        settings = sample_store.settings.changed(llm="openai", llm_url=f"{model.url}/v1", llm_model="m")
        with Store(settings) as store:
            assert example_questions(Assistant(store))
        assert model.requests == []
