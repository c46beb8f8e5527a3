import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rag.models import Embedder, load_embedder
from rag.settings import Settings
from rag.short_answer import short_answer
from rag.stretches import FEATURES, KINDS, question_kind, stretches
from rag.terms import STOP_WORDS

EMBEDDER = load_embedder(Settings())


@pytest.mark.parametrize(
    ("question", "kind"),
    [
        ("When was it signed?", "DATE"),
        ("How many left?", "NUMBER"),
        ("Who signed it?", "PERSON"),
        ("Where was it signed?", "PLACE"),
        ("Why did they leave?", "WHY"),
        ("What did the treaty forbid?", "WHAT"),
        ("How did it end?", "HOW"),
        ("Name the treaty.", "OTHER"),
    ],
)
def test_a_question_asks_for_one_kind_of_answer(question: str, kind: str) -> None:
    assert question_kind(question) == kind
    assert kind in KINDS


@pytest.mark.parametrize(
    ("question", "sentence", "answer"),
    [
        ("When was the treaty signed?", "The treaty was signed in Vienna on 27 July 1953 by both sides.", "1953"),
        ("How many missiles were destroyed?", "In all, 2,692 missiles were destroyed by June 1991.", "2,692"),
        ("Who discovered the comet?", "The comet was discovered by Edmond Halley in 1682.", "Edmond Halley"),
        ("What is the capital of Norway?", "Oslo is the capital of Norway.", "Oslo"),
    ],
)
def test_the_words_that_answer_are_chosen(question: str, sentence: str, answer: str) -> None:
    asked, said = EMBEDDER.encode_words([question, sentence])
    found = short_answer(question, asked, sentence, said)
    assert found is not None
    assert answer in found.span.of(sentence)
    assert found.span.end - found.span.start < len(sentence)
    assert 0 < found.expected_overlap <= 1


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=80), st.text(max_size=120))
def test_every_stretch_lies_in_the_sentence_and_begins_and_ends_with_a_word(question: str, sentence: str) -> None:
    asked, said = EMBEDDER.encode_words([question, sentence])
    found = stretches(question, asked, sentence, said)
    assert found.features.shape == (len(found.spans), len(FEATURES))
    for span in found.spans:
        words = re.findall(r"\w+", span.of(sentence).lower())
        assert words
        assert words[0] not in STOP_WORDS or len(words) > 1


def test_a_sentence_without_words_has_no_answer(embedder: Embedder) -> None:
    asked, said = embedder.encode_words(["Who?", "..."])
    assert short_answer("Who?", asked, "...", said) is None
