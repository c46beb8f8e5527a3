"""Sentences -> the few words of one of them that answer the question.

Every stretch of words gets a probability, from weights over what describes it (`rag/stretches.py`): those for all
questions plus those for the kind of question. What is chosen is not the likeliest stretch but the one that has most
words in common with all of them, each counted by its probability: the choice with the least expected error. The weights
are data, fitted by `python -m eval fit-short-answers`.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files

import numpy as np
from numpy.typing import NDArray
from scipy.special import logsumexp

from rag.models import Encoded
from rag.stretches import FEATURES, KINDS, question_kind, stretches
from rag.types import Span

WEIGHTS_FILE = "short_answer.json"
_COMPARED = 40  # likeliest stretches that are compared with each other

Weights = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class ShortAnswer:
    """The words chosen from a sentence, as a place in it.

    `expected_overlap` is the F1 of words in common with the right answer that is to be expected if the sentence holds
    it; `evidence` is how much speaks for any answer in this sentence, as log odds.
    """

    span: Span
    expected_overlap: float
    evidence: float


def short_answer(question: str, asked: Encoded, sentence: str, said: Encoded) -> ShortAnswer | None:
    """The words of a sentence that answer the question best; None if it has no words of content."""
    found = stretches(question, asked, sentence, said)
    if not found.spans:
        return None
    return likeliest(found.spans, found.features @ weights()[question_kind(question)])


def likeliest(spans: Sequence[Span], scores: Weights) -> ShortAnswer:
    """The stretch with most characters in common with all of them, each counted by its probability.

    `scores` are log odds of the stretches, at least one.
    """
    evidence = float(logsumexp(scores))
    first = np.argsort(-scores, kind="stable")[:_COMPARED]
    probabilities = np.exp(scores[first] - evidence)
    starts = np.array([spans[place].start for place in first])
    ends = np.array([spans[place].end for place in first])
    common = np.minimum(ends[:, None], ends) - np.maximum(starts[:, None], starts)
    lengths = ends - starts
    expected = 2 * np.maximum(common, 0) / (lengths[:, None] + lengths) @ probabilities
    best = int(np.argmax(expected))
    return ShortAnswer(spans[first[best]], float(expected[best]), evidence)


@lru_cache(maxsize=1)
def weights() -> dict[str, Weights]:
    """The weights over FEATURES for each kind of question: those of all questions and its own."""
    stored = json.loads((files(__package__) / WEIGHTS_FILE).read_text("utf-8"))
    return {
        kind: np.array([stored["all"].get(name, 0.0) + stored[kind].get(name, 0.0) for name in FEATURES])
        for kind in KINDS
    }
