"""Outcomes -> what is said of a run as a whole: means with intervals, calibration, cost."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import fmean

import numpy as np
from numpy.typing import NDArray

from eval.measures import HEADLINES, MEASURES
from eval.metrics import refusal
from eval.outcome import Outcome
from eval.stats import Estimate, estimate, mean

Values = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Calibration:
    """How far the confidence can be trusted. None where the gold set holds nothing to judge it by."""

    auroc: Estimate | None  # does it tell answerable questions from others
    risk_coverage: Estimate | None  # the area under the risk-coverage curve of answers
    calibration_error: Estimate | None  # of confidence as the probability that the corpus answers
    refusal_precision: Estimate | None  # of the questions refused, the share that the corpus does not answer
    refusal_recall: Estimate | None  # of the questions that the corpus does not answer, the share refused


@dataclass(frozen=True, slots=True)
class Latency:
    """Seconds of one stage over all questions."""

    stage: str
    p50: float
    p95: float


def estimates(outcomes: Iterable[Outcome], names: Iterable[str] = MEASURES) -> dict[str, Estimate]:
    """The mean of each measure over the questions that it applies to; those that apply to none are left out."""
    outcomes = tuple(outcomes)
    columns = {name: values(outcomes, name) for name in names}
    return {name: mean(column) for name, column in columns.items() if column}


def values(outcomes: Iterable[Outcome], name: str) -> list[float]:
    """A measure of every question that it applies to."""
    return [value for outcome in outcomes if (value := outcome.measures[name]) is not None]


def by_tag(outcomes: Sequence[Outcome], names: Sequence[str] = HEADLINES) -> dict[str, dict[str, Estimate]]:
    """The same for the questions of each tag, by tag."""
    tags = sorted({tag for outcome in outcomes for tag in outcome.gold.tags})
    return {tag: estimates((outcome for outcome in outcomes if tag in outcome.gold.tags), names) for tag in tags}


def macro_averages(tags: dict[str, dict[str, Estimate]]) -> dict[str, float]:
    """The mean over the tags of each measure, every tag counting the same."""
    names = dict.fromkeys(name for of_tag in tags.values() for name in of_tag)
    return {name: fmean(of_tag[name].value for of_tag in tags.values() if name in of_tag) for name in names}


def calibration(outcomes: Iterable[Outcome]) -> Calibration:
    """The confidence against whether the corpus answers, and against whether the answer is right."""
    outcomes = tuple(outcomes)
    confidence, answerable, refused = confidences(outcomes)
    risk_confidence, right = rightness(outcomes)
    auroc = precision = recall = None
    if 0 < answerable.sum() < len(answerable):
        auroc = estimate(
            [confidence[answerable == 1], confidence[answerable == 0]],
            refusal.separation,
            paired=False,
            vectorised=False,
        )
        precision = mean(1 - answerable[refused == 1]) if refused.any() else None
        recall = mean(refused[answerable == 0])
    return Calibration(
        auroc=auroc,
        risk_coverage=_paired(refusal.area_under_risk_coverage, risk_confidence, right),
        calibration_error=_paired(refusal.expected_calibration_error, confidence, answerable),
        refusal_precision=precision,
        refusal_recall=recall,
    )


def confidences(outcomes: Iterable[Outcome]) -> tuple[Values, Values, Values]:
    """Confidence, 1 where the corpus answers, 1 where it was refused; of the questions for which that was judged."""
    rows = [
        (outcome.reply.confidence, outcome.gold.answerable, outcome.reply.refused)
        for outcome in outcomes
        if outcome.reply and outcome.gold.answerable is not None
    ]
    confidence, answerable, refused = np.array(rows, float).reshape(-1, 3).T
    return confidence, answerable, refused


def rightness(outcomes: Iterable[Outcome]) -> tuple[Values, Values]:
    """The confidence, and 1 where the answer is right (or would have been, had it not been refused)."""
    rows = []
    for outcome in outcomes:
        right = False if outcome.gold.answerable is False else outcome.right_unrefused
        if outcome.reply and right is not None:
            rows.append((outcome.reply.confidence, right))
    confidence, rights = np.array(rows, float).reshape(-1, 2).T
    return confidence, rights


def latencies(outcomes: Iterable[Outcome]) -> tuple[Latency, ...]:
    """The median and 95th percentile of every stage's seconds, in the order of the stages."""
    return tuple(
        Latency(stage, *(float(value) for value in np.percentile(seconds, (50, 95))))
        for stage, seconds in stage_seconds(outcomes).items()
    )


def stage_seconds(outcomes: Iterable[Outcome]) -> dict[str, list[float]]:
    """The seconds that each stage took, of every question that it ran for."""
    stages: dict[str, list[float]] = {}
    for outcome in outcomes:
        for stage, seconds in outcome.seconds.items():
            stages.setdefault(stage, []).append(seconds)
    return stages


def tokens(outcomes: Iterable[Outcome]) -> dict[str, float]:
    """The mean number of a language model's tokens a question, by kind; empty where none ran."""
    kinds: dict[str, list[int]] = {}
    for outcome in outcomes:
        for kind, count in (outcome.reply.tokens if outcome.reply else {}).items():
            kinds.setdefault(kind, []).append(count)
    return {kind: fmean(counts) for kind, counts in kinds.items()}


def _paired(statistic: object, first: Values, second: Values) -> Estimate | None:
    return estimate([first, second], statistic, vectorised=False) if len(first) else None  # type: ignore[arg-type]
