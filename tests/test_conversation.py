import pytest

import prompts
from rag.assistant import COURTESY, Assistant
from rag.conversation import courtesy, standalone
from rag.types import Turn

HISTORY = (
    Turn("user", "When did Nixon visit China?"),
    Turn("assistant", "He came in February 1972. [1] He stayed for a week. [2] Mao received him on the first day. [3]"),
)


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("Where did he stay?", "Where did he stay? (Nixon visit China)"),
        ("And Kissinger?", "And Kissinger? (Nixon visit China)"),
        ("How did Mao receive him?", "How did Mao receive him?"),
        ("Who signed the ABM Treaty?", "Who signed the ABM Treaty?"),
        ("And when did Nixon visit China?", "And when did Nixon visit China?"),
        ("What about the second point?", "What about the second point? (He stayed for a week.)"),
        ("Tell me more about sentence 3", "Tell me more about sentence 3 (Mao received him on the first day.)"),
        ("And the last one?", "And the last one? (Mao received him on the first day.)"),
        ("No one asked", "No one asked"),
    ],
)
def test_a_question_that_leans_on_the_last_one_carries_its_words(question: str, expected: str) -> None:
    assert standalone(question, HISTORY) == expected
    assert (standalone(question, HISTORY) != question) is (question != expected)
    assert standalone(question, ()) == question


@pytest.mark.parametrize(
    ("before", "said", "expected"),
    [
        ("How large was trade with China in 2020?", "No, I meant 2021", "How large was trade with China in 2021?"),
        ("How large was trade with China in 2020?", "sorry, 2019!", "How large was trade with China in 2019?"),
        ("How large was trade with China in 2020?", "I meant Russia", "How large was trade with Russia in 2020?"),
        ("When did France join the pact?", "And Russia?", "When did Russia join the pact?"),
        ("When did France join the pact?", "what about the Soviet Union?", "When did Soviet Union join the pact?"),
        ("How large was trade in 2020?", "and in 2021?", "How large was trade in 2021?"),
    ],
)
def test_a_name_or_number_alone_takes_the_place_of_the_last_one(before: str, said: str, expected: str) -> None:
    assert standalone(said, (Turn("user", before), Turn("assistant", "It is so. [1]"))) == expected


def test_a_chain_of_follow_ups_goes_back_to_its_beginning() -> None:
    history = [
        *(Turn("user", "When did France join the pact?"), Turn("assistant", "In 1950. [1]")),
        *(Turn("user", "And Russia?"), Turn("assistant", "In 1955. [1]")),
        *(Turn("user", "Thanks!"), Turn("assistant", "You are welcome.")),
    ]
    assert standalone("and Poland?", history) == "When did Poland join the pact?"


@pytest.mark.parametrize(
    ("said", "name"),
    [
        ("Hi", "greeting"),
        ("Good morning!", "greeting"),
        ("hello there :)", "greeting"),
        ("Thanks a lot!", "thanks"),
        ("ok, thank you", "thanks"),
        ("Great, that helps", "thanks"),
        ("Bye bye", "farewell"),
        ("Hi, when was the pact signed?", None),
        ("Thank you letters of Nixon", None),
        ("Who said thanks?", None),
    ],
)
def test_courtesies_are_told_from_questions(said: str, name: str | None) -> None:
    assert courtesy(said) == name


def test_a_courtesy_is_returned_without_looking_anything_up(sample_assistant: Assistant) -> None:
    answer = sample_assistant.ask("Thank you!")
    assert answer.text == prompts.load("thanks")
    assert (answer.generator, answer.passages, answer.citations, answer.refused) == (COURTESY, (), (), False)


def test_a_follow_up_is_answered_from_what_it_leans_on(sample_assistant: Assistant) -> None:
    history = (Turn("user", "How many missiles were eliminated under the INF Treaty?"), Turn("assistant", "2,692."))
    answer = sample_assistant.ask("And when was it signed?", history)
    assert answer.standalone_question == "And when was it signed? (missiles eliminated INF Treaty)"
    assert {citation.source for citation in answer.citations} == {"arms-control-treaties.pdf"}
