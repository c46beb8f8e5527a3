"""Evidence -> the probability that the collection answers the question; below a threshold the answer is a refusal."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import astuple, dataclass

from rag.extract import Evidence
from rag.settings import Settings

# Logistic regressions over the fields of Signals, in their order after an intercept, on answerable questions against
# such questions without their passage, or changed so that it does not answer them: with the reader one in two, in
# more ways, and some asked by their words alone; without it one in four, a name or number exchanged. Fitted by
# `python -m eval fit-signals`.
_WEIGHTS = (-6.26, 4.15, 0.98, 0.67, 2.55, 2.36, 0.0, 0.0, 0.0)
_READ_WEIGHTS = (-3.23, 0.0, 0.45, 0.43, 3.06, 0.88, 0.10, 0.05, 0.85)


@dataclass(frozen=True, slots=True)
class Signals:
    """What the confidence rests on. The likeness of the sentence is 0 where the reader read, its odds where it did not.

    Each at most 1, but for the reader's log odds.
    """

    similarity: float  # cosine of question and sentence
    context_coverage: float  # share of the question's words in the sentence and its context
    names: float  # share of the question's names and numbers in the sentence and its context
    passage_similarity: float  # best cosine of question and passage
    passage_coverage: float  # share of the question's words in the sentence's passage
    answers: float  # the reader: log odds that the answer stands in the sentence
    relevance: float  # the reader: log odds that the sentence's passage is of use
    words: float  # 1 where only words to look for were given: the reader has learned questions, and doubts others


def confidence(evidence: Evidence, weights: Sequence[float]) -> float:
    """The probability, in [0, 1], that the documents answer a question with this evidence.

    `weights` are an intercept and one for each field of Signals (see `weights_of`).
    """
    intercept, *others = weights
    weighted = zip(others, astuple(signals(evidence)), strict=True)
    return 1 / (1 + math.exp(-intercept - sum(weight * value for weight, value in weighted)))


def weights_of(settings: Settings) -> tuple[float, ...]:
    """The weights that the settings hold, else the shipped ones."""
    return settings.confidence or shipped_weights(settings)


def shipped_weights(settings: Settings) -> tuple[float, ...]:
    """The weights fitted with the reader, or without it where the settings turn it off."""
    return _READ_WEIGHTS if settings.reader else _WEIGHTS


def signals(evidence: Evidence) -> Signals:
    """The part of the evidence that tells answerable questions from others."""
    sentence = evidence.sentence
    return Signals(
        sentence.similarity,
        sentence.context_coverage,
        sentence.names,
        evidence.passage_similarity,
        evidence.passage_coverage,
        sentence.answers,
        sentence.relevance,
        0.0 if evidence.asked else 1.0,
    )
