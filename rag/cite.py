"""Draft + passages -> checked citations and rejections. No citation exists unless its characters were compared."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from rag.types import Citation, Claim, Document, Draft, Passage, Rejection

# What looks like one of our marks inside a quoted sentence is the source's own, and would point nowhere.
_FOREIGN_MARK = re.compile(r"\s?[\[［【]\s*\d+\s*[\]］】]")


@dataclass(frozen=True, slots=True)
class Checked:
    """A draft after the check: the text with marks that all resolve, and what did not pass."""

    text: str
    citations: tuple[Citation, ...]
    rejections: tuple[Rejection, ...]
    short_answer: str | None


NOTHING = Checked("", (), (), None)


def check(draft: Draft, passages: Sequence[Passage], document: Callable[[str], Document | None]) -> Checked:
    """Compare every claim with the stored document it names; marks are numbered in the order of the text.

    `document` looks a document up by id, as `Store.document` does.
    """
    sentences: list[str] = []
    citations: list[Citation] = []
    rejections: list[Rejection] = []
    for claim in draft.claims:
        mark = len(citations) + 1
        citation = _cited(claim, mark, passages, document)
        if isinstance(citation, Citation):
            citations.append(citation)
            sentences.append(f"{plain(claim.text)} [{mark}]")
        else:
            rejections.append(Rejection(mark, claim.text, citation))
    return Checked(" ".join(sentences), tuple(citations), tuple(rejections), _short_answer(draft, citations))


def plain(text: str) -> str:
    """A sentence on one line, without marks of its own."""
    return " ".join(_FOREIGN_MARK.sub("", text).split())


def _cited(
    claim: Claim, mark: int, passages: Sequence[Passage], document: Callable[[str], Document | None]
) -> Citation | str:
    """The claim's citation, or the reason why it gets none."""
    if not claim.passages:
        return "it names no passage"
    number = claim.passages[0]
    if not 1 <= number <= len(passages):
        return f"it names passage {number}, but there are {len(passages)}"
    chunk = passages[number - 1].chunk
    if claim.quote is None:
        return "it quotes no characters of its passage"
    if not (chunk.span.start <= claim.quote.start and claim.quote.end <= chunk.span.end):
        return f"its quotation lies outside passage {number}"
    stored = document(chunk.document_id)
    if stored is None:
        return f"its document {chunk.source} is no longer in the store"
    quote = claim.quote.of(stored.text)
    if quote != claim.text:
        return f"its words are not the ones at {claim.quote.start}-{claim.quote.end} of {chunk.source}"
    page = stored.page_at(claim.quote.start)
    return Citation(mark, stored.source, stored.id, claim.quote, quote, page, "quoted")


def _short_answer(draft: Draft, citations: Sequence[Citation]) -> str | None:
    """The short answer's characters, if they lie inside a citation."""
    place = draft.short_answer
    for citation in citations:
        if place and citation.span.start <= place.start and place.end <= citation.span.end:
            return citation.quote[place.start - citation.span.start : place.end - citation.span.start]
    return None
