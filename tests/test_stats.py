import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eval.stats import Estimate, PairedTest, estimate, holm, mean, paired_test

# Eighths add up without rounding, so that a mean of 0 is exactly 0.
values = st.integers(-80, 80).map(lambda eighths: eighths / 8)
pairs = st.lists(st.tuples(values, values), min_size=1, max_size=20)
p_values = st.lists(st.floats(0, 1), max_size=8)


def test_a_mean_comes_with_its_n() -> None:
    found = mean([0, 0, 1, 1])
    assert (found.value, found.n) == (0.5, 4)


@settings(deadline=None)
@given(st.lists(values, min_size=2, max_size=50))
def test_an_interval_contains_its_mean(drawn: list[float]) -> None:
    found = mean(drawn)
    assert found.low is not None
    assert found.high is not None
    assert found.low - 1e-12 <= found.value <= found.high + 1e-12


def test_one_value_has_no_interval() -> None:
    assert mean([0.25]) == Estimate(0.25, 1, None, None)


def test_equal_values_have_an_interval_of_no_width() -> None:
    assert mean([0.5] * 9) == Estimate(0.5, 9, 0.5, 0.5)


def test_the_same_values_always_give_the_same_numbers() -> None:
    drawn = np.random.default_rng(1).random(30).tolist()
    assert mean(drawn) == mean(drawn)
    assert paired_test(drawn, drawn[::-1]) == paired_test(drawn, drawn[::-1])


def test_a_95_percent_interval_holds_the_true_mean_in_about_95_of_100_samples() -> None:
    # With this seed 184 of 200.
    generator = np.random.default_rng(0)
    found = [mean(generator.normal(3, 2, size=50).tolist()) for _ in range(200)]
    held = sum(one.low is not None and one.high is not None and one.low <= 3 <= one.high for one in found)
    assert 0.90 <= held / 200 <= 0.99


def test_columns_drawn_apart_may_have_different_lengths() -> None:
    found = estimate(
        [np.array([1.0, 2.0, 3.0]), np.array([0.0, 1.0])],
        lambda one, other, axis=-1: np.subtract(one.mean(axis), other.mean(axis)),
        paired=False,
    )
    assert (found.value, found.n) == (1.5, 5)
    assert found.low is not None
    assert found.high is not None
    assert 0 <= found.low <= 1.5 <= found.high <= 3


def test_columns_drawn_together_keep_their_rows() -> None:
    column = np.arange(10.0)
    found = estimate([column, column], lambda one, other: float(np.mean(one - other)), vectorised=False)
    assert found == Estimate(0, 10, 0, 0)


def test_a_column_of_one_value_leaves_no_interval() -> None:
    columns = [np.array([1.0, 2.0]), np.array([1.0])]
    found = estimate(columns, lambda one, other: float(one.mean() - other.mean()), paired=False, vectorised=False)
    assert found == Estimate(0.5, 3, None, None)


def test_equal_runs_have_p_1() -> None:
    assert paired_test([0.1, 0.2, 1], [0.1, 0.2, 1]) == PairedTest(Estimate(0, 3, 0, 0), 1, 1, 0, 0)


@pytest.mark.parametrize("equal", [0, 1, 6, 100])
@pytest.mark.parametrize("losses", [[1, 1, 1, 1, 1, 1], [0.1, 0.2, 0.3, 0.4, 0.5, 0.6]], ids=["same", "different"])
def test_six_losses_of_six_unequal_pairs_are_one_in_64_whatever_pairs_are_equal(
    losses: list[float], equal: int
) -> None:
    found = paired_test([1] * 6 + [0.3] * equal, [1 - loss for loss in losses] + [0.3] * equal)
    assert (found.p_loss, found.p, found.won, found.lost) == (1 / 64, 2 / 64, 0, 6)
    assert found.difference.n == 6 + equal


def test_one_question_won_or_lost_is_no_evidence() -> None:
    found = paired_test([0.5, 0.5], [0.5, 1])
    assert (found.p, found.p_loss, found.won, found.lost) == (1, 1, 1, 0)
    assert paired_test([0.5, 0.5], [0.5, 0]).p_loss == 0.5


def test_p_of_a_known_example() -> None:
    # Of the 8 sums ±1 ±2 ±3, five are at most 1 + 2 - 3 = 0 and five are at least 0.
    found = paired_test([0, 0, 3], [1, 2, 0])
    assert (found.p_loss, found.p, found.won, found.lost) == (5 / 8, 1, 2, 1)


@settings(deadline=None, max_examples=50)
@given(st.lists(st.integers(-6, 6).filter(bool), min_size=1, max_size=8))
def test_p_is_the_share_of_sign_flips_as_extreme(differences: list[int]) -> None:
    sums = [
        sum(sign * difference for sign, difference in zip(signs, differences, strict=True))
        for signs in itertools.product((1, -1), repeat=len(differences))
    ]
    low = sum(one <= sum(differences) for one in sums) / len(sums)
    high = sum(one >= sum(differences) for one in sums) / len(sums)
    found = paired_test([0.0] * len(differences), differences)
    assert (found.p_loss, found.p) == (low, min(1, 2 * min(low, high)))


@settings(deadline=None, max_examples=50)
@given(pairs)
def test_swapping_the_runs_turns_the_difference_and_keeps_p(drawn: list[tuple[float, float]]) -> None:
    first, second = zip(*drawn, strict=True)
    one, other = paired_test(first, second), paired_test(second, first)
    assert one.difference.value == -other.difference.value
    assert (one.p, one.won, one.lost) == (other.p, other.lost, other.won)
    assert 1 / 10_000 <= one.p <= 1


@settings(deadline=None, max_examples=50)
@given(pairs)
def test_where_lower_is_better_won_and_lost_change_places(drawn: list[tuple[float, float]]) -> None:
    first, second = zip(*drawn, strict=True)
    higher, lower = paired_test(first, second), paired_test(first, second, higher_is_better=False)
    assert (lower.won, lower.lost, lower.p) == (higher.lost, higher.won, higher.p)
    assert lower.p_loss == paired_test(second, first).p_loss
    assert lower.difference == higher.difference


def test_a_clear_difference_between_many_pairs_has_the_least_p_there_is() -> None:
    generator = np.random.default_rng(2)
    first = generator.random(100)
    found = paired_test(first.tolist(), (first - 0.5 * generator.random(100)).tolist())
    assert (found.p_loss, found.p, found.lost) == (1 / 10_000, 2 / 10_000, 100)


def test_runs_that_differ_by_chance_alone_have_uniform_p_values() -> None:
    # With this seed 9 of 200 lie below .05, where 10 are expected with a standard deviation of 3.
    generator = np.random.default_rng(0)
    found = np.array([paired_test(generator.random(40).tolist(), generator.random(40).tolist()).p for _ in range(200)])
    assert (found < 0.05).mean() <= 0.08
    for p in (0.25, 0.5, 0.75):
        assert (found < p).mean() == pytest.approx(p, abs=0.1)


def test_holm_of_the_textbook_example() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])


def test_holm_of_one_value_and_of_none() -> None:
    assert holm([0.03]) == [0.03]
    assert holm([]) == []


@given(p_values)
def test_holm_raises_p_values_to_at_most_bonferronis_and_keeps_their_order(drawn: list[float]) -> None:
    adjusted = holm(drawn)
    assert all(p <= raised <= min(1, p * len(drawn)) for p, raised in zip(drawn, adjusted, strict=True))
    ordered = [raised for _, raised in sorted(zip(drawn, adjusted, strict=True))]
    assert ordered == sorted(ordered)
