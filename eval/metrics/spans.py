"""Characters against characters: how much of the gold evidence some spans hold, and how much else.

Spans are given by source. Those of one source are merged first, so that no character counts twice however much they
overlap; recall, precision and IoU therefore stay in [0, 1].
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from rag.types import Span

Spans = Mapping[str, Sequence[Span]]


@dataclass(frozen=True, slots=True)
class SpanScores:
    """Character recall, precision, their harmonic mean F1, and intersection over union; each in [0, 1]."""

    recall: float
    precision: float
    f1: float
    iou: float


def compare_spans(found: Spans, gold: Spans) -> SpanScores | None:
    """How well spans cover the gold's characters; None without gold, all 0 where nothing was found.

    As in Chroma's "Evaluating Chunking Strategies for Retrieval" (Smith and Troynikov 2024), but with overlapping
    spans merged.
    """
    wanted, given = characters(gold), characters(found)
    if not wanted:
        return None
    both = overlap(found, gold)
    return SpanScores(
        recall=both / wanted,
        precision=both / given if given else 0.0,
        f1=2 * both / (wanted + given),
        iou=both / (wanted + given - both),
    )


def covered(spans: Iterable[Span]) -> list[Span]:
    """The same characters as disjoint spans in order, so that none counts twice."""
    merged: list[Span] = []
    for span in sorted(spans):
        if merged and span.start <= merged[-1].end:
            merged[-1] = Span(merged[-1].start, max(merged[-1].end, span.end))
        else:
            merged.append(span)
    return merged


def characters(spans: Spans) -> int:
    """How many characters the spans hold, each counted once."""
    return sum(span.end - span.start for of_source in spans.values() for span in covered(of_source))


def overlap(first: Spans, second: Spans) -> int:
    """How many characters two sets of spans have in common."""
    return sum(
        one.overlap(other)
        for source in first.keys() & second.keys()
        for one in covered(first[source])
        for other in covered(second[source])
    )
