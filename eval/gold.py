"""Gold questions: a question, its accepted answers, and where in the source text the answer stands.

One JSON object a line. `id` and `question` are required. `answers: []` means that the corpus does not answer it; a
field that is absent was not judged. Evidence is a place in a source's text (start and end, a quote that is looked up
there, or a page), never a chunk, so that chunking may change without labelling anew.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from rag.errors import RagError
from rag.types import Document, Span, Turn

_LONGEST_SHOWN = 80  # characters of a quote that a fault repeats


class GoldError(RagError):
    """A gold file has faults; the message lists all of them with their lines."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """A place in a source that answers the question; `span` is None until it is looked up."""

    source: str
    quote: str = ""
    span: Span | None = None
    page: int | None = None


@dataclass(frozen=True, slots=True)
class GoldQuestion:
    """A question with what is known about its answer; None for what was not judged."""

    id: str
    question: str
    answers: tuple[str, ...] | None = None
    evidence: tuple[Evidence, ...] | None = None
    relevant: dict[str, int] | None = None
    history: tuple[Turn, ...] = ()
    rewrite: str | None = None
    tags: tuple[str, ...] = ()

    @property
    def answerable(self) -> bool | None:
        """Whether the corpus answers it; None if that was not judged."""
        return None if self.answers is None else bool(self.answers)

    @property
    def relevance(self) -> dict[str, int]:
        """The grade of every source judged relevant: as given, else 1 for each that holds evidence."""
        if self.relevant is not None:
            return self.relevant
        return {evidence.source: 1 for evidence in self.evidence or ()}

    @property
    def evidence_spans(self) -> dict[str, list[Span]]:
        """The evidence that has been looked up, by source."""
        spans: dict[str, list[Span]] = {}
        for evidence in self.evidence or ():
            if evidence.span:
                spans.setdefault(evidence.source, []).append(evidence.span)
        return spans

    def as_json(self) -> dict[str, Any]:
        """This question in the format of a gold file; what was not judged is left out."""
        row: dict[str, Any] = {"id": self.id, "question": self.question}
        if self.answers is not None:
            row["answers"] = list(self.answers)
        if self.evidence is not None:
            row["evidence"] = [_evidence_as_json(evidence) for evidence in self.evidence]
        if self.relevant is not None:
            row["relevant"] = self.relevant
        if self.history:
            row["history"] = [{"role": turn.role, "content": turn.content} for turn in self.history]
        if self.rewrite is not None:
            row["rewrite"] = self.rewrite
        if self.tags:
            row["tags"] = list(self.tags)
        return row


def load_gold(path: Path, documents: Mapping[str, Document] | None = None) -> tuple[GoldQuestion, ...]:
    """The questions of a gold file, their evidence looked up in `documents` (by source) if these are given.

    Raises GoldError, naming at once every line that is faulty, and every place and source that is not there.
    """
    try:
        lines = path.read_text("utf-8").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise GoldError(f"{path} cannot be read ({error}).") from None
    questions: list[GoldQuestion] = []
    faults: list[str] = []
    seen: dict[str, int] = {}
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            question = _question(line)
        except _Faulty as fault:
            faults += [f"line {number}: {reason}" for reason in fault.reasons]
            continue
        if question.id in seen:
            faults.append(f"line {number}: the id {question.id!r} stands on line {seen[question.id]} too. Rename one.")
        seen.setdefault(question.id, number)
        if documents is not None:
            try:
                question = resolve(question, documents)
            except _Faulty as fault:
                faults += [f"line {number}: {reason}" for reason in fault.reasons]
        questions.append(question)
    if not faults and not questions:
        faults.append("it holds no questions. Write one JSON object a line.")
    if faults:
        raise GoldError(f"{path} has {len(faults)} fault(s):\n  " + "\n  ".join(faults))
    return tuple(questions)


def save_gold(path: Path, questions: Iterable[GoldQuestion]) -> None:
    """Write a gold file."""
    path.write_text("".join(map(gold_line, questions)), "utf-8")


def gold_line(question: GoldQuestion) -> str:
    """A question as a line of a gold file; one line for every reader, whatever it takes for a line break."""
    line = json.dumps(question.as_json(), ensure_ascii=False)
    return re.sub("[\u2028\u2029\x85]", lambda found: f"\\u{ord(found.group()):04x}", line) + "\n"


def add_question(path: Path, question: GoldQuestion, documents: Mapping[str, Document]) -> GoldQuestion:
    """Append a question to a gold file, which may be new, with its evidence looked up; the question as added.

    Raises GoldError, leaving the file as it is, if the file is faulty, holds the id already, or if the evidence is
    not in the documents.
    """
    known = {other.id for other in load_gold(path)} if path.exists() else set()
    if question.id in known:
        raise GoldError(f"{path} holds a question with the id {question.id!r} already. Choose another --id.")
    if not question.question.strip():
        raise GoldError("the question is empty. Type one.")
    try:
        question = resolve(question, documents)
    except _Faulty as fault:
        raise GoldError("\n".join(fault.reasons)) from None
    before = path.read_text("utf-8") if path.exists() else ""
    with path.open("a", encoding="utf-8") as file:
        file.write(("\n" if before and not before.endswith("\n") else "") + gold_line(question))
    return question


def resolve(question: GoldQuestion, documents: Mapping[str, Document]) -> GoldQuestion:
    """The question with every piece of evidence as a span of its document.

    Raises GoldError (by its reasons) for a source that is not there and for a place that is not, or not only, there.
    """
    reasons = [_absent(source, documents) for source in question.relevant or () if source not in documents]
    resolved: list[Evidence] = []
    for number, evidence in enumerate(question.evidence or (), start=1):
        document = documents.get(evidence.source)
        try:
            if document is None:
                raise _Faulty(_absent(evidence.source, documents))
            span = locate(evidence, document)
            resolved.append(replace(evidence, span=span, quote=span.of(document.text)))
        except _Faulty as fault:
            reasons += [f"evidence {number}: {reason}" for reason in fault.reasons]
    if reasons:
        raise _Faulty(*reasons)
    return replace(question, evidence=tuple(resolved) if question.evidence is not None else None)


def locate(evidence: Evidence, document: Document) -> Span:
    """Where a piece of evidence stands in its document: its characters, its quote (on its page), or its page.

    Raises GoldError (by its reasons) if it stands nowhere, or if a quote stands in several places.
    """
    text = document.text
    within = Span(0, len(text)) if evidence.page is None else _page(evidence.page, document)
    if evidence.span is None and not evidence.quote:
        return within
    if evidence.span is None:
        places = list(_places(evidence.quote, text, within))
        if len(places) == 1:
            return places[0]
        raise _Faulty(_several(evidence, len(places)) if places else _nowhere(evidence, text, within))
    found = evidence.span.of(text)
    if evidence.span.end > len(text) or (evidence.quote and found != evidence.quote):
        raise _Faulty(
            f"characters {evidence.span.start}-{evidence.span.end} of {evidence.source!r} ({len(text)} characters) "
            f"are {_short(found)}, not {_short(evidence.quote)}. Correct the numbers, or leave them out."
        )
    return evidence.span


class _Faulty(GoldError):
    """One or more reasons why a question cannot be used."""

    def __init__(self, *reasons: str) -> None:
        super().__init__("\n".join(reasons))
        self.reasons = reasons


def _page(number: int, document: Document) -> Span:
    for page in document.pages:
        if page.number == number:
            return page.span
    have = f"{len(document.pages)} pages with text" if document.pages else "no pages"
    raise _Faulty(f"{document.source!r} has no page {number} (it has {have}). Correct or leave out the page.")


def _places(quote: str, text: str, within: Span) -> Iterator[Span]:
    start = text.find(quote, within.start, within.end)
    while start >= 0:
        yield Span(start, start + len(quote))
        start = text.find(quote, start + 1, within.end)


def _several(evidence: Evidence, places: int) -> str:
    return (
        f"the quote {_short(evidence.quote)} stands {places} times in {evidence.source!r}. "
        "Quote more of it, or add start and end, or a page."
    )


def _nowhere(evidence: Evidence, text: str, within: Span) -> str:
    """The fault, with the source's own words where these differ in white space or capitals only."""
    loose = re.compile(r"\s+".join(map(re.escape, evidence.quote.split())), re.IGNORECASE)
    near = loose.search(text, within.start, within.end)
    hint = f"the source writes {_short(near.group())}" if near else "copy the words exactly as the source has them"
    where = f" on page {evidence.page}" if evidence.page is not None else ""
    return f"the quote {_short(evidence.quote)} is not in {evidence.source!r}{where}: {hint}."


