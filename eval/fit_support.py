"""Fits the numbers in `rag/support.py` to claims of which it is known whether a text supports them.

The claims come from a training file of their own, never from a benchmark: JSON Lines, plain or .xz, of
{"src", "claim", "evidence", "label"}, the label S supported, R refuted, N not enough. Each supported claim is also
spoilt in the four ways of `eval/perturb.py`. What is fitted is judged on claims held out, and by kind of fault.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import astuple, dataclass, fields
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import GroupKFold, cross_val_predict

from eval.perturb import PERTURBATIONS
from eval.reader_examples import unseen_rows
from rag.models import load_embedder
from rag.reader import load_reader
from rag.settings import Settings
from rag.support import Agreement, SupportJudge

# Sentences about the world, with evidence from an encyclopaedia, news or a report.
_SOURCES = ("fever_athnlp", "fever_symmetric", "fm2", "sufficient_facts", "wice_dev", "q_squared")
_CLAIMS = 1200
_LONGEST = 1500  # characters of evidence
_SEED = 5
_KEPT = 0.9  # of the supported claims that at least the weak verdict keeps


@dataclass(frozen=True, slots=True)
class SpoiltClaim:
    """A claim with its evidence; `fault` is empty if the evidence supports it."""

    claim: str
    evidence: str
    fault: str
    group: int


def spoil(claims: Sequence[tuple[str, str]], chance: random.Random) -> Iterator[SpoiltClaim]:
    """Each supported (claim, evidence) as it is, and spoilt in every way that it can be."""
    texts = [claim for claim, _ in claims]
    for group, (claim, evidence) in enumerate(claims):
        yield SpoiltClaim(claim, evidence, "", group)
        for name, perturb in PERTURBATIONS.items():
            if spoilt := perturb(claim, texts, chance):
                yield SpoiltClaim(spoilt, evidence, name, group)


def fit_support(path: Path) -> str:
    """Weights over Agreement that tell supported claims from others, and the thresholds of the verdicts; in words."""
    chance = random.Random(_SEED)
    supported, others = _claims(path, chance)
    claims = list(spoil(supported, chance))
    shifted = [*supported[1:], *supported[:1]]
    claims += [
        SpoiltClaim(claim, evidence, "other evidence", group)
        for group, ((claim, _), (_, evidence)) in enumerate(zip(supported, shifted, strict=True))
    ]
    claims += [
        SpoiltClaim(claim, evidence, "not supported", len(supported) + n) for n, (claim, evidence) in enumerate(others)
    ]
    settings = Settings()
    judge = SupportJudge(load_embedder(settings), 2 * len(claims), load_reader(settings))
    judged = [judge.judge(claim.claim, claim.evidence) for claim in claims]
    claims = [claim for claim, found in zip(claims, judged, strict=True) if found]
    rows = [astuple(found.agreement) for found in judged if found]
    labels = np.array([not claim.fault for claim in claims])
    model = LogisticRegression(C=10, max_iter=3000, class_weight="balanced")
    groups = [claim.group for claim in claims]
    predicted = cross_val_predict(model, rows, labels, groups=groups, cv=GroupKFold(5), method="predict_proba")[:, 1]
    model.fit(rows, labels)
    weak = float(np.quantile(predicted[labels], 1 - _KEPT))
    return "\n".join(
        [
            f"{len(claims)} claims, cross-validated; AUROC by kind of fault:",
            *auroc_by_fault(claims, predicted),
            f"{'intercept':12} {model.intercept_[0]:6.2f}",
            *(
                f"{field.name:12} {weight:6.2f}"
                for field, weight in zip(fields(Agreement), model.coef_[0], strict=True)
            ),
            f"weak: from {weak:.2f} on, {_share(predicted, labels, weak)}",
            f"supported: from 0.50 on, {_share(predicted, labels, 0.5)}",
        ]
    )


def _share(predicted: NDArray[np.float64], labels: NDArray[np.bool_], threshold: float) -> str:
    above = predicted >= threshold
    return f"with {above[labels].mean():.0%} of the supported claims and {above[~labels].mean():.0%} of the others"


def auroc_by_fault(claims: Sequence[SpoiltClaim], scores: NDArray[np.float64]) -> Iterator[str]:
    """For each kind of fault how well the scores tell such claims from the supported ones, in words."""
    right = np.array([not claim.fault for claim in claims])
    for fault in ("any spoilt", *dict.fromkeys(claim.fault for claim in claims if claim.fault)):
        wrong = np.array(
            [claim.fault == fault or (fault == "any spoilt" and claim.fault in PERTURBATIONS) for claim in claims]
        )
        chosen = right | wrong
        if wrong.any():
            yield f"{fault:16} {wrong.sum():5} claims {roc_auc_score(right[chosen], scores[chosen]):.3f}"


def _claims(path: Path, chance: random.Random) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    supported: list[tuple[str, str]] = []
    others: list[tuple[str, str]] = []
    for row in unseen_rows(path, _SOURCES, Settings()):
        if 0 < len(row["evidence"].strip()) < _LONGEST and row["claim"].strip():
            (supported if row["label"] == "S" else others).append((row["claim"], row["evidence"]))
    chance.shuffle(supported)
    chance.shuffle(others)
    return supported[:_CLAIMS], others[:_CLAIMS]
