import pytest

from rag.assistant import Assistant
from rag.standalone import standalone
from rag.types import Turn

HISTORY = (Turn("user", "When did Nixon visit China?"), Turn("assistant", "In 1972. [1]"))


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("Where did he stay?", "Where did he stay? (Nixon visit China)"),
        ("And Kissinger?", "And Kissinger? (Nixon visit China)"),
        ("What about the Soviet Union?", "What about the Soviet Union? (Nixon visit China)"),
        ("How did Mao receive him?", "How did Mao receive him?"),
        ("Who signed the ABM Treaty?", "Who signed the ABM Treaty?"),
        ("And when did Nixon visit China?", "And when did Nixon visit China?"),
    ],
)
def test_a_question_that_leans_on_the_last_one_carries_its_words(question: str, expected: str) -> None:
    assert standalone(question, HISTORY) == expected
    assert standalone(question, ()) == question


def test_a_follow_up_is_answered_from_what_it_leans_on(sample_assistant: Assistant) -> None:
    history = (Turn("user", "How many missiles were eliminated under the INF Treaty?"), Turn("assistant", "2,692."))
    answer = sample_assistant.ask("And when was it signed?", history)
    assert answer.standalone_question == "And when was it signed? (missiles eliminated INF Treaty)"
    assert {citation.source for citation in answer.citations} == {"arms-control-treaties.pdf"}
