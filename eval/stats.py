"""Values -> an estimate one can trust: a mean with its n and 95 % interval, a paired difference with its p-value.

Random draws come from a fixed seed, so that the same values always give the same numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]

CONFIDENCE_LEVEL = 0.95
_SEED = 20_240_601
_RESAMPLES = 2000  # moves an interval's ends by about 2 % of its width from seed to seed
_PERMUTATIONS = 9999  # the least p-value is 1 / 10,000; up to 13 questions every permutation is counted instead
_BATCH = 500  # resamples held in memory at once


@dataclass(frozen=True, slots=True)
class Estimate:
    """A number over n questions with its 95 % interval; the ends are None where n is too small for one."""

    value: float
    n: int
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class PairedTest:
    """Mean of second minus first over the same n questions, its interval, and how likely chance alone is to do it.

    `p` is two-sided; `p_loss` is that of a loss at least as large. Won and lost count the questions on which the
    second is better and worse.
    """

    difference: Estimate
    p: float
    p_loss: float
    won: int
    lost: int


def mean(values: Sequence[float] | Values) -> Estimate:
    """The mean with its percentile bootstrap interval (Efron 1979), of at least one value."""
    return estimate([np.asarray(values, float)], np.mean)


def estimate(
    columns: Sequence[Values], statistic: Callable[..., float], *, paired: bool = True, vectorised: bool = True
) -> Estimate:
    """A statistic of columns with its bootstrap interval.

    `paired` columns have a row a question and are drawn together; others are drawn apart. A `vectorised` statistic
    takes an `axis`.
    """
    value = float(statistic(*columns))
    n = len(columns[0]) if paired else sum(map(len, columns))
    if min(map(len, columns)) < 2:
        return Estimate(value, n, None, None)
    from scipy.stats import bootstrap  # takes seconds to import, and the chat seldom needs it

    interval = bootstrap(
        columns,
        statistic,
        n_resamples=_RESAMPLES,
        batch=_BATCH,
        vectorized=vectorised,
        paired=paired,
        confidence_level=CONFIDENCE_LEVEL,
        method="percentile",
        rng=np.random.default_rng(_SEED),
    ).confidence_interval
    return Estimate(value, n, float(interval.low), float(interval.high))


def paired_test(first: Sequence[float], second: Sequence[float], *, higher_is_better: bool = True) -> PairedTest:
    """Compare two runs on the same questions by a sign-flip permutation test (Fisher 1935).

    Equal pairs say nothing about the sign and are left out of the test; so few others are tested exactly.
    """
    differences = np.asarray(second, float) - np.asarray(first, float)
    gains = differences if higher_is_better else -differences
    unequal = gains[gains != 0]
    p = p_loss = 1.0
    if len(unequal):
        p, p_loss = (_sign_flips(unequal, alternative) for alternative in ("two-sided", "less"))
    return PairedTest(mean(differences.tolist()), p, p_loss, int((gains > 0).sum()), int((gains < 0).sum()))


def _sign_flips(gains: Values, alternative: str) -> float:
    if len(gains) == 1:
        gains = np.append(gains, 0)  # scipy wants two pairs; the sign of nothing changes nothing
    from scipy.stats import permutation_test  # as above

    found = permutation_test(
        (gains, np.zeros_like(gains)),
        lambda x, y, axis: np.mean(x - y, axis=axis),
        permutation_type="samples",
        n_resamples=_PERMUTATIONS,
        batch=_BATCH,
        vectorized=True,
        alternative=alternative,
        rng=np.random.default_rng(_SEED),
    )
    return float(found.pvalue)


def holm(p_values: Sequence[float]) -> list[float]:
    """The p-values adjusted so that all of them together mislead at most as often as one (Holm 1979)."""
    order = sorted(range(len(p_values)), key=lambda place: p_values[place])
    adjusted = [0.0] * len(p_values)
    largest = 0.0
    for rank, place in enumerate(order):
        largest = max(largest, min(1.0, p_values[place] * (len(p_values) - rank)))
        adjusted[place] = largest
    return adjusted
