"""Evidence -> the probability that the collection answers the question; below a threshold the answer is a refusal."""

from __future__ import annotations

import math
from collections.abc import Sequence
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


def confidence(evidence: Evidence, weights: Sequence[float]) -> float:
    """The probability, in [0, 1], that the documents answer a question with this evidence.

    `weights` are an intercept and one for each field of Signals, as the setting `confidence` holds them.
    """
    intercept, *others = weights
    weighted = zip(others, astuple(signals(evidence)), strict=True)
    return 1 / (1 + math.exp(-intercept - sum(weight * value for weight, value in weighted)))


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
