"""Question + passages -> a draft made of exact sentences, without a language model."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import astuple, dataclass

from rag.candidates import Candidate, Features, SentenceReader, candidates
from rag.models import Encoded
from rag.short_answer import ShortAnswer, short_answer
from rag.terms import QuestionTerms, stems
from rag.types import Claim, Draft, Passage

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
    question: str, asked: Encoded, passages: Sequence[Passage], terms: QuestionTerms, reader: SentenceReader
) -> Extraction:
    """One to three exact sentences that answer the question best, and the words that answer it shortly."""
    found = sorted(
        candidates(question, asked.vector, passages, terms, reader),
        key=lambda candidate: (-score(candidate.features), candidate.passage, candidate.span),
    )
    if not found:
        return Extraction()
    chosen = _choose(found)
    answers = [
        short_answer(question, asked, candidate.text, said)
        for candidate, said in zip(chosen, reader.encoded([candidate.text for candidate in chosen]), strict=True)
    ]
    best = max(range(len(chosen)), key=lambda place: _promise(chosen[place], answers[place]))
    # The sentence with the short answer comes first: it is what one wants to read.
    chosen.insert(0, chosen.pop(best))
    claims = tuple(Claim(candidate.text, (candidate.passage,), candidate.span) for candidate in chosen)
    answer = answers[best]
    draft = Draft(claims, GENERATOR, answer.span.shifted(chosen[0].span.start) if answer else None)
    return Extraction(tuple(found), draft, _evidence(found[0], passages, terms))


def score(features: Features) -> float:
    """How well a sentence answers; differences are log odds of one sentence being the better answer."""
    return math.fsum(weight * value for weight, value in zip(_WEIGHTS, astuple(features), strict=True))


def _evidence(best: Candidate, passages: Sequence[Passage], terms: QuestionTerms) -> Evidence:
    chunk = passages[best.passage - 1].chunk
    return Evidence(
        sentence=best.features,
        passage_similarity=max(passage.scores.get("dense", 0.0) for passage in passages),
        passage_coverage=terms.share(set(stems(f"{chunk.title} {chunk.heading} {chunk.text}"))),
    )


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


def _promise(candidate: Candidate, answer: ShortAnswer | None) -> float:
    """How sure a short answer is: that its sentence is the right one, and that it is the right words there."""
    return score(candidate.features) + math.log(answer.expected_overlap) if answer else -math.inf
