"""Knowing when not to answer: confidence against whether the corpus answers, and against whether the answer is right.

Arrays have one entry a question, shape (questions,): `confidence` in [0, 1], the labels 0 or 1.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]

_BINS = 10


@dataclass(frozen=True, slots=True)
class Bin:
    """The questions whose confidence lies in one tenth of [0, 1]."""

    low: float
    high: float
    questions: int
    confidence: float  # their mean
    answerable: float  # the share of them that the corpus answers


def auroc(confidence: Values, answerable: Values) -> float | None:
    """The chance that an answerable question has more confidence than another; None if one kind is missing."""
    if not 0 < answerable.sum() < len(answerable):
        return None
    return separation(confidence[answerable == 1], confidence[answerable == 0])


def separation(higher: Values, lower: Values) -> float:
    """The chance that one of the first values is greater than one of the second; both hold at least one."""
    from sklearn.metrics import roc_auc_score  # takes seconds to import, and the chat seldom needs it

    labels = np.r_[np.ones(len(higher)), np.zeros(len(lower))]
    return float(roc_auc_score(labels, np.r_[higher, lower]))


def risk_coverage(confidence: Values, right: Values) -> tuple[Values, Values]:
    """Coverage and risk, each of shape (questions,): answering only the n most confident questions covers n of all,
    and errs in the share of these that is not right.

    El-Yaniv and Wiener, "On the Foundations of Noise-free Selective Classification", 2010. Questions of equal
    confidence share their risk, so that their order cannot matter.
    """
    order = np.argsort(-confidence, kind="stable")
    ordered = confidence[order]
    wrong = 1 - right[order].astype(float)
    starts = np.r_[0, np.flatnonzero(np.diff(ordered)) + 1]
    sizes = np.diff(np.r_[starts, len(ordered)])
    if len(ordered):
        wrong = np.repeat(np.add.reduceat(wrong, starts) / sizes, sizes)
    answered = np.arange(1, len(ordered) + 1)
    return answered / max(len(ordered), 1), np.cumsum(wrong) / answered


def area_under_risk_coverage(confidence: Values, right: Values) -> float | None:
    """The mean risk over all coverages; 0 is best. None without questions.

    Geifman and El-Yaniv, "Bias-Reduced Uncertainty Estimation for Deep Neural Classifiers", 2019.
    """
    return float(risk_coverage(confidence, right)[1].mean()) if len(confidence) else None


def reliability(confidence: Values, answerable: Values) -> tuple[Bin, ...]:
    """The questions in ten bins of equal width; bins without questions are left out."""
    place = np.minimum((confidence * _BINS).astype(int), _BINS - 1)
    return tuple(
        Bin(
            number / _BINS,
            (number + 1) / _BINS,
            int((place == number).sum()),
            float(confidence[place == number].mean()),
            float(answerable[place == number].mean()),
        )
        for number in range(_BINS)
        if (place == number).any()
    )


def expected_calibration_error(confidence: Values, answerable: Values) -> float | None:
    """The mean distance, over questions, of their bin's mean confidence and share answerable; None without any.

    Guo et al., "On Calibration of Modern Neural Networks", 2017, with ten bins of equal width.
    """
    bins = reliability(confidence, answerable)
    total = sum(one.questions for one in bins)
    return sum(one.questions * abs(one.confidence - one.answerable) for one in bins) / total if total else None
