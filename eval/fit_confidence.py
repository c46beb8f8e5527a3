"""Refits the confidence, and the threshold below which answers are refused, to one's own gold questions.

The weights are drawn from the ones shipped towards those that fit the questions best; the fewer the questions, the less
far (a Gaussian prior around the shipped weights, whose width five-fold cross-validation chooses). What is reported is
cross-validated: each question is judged by weights and a threshold fitted to the others.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import astuple, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import expit
from sklearn.model_selection import StratifiedKFold

from eval.corpus import StoredDocuments
from eval.errors import GoldError
from eval.gold import load_gold
from eval.metrics.refusal import auroc, expected_calibration_error
from eval.systems import Form, asked
from eval.types import GoldQuestion
from rag.assistant import Assistant
from rag.confidence import shipped_weights, signals, weights_of
from rag.settings import Settings
from rag.store import Store

_LEAST = 5  # questions of each kind: one for each part of the cross-validation
_PULLS = (0.3, 1.0, 3.0, 10.0, 100.0)  # strengths of the prior, tried in cross-validation
_SEED = 11

Values = NDArray[np.float64]
Watch = Callable[[Iterable[GoldQuestion], int], Iterable[GoldQuestion]]


@dataclass(frozen=True, slots=True)
class Judged:
    """How a confidence fares on questions: told apart, calibrated, and the share answered or refused rightly."""

    auroc: float
    calibration_error: float
    right: float


@dataclass(frozen=True, slots=True)
class FittedConfidence:
    """The weights and the threshold fitted, and how they fare, cross-validated, beside the ones in use."""

    weights: tuple[float, ...]
    strictness: float
    questions: int
    unanswerable: int
    before: Judged
    after: Judged

    def __str__(self) -> str:
        rows = [
            f"{name:28} {before:7.3f} {after:7.3f}"
            for name, before, after in (
                ("AUROC", self.before.auroc, self.after.auroc),
                ("calibration error", self.before.calibration_error, self.after.calibration_error),
                ("answered or refused rightly", self.before.right, self.after.right),
            )
        ]
        weights = ", ".join(f"{weight:.3g}" for weight in self.weights)
        return "\n".join(
            [
                f"{self.questions} questions, {self.unanswerable} unanswerable; cross-validated:",
                f"{'':28} {'in use':>7} {'fitted':>7}",
                *rows,
                "",
                "To use it, write into rag.toml:",
                f"strictness = {self.strictness:.2f}",
                f"confidence = [{weights}]",
            ]
        )


def fit_confidence(
    store: Store, gold: Path, form: Form = "history", watch: Watch = lambda questions, total: questions
) -> FittedConfidence:
    """Ask every judged question of a gold file, and fit the confidence to whether the corpus answers it.

    Raises GoldError if fewer than five questions are answerable, or fewer than five are not.
    """
    questions = [one for one in load_gold(gold, StoredDocuments(store)) if one.answerable is not None]
    unanswerable = sum(not question.answerable for question in questions)
    if min(unanswerable, len(questions) - unanswerable) < _LEAST:
        raise GoldError(
            f"{gold} has {len(questions) - unanswerable} answerable and {unanswerable} unanswerable questions; "
            f'at least {_LEAST} of each are needed. Unanswerable ones are written with "answers": [].'
        )
    rows, labels = _signals(store, questions, form, watch)
    return fit_to(rows, labels, store.settings)


def fit_to(rows: Values, labels: Values, settings: Settings) -> FittedConfidence:
    """Fit weights to signals, shape (questions, signals), and whether the corpus answers, shape (questions,).

    The settings hold the weights and the strictness in use, and say whether the reader reads.
    """
    shipped = np.array(shipped_weights(settings))
    folds = list(StratifiedKFold(_LEAST, shuffle=True, random_state=_SEED).split(rows, labels))
    pull = min(_PULLS, key=lambda strength: _held_out_loss(rows, labels, strength, shipped, folds))
    predicted, answered = np.zeros(len(labels)), np.zeros(len(labels), bool)
    for train, held_out in folds:
        fitted = _fitted(rows[train], labels[train], pull, shipped)
        predicted[held_out] = _confidence(rows[held_out], fitted)
        threshold = _threshold(_confidence(rows[train], fitted), labels[train])
        answered[held_out] = predicted[held_out] >= threshold
    final = _fitted(rows, labels, pull, shipped)
    now = _confidence(rows, np.array(weights_of(settings)))
    return FittedConfidence(
        weights=tuple(float(f"{weight:.3g}") for weight in final),
        strictness=round(_threshold(_confidence(rows, final), labels), 2),
        questions=len(labels),
        unanswerable=int((labels == 0).sum()),
        before=_judged(now, labels, now >= settings.strictness),
        after=_judged(predicted, labels, answered),
    )


def _signals(store: Store, questions: Sequence[GoldQuestion], form: Form, watch: Watch) -> tuple[Values, Values]:
    assistant = Assistant(store)
    rows: list[tuple[float, ...]] = []
    labels: list[bool] = []
    for question in watch(questions, len(questions)):
        finding = assistant.find(asked(assistant, question, form))
        best = max(finding.parts, key=lambda part: part.certainty, default=None)
        if best and best.extraction.evidence:
            rows.append(astuple(signals(best.extraction.evidence)))
            labels.append(bool(question.answerable))
    return np.array(rows), np.array(labels, float)


def _held_out_loss(
    rows: Values, labels: Values, pull: float, shipped: Values, folds: Sequence[tuple[Values, Values]]
) -> float:
    losses = []
    for train, held_out in folds:
        predicted = _confidence(rows[held_out], _fitted(rows[train], labels[train], pull, shipped))
        losses.append(_loss(predicted, labels[held_out]).mean())
    return float(np.mean(losses))


def _fitted(rows: Values, labels: Values, pull: float, shipped: Values) -> Values:
    """The weights that make the labels likeliest, held near the shipped ones; the intercept is free."""

    def loss(weights: Values) -> float:
        away = float(((weights - shipped)[1:] ** 2).sum())
        return float(_loss(_confidence(rows, weights), labels).sum()) + pull * away / 2

    fitted: Values = minimize(loss, shipped, method="L-BFGS-B").x
    return fitted


def _confidence(rows: Values, weights: Values) -> Values:
    confidence: Values = expit(weights[0] + rows @ weights[1:])
    return confidence


def _loss(predicted: Values, labels: Values) -> Values:
    certain: Values = -np.log(np.clip(np.where(labels == 1, predicted, 1 - predicted), 1e-9, 1))
    return certain


def _threshold(confidence: Values, labels: Values) -> float:
    """The confidence that parts most questions rightly, in the middle of the widest such gap."""
    ordered = np.unique(confidence)
    edges = np.r_[0.0, (ordered[1:] + ordered[:-1]) / 2, 1.0]
    widths = np.diff(np.r_[0.0, ordered, 1.0])
    right = [((confidence >= edge) == labels).mean() for edge in edges]
    return float(edges[max(range(len(edges)), key=lambda place: (right[place], widths[place]))])


def _judged(confidence: Values, labels: Values, answered: NDArray[np.bool_]) -> Judged:
    return Judged(
        auroc(confidence, labels) or 0.0,
        expected_calibration_error(confidence, labels) or 0.0,
        float((answered == labels).mean()),
    )
