"""A question -> the questions in it, and whether it asks every document: "Who signed it, and when?" asks two. Rules."""

from __future__ import annotations

import re

from rag.answer_kind import INTERROGATIVE
from rag.conversation import standalone
from rag.types import Turn

_PREPOSITION = r"(?:(?:in|by|for|with|to|at|from|on|since|until)\s+)?"
_JOINT = re.compile(rf"\s*,?\s+(?:and(?:\s+also)?|as well as)\s+(?={_PREPOSITION}{INTERROGATIVE}\b)", re.IGNORECASE)
_ASKS = re.compile(rf"\b{INTERROGATIVE}\b", re.IGNORECASE)
_BARE = re.compile(rf"{_PREPOSITION}{INTERROGATIVE}(?:\s+(?:year|day|month|date|place|country|city))?", re.IGNORECASE)
_EACH = re.compile(
    r"\b(?:both|all|each|every one|the (?:two|three|other|different))\s+(?:of\s+)?(?:the\s+|these\s+|those\s+)?"
    r"(?:articles?|documents?|authors?|sources?|reports?|papers?|texts?|files?|essays?|writers?|pieces?|books?)\b"
    r"|\b(?:the|these|do|which)\s+(?:articles|documents|authors|sources|reports|papers|texts|essays|writers)\b"
    r".*\b(?:agree|disagree|differ)\b",
    re.IGNORECASE,
)
_MOST_PARTS = 3


def parts(question: str) -> tuple[str, ...]:
    """The questions joined by "and" in one, each understandable alone; the question itself where there is but one."""
    pieces = [piece.strip(" ,") for piece in _JOINT.split(question)]
    first, rest = pieces[0], pieces[1:]
    asked = _ASKS.search(first)
    if not rest or len(pieces) > _MOST_PARTS or not asked or len(first.split()) < 3:
        return (question,)
    return (first, *(_completed(piece, first, asked) for piece in rest))


def asks_every_document(question: str) -> bool:
    """Whether it asks what each of several documents says: "Do both articles agree?"."""
    return bool(_EACH.search(question))


def _completed(piece: str, first: str, asked: re.Match[str]) -> str:
    """A later part with what it leaves out: "when" after "who signed the treaty" is "when signed the treaty"."""
    bare = piece.rstrip(" ?.!")
    if _BARE.fullmatch(bare):
        return f"{first[: asked.start()]}{bare}{first[asked.end() :].rstrip(' ?')}?"
    return standalone(f"and {piece}", [Turn("user", first)]).removeprefix("and ")
