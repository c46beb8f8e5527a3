"""Gold evidence -> the characters of a document that it means. A quote counts only where it stands exactly once."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from difflib import get_close_matches

from eval.errors import FaultyQuestion
from eval.types import Evidence, GoldQuestion
from rag.types import Document, Span

_LONGEST_SHOWN = 80  # characters of a quote that a fault repeats


def resolve(question: GoldQuestion, documents: Mapping[str, Document]) -> GoldQuestion:
    """The question with every piece of evidence as a span of its document.

    Raises FaultyQuestion for a source that is not there and for a place that is not, or not only, there.
    """
    reasons = [_absent(source, documents) for source in question.relevant or () if source not in documents]
    resolved: list[Evidence] = []
    for number, evidence in enumerate(question.evidence or (), start=1):
        document = documents.get(evidence.source)
        try:
            if document is None:
                raise FaultyQuestion(_absent(evidence.source, documents))
            span = locate(evidence, document)
            resolved.append(replace(evidence, span=span, quote=span.of(document.text)))
        except FaultyQuestion as fault:
            reasons += [f"evidence {number}: {reason}" for reason in fault.reasons]
    if reasons:
        raise FaultyQuestion(*reasons)
    return replace(question, evidence=tuple(resolved) if question.evidence is not None else None)


def locate(evidence: Evidence, document: Document) -> Span:
    """Where a piece of evidence stands in its document: its characters, its quote (on its page), or its page.

    Raises FaultyQuestion if it stands nowhere, or if a quote stands in several places.
    """
    text = document.text
    within = Span(0, len(text)) if evidence.page is None else _page(evidence.page, document)
    if evidence.span is None and not evidence.quote:
        return within
    if evidence.span is None:
        places = list(_places(evidence.quote, text, within))
        if len(places) == 1:
            return places[0]
        raise FaultyQuestion(_several(evidence, len(places)) if places else _nowhere(evidence, text, within))
    found = evidence.span.of(text)
    if evidence.span.end > len(text) or (evidence.quote and found != evidence.quote):
        raise FaultyQuestion(
            f"characters {evidence.span.start}-{evidence.span.end} of {evidence.source!r} ({len(text)} characters) "
            f"are {short(found)}, not {short(evidence.quote)}. Correct the numbers, or leave them out."
        )
    return evidence.span


def _page(number: int, document: Document) -> Span:
    for page in document.pages:
        if page.number == number:
            return page.span
    have = f"{len(document.pages)} pages with text" if document.pages else "no pages"
    raise FaultyQuestion(f"{document.source!r} has no page {number} (it has {have}). Correct or leave out the page.")


def _places(quote: str, text: str, within: Span) -> Iterator[Span]:
    start = text.find(quote, within.start, within.end)
    while start >= 0:
        yield Span(start, start + len(quote))
        start = text.find(quote, start + 1, within.end)


def _several(evidence: Evidence, places: int) -> str:
    return (
        f"the quote {short(evidence.quote)} stands {places} times in {evidence.source!r}. "
        "Quote more of it, or add start and end, or a page."
    )


def _nowhere(evidence: Evidence, text: str, within: Span) -> str:
    """The fault, with the source's own words where these differ in white space or capitals only."""
    loose = re.compile(r"\s+".join(map(re.escape, evidence.quote.split())), re.IGNORECASE)
    near = loose.search(text, within.start, within.end)
    hint = f"the source writes {short(near.group())}" if near else "copy the words exactly as the source has them"
    where = f" on page {evidence.page}" if evidence.page is not None else ""
    return f"the quote {short(evidence.quote)} is not in {evidence.source!r}{where}: {hint}."


def _absent(source: str, documents: Mapping[str, Document]) -> str:
    near = get_close_matches(source, documents, n=1)
    hint = f"Did you mean {near[0]!r}?" if near else "Ingest it, or correct the name (it is relative to the folder)."
    return f"the corpus has no source {source!r}. {hint}"


def short(text: str) -> str:
    """A text as a fault repeats it: in quotation marks, and cut if it is long."""
    return repr(text if len(text) <= _LONGEST_SHOWN else text[: _LONGEST_SHOWN - 1] + "…")
