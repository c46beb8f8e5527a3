"""A conversation as a browser keeps it or a file holds it. What comes back is read as something a stranger wrote."""

from __future__ import annotations

import json
import re
import textwrap
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, ClassVar, Literal

from pydantic import ConfigDict, TypeAdapter, ValidationError

from rag.errors import RagError
from rag.types import Answer, Chunk, Citation, Turn

FORMAT: Literal[1] = 1  # raised whenever a conversation of before can no longer be read
LARGEST = 5_000_000  # bytes of UTF-8
MOST_EXCHANGES = 500

_ROOM = 500_000  # bytes; the longest answer takes less
_TITLE = 60  # characters
_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_DIGEST = re.compile(r"[0-9a-f]{64}")


class ConversationError(RagError):
    """What should be a saved conversation is none, or is too large."""


@dataclass(frozen=True, slots=True)
class Exchange:
    """A question and its answer: the collection asked, and each cited document's text digest by document id.

    `asked` is the time in UTC, in ISO 8601.
    """

    answer: Answer
    collection: str
    documents: dict[str, str]
    asked: str


@dataclass(frozen=True, slots=True)
class Conversation:
    """What was asked and answered in one conversation, oldest first."""

    id: str
    exchanges: tuple[Exchange, ...] = ()

    @property
    def title(self) -> str:
        """The first question, cut at a word to 60 characters; empty before anything was asked."""
        first = " ".join(self.exchanges[0].answer.question.split()) if self.exchanges else ""
        shortened = textwrap.shorten(first, _TITLE, placeholder=" …")
        return shortened if shortened.strip(" …") else first[: _TITLE - 1] + "…" * bool(first)

    @property
    def is_full(self) -> bool:
        """Whether one more answer might make it too large to be read again."""
        return len(self.exchanges) >= MOST_EXCHANGES or len(self.to_json().encode()) > LARGEST - _ROOM

    def turns(self) -> tuple[Turn, ...]:
        """The conversation as the assistant takes it."""
        return tuple(
            turn
            for exchange in self.exchanges
            for turn in (Turn("user", exchange.answer.question), Turn("assistant", exchange.answer.text))
        )

    def as_json(self) -> dict[str, Any]:
        """Everything in it, and the format's version, as `read_conversation` reads it."""
        saved: dict[str, Any] = _SAVED.dump_python(_Saved(FORMAT, self.id, self.exchanges), mode="json")
        return saved

    def to_json(self) -> str:
        """`as_json` as text."""
        return json.dumps(self.as_json(), ensure_ascii=False)


@dataclass(frozen=True, slots=True)
class _Saved:
    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(strict=True, extra="forbid", allow_inf_nan=False)

    format: Literal[1]
    id: str
    exchanges: tuple[Exchange, ...]


_SAVED = TypeAdapter(_Saved)


def read_conversation(text: str) -> Conversation:
    """A conversation from its JSON, of at most 5 MB and 500 exchanges.

    Raises ConversationError for anything in which a field is unknown, missing or of another type, or in which marks,
    spans, digests or times cannot be what an answer has.
    """
    if len(text) > LARGEST or len(text.encode(errors="replace")) > LARGEST:
        raise ConversationError(f"the conversation is larger than {LARGEST // 1_000_000} MB.")
    try:
        saved = _SAVED.validate_json(text)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        place = ".".join(map(str, first["loc"]))[:100] or "JSON"
        raise ConversationError(f"this is no saved conversation ({place}: {first['msg']}).") from None
    except (UnicodeError, RecursionError):
        raise ConversationError("this is no saved conversation (it is not JSON in UTF-8).") from None
    if not _ID.fullmatch(saved.id):
        raise ConversationError("this is no saved conversation (its id is not 1 to 64 letters, digits, - and _).")
    if len(saved.exchanges) > MOST_EXCHANGES:
        raise ConversationError(f"the conversation has more than {MOST_EXCHANGES} questions.")
    for number, exchange in enumerate(saved.exchanges, start=1):
        if wrong := _wrong(exchange):
            raise ConversationError(f"this is no saved conversation (answer {number}: {wrong}).")
    return Conversation(saved.id, saved.exchanges)


def _wrong(exchange: Exchange) -> str | None:
    """What no answer can have and the types let through; None if there is nothing."""
    answer = exchange.answer
    marks = {str(citation.mark) for citation in answer.citations}
    checks = {
        "its confidence is not between 0 and 1": 0 <= answer.confidence <= 1,
        "its footnotes are not numbered 1, 2, 3, …": [citation.mark for citation in answer.citations]
        == list(range(1, len(answer.citations) + 1)),
        "its text has a mark without a footnote": answer.refused or set(re.findall(r"\[(\d+)\]", answer.text)) <= marks,
        "a quotation is not as long as its place": all(_fills(one, one.quote) for one in answer.citations),
        "a passage is not as long as its place": all(_fills(one.chunk, one.chunk.text) for one in answer.passages),
        "a digest is not SHA-256": all(map(_DIGEST.fullmatch, exchange.documents.values())),
        "its time is not in UTC": _is_utc(exchange.asked),
    }
    return next((wrong for wrong, right in checks.items() if not right), None)


def _fills(place: Citation | Chunk, text: str) -> bool:
    return len(text) == place.span.end - place.span.start


def _is_utc(time: str) -> bool:
    try:
        return datetime.fromisoformat(time).utcoffset() == timedelta(0)
    except ValueError:
        return False
