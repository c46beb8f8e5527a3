"""The nouns of a gold set: a question, what is known about its answer, and where in the source text that stands."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from rag.types import Span, Turn


@dataclass(frozen=True, slots=True)
class Evidence:
    """A place in a source that answers the question; `span` is None until it is looked up."""

    source: str
    quote: str = ""
    span: Span | None = None
    page: int | None = None

    def as_json(self) -> dict[str, Any]:
        """This place in the format of a gold file."""
        row: dict[str, Any] = {"source": self.source}
        if self.span:
            row |= {"start": self.span.start, "end": self.span.end}
        if self.quote:
            row["quote"] = self.quote
        if self.page is not None:
            row["page"] = self.page
        return row


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
            row["evidence"] = [evidence.as_json() for evidence in self.evidence]
        if self.relevant is not None:
            row["relevant"] = self.relevant
        if self.history:
            row["history"] = [{"role": turn.role, "content": turn.content} for turn in self.history]
        if self.rewrite is not None:
            row["rewrite"] = self.rewrite
        if self.tags:
            row["tags"] = list(self.tags)
        return row
