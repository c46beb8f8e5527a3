"""The words around every place that a run points at, so that a report needs no store."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from eval.metrics.spans import covered
from eval.outcome import Outcome
from rag.types import Document, Span

PASSAGES_SHOWN = 10  # of each outcome, at most
_AROUND = 240  # characters before and after a place


@dataclass(frozen=True, slots=True)
class Excerpt:
    """A stretch of a source's text that begins at its character `start`."""

    start: int
    text: str

    @property
    def span(self) -> Span:
        """The characters it holds."""
        return Span(self.start, self.start + len(self.text))


Excerpts = dict[str, tuple[Excerpt, ...]]


def excerpts(outcomes: Iterable[Outcome], documents: Mapping[str, Document]) -> Excerpts:
    """The text around gold evidence, citations and the first passages, each character once."""
    wanted: dict[str, list[Span]] = {}
    for outcome in outcomes:
        for source, span in places(outcome):
            wanted.setdefault(source, []).append(span)
    return {
        source: tuple(
            Excerpt(span.start, span.of(documents[source].text))
            for span in covered(widened(span, documents[source].text) for span in wanted[source])
        )
        for source in sorted(wanted)
        if source in documents
    }


def places(outcome: Outcome) -> Iterable[tuple[str, Span]]:
    """Every place that an outcome points at and a report shows."""
    for source, spans in outcome.gold.evidence_spans.items():
        yield from ((source, span) for span in spans)
    for reply in (outcome.reply, outcome.unrefused):
        if reply:
            yield from ((citation.source, citation.span) for citation in reply.citations)
    yield from ((passage.source, passage.span) for passage in outcome.passages[:PASSAGES_SHOWN])


def widened(span: Span, text: str) -> Span:
    """The span with its surroundings, cut between words. A span that points beyond the text is clipped."""
    start, end = max(0, min(span.start, len(text) - 1) - _AROUND), min(len(text), span.end + _AROUND)
    if start:
        start = max(text.find(" ", start, span.start) + 1, start)
    if end < len(text):
        end = max(text.rfind(" ", span.end, end), end - _AROUND)
    return Span(start, end)
