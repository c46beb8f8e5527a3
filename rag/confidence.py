"""Evidence -> the probability that the collection answers the question; below a threshold the answer is a refusal."""

from __future__ import annotations

import math
from dataclasses import astuple

from rag.extract import Evidence

# Logistic regression over Evidence's fields, in their order; see `python -m eval fit-confidence`.
_WEIGHTS = (4.0, 2.0, 2.0, 2.5, 0.7, 2.0, 1.0)
_INTERCEPT = -7.5


def confidence(evidence: Evidence) -> float:
    """The probability, in [0, 1], that a question with this evidence is answered by its first sentence's source."""
    logit = _INTERCEPT + sum(weight * value for weight, value in zip(_WEIGHTS, astuple(evidence), strict=True))
    return 1 / (1 + math.exp(-logit))
