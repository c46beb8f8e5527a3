import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eval.metrics.refusal import (
    Bin,
    Values,
    area_under_risk_coverage,
    auroc,
    expected_calibration_error,
    reliability,
    risk_coverage,
    separation,
)

Question = tuple[float, int]  # a confidence and its label

confidences = st.one_of(st.integers(0, 1000).map(lambda thousandths: thousandths / 1000), st.sampled_from([0, 0.5, 1]))
questions = st.lists(st.tuples(confidences, st.integers(0, 1)), max_size=20)
any_order = questions.flatmap(lambda drawn: st.tuples(st.just(drawn), st.permutations(drawn)))


def columns(drawn: list[Question]) -> tuple[Values, Values]:
    table = np.array(drawn, float).reshape(-1, 2)
    return table[:, 0], table[:, 1]


@settings(deadline=None)
@given(questions)
def test_auroc_is_the_share_of_pairs_in_the_right_order_ties_half(drawn: list[Question]) -> None:
    of_answerable = [confidence for confidence, label in drawn if label]
    of_others = [confidence for confidence, label in drawn if not label]
    pairs = [
        1.0 if one > other else 0.5 if one == other else 0.0
        for one, other in itertools.product(of_answerable, of_others)
    ]
    assert auroc(*columns(drawn)) == (pytest.approx(sum(pairs) / len(pairs)) if pairs else None)


@pytest.mark.parametrize("drawn", [[], [(0.5, 1), (0.7, 1)], [(0.5, 0)]], ids=["none", "answerable", "unanswerable"])
def test_auroc_needs_questions_of_both_kinds(drawn: list[Question]) -> None:
    assert auroc(*columns(drawn)) is None


def test_risk_at_every_coverage_is_the_share_wrong_of_the_most_confident() -> None:
    coverage, risk = risk_coverage(*columns([(0.7, 1), (0.9, 1), (0.6, 0), (0.8, 0)]))
    assert coverage.tolist() == [1 / 4, 2 / 4, 3 / 4, 1]
    assert risk.tolist() == pytest.approx([0, 1 / 2, 1 / 3, 2 / 4])


def test_questions_of_equal_confidence_share_their_risk() -> None:
    _, risk = risk_coverage(*columns([(0.9, 1), (0.5, 1), (0.5, 0)]))
    assert risk.tolist() == pytest.approx([0, 1 / 4, 1 / 3])


@given(any_order)
def test_the_order_of_questions_does_not_matter(orders: tuple[list[Question], list[Question]]) -> None:
    one, other = (risk_coverage(*columns(order)) for order in orders)
    assert np.array_equal(one, other)


@given(questions.filter(len))
def test_risk_lies_between_0_and_1_and_ends_at_the_share_wrong(drawn: list[Question]) -> None:
    confidence, right = columns(drawn)
    coverage, risk = risk_coverage(confidence, right)
    assert coverage[-1] == 1
    assert risk[-1] == pytest.approx(1 - right.mean())
    assert ((risk >= 0) & (risk <= 1)).all()


def test_the_area_is_the_mean_risk() -> None:
    area = area_under_risk_coverage(*columns([(0.9, 1), (0.8, 0), (0.7, 1), (0.6, 0)]))
    assert area == pytest.approx((0 + 1 / 2 + 1 / 3 + 2 / 4) / 4)


@pytest.mark.parametrize(("label", "area"), [(1, 0), (0, 1)], ids=["all_right", "all_wrong"])
def test_the_area_is_0_if_all_answers_are_right_and_1_if_none_is(label: int, area: float) -> None:
    assert area_under_risk_coverage(*columns([(0.3, label), (0.9, label), (0.3, label)])) == area


@given(questions.filter(len))
def test_the_area_is_least_if_the_right_answers_come_first_and_most_if_last(drawn: list[Question]) -> None:
    confidence, right = columns(drawn)
    area, best, worst = (area_under_risk_coverage(values, right) for values in (confidence, right, 1 - right))
    assert area is not None
    assert best is not None
    assert worst is not None
    assert 0 <= best <= area + 1e-12
    assert area <= worst + 1e-12 <= 1 + 1e-12


def test_without_questions_there_is_nothing_to_measure() -> None:
    nothing = columns([])
    assert [values.tolist() for values in risk_coverage(*nothing)] == [[], []]
    assert area_under_risk_coverage(*nothing) is None
    assert reliability(*nothing) == ()
    assert expected_calibration_error(*nothing) is None


@given(questions)
def test_every_question_lies_in_exactly_one_bin(drawn: list[Question]) -> None:
    bins = reliability(*columns(drawn))
    assert sum(one.questions for one in bins) == len(drawn)
    assert all(one.high <= other.low for one, other in itertools.pairwise(bins))
    for one in bins:
        inside = [
            (confidence, label)
            for confidence, label in drawn
            if one.low <= confidence < one.high or confidence == one.high == 1
        ]
        assert one.questions == len(inside) > 0
        assert one.confidence == pytest.approx(sum(confidence for confidence, _ in inside) / len(inside))
        assert one.answerable == pytest.approx(sum(label for _, label in inside) / len(inside))


def test_bins_are_tenths_and_the_last_holds_certainty() -> None:
    assert reliability(*columns([(0.0, 0), (0.5, 1), (1.0, 1), (1.0, 0)])) == (
        Bin(0.0, 0.1, 1, 0.0, 0.0),
        Bin(0.5, 0.6, 1, 0.5, 1.0),
        Bin(0.9, 1.0, 2, 1.0, 0.5),
    )


def test_the_calibration_error_weighs_bins_by_their_questions() -> None:
    # Three questions share a bin: mean confidence 0.93, of which 2 in 3 are answerable. One is alone, 0.2 too sure.
    error = expected_calibration_error(*columns([(0.91, 1), (0.93, 1), (0.95, 0), (0.2, 0)]))
    assert error == pytest.approx((3 * (0.93 - 2 / 3) + 1 * 0.2) / 4)


def test_errors_within_a_bin_cancel() -> None:
    assert expected_calibration_error(*columns([(0.5, 1), (0.5, 0)])) == 0
    assert expected_calibration_error(*columns([(0.5, 1), (0.61, 0)])) == pytest.approx((0.5 + 0.61) / 2)


@given(questions.filter(len))
def test_the_calibration_error_lies_between_0_and_1(drawn: list[Question]) -> None:
    error = expected_calibration_error(*columns(drawn))
    assert error is not None
    assert 0 <= error <= 1


@settings(deadline=None)
@given(questions)
def test_separation_is_auroc_of_two_groups(drawn: list[Question]) -> None:
    confidence, labels = columns(drawn)
    whole = auroc(confidence, labels)
    if whole is not None:
        assert separation(confidence[labels == 1], confidence[labels == 0]) == pytest.approx(whole)
