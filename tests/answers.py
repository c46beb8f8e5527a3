"""Answers and passages made by hand, for tests of what is said about them."""

from __future__ import annotations

import re
from collections.abc import Sequence

from rag.types import Answer, Chunk, Citation, Document, Passage, Span

TEXT = "The treaty was signed in Vienna in 1815. It rained all day. Nobody minded the rain at all."
DOCUMENTS = {source: Document(source, source, source, TEXT) for source in ("a.txt", "b.txt")}
WHOLE = Span(0, len(TEXT))
WHERE = Span(0, 40)  # the first sentence


def passage(source: str, span: Span = WHOLE) -> Passage:
    return Passage(Chunk(f"{source} {span.start}", source, source, span, span.of(TEXT)), 1.0, {"fused": 1})


def citation(mark: int, source: str, span: Span, quote: str | None = None) -> Citation:
    return Citation(mark, source, source, span, span.of(TEXT) if quote is None else quote, None, "quoted")


def answer(
    text: str,
    citations: Sequence[Citation] = (),
    *,
    short: str | None = None,
    refused: bool = False,
    confidence: float = 0.5,
    passages: Sequence[Passage] = (),
) -> Answer:
    assert refused or len(re.findall(r"\[\d+\]", text)) >= len(citations)
    return Answer(
        *("Where?", "Where?", text, short, tuple(citations), (), tuple(passages), refused, confidence, "by hand", {})
    )
