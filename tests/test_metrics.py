import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval.metrics import contains_answer, covered, ndcg, normalise, overlap
from rag.types import Span

spans = st.lists(st.tuples(st.integers(0, 60), st.integers(1, 20)).map(lambda p: Span(p[0], p[0] + p[1])), max_size=8)


def characters(found: list[Span]) -> set[int]:
    return {position for span in found for position in range(span.start, span.end)}


@given(spans, spans)
def test_overlap_counts_every_character_once(one: list[Span], other: list[Span]) -> None:
    assert overlap({"a": one}, {"a": other}) == len(characters(one) & characters(other))
    assert overlap({"a": one}, {"b": other}) == 0


@given(spans)
def test_merged_spans_are_disjoint_and_cover_the_same(found: list[Span]) -> None:
    merged = covered(found)
    assert characters(merged) == characters(found)
    assert sum(span.end - span.start for span in merged) == len(characters(found))


def test_answers_are_compared_as_squad_does() -> None:
    assert normalise("The “U.S.”  Senate!") == "us senate"
    assert contains_answer("It was (LNG) exporters.", ["LNG exporters"]) is True
    assert contains_answer("It was 125%.", ["25%"]) is False
    assert contains_answer("Anything", []) is None


def test_ndcg_of_known_rankings() -> None:
    assert ndcg(["a", "b"], {"a": 1}, 10) == 1
    assert ndcg(["b", "a"], {"a": 1}, 10) == pytest.approx(0.63093, abs=1e-5)
    assert ndcg(["b", "b", "a"], {"a": 1}, 10) == pytest.approx(0.63093, abs=1e-5)
    assert ndcg(["c", "b"], {"a": 1}, 10) == 0
    assert ndcg(["a"], {}, 10) is None
    assert ndcg(["a"], {"a": 0}, 10) is None
