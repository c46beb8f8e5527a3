import pytest

from rag.answer_kind import AnswerKind, asks, expected_kind, mentions
from rag.terms import names_and_numbers


@pytest.mark.parametrize(
    ("question", "kind"),
    [
        ("How many men fell?", AnswerKind.NUMBER),
        ("What share of exports went east?", AnswerKind.NUMBER),
        ("What was the total value of the deal?", AnswerKind.NUMBER),
        ("When did they meet?", AnswerKind.DATE),
        ("In which year was it signed?", AnswerKind.DATE),
        ("Who signed it?", AnswerKind.PERSON),
        ("Where was it signed?", AnswerKind.PLACE),
        ("In which city did they meet?", AnswerKind.PLACE),
        ("Why did they split?", None),
        ("What is détente?", None),
    ],
)
def test_the_question_tells_the_kind_of_answer(question: str, kind: AnswerKind | None) -> None:
    assert expected_kind(question) is kind


@pytest.mark.parametrize(
    ("question", "asked"),
    [
        ("Who signed it?", True),
        ("who signed it", True),
        ("In which city", True),
        ("Is it free", True),
        ("And Russia?", True),
        ("armistice signing place", False),
        ("Backups.", False),
        ("Only my firewall rules are allowed.", False),
    ],
)
def test_words_to_look_for_are_told_from_questions(question: str, asked: bool) -> None:
    assert asks(question) is asked


@pytest.mark.parametrize(
    ("kind", "text", "question", "found"),
    [
        (AnswerKind.NUMBER, "Trade reached $240 billion in 2023.", "How much?", ["$240 billion"]),
        (AnswerKind.NUMBER, "It fell by 9.5 percent.", "By how much?", ["9.5 percent"]),
        (AnswerKind.NUMBER, "It began on 2 March 1969.", "How many?", []),
        (AnswerKind.NUMBER, "The line Power of Siberia 2 waits.", "How long?", []),
        (AnswerKind.NUMBER, "Some 300 men fell.", "How many?", ["300"]),
        (AnswerKind.DATE, "It began on 2 March 1969.", "When?", ["2 March 1969"]),
        (AnswerKind.DATE, "Signed in May 1972.", "When was May 1972?", []),
        (AnswerKind.PERSON, "It was Zhou Enlai, said Nixon.", "What did Nixon say?", ["Zhou Enlai"]),
        (AnswerKind.PLACE, "They met in Shanghai.", "Where?", ["Shanghai"]),
    ],
)
def test_mentions_are_things_of_that_kind_the_question_does_not_name(
    kind: AnswerKind, text: str, question: str, found: list[str]
) -> None:
    spans = [span.of(text) for span in mentions(kind, text, question)]
    assert [span for span in spans if span not in ("They", "It", "Signed")] == found


@pytest.mark.parametrize(
    ("question", "found"),
    [
        ("How did Mao answer the 1958 letter from the USSR?", ["Mao", "1958", "USSR"]),
        ("Were 27,000 men, 3.5 tons and v2.3.1 sent to SALT-2.5?", ["27,000", "3.5", "v2.3.1", "SALT-2.5"]),
        ("What came in 1958, 1959. And in May,1960?", ["1958", "1959", "May", "1960"]),
    ],
)
def test_names_and_numbers_of_a_question(question: str, found: list[str]) -> None:
    assert names_and_numbers(question) == found
