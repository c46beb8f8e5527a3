"""Question + passages -> a draft made of exact sentences, without a language model."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import astuple, dataclass

from rag.answer_kind import expected_kind, mentions
from rag.candidates import Candidate, Features, SentenceReader, candidates
from rag.models import Vectors
from rag.terms import QuestionTerms, stem, stems
from rag.types import Claim, Draft, Passage, Span

GENERATOR = "quotes"
MOST_SENTENCES = 3

# Over the fields of Features, in their order: a softmax regression on which of the sentences retrieved holds
# the answer, fitted by `python -m eval fit-quotes`.
_WEIGHTS = (2.8, 2.8, 2.6, 2.0, 0.3, 1.7, 6.5, 0.8)
# A further sentence is quoted while the log odds that the best is better are at most this; more for the sentences
# beside the best, which complete it. The same command prints how often the sentences quoted hold the answer.
_NEARLY_AS_GOOD = 1.0
_BESIDE_THE_BEST = 2.0


@dataclass(frozen=True, slots=True)
class Evidence:
    """How well the best sentence fits the question."""

    sentence: Features
    passage_similarity: float  # best cosine of question and passage, -1 to 1
    passage_coverage: float  # share of the question's words, weighted by rarity, in the sentence's passage, 0 to 1


@dataclass(frozen=True, slots=True)
class Extraction:
    """The sentences considered, best first, the draft, and the evidence for its first sentence.

    Draft and evidence are None when no sentence could be quoted.
    """

    candidates: tuple[Candidate, ...] = ()
    draft: Draft | None = None
    evidence: Evidence | None = None


def extract(
    question: str, vector: Vectors, passages: Sequence[Passage], terms: QuestionTerms, reader: SentenceReader
) -> Extraction:
    """One to three exact sentences that answer the question best.

    `vector` is the question's embedding, shape (dimension,).
    """
    found = sorted(
        candidates(question, vector, passages, terms, reader),
        key=lambda candidate: (-score(candidate.features), candidate.passage, candidate.span),
    )
    if not found:
        return Extraction()
    claims = tuple(Claim(candidate.text, (candidate.passage,), candidate.span) for candidate in _choose(found))
    draft = Draft(claims, GENERATOR, _short_answer(question, found[0]))
    return Extraction(tuple(found), draft, _evidence(found[0], passages, terms))


def score(features: Features) -> float:
    """How well a sentence answers; differences are log odds of one sentence being the better answer."""
    return math.fsum(weight * value for weight, value in zip(_WEIGHTS, astuple(features), strict=True))


def _choose(ranked: Sequence[Candidate]) -> list[Candidate]:
    """The best sentence, then those nearly as good or beside it."""
    best = ranked[0]
    chosen: list[Candidate] = []
    for candidate in ranked:
        behind = score(best.features) - score(candidate.features)
        beside = candidate.passage == best.passage and abs(candidate.place - best.place) == 1
        if behind > (_BESIDE_THE_BEST if beside else _NEARLY_AS_GOOD):
            continue
        if len(chosen) < MOST_SENTENCES and candidate.text not in {other.text for other in chosen}:
            chosen.append(candidate)
    return chosen


def _evidence(best: Candidate, passages: Sequence[Passage], terms: QuestionTerms) -> Evidence:
    chunk = passages[best.passage - 1].chunk
    return Evidence(
        sentence=best.features,
        passage_similarity=max(passage.scores.get("dense", 0.0) for passage in passages),
        passage_coverage=terms.share(set(stems(f"{chunk.title} {chunk.heading} {chunk.text}"))),
    )


def _short_answer(question: str, best: Candidate) -> Span | None:
    """The mention of the kind asked for that stands nearest to the question's words, as a place in the document."""
    kind = expected_kind(question)
    found = mentions(kind, best.text, question) if kind else []
    if not found:
        return None
    asked = set(stems(question))
    anchors = [match.start() for match in re.finditer(r"\w+", best.text) if stem(match.group().lower()) in asked]
    nearest = min(found, key=lambda span: sum(abs(span.start - anchor) for anchor in anchors))
    return nearest.shifted(best.span.start)
