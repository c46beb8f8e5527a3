"""Gold questions: a question, its accepted answers, and where in the source text the answer stands.

One JSON object a line. `id` and `question` are required. `answers: []` means that the corpus does not answer it; a
field that is absent was not judged. Evidence is a place in a source's text (start and end, or a quote that is looked
up there), never a chunk, so that chunking may change without labelling anew.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rag.errors import RagError
from rag.types import Document, Span, Turn


class GoldError(RagError):
    """A gold file has faults; the message lists all of them with their lines."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """A place in a source that answers the question; `span` is None until it is looked up."""

    source: str
    quote: str
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


def load_gold(path: Path) -> tuple[GoldQuestion, ...]:
    """The questions of a gold file. Raises GoldError, naming every faulty line at once."""
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
            question = _question(json.loads(line))
        except (ValueError, KeyError, TypeError) as error:
            faults.append(f"line {number}: {_fault(error)}")
            continue
        if question.id in seen:
            faults.append(f"line {number}: the id {question.id!r} stands on line {seen[question.id]} too. Rename one.")
        seen.setdefault(question.id, number)
        questions.append(question)
    if not faults and not questions:
        faults.append("it holds no questions. Write one JSON object a line.")
    if faults:
        raise GoldError(f"{path} is not a gold file:\n  " + "\n  ".join(faults))
    return tuple(questions)


def locate(evidence: Evidence, document: Document) -> Span | None:
    """Where a piece of evidence stands in a document: its span, or where its quote is found (on its page)."""
    if evidence.span is not None:
        return evidence.span
    pages = [page.span for page in document.pages if page.number == evidence.page]
    within = pages[0] if pages else Span(0, len(document.text)) if document.text else None
    start = document.text.find(evidence.quote, within.start, within.end) if within else -1
    return Span(start, start + len(evidence.quote)) if start >= 0 and evidence.quote else None


def evidence_spans(question: GoldQuestion, document: Callable[[str], Document | None]) -> dict[str, list[Span]]:
    """The question's evidence by source, as spans of the stored documents. Evidence that is not found is left out."""
    spans: dict[str, list[Span]] = {}
    for evidence in question.evidence or ():
        stored = document(evidence.source)
        span = locate(evidence, stored) if stored else None
        if span:
            spans.setdefault(evidence.source, []).append(span)
    return spans


def _question(row: Any) -> GoldQuestion:
    if not isinstance(row, dict):
        raise TypeError('it is not an object like {"id": ..., "question": ...}')
    for key in ("id", "question"):
        if not isinstance(row.get(key), str) or not row[key].strip():
            raise ValueError(f"its field {key!r} is missing or no string")
    return GoldQuestion(
        id=row["id"],
        question=row["question"],
        answers=tuple(map(str, row["answers"])) if "answers" in row else None,
        evidence=tuple(map(_evidence, row["evidence"])) if "evidence" in row else None,
        relevant={str(source): int(grade) for source, grade in row["relevant"].items()} if "relevant" in row else None,
        history=tuple(Turn(turn["role"], turn["content"]) for turn in row.get("history", ())),
        rewrite=row.get("rewrite"),
        tags=tuple(map(str, row.get("tags", ()))),
    )


def _evidence(row: Any) -> Evidence:
    span = Span(row["start"], row["end"]) if "start" in row else None
    return Evidence(row["source"], row.get("quote", ""), span, row.get("page"))


def _fault(error: Exception) -> str:
    match error:
        case json.JSONDecodeError():
            return f"it is not JSON ({error})."
        case KeyError():
            return f"the field {error} is missing."
        case _:
            return f"{error}."
