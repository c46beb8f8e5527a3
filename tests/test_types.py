import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.types import Document, Page, Span

spans = st.tuples(st.integers(0, 50), st.integers(1, 50)).map(lambda pair: Span(pair[0], pair[0] + pair[1]))


@pytest.mark.parametrize(("start", "end"), [(3, 3), (4, 3), (-1, 2)])
def test_a_span_is_never_empty_or_negative(start: int, end: int) -> None:
    with pytest.raises(ValueError, match="a span needs"):
        Span(start, end)


@given(spans, spans)
def test_overlap_counts_the_characters_in_both(one: Span, other: Span) -> None:
    assert one.overlap(other) == len(set(range(one.start, one.end)) & set(range(other.start, other.end)))


def test_page_at_is_the_page_that_holds_the_character() -> None:
    document = Document("id", "a.pdf", "A", "first\n\nsecond", pages=(Page(1, Span(0, 5)), Page(2, Span(5, 13))))
    assert [document.page_at(position) for position in (0, 4, 5, 12)] == [1, 1, 2, 2]
    assert Document("id", "a.txt", "A", "text").page_at(0) is None
