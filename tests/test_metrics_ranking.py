import random
from collections.abc import Callable, Mapping, Sequence

import ir_measures
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval.metrics.ranking import average_precision, ndcg, precision, recall, reciprocal_rank

Measure = Callable[[Sequence[str], Mapping[str, int], int], float | None]
Case = tuple[list[str], dict[str, int]]

CUTS = (1, 3, 5, 10, 20)
MEASURES: dict[Measure, ir_measures.Measure] = {
    ndcg: ir_measures.nDCG,
    recall: ir_measures.R,
    precision: ir_measures.P,
    average_precision: ir_measures.AP,
    reciprocal_rank: ir_measures.RR,  # with a cut computed by MS MARCO's code; trec_eval knows RR without a cut only
}

names = st.sampled_from("abcdefgh")
rankings = st.lists(names, max_size=12)
judgements = st.dictionaries(names, st.integers(0, 3))


def draw(random: random.Random) -> Case:
    """A ranking of 0 to 40 documents, of which 1 to 25 are judged and at least one is relevant."""
    documents = [f"d{number}" for number in range(40)]
    judged = {document: random.randint(0, 3) for document in random.sample(documents, random.randint(1, 25))}
    judged[random.choice(list(judged))] = random.randint(1, 3)
    if random.random() < 0.1:
        documents = [document for document in documents if not judged.get(document)]
    return random.sample(documents, random.randint(0, len(documents))), judged


@pytest.fixture(scope="module")
def cases() -> dict[str, Case]:
    generator = random.Random(20261124)
    return {f"q{number}": draw(generator) for number in range(1000)}


def by_ir_measures(cases: Mapping[str, Case], measures: Sequence[ir_measures.Measure]) -> dict[tuple[str, str], float]:
    """Every measure of every case. Scores fall strictly, since trec_eval sorts by them."""
    judged = {id: judgements for id, (_, judgements) in cases.items()}
    run = {
        id: {document: float(len(ranking) - place) for place, document in enumerate(ranking)}
        for id, (ranking, _) in cases.items()
    }
    return {
        (found.query_id, str(found.measure)): float(found.value)
        for found in ir_measures.iter_calc(measures, judged, run)
    }


def test_the_random_rankings_are_of_all_kinds(cases: dict[str, Case]) -> None:
    kept = list(cases.values())
    lengths = [len(ranking) for ranking, _ in kept]
    assert min(lengths) == 0
    assert all(sum(length < k for length in lengths) and sum(length > k for length in lengths) for k in CUTS)
    assert sum(not any(judged.get(document) for document in ranking) for ranking, judged in kept) > 50
    assert sum(any(document not in judged for document in ranking) for ranking, judged in kept) > 500
    assert {grade for _, judged in kept for grade in judged.values()} == {0, 1, 2, 3}


@pytest.mark.parametrize("measure", MEASURES, ids=lambda measure: measure.__name__)
def test_a_thousand_random_rankings_are_measured_as_by_ir_measures(measure: Measure, cases: dict[str, Case]) -> None:
    theirs = by_ir_measures(cases, [MEASURES[measure] @ k for k in CUTS])
    assert len(theirs) == len(cases) * len(CUTS)
    for (id, name), expected in theirs.items():
        ranking, judged = cases[id]
        assert measure(ranking, judged, int(name.split("@")[1])) == pytest.approx(expected, rel=0, abs=1e-9)


def test_reciprocal_rank_without_a_cut_is_that_of_trec_eval(cases: dict[str, Case]) -> None:
    theirs = by_ir_measures(cases, [ir_measures.RR])
    assert len(theirs) == len(cases)
    for (id, _), expected in theirs.items():
        assert reciprocal_rank(*cases[id], 1000) == pytest.approx(expected, rel=0, abs=1e-9)


@pytest.mark.parametrize("measure", MEASURES, ids=lambda measure: measure.__name__)
@pytest.mark.parametrize("judged", [{}, {"a": 0}], ids=["nothing_judged", "nothing_relevant"])
def test_a_question_without_relevant_documents_has_no_measure(measure: Measure, judged: dict[str, int]) -> None:
    assert measure(["a", "b"], judged, 10) is None
    assert measure([], judged, 10) is None


@pytest.mark.parametrize("measure", MEASURES, ids=lambda measure: measure.__name__)
def test_finding_nothing_relevant_is_0(measure: Measure) -> None:
    assert measure([], {"a": 1}, 10) == 0
    assert measure(["b", "c"], {"a": 1, "b": 0}, 10) == 0
    assert measure(["b", "c", "a"], {"a": 1}, 2) == 0


@given(rankings, judgements, st.integers(1, 12))
def test_a_repeated_source_counts_once_at_its_first_place(ranking: list[str], judged: dict[str, int], k: int) -> None:
    once = list(dict.fromkeys(ranking))
    for measure in MEASURES:
        assert measure(ranking, judged, k) == measure(once, judged, k)


@given(rankings, judgements, st.integers(1, 12))
def test_every_measure_lies_between_0_and_1(ranking: list[str], judged: dict[str, int], k: int) -> None:
    values = [measure(ranking, judged, k) for measure in MEASURES]
    assert all(value is None or 0 <= value <= 1 for value in values)


def test_ndcg_of_known_rankings() -> None:
    assert ndcg(["a", "b"], {"a": 1}, 10) == 1
    assert ndcg(["b", "a"], {"a": 1}, 10) == pytest.approx(0.63093, abs=1e-5)
    assert ndcg(["b", "b", "a"], {"a": 1}, 10) == pytest.approx(0.63093, abs=1e-5)
    assert ndcg(["c", "b"], {"a": 1}, 10) == 0


def test_ndcg_takes_the_grade_itself_as_gain() -> None:
    assert ndcg(["a", "b"], {"a": 1, "b": 3}, 2) == pytest.approx((1 + 3 * 0.63093) / (3 + 1 * 0.63093), abs=1e-5)


def test_places_left_empty_count_against_precision_but_not_recall() -> None:
    assert precision(["a"], {"a": 1}, 5) == pytest.approx(1 / 5)
    assert recall(["a"], {"a": 1}, 5) == 1


def test_average_precision_is_over_all_relevant_documents_found_or_not() -> None:
    assert average_precision(["a", "x", "b"], {"a": 1, "b": 2, "c": 1}, 10) == pytest.approx((1 + 2 / 3) / 3)


def test_reciprocal_rank_is_that_of_the_first_relevant_document() -> None:
    assert reciprocal_rank(["x", "a", "b"], {"a": 1, "b": 3}, 10) == 1 / 2
