"""Draft + passages -> checked citations and rejections. No citation exists unless its characters were compared.

A quoted sentence must be exactly the words of its place. A written one must be supported by some stretch of the
passages that it names, or of any passage if it names none; that stretch is what its footnote shows.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from rag.sentences import is_item
from rag.support import Support, SupportJudge, Verdict
from rag.types import Citation, Claim, Document, Draft, Passage, Rejection, Span

# What looks like one of our marks inside a quoted sentence is the source's own, and would point nowhere.
_FOREIGN_MARK = re.compile(r"\s?[\[［【]\s*\d+\s*[\]］】]")
# A written sentence shows no addresses and no markup: a document could have put them into the model's mouth.
_ACTIVE = re.compile(r"https?:|ftp:|www\.|\bdata:|javascript:|!?\[[^\]]*\]\s*\(|</?[a-z!][^>]*>|&#?\w+;", re.IGNORECASE)

Documents = Callable[[str], Document | None]


@dataclass(frozen=True, slots=True)
class Checked:
    """A draft after the check: the text with marks that all resolve, and what did not pass."""

    text: str
    citations: tuple[Citation, ...]
    rejections: tuple[Rejection, ...]
    short_answer: str | None


NOTHING = Checked("", (), (), None)


def check(draft: Draft, passages: Sequence[Passage], document: Documents, judge: SupportJudge) -> Checked:
    """Compare every claim with the stored documents; marks are numbered in the order of the text.

    `document` looks a document up by id, as `Store.document` does.
    """
    sentences: list[str] = []
    citations: list[Citation] = []
    rejections: list[Rejection] = []
    short_answer: str | None = None
    for claim in draft.claims:
        first = len(citations) + 1
        found: list[Citation] = []
        for each in _cited(claim, first, passages, document, judge):
            if isinstance(each, Citation):
                found.append(each)
            else:
                rejections.append(Rejection(first, claim.text, each))
        if found:
            citations += found
            sentences.append(plain(claim.text) + "".join(f" [{citation.mark}]" for citation in found))
            short_answer = short_answer or _short_answer(claim, found[0])
    return Checked(_joined(sentences), tuple(citations), tuple(rejections), short_answer)


def plain(text: str) -> str:
    """A sentence on one line, without marks of its own."""
    return " ".join(_FOREIGN_MARK.sub("", text).split())


def _cited(
    claim: Claim, first: int, passages: Sequence[Passage], document: Documents, judge: SupportJudge
) -> Iterator[Citation | str]:
    """The claim's citations, numbered from `first`, and the reasons why it has not got others."""
    named = [number for number in claim.passages if 1 <= number <= len(passages)]
    for number in claim.passages:
        if number not in named:
            yield f"it names passage {number}, but there are {len(passages)}"
    if claim.quote is not None:
        if named:
            yield _quotation(claim, claim.quote, first, passages[named[0] - 1], document)
        elif not claim.passages:
            yield "it names no passage"
    elif _ACTIVE.search(claim.text):
        yield "it holds an address or markup, which only a quotation may"
    else:
        yield from _supported(claim, first, passages, named, document, judge)


def _quotation(claim: Claim, quote: Span, mark: int, passage: Passage, document: Documents) -> Citation | str:
    chunk = passage.chunk
    if not (chunk.span.start <= quote.start and quote.end <= chunk.span.end):
        return f"its quotation lies outside the passage of {chunk.source}"
    stored = document(chunk.document_id)
    if stored is None:
        return f"its document {chunk.source} is no longer in the store"
    words = quote.of(stored.text)
    if words != claim.text:
        return f"its words are not the ones at {quote.start}-{quote.end} of {chunk.source}"
    return _citation(mark, stored, quote, Verdict.QUOTED)


def _supported(
    claim: Claim,
    first: int,
    passages: Sequence[Passage],
    named: Sequence[int],
    document: Documents,
    judge: SupportJudge,
) -> Iterator[Citation | str]:
    """A citation of each named passage that supports the claim; of the best of all, where none is named or does."""
    first_judged = _judged(claim, [passages[number - 1] for number in named] or passages, judge)
    holds = [each for each in first_judged if each[1].verdict is not Verdict.UNSUPPORTED]
    if not holds and named:
        # A model that writes well may still put the wrong number behind a sentence; what counts is what supports it.
        others = [passage for number, passage in enumerate(passages, start=1) if number not in named]
        holds = [each for each in _judged(claim, others, judge) if each[1].verdict is Verdict.SUPPORTED][:1]
    if not holds:
        where = "the passages" if not named else f"passage {', '.join(map(str, named))}"
        yield f"not said in {where}" + (f": {first_judged[0][1].reason}" if first_judged else "")
        return
    for passage, support in holds if named else holds[:1]:
        stored = document(passage.chunk.document_id)
        span = support.span.shifted(passage.chunk.span.start)
        if stored is None or span.of(stored.text) != support.span.of(passage.chunk.text):
            yield f"its document {passage.chunk.source} is no longer in the store as it was read"
            continue
        yield _citation(first, stored, span, support.verdict)
        first += 1


def _judged(claim: Claim, passages: Sequence[Passage], judge: SupportJudge) -> list[tuple[Passage, Support]]:
    """Each passage with how it supports the claim, the best first."""
    found: list[tuple[Passage, Support]] = []
    for passage in passages:
        chunk = passage.chunk
        support = judge.judge(claim.text, chunk.text, chunk.above)
        if support:
            found.append((passage, support))
    return sorted(found, key=lambda each: -each[1].probability)


def _citation(mark: int, document: Document, span: Span, verdict: Verdict) -> Citation:
    page = document.page_at(span.start)
    return Citation(mark, document.source, document.id, span, span.of(document.text), page, verdict.value)


def _short_answer(claim: Claim, citation: Citation) -> str | None:
    """The short answer's characters, if they lie inside the citation of its claim."""
    place, within = claim.answer, citation.span
    if place and within.start <= place.start and place.end <= within.end:
        return citation.quote[place.start - within.start : place.end - within.start]
    return None


def _joined(sentences: Sequence[str]) -> str:
    """The sentences on one line, but the items of a list on lines of their own."""
    text = ""
    for before, sentence in zip(("", *sentences), sentences, strict=False):
        text += ("\n" if is_item(sentence) or is_item(before) else " ") + sentence
    return text.strip()
