"""A citation of an earlier answer + the store as it is now -> whether its words still stand there, and where."""

from __future__ import annotations

import hashlib
import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from itertools import accumulate

from rag.store import Store
from rag.types import Span


class Standing(Enum):
    """What became of a citation since it was made."""

    UNCHANGED = "unchanged"  # the words stand there, in the same text as far as is known
    SAME_PLACE = "same place"  # the text is another, the words stand where they stood
    MOVED = "moved"  # they stand elsewhere, or with other spacing
    CHANGED = "changed"  # the document is there, the words are not
    GONE = "gone"  # there is no such document


@dataclass(frozen=True, slots=True)
class Recheck:
    """A citation's state now. `span` is where its words stand, None if they do not; `sentence` tells a user."""

    state: Standing
    span: Span | None
    sentence: str


def text_digest(text: str) -> str:
    """What tells one version of a document's text from another: SHA-256 of its UTF-8, in hexadecimal."""
    return hashlib.sha256(text.encode()).hexdigest()


def recheck(source: str, document_id: str, span: Span, quote: str, text_sha256: str | None, store: Store) -> Recheck:
    """Whether the quote, once `span` of a document whose text had that digest, still stands in the store's document.

    The words themselves are always compared, whatever the digest says.
    """
    document = store.document(document_id)
    if document is None:
        return Recheck(Standing.GONE, None, f"{source} is no longer in the collection.")
    same_text = None if text_sha256 is None else text_digest(document.text) == text_sha256
    place = find_again(document.text, span, quote)
    if place is None:
        return Recheck(Standing.CHANGED, None, _sentence(same_text, "these words are not in the document"))
    if place == span and span.of(document.text) == quote:
        if same_text is False:
            return Recheck(Standing.SAME_PLACE, span, _sentence(same_text, "the words still stand where they stood"))
        return Recheck(Standing.UNCHANGED, span, "The words stand in the document where they stood.")
    way = " further down" if place.start > span.start else " further up" if place.start < span.start else ""
    spacing = "" if place.of(document.text) == quote else " with other spacing"
    return Recheck(Standing.MOVED, place, _sentence(same_text, f"the words now stand{way}{spacing}"))


def _sentence(same_text: bool | None, what: str) -> str:
    since = {True: "the document is the same, but ", False: "the document has changed since; ", None: ""}[same_text]
    return f"{since}{what}.".capitalize()


def find_again(text: str, span: Span, quote: str) -> Span | None:
    """Where a quote stands in a text: at its span, else at the nearest other place, else with other white space.

    Elsewhere it must begin and end as words do: "art" is not found again in "start".
    """
    if not quote.strip():
        return None
    if span.of(text) == quote:
        return span
    exact = (Span(start, start + len(quote)) for start in _places(text, quote))
    for places in (exact, _spaced_otherwise(text, quote)):
        if whole := [place for place in places if _whole(text, place)]:
            return min(whole, key=lambda place: abs(place.start - span.start))
    return None


def _places(text: str, wanted: str) -> Iterator[int]:
    start = text.find(wanted)
    while start >= 0:
        yield start
        start = text.find(wanted, start + 1)


def _whole(text: str, place: Span) -> bool:
    """Whether no word goes on beyond either end of the place."""
    return all(
        not text[max(0, edge - 1) : edge + 1].isalnum() or edge in (0, len(text)) for edge in (place.start, place.end)
    )


def _spaced_otherwise(text: str, quote: str) -> Iterator[Span]:
    """The places that hold the quote's characters in their order, with any white space between them or none."""
    runs = list(re.finditer(r"\S+", text))
    offsets = list(accumulate((len(run[0]) for run in runs), initial=0))

    def position(offset: int) -> int:
        """Where the character stands that has so many, white space not counted, before it."""
        number = bisect_right(offsets, offset) - 1
        return runs[number].start() + offset - offsets[number]

    letters = "".join(quote.split())
    for first in _places("".join(text.split()), letters):
        yield Span(position(first), position(first + len(letters) - 1) + 1)
