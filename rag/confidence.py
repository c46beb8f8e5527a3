"""Evidence -> the probability that the collection answers the question; below a threshold the answer is a refusal."""

from __future__ import annotations

import math
from dataclasses import astuple, dataclass

from rag.extract import Evidence


@dataclass(frozen=True, slots=True)
class Signals:
    """What the confidence rests on; each at most 1."""

    similarity: float  # cosine of question and sentence
    context_coverage: float  # share of the question's words in the sentence and its context
    names: float  # share of the question's names and numbers in the sentence and its context
    passage_similarity: float  # best cosine of question and passage
    passage_coverage: float  # share of the question's words in the sentence's passage


# A logistic regression on answerable questions against such questions without their passage, or with a name or number
# exchanged; fitted by `python -m eval fit-confidence`. In the order of the fields of Signals.
_INTERCEPT = -6.19
_WEIGHTS = (4.6, 1.4, 0.6, 1.9, 1.9)


def confidence(evidence: Evidence) -> float:
    """The probability, in [0, 1], that the documents answer a question with this evidence."""
    weighted = zip(_WEIGHTS, astuple(signals(evidence)), strict=True)
    return 1 / (1 + math.exp(-_INTERCEPT - sum(weight * value for weight, value in weighted)))


def signals(evidence: Evidence) -> Signals:
    """The part of the evidence that tells answerable questions from others."""
    sentence = evidence.sentence
    return Signals(
        sentence.similarity,
        sentence.context_coverage,
        sentence.names,
        evidence.passage_similarity,
        evidence.passage_coverage,
    )
