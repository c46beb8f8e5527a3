"""What Footnote does for other programs: search, ask, get_document. Plain values in, the machine interface's JSON out.

Arguments come from outside, so each is checked, whatever its type says.
"""

from __future__ import annotations

from typing import Any, Protocol

from rag.assistant import Assistant
from rag.errors import QuestionError
from rag.store import Store
from rag.types import Span, Turn

MOST_PASSAGES = 100
MOST_TURNS = 100  # of a conversation's history
LONGEST_HISTORY = 100_000  # characters
LONGEST_STRETCH = 100_000  # characters of a document at once


class Collections(Protocol):
    """What Programs needs of a library: its collections' names, and each one opened."""

    def names(self) -> tuple[str, ...]:
        """The collections' names."""

    def assistant(self, name: str) -> Assistant:
        """What answers from a collection."""

    def store(self, name: str) -> Store:
        """A collection's documents."""


class Programs:
    """The three calls, over the collections of a library; `default` is the one meant where none is named. Thread-safe.

    Each raises QuestionError, naming the argument and its value, for an argument that makes no sense.
    """

    def __init__(self, library: Collections, default: str) -> None:
        self._library = library
        self._default = default

    def search(self, query: str, k: int = 10, collection: str = "") -> dict[str, Any]:
        """Find the passages of the user's documents that bear on a query, best first, by meaning and by words.

        "Words in quotation marks" must stand so; source:NAME, folder:PATH, after:YYYY-MM and before:YYYY-MM in the
        query say where to look. A passage's start and end are exact characters of its document's text.

        Parameters:
            query: What to look for, as a question or in words; at most 4,000 characters.
            k: How many passages, 1 to 100.
            collection: Which collection of documents; empty means the one that the server was started with.

        Returns:
            passages, best first, each with source, start, end, page, heading, text, score, ranks and scores by stage
        """
        count = _number("k", k, 1, MOST_PASSAGES)
        retriever = self._library.assistant(self._name(collection)).retriever
        return {"passages": [passage.as_json() for passage in retriever.retrieve(_text("query", query), count)]}

    def ask(self, question: str, history: list[dict[str, str]] | None = None, collection: str = "") -> dict[str, Any]:
        """Answer a question from the user's documents; every sentence carries a checked citation, or it is refused.

        Parameters:
            question: The question, at most 4,000 characters.
            history: The conversation so far, oldest turn first, each with role (user or assistant) and content.
            collection: Which collection of documents; empty means the one that the server was started with.

        Returns:
            text with marks like [1], short_answer, refused, confidence, citations, rejections, passages, seconds
        """
        assistant = self._library.assistant(self._name(collection))
        return assistant.ask(_text("question", question), turns(history)).as_json()

    def get_document(self, source: str, collection: str = "", start: int = 0, end: int | None = None) -> dict[str, Any]:
        """Read a document's text, or a stretch of it: at most 100,000 characters at once.

        Parameters:
            source: The document, named as passages and citations name it.
            collection: Which collection of documents; empty means the one that the server was started with.
            start: The first character wanted, counted from 0.
            end: The character after the last one wanted; none means as many as there are, or fit.

        Returns:
            source, title, media_type, characters (of the whole text), start, end, text
        """
        store = self._library.store(self._name(collection))
        wanted = _text("source", source)
        found = next((document for document in store.documents() if document.source == wanted), None)
        if found is None:
            raise QuestionError(f"there is no document {wanted!r}. Name it as the passages that you find name it.")
        first = _number("start", start, 0, found.characters)
        last = found.characters if end is None else _number("end", end, first, 2**53)
        last = min(last, found.characters, first + LONGEST_STRETCH)
        return {
            "source": found.source,
            "title": found.title,
            "media_type": found.media_type,
            "characters": found.characters,
            "start": first,
            "end": last,
            "text": store.text(found.id, Span(first, last)) if first < last else "",
        }

    def _name(self, collection: str) -> str:
        name = _text("collection", collection) or self._default
        if name not in self._library.names():
            raise QuestionError(f"there is no collection {name!r}; there is: {', '.join(self._library.names())}.")
        return name


def turns(history: object) -> tuple[Turn, ...]:
    """A conversation's turns from its JSON; none for null.

    Raises QuestionError if it is no list of {"role", "content"} objects, or longer than a conversation is.
    """
    if history is None:
        return ()
    if not isinstance(history, list) or not all(_is_turn(turn) for turn in history):
        raise QuestionError('the history is not a list of {"role": "user" or "assistant", "content": TEXT} objects.')
    characters = sum(len(turn["content"]) for turn in history)
    if len(history) > MOST_TURNS or characters > LONGEST_HISTORY:
        raise QuestionError(
            f"the history has {len(history):,} turns of {characters:,} characters together; at most {MOST_TURNS} of "
            f"{LONGEST_HISTORY:,} are allowed. Leave the oldest out."
        )
    return tuple(Turn(turn["role"], turn["content"]) for turn in history)


def _is_turn(turn: object) -> bool:
    return isinstance(turn, dict) and turn.get("role") in ("user", "assistant") and isinstance(turn.get("content"), str)


def _text(name: str, value: object) -> str:
    if not isinstance(value, str):
        raise QuestionError(f"{name} is {_shown(value)}; it must be text.")
    return value


def _number(name: str, value: object, least: int, most: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise QuestionError(f"{name} is {_shown(value)}; it must be a whole number from {least:,} to {most:,}.")
    return value


def _shown(value: object) -> str:
    shown = repr(value)
    return shown if len(shown) <= 60 else f"{shown[:60]}…"
