import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rag.page.conversation import LARGEST, Conversation, ConversationError, Exchange, read_conversation
from rag.recheck import text_digest
from rag.types import Turn
from tests.answers import TEXT, WHERE, answer, citation, passage
from tests.hostile import HOSTILE
from tests.odd_strings import ODD_STRINGS

CITED = answer("It was signed in Vienna. [1]", [citation(1, "a.txt", WHERE)], passages=[passage("a.txt")])
EXCHANGE = Exchange(CITED, "default", {"a.txt": text_digest(TEXT)}, "2026-11-26T10:00:00+00:00")
CONVERSATION = Conversation("talk-1", (EXCHANGE, EXCHANGE))


def asked(question: str) -> Conversation:
    refused = answer("The documents do not answer this.", refused=True)
    object.__setattr__(refused, "question", question)
    return Conversation("talk", (Exchange(refused, "default", {}, "2026-11-26T10:00:00Z"),))


def test_a_conversation_is_read_as_it_was_written() -> None:
    assert read_conversation(CONVERSATION.to_json()) == CONVERSATION
    assert CONVERSATION.as_json()["format"] == 1
    assert read_conversation(Conversation("new").to_json()) == Conversation("new")


@pytest.mark.parametrize("text", [*HOSTILE, *(one for one in ODD_STRINGS if one.isprintable())])
def test_any_words_survive(text: str) -> None:
    assert read_conversation(asked(text).to_json()) == asked(text)


def test_its_turns_are_the_history() -> None:
    turns = (Turn("user", "Where?"), Turn("assistant", "It was signed in Vienna. [1]"))
    assert CONVERSATION.turns() == turns + turns


@pytest.mark.parametrize(
    ("question", "title"),
    [
        ("Why?", "Why?"),
        (" Why\n not? ", "Why not?"),
        ("word " * 20, "word word word word word word word word word word word …"),
        ("x" * 61, "x" * 59 + "…"),
        ("x" * 60, "x" * 60),
    ],
)
def test_its_title_is_the_first_question_in_60_characters(question: str, title: str) -> None:
    assert asked(question).title == title
    assert len(title) <= 60


def test_a_conversation_without_questions_has_no_title() -> None:
    assert Conversation("new").title == ""


def _of(field: str, value: object) -> Callable[[dict[str, Any]], None]:
    """Sets one field, named by its path, of a saved conversation."""

    def change(saved: dict[str, Any]) -> None:
        *path, last = [int(step) if step.isdigit() else step for step in field.split(".")]
        holder: Any = saved
        for step in path:
            holder = holder[step]
        holder[last] = value

    return change


A = "exchanges.0.answer"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (_of("format", 2), "format: Input should be 1"),
        (_of("format", "1"), "format: Input should be 1"),
        (_of("extra", 1), "extra: Unexpected keyword argument"),
        (_of(f"{A}.citations.0.extra", 1), "extra: Unexpected keyword argument"),
        (_of("id", "../up"), "its id is not"),
        (_of("id", ""), "its id is not"),
        (_of("exchanges", "none"), "exchanges: Input should be a valid"),
        (_of(f"{A}.citations.0.mark", "1"), "mark: Input should be a valid integer"),
        (_of(f"{A}.citations.0.mark", 2), "not numbered 1, 2, 3"),
        (_of(f"{A}.citations.0.span", {"start": 50, "end": 40}), "a span needs 0 <= start < end"),
        (_of(f"{A}.citations.0.span.end", 41), "a quotation is not as long as its place"),
        (_of(f"{A}.citations.0.quote", None), "quote: Input should be a valid string"),
        (_of(f"{A}.passages.0.chunk.text", "short"), "a passage is not as long as its place"),
        (_of(f"{A}.text", "It was so. [2]"), "a mark without a footnote"),
        (_of(f"{A}.text", "It was so. [" + "9" * 5000 + "]"), "a mark without a footnote"),
        (_of(f"{A}.confidence", 1.5), "confidence is not between 0 and 1"),
        (_of(f"{A}.confidence", float("nan")), "confidence: Input should be a finite number"),
        (_of(f"{A}.refused", "false"), "refused: Input should be a valid boolean"),
        (_of(f"{A}.seconds", {"total": "1"}), "seconds.total: Input should be a valid number"),
        (_of("exchanges.0.documents", {"a.txt": "beef"}), "a digest is not SHA-256"),
        (_of("exchanges.0.asked", "yesterday"), "its time is not in UTC"),
        (_of("exchanges.0.asked", "2026-11-26T10:00:00+02:00"), "its time is not in UTC"),
        (_of("exchanges.0.asked", "2026-11-26T10:00:00"), "its time is not in UTC"),
    ],
)
def test_what_no_conversation_can_hold_is_refused(change: Callable[[dict[str, Any]], None], message: str) -> None:
    saved = json.loads(CONVERSATION.to_json())
    change(saved)
    with pytest.raises(ConversationError) as raised:
        read_conversation(json.dumps(saved))
    assert message in str(raised.value)
    assert str(raised.value).startswith("this is no saved conversation (")


def test_a_conversation_is_bounded() -> None:
    read_conversation(Conversation("long", (asked("Why?").exchanges * 500)).to_json())
    with pytest.raises(ConversationError, match="more than 500 questions"):
        read_conversation(Conversation("long", (asked("Why?").exchanges * 501)).to_json())
    with pytest.raises(ConversationError, match="larger than 5 MB"):
        read_conversation("é" * (LARGEST // 2 + 1))


@pytest.mark.parametrize("text", ["", "null", "[]", "{", "[" * 100_000, "\ud800", '"\\ud800"', "\0", "NaN"])
def test_what_is_no_json_is_refused_in_one_line(text: str) -> None:
    with pytest.raises(ConversationError, match=r"^this is no saved conversation \([^\n]*\)\.$"):
        read_conversation(text)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=5,
)


@settings(deadline=None)
@given(st.data())
def test_any_value_anywhere_is_read_or_refused(data: st.DataObject) -> None:
    saved = json.loads(CONVERSATION.to_json())
    holder = saved
    while True:
        key = data.draw(st.sampled_from(sorted(holder) if isinstance(holder, dict) else range(len(holder))))
        if not isinstance(holder[key], dict | list) or not holder[key] or data.draw(st.booleans()):
            break
        holder = holder[key]
    holder[key] = data.draw(json_values)
    try:
        read = read_conversation(json.dumps(saved))
    except ConversationError:
        return
    assert read_conversation(read.to_json()) == read