def _absent(source: str, documents: Mapping[str, Document]) -> str:
    near = get_close_matches(source, documents, n=1)
    hint = f"Did you mean {near[0]!r}?" if near else "Ingest it, or correct the name (it is relative to the folder)."
    return f"the corpus has no source {source!r}. {hint}"


def _short(text: str) -> str:
    return repr(text if len(text) <= _LONGEST_SHOWN else text[: _LONGEST_SHOWN - 1] + "…")


class _Row(BaseModel):
    """A line of a gold file. The last three fields are a benchmark's own and mean nothing here."""

    model_config = ConfigDict(extra="forbid", strict=True)

    id: str = Field(pattern=r"\S")
    question: str = Field(pattern=r"\S")
    answers: list[str] | None = None
    evidence: list[_EvidenceRow] | None = None
    relevant: dict[str, int] | None = None
    history: list[_TurnRow] = []
    rewrite: str | None = None
    tags: list[str] = []
    passage: str | None = None
    conversation: str | None = None
    turn: int | None = None


class _EvidenceRow(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    source: str
    quote: str = ""
    start: int | None = None
    end: int | None = None
    page: int | None = None


class _TurnRow(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    role: Literal["user", "assistant"]
    content: str


def _question(line: str) -> GoldQuestion:
    try:
        row = _Row.model_validate(json.loads(line))
        evidence = None if row.evidence is None else tuple(map(_evidence, row.evidence))
    except json.JSONDecodeError as error:
        raise _Faulty(f"it is not JSON ({error}).") from None
    except ValidationError as error:
        raise _Faulty(*(_explain(fault) for fault in error.errors())) from None
    return GoldQuestion(
        id=row.id,
        question=row.question,
        answers=None if row.answers is None else tuple(row.answers),
        evidence=evidence,
        relevant=row.relevant,
        history=tuple(Turn(turn.role, turn.content) for turn in row.history),
        rewrite=row.rewrite,
        tags=tuple(row.tags),
    )


def _evidence(row: _EvidenceRow) -> Evidence:
    if (row.start is None) != (row.end is None):
        raise _Faulty(f"evidence in {row.source!r} has only one of start and end. Give both, or a quote alone.")
    if row.start is None or row.end is None:
        if not row.quote and row.page is None:
            raise _Faulty(f"evidence in {row.source!r} names no place. Give a quote, start and end, or a page.")
        return Evidence(row.source, row.quote, None, row.page)
    try:
        return Evidence(row.source, row.quote, Span(row.start, row.end), row.page)
    except ValueError as error:
        raise _Faulty(f"evidence in {row.source!r}: {error}.") from None


def _evidence_as_json(evidence: Evidence) -> dict[str, Any]:
    row: dict[str, Any] = {"source": evidence.source}
    if evidence.span:
        row |= {"start": evidence.span.start, "end": evidence.span.end}
    if evidence.quote:
        row["quote"] = evidence.quote
    if evidence.page is not None:
        row["page"] = evidence.page
    return row


def _explain(fault: Any) -> str:
    place = ".".join(str(part) for part in fault["loc"])
    match fault["type"]:
        case "missing":
            return f"the field {place!r} is missing."
        case "extra_forbidden":
            near = get_close_matches(place, _Row.model_fields, n=1)
            hint = f"Did you mean {near[0]!r}?" if near else f"Known: {', '.join(_Row.model_fields)}."
            return f"the field {place!r} is unknown. {hint}"
        case "string_pattern_mismatch":
            return f"the field {place!r} is empty."
        case "model_type":
            return 'it is not an object like {"id": ..., "question": ...}.'
        case _:
            return f"the field {place!r} has the value {fault['input']!r}: {fault['msg'].lower()}."
