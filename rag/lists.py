"""Lists: whether a question asks for one, and which sentences of a passage are the items of one list."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from rag.sentences import is_item

if TYPE_CHECKING:
    from rag.candidates import Candidate

_ASKS = re.compile(
    r"^\W*(?:please\s+)?(?:list|name|enumerate)\b"
    r"|\b(?:what|which)\s+(?:are|were)\s+(?:all|the|some)\s+"
    r"|\b(?:all|every one) (?:of )?(?:the|these|those)\b"
    r"|\bwhich (?!is\b|was\b|has\b|does\b)\w+s\b"
    r"|\bhow many (?:different|kinds|types)\b",
    re.IGNORECASE,
)


def asks_for_a_list(question: str) -> bool:
    """Whether several things are asked for, so that the first ones found may not be all."""
    return bool(_ASKS.search(question))


def list_of(best: Candidate, candidates: Sequence[Candidate]) -> list[Candidate]:
    """The list that a sentence introduces or is an item of, in the order of the text; empty if it is neither.

    The sentence that introduces it, which ends with a colon, comes first.
    """
    places = {each.place: each for each in candidates if each.passage == best.passage}
    start = best.place
    if is_item(best.text):
        while start - 1 in places and is_item(places[start - 1].text):
            start -= 1
        start -= start - 1 in places and introduces(places[start - 1].text)
    elif not introduces(best.text):
        return []
    end = start + (not is_item(places[start].text))
    while end in places and is_item(places[end].text):
        end += 1
    found = [places[place] for place in range(start, end)]
    return found if len(found) > 1 else []


def introduces(text: str) -> bool:
    """Whether a sentence ends with a colon, so that what it speaks of stands below."""
    return text.rstrip().endswith(":")
