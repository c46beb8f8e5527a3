"""A question as typed -> what to embed, which words to look up, what must stand literally, and where to look. No model.

`"quoted words"` must stand so, as long as some chunk holds them; `source:NAME`, `folder:PATH`, `after:DATE` and
`before:DATE` restrict the documents.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from rag.errors import QuestionError
from rag.terms import content_words

LONGEST_QUESTION = 4000  # characters; far above the embedder's window, far below what would hold up the index

_FILTER = re.compile(r'(?<!\S)(source|folder|after|before):(?:"([^"]+)"|(\S+))', re.IGNORECASE)
_QUOTED = re.compile(r'"([^"]{2,200})"|“([^”]{2,200})”')
_DATE = re.compile(r"\d{4}(?:-\d{2}(?:-\d{2})?)?")
# Names of things in which punctuation binds: "AS-400/B", "v2.3.1", "E_BUSY", "SALT-II", "3.5%".
_CODE = re.compile(r"(?<![\w./-])(?=[\w./-]*[\d_])\w+(?:[./_-]\w+)+")


@dataclass(frozen=True, slots=True)
class Filters:
    """Where to look. Empty: everywhere.

    A source is a part of a document's source, or a pattern with * and ?; dates are YYYY, YYYY-MM or YYYY-MM-DD.
    """

    sources: tuple[str, ...] = ()
    folders: tuple[str, ...] = ()
    after: str = ""
    before: str = ""
    phrases: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return self != Filters()

    def or_else(self, other: Filters) -> Filters:
        """These filters, and of the other ones those of a kind that these do not name."""
        return Filters(
            sources=self.sources or other.sources,
            folders=self.folders or other.folders,
            after=self.after or other.after,
            before=self.before or other.before,
            phrases=self.phrases or other.phrases,
        )


@dataclass(frozen=True, slots=True)
class Query:
    """A question taken apart. `text` is the question without filters and quotation marks."""

    text: str
    filters: Filters = field(default_factory=Filters)

    @property
    def terms(self) -> tuple[str, ...]:
        """The content words and codes, lower case. SQLite's index takes a code's parts, side by side, as one term."""
        return tuple(dict.fromkeys([*content_words(self.text), *(code.lower() for code in _CODE.findall(self.text))]))


def parse_query(question: str) -> Query:
    """Take a question apart.

    Raises QuestionError if it is empty, over 4,000 characters, holds nothing but filters, or a date is none.
    """
    cleaned = checked_question(question)
    found: dict[str, list[str]] = {"source": [], "folder": [], "after": [], "before": []}
    for name, quoted, bare in _FILTER.findall(cleaned):
        found[name.lower()].append(quoted or bare)
    for date in found["after"] + found["before"]:
        checked_date(date)
    rest = " ".join(_FILTER.sub(" ", cleaned).split()) if any(found.values()) else cleaned
    if not rest:
        raise QuestionError("the question holds filters only. Say what to look for, too.")
    phrases = tuple(phrase for pair in _QUOTED.findall(rest) for phrase in pair if re.search(r"\w", phrase))
    text = _QUOTED.sub(lambda match: match.group(1) or match.group(2), rest)
    filters = Filters(
        sources=tuple(found["source"]),
        folders=tuple(folder.strip("/") for folder in found["folder"]),
        after=max(found["after"], default=""),
        before=min(found["before"], default=""),
        phrases=phrases,
    )
    return Query(text, filters)


def checked_date(date: str) -> str:
    """A date as filters take it, or nothing. Raises QuestionError if it is neither."""
    if date and not _DATE.fullmatch(date):
        raise QuestionError(f"{date!r} is no date. Write after: and before: with YYYY, YYYY-MM or YYYY-MM-DD.")
    return date


def checked_question(question: str) -> str:
    """The question without NULs and lone surrogates. Raises QuestionError if it is empty or too long."""
    cleaned = question.encode("utf-8", "ignore").decode().replace("\x00", " ").strip()
    if not cleaned:
        raise QuestionError("the question is empty. Type one.")
    if len(cleaned) > LONGEST_QUESTION:
        raise QuestionError(f"the question has {len(cleaned):,} characters; at most {LONGEST_QUESTION:,} are allowed.")
    return cleaned
