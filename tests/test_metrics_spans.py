from collections.abc import Mapping, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval.metrics.spans import SpanScores, characters, compare_spans, covered, overlap
from rag.types import Span

Spans = dict[str, list[Span]]

lists = st.lists(st.tuples(st.integers(0, 60), st.integers(1, 20)).map(lambda p: Span(p[0], p[0] + p[1])), max_size=8)
spans: st.SearchStrategy[Spans] = st.dictionaries(st.sampled_from("abc"), lists)


def positions(found: Mapping[str, Sequence[Span]]) -> set[tuple[str, int]]:
    return {(source, place) for source in found for span in found[source] for place in range(span.start, span.end)}


def by_sets(found: Spans, gold: Spans) -> SpanScores | None:
    """The same scores from sets of characters, with F1 as the harmonic mean that it is."""
    given, wanted = positions(found), positions(gold)
    if not wanted:
        return None
    both = len(given & wanted)
    if not both:
        return SpanScores(0, 0, 0, 0)
    recall, precision = both / len(wanted), both / len(given)
    return SpanScores(recall, precision, 2 * recall * precision / (recall + precision), both / len(given | wanted))


def numbers(scores: SpanScores | None) -> list[float] | None:
    return [scores.recall, scores.precision, scores.f1, scores.iou] if scores else None


def repeated(found: Spans) -> Spans:
    return {source: [*found[source], *reversed(found[source])] for source in found}


def split(found: Spans, width: int) -> Spans:
    """The same characters in spans of at most this width."""
    return {
        source: [
            Span(start, min(start + width, span.end))
            for span in found[source]
            for start in range(span.start, span.end, width)
        ]
        for source in found
    }


@given(spans, spans)
def test_scores_are_those_of_sets_of_characters(found: Spans, gold: Spans) -> None:
    expected = numbers(by_sets(found, gold))
    assert numbers(compare_spans(found, gold)) == (expected and pytest.approx(expected, abs=1e-12))


@given(spans, spans)
def test_scores_stay_between_0_and_1_however_spans_overlap(found: Spans, gold: Spans) -> None:
    assert all(0 <= number <= 1 for number in numbers(compare_spans(found, gold)) or ())


@given(spans, spans)
def test_iou_exceeds_neither_recall_nor_precision(found: Spans, gold: Spans) -> None:
    scores = compare_spans(found, gold)
    assert scores is None or scores.iou <= min(scores.recall, scores.precision)


@given(spans, spans)
def test_a_span_given_twice_changes_nothing(found: Spans, gold: Spans) -> None:
    assert compare_spans(repeated(found), gold) == compare_spans(found, gold)
    assert compare_spans(found, repeated(gold)) == compare_spans(found, gold)


@given(spans, spans, st.integers(1, 20))
def test_a_span_split_in_pieces_changes_nothing(found: Spans, gold: Spans, width: int) -> None:
    assert compare_spans(split(found, width), gold) == compare_spans(found, gold)
    assert compare_spans(found, split(gold, width)) == compare_spans(found, gold)


@given(spans.filter(positions), st.integers(1, 20))
def test_finding_exactly_the_gold_is_perfect(gold: Spans, width: int) -> None:
    assert compare_spans(split(gold, width), gold) == SpanScores(1, 1, 1, 1)


@given(spans)
def test_without_gold_there_are_no_scores(found: Spans) -> None:
    assert compare_spans(found, {}) is None
    assert compare_spans(found, {"a": []}) is None


@given(spans.filter(positions))
def test_finding_nothing_of_the_gold_is_0(gold: Spans) -> None:
    assert compare_spans({}, gold) == SpanScores(0, 0, 0, 0)
    assert compare_spans({source: [] for source in gold}, gold) == SpanScores(0, 0, 0, 0)
    assert compare_spans({"another": [Span(0, 80)]}, gold) == SpanScores(0, 0, 0, 0)


def test_scores_of_a_known_pair() -> None:
    scores = compare_spans({"a": [Span(0, 10), Span(5, 15)]}, {"a": [Span(10, 20)]})
    assert numbers(scores) == pytest.approx([5 / 10, 5 / 15, 2 / 5, 5 / 20])


@given(lists, lists)
def test_overlap_counts_every_character_once(one: list[Span], other: list[Span]) -> None:
    assert overlap({"a": one}, {"a": other}) == len(positions({"a": one}) & positions({"a": other}))
    assert overlap({"a": one}, {"b": other}) == 0


@given(spans)
def test_characters_are_counted_once(found: Spans) -> None:
    assert characters(found) == len(positions(found))


@given(lists)
def test_merged_spans_are_disjoint_and_cover_the_same(found: list[Span]) -> None:
    merged = covered(found)
    assert positions({"a": merged}) == positions({"a": found})
    assert sum(span.end - span.start for span in merged) == len(positions({"a": found}))
    assert merged == sorted(merged)
