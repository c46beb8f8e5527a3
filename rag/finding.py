"""What was found for a question -> the quotations that are good enough, and what is to be said with them or instead."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import prompts
from rag.comments import under_comments
from rag.extract import GENERATOR, Extraction
from rag.lists import asks_for_a_list
from rag.mentions import Mentions
from rag.terms import QuestionTerms
from rag.types import Citation, Claim, Draft, Passage, Span


@dataclass(frozen=True, slots=True)
class Part:
    """One of the questions that a question asks, and the best that can be quoted for it.

    `certainty` is the probability that the documents answer it.
    """

    question: str
    terms: QuestionTerms
    extraction: Extraction
    certainty: float


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found for a question before anything is decided: passages, and what can be quoted for each part of it.

    `question` is what was searched for: without filters and quotation marks, and with misspelt names put right. `scan`
    is what reading every document gave, for a question about the collection as a whole.
    """

    question: str
    passages: tuple[Passage, ...]
    parts: tuple[Part, ...]
    seconds: dict[str, float]
    scan: Mentions | None = None

    @property
    def certainty(self) -> float:
        """The probability that the documents answer at least one part."""
        if self.scan:
            return float(self.scan.draft is not None)
        return max((part.certainty for part in self.parts), default=0.0)


def refusal(finding: Finding, question: str) -> str:
    """What is said when the documents do not answer; names the words of the question that they nowhere mention."""
    if not finding.passages and not finding.scan:
        return prompts.load("refusal_empty")
    # Words from earlier in the conversation may be looked for, too, but were not asked about now.
    typed = question.casefold()
    words = (word for part in finding.parts for word in part.terms.unknown.values())
    unknown = dict.fromkeys(word for word in words if word.casefold() in typed)
    if unknown:
        return prompts.fill("refusal_unknown_words", words=", ".join(unknown))
    return prompts.load("refusal")


def quotes(finding: Finding, strictness: float) -> Draft | None:
    """The quotations for the parts that are certain enough; the first short answer among them."""
    if finding.scan:
        return finding.scan.draft
    drafts = [part.extraction.draft for part in finding.parts if part.certainty >= strictness]
    claims: dict[tuple[tuple[int, ...], Span | None], Claim] = {}
    for claim in (claim for draft in drafts if draft for claim in draft.claims):
        claims.setdefault((claim.passages, claim.quote), claim)
    return Draft(tuple(claims.values()), GENERATOR) if claims else None


def told_with(finding: Finding, strictness: float, chunks: int) -> tuple[str, ...]:
    """What is told beside quotations: whether they are all there is, what was not found, where documents disagree."""
    if finding.scan:
        return (finding.scan.note,)
    answered = [part for part in finding.parts if part.certainty >= strictness and part.extraction.draft]
    missing = [part.question for part in finding.parts if part not in answered] if answered else []
    notes = [f"Nothing was found for “{question}”" for question in missing]
    for part in answered:
        if part.extraction.opposed:
            said = ", ".join(f"{source} says “{words}”" for source, words in part.extraction.opposed)
            notes.append(f"The documents give different answers: {said}.")
    if answered and asks_for_a_list(finding.question) and chunks > len(finding.passages):
        seen = len(finding.passages)
        were = "was" if seen == 1 else "were"
        notes.append(f"This may not be all: {seen} of the collection's {chunks:,} passages {were} looked at.")
    return tuple(notes)


def of_readers(citations: Sequence[Citation], passages: Sequence[Passage]) -> tuple[str, ...]:
    """Which footnotes point at a reader's comment instead of at what the document itself says."""
    comments = [passage.chunk for passage in passages if under_comments(passage.chunk.heading)]
    marks = [
        f"[{citation.mark}]"
        for citation in citations
        if any(chunk.source == citation.source and chunk.span.overlap(citation.span) for chunk in comments)
    ]
    if not marks:
        return ()
    are = "is a reader's comment" if len(marks) == 1 else "are readers' comments"
    return (f"{', '.join(marks)} {are}, not what the document itself says.",)


def in_turn(lists: Sequence[tuple[Passage, ...]]) -> tuple[Passage, ...]:
    """The passages of several searches, the best of each first, none twice."""
    longest = max(map(len, lists))
    found: dict[str, Passage] = {}
    for passage in (passages[place] for place in range(longest) for passages in lists if place < len(passages)):
        found.setdefault(passage.chunk.id, passage)
    return tuple(found.values())
