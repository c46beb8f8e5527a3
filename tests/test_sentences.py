import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.sentences import sentence_spans

texts = st.text(alphabet=st.sampled_from('aB1 .!?\n\t"”)|-#é。'), max_size=300)


def sentences(text: str) -> list[str]:
    return [span.of(text) for span in sentence_spans(text)]


@given(texts)
def test_every_visible_character_lies_in_exactly_one_sentence(text: str) -> None:
    spans = sentence_spans(text)
    assert all(one.end <= other.start for one, other in itertools.pairwise(spans))
    covered = {position for span in spans for position in range(span.start, span.end)}
    assert {position for position, character in enumerate(text) if not character.isspace()} <= covered


@given(texts)
def test_sentences_carry_no_white_space_around_them(text: str) -> None:
    assert all(sentence == sentence.strip() != "" for sentence in sentences(text))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("It rose. It fell.", ["It rose.", "It fell."], id="full stops"),
        pytest.param("Dr. Wu met J. F. Kennedy in the U.S. Senate.", 1, id="abbreviations and initials"),
        pytest.param(
            "He left the U.S. The plan failed.", ["He left the U.S.", "The plan failed."], id="U.S. at the end"
        ),
        pytest.param("It cost 3.5 percent, e.g. Rice.", 1, id="decimals"),
        pytest.param("She said: “Go.” He went.", ["She said: “Go.”", "He went."], id="closing quotes"),
        pytest.param("See No. 5 and Fig. 3 there.", 1, id="numbers after short forms"),
        pytest.param("He said no. It was late.", ["He said no.", "It was late."], id="no is a word"),
        pytest.param("- one\n- two", ["- one", "- two"], id="list items"),
        pytest.param("1. one\n2. two", ["1. one", "2. two"], id="numbered items"),
        pytest.param("| a | b |\n| 1 | 2 |", ["| a | b |", "| 1 | 2 |"], id="table rows"),
        pytest.param("A HEADING\n\nText here.", ["A HEADING", "Text here."], id="headings"),
        pytest.param("A line wrapped in the middle of a long\nsentence goes on.", 1, id="wrapped lines"),
        pytest.param("第一。第二。", ["第一。", "第二。"], id="ideographic full stops"),
    ],
)
def test_sentence_ends(text: str, expected: list[str] | int) -> None:
    found = sentences(text)
    assert len(found) == expected if isinstance(expected, int) else found == expected
