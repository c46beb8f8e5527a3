"""Question -> the kind of answer it asks for, and where such things stand in a sentence. Rules, no model."""

from __future__ import annotations

import re
from enum import Enum

from rag.terms import STOP_WORDS
from rag.types import Span

INTERROGATIVE = r"(?:who|whom|whose|when|where|why|how|what|which)"
_MONTHS = "January|February|March|April|May|June|July|August|September|October|November|December"
_NUMBER_WORDS = (
    "one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|thirteen|fourteen|fifteen|sixteen|seventeen|"
    "eighteen|nineteen|twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety|dozens?|half|twice|third|quarter"
)
_SCALES = "hundred|thousand|million|billion|trillion|percent|per cent"
_AMOUNT = rf"(?:\d+(?:[.,]\d+)*|\b(?:{_NUMBER_WORDS})\b)"
_NAME_WORD = r"[A-Z][\w'’.-]*[\w'’]"
_NAME = rf"{_NAME_WORD}(?:\s+(?:(?:of|the|de|van|von|al|bin)\s+)*(?:{_NAME_WORD}|\d+))*"


# "Resolution 2758", "Power of Siberia 2": the number belongs to the name. A sentence's first word is no name.
_NAMED_BEFORE = re.compile(r"\S\s+[A-Z][\w-]*\s$")


class AnswerKind(Enum):
    """What a question asks for, with the pattern of it in a text."""

    NUMBER = re.compile(
        rf"(?:(?:[$€£¥]|US\$)\s?)?{_AMOUNT}(?:(?:[\s-](?:{_SCALES})\b)+|\s?%)?(?:\s(?:of|per)\s\w+)?", re.IGNORECASE
    )
    DATE = re.compile(
        rf"\b\d{{1,2}}(?:st|nd|rd|th)?\s(?:{_MONTHS})(?:,?\s\d{{4}})?\b|\b(?:{_MONTHS})\s\d{{1,2}}(?:,\s\d{{4}})?\b"
        rf"|\b(?:{_MONTHS})(?:,?\s\d{{4}})\b|\b(?:1[0-9]|20)\d\ds?\b|\b(?:{_MONTHS})\b"
    )
    PERSON = re.compile(_NAME)
    PLACE = re.compile(rf"(?<=\b(?:in|at|to)\s){_NAME}|(?<=\b(?:from|near|into|over)\s){_NAME}|{_NAME}")


_QUESTIONS = (
    (AnswerKind.DATE, r"\bwhen\b|\b(?:what|which) (?:year|date|month|day|decade)\b|\bhow long ago\b"),
    (
        AnswerKind.NUMBER,
        r"\bhow (?:many|much|large|big|long|far|old|high|tall|deep|wide|fast|often|heavy)\b"
        r"|\bwhat (?:share|percent|percentage|part|proportion|fraction|number|price|cost|rate|amount|size|population)\b"
        r"|\bwhat (?:is|was|were|are) the (?:\w+ ){0,2}(?:share|percentage|number|price|cost|rate|amount|size"
        r"|population|total|value|volume|length|height|width|age|distance)\b",
    ),
    (AnswerKind.PLACE, r"\bwhere\b|\b(?:what|which) (?:city|country|place|town|state|island|river|region|capital)\b"),
    (AnswerKind.PERSON, r"\bwho\b|\bwhom\b|\bwhose\b|\b(?:what|which) (?:person|president|leader|minister|author)\b"),
)
_ASKING = re.compile(
    rf"\?|\b{INTERROGATIVE}\b"
    r"|^\W*(?:is|are|was|were|do|does|did|has|have|had|can|could|will|would|should|may|might|must)\b",
    re.IGNORECASE,
)
_PATTERNS = tuple((kind, re.compile(pattern, re.IGNORECASE)) for kind, pattern in _QUESTIONS)


def asks(question: str) -> bool:
    """Whether it is put as a question, and not as words to look for ("armistice signing place") or as a statement."""
    return bool(_ASKING.search(question))


def expected_kind(question: str) -> AnswerKind | None:
    """The kind of answer asked for; None when the question's words do not tell."""
    found = ((match.start(), kind) for kind, pattern in _PATTERNS if (match := pattern.search(question)))
    return min(found, key=lambda pair: pair[0], default=(0, None))[1]


def mentions(kind: AnswerKind, text: str, question: str) -> list[Span]:
    """Where a sentence mentions something of that kind that the question itself does not name; a date is no number."""
    asked = question.casefold()
    dates = [Span(*match.span()) for match in AnswerKind.DATE.value.finditer(text)] if kind is AnswerKind.NUMBER else []
    found = []
    for match in kind.value.finditer(text):
        words = match.group().strip().casefold()
        known = words in asked if kind in (AnswerKind.PERSON, AnswerKind.PLACE) else _is_whole_word(words, asked)
        if not words or known or words == "one" or all(word in STOP_WORDS for word in words.split()):
            continue
        if kind is AnswerKind.NUMBER and words.isdigit() and _NAMED_BEFORE.search(text[: match.start()]):
            continue
        span = Span(match.start(), match.start() + len(match.group().rstrip()))
        if not any(span.overlap(date) for date in dates):
            found.append(span)
    return found


def _is_whole_word(words: str, text: str) -> bool:
    return re.search(rf"(?<!\w){re.escape(words)}(?!\w)", text) is not None
