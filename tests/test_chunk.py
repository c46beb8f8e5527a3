import itertools
from collections.abc import Sequence
from io import BytesIO

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.chunk import PreparedChunk, chunk
from ingest.formats.parse_text import parse_markdown
from rag.models import Embedder
from rag.types import Document, Heading

texts = st.lists(
    st.sampled_from(["Alpha beta gamma. ", "One two!\n\n", "| 1 | 2 |\n", "# Head\n", "word ", "é\n", "x" * 40, "  "]),
    max_size=80,
).map("".join)


def count_words(texts: Sequence[str]) -> list[int]:
    """A tokenizer that can be checked by eye: words of at most ten letters."""
    return [sum(-(-len(word) // 10) for word in text.split()) for text in texts]


def cut(text: str, headings: tuple[Heading, ...] = (), title: str = "", overlap: int = 0) -> tuple[PreparedChunk, ...]:
    document = Document("id", "a.txt", title, text, headings=headings)
    return chunk(document, count_words, chunk_tokens=12, window=40, overlap=overlap)


@given(texts)
def test_a_chunk_is_exactly_the_characters_of_its_span(text: str) -> None:
    assert all(part.chunk.text == text[part.chunk.span.start : part.chunk.span.end] for part in cut(text))


@given(texts)
def test_every_visible_character_lies_in_exactly_one_chunk(text: str) -> None:
    spans = [part.chunk.span for part in cut(text)]
    assert all(one.end <= other.start for one, other in itertools.pairwise(spans))
    covered = {position for span in spans for position in range(span.start, span.end)}
    assert {position for position, character in enumerate(text) if not character.isspace()} <= covered


@given(texts, st.integers(1, 6))
def test_an_overlap_repeats_the_end_of_the_chunk_before_and_loses_nothing(text: str, overlap: int) -> None:
    spans = [part.chunk.span for part in cut(text, overlap=overlap)]
    assert all(one.start < other.start and one.end < other.end for one, other in itertools.pairwise(spans))
    for one, other in itertools.pairwise(spans):
        assert count_words([text[other.start : one.end]])[0] <= overlap or other.start >= one.end
    covered = {position for span in spans for position in range(span.start, span.end)}
    assert {position for position, character in enumerate(text) if not character.isspace()} <= covered


def test_an_overlap_is_there_where_sentences_fit_into_it() -> None:
    spans = [part.chunk.span for part in cut("Alpha beta gamma. " * 20, overlap=4)]
    assert all(one.end - other.start == len("Alpha beta gamma.") for one, other in itertools.pairwise(spans))


@given(texts, st.text(alphabet="ab ", max_size=400), st.sampled_from([0, 5]))
def test_no_chunk_exceeds_its_budget_or_the_window(text: str, title: str, overlap: int) -> None:
    for part in cut(text, title=title.strip(), overlap=overlap):
        assert count_words([part.chunk.text])[0] <= 12
        assert count_words([part.text_to_embed])[0] <= 40 - 2


@given(texts)
def test_chunk_ids_are_unique_and_depend_on_the_content_alone(text: str) -> None:
    ids = [part.chunk.id for part in cut(text)]
    assert len(set(ids)) == len(ids)
    assert ids == [part.chunk.id for part in cut(text)]


@settings(max_examples=25, deadline=None)
@given(st.text(max_size=2000))
def test_the_real_tokenizer_never_sees_more_than_its_window(embedder: Embedder, text: str) -> None:
    document = Document("id", "a.txt", "A title", text.encode("utf-8", "ignore").decode())
    for part in chunk(document, embedder.count_tokens, chunk_tokens=60, window=64):
        assert embedder.count_tokens([part.text_to_embed])[0] + 2 <= 64


def test_a_table_of_equal_rows_keeps_its_true_offsets() -> None:
    text = "| pending | 0.00 | EUR |\n" * 300
    spans = [part.chunk.span for part in cut(text)]
    assert spans[-1].end == len(text) - 1
    assert all(other.start - one.end == 1 for one, other in itertools.pairwise(spans))


def test_title_and_headings_are_embedded_but_are_not_the_chunks_text() -> None:
    markdown = b"# Trade\n\nIntro words.\n\n## Year 2020\n\n### Exports\n\nThey rose."
    document = next(parse_markdown(BytesIO(markdown), "trade.md"))
    last = chunk(document, count_words, chunk_tokens=30, window=80)[-1]
    assert last.chunk.text == "## Year 2020\n\n### Exports\n\nThey rose."
    assert last.chunk.heading == "Year 2020 > Exports"
    assert last.text_to_embed.startswith("Trade\nYear 2020 > Exports\n")


def test_addresses_of_links_are_in_the_text_but_are_neither_embedded_nor_counted() -> None:
    address = "https://example.org/a/very/long/path/that/nobody/reads?topic=(some)&version=2024-05-17#part"
    text = f'Read [the guide]({address} "A title") and ![a figure](images/one.png). Call f[0](x) as well.'
    (part,) = cut(text)
    assert part.chunk.text == text
    assert part.text_to_embed == "Read [the guide] and ![a figure](images/one.png). Call f[0](x) as well."
    assert count_words([part.text_to_embed])[0] <= 12 < count_words([text])[0]


def test_an_edit_moves_only_the_cuts_near_it() -> None:
    paragraphs = [f"Paragraph {n} tells of {n * 7919} things. It ends here." for n in range(200)]
    before = {part.text_hash for part in cut("\n\n".join(paragraphs))}
    paragraphs[100] = "Something else entirely stands here now. " * 3
    after = {part.text_hash for part in cut("\n\n".join(paragraphs))}
    assert 1 <= len(after - before) <= 6


def test_a_changed_start_shifts_spans_but_keeps_ids() -> None:
    paragraphs = [f"Paragraph number {n} stands here. It says {n * n}." for n in range(50)]
    before = {part.chunk.id for part in cut("\n\n".join(paragraphs))}
    after = {part.chunk.id for part in cut("\n\n".join(["A new first paragraph.", *paragraphs]))}
    assert len(after & before) >= len(before) - 3


@pytest.mark.parametrize("text", ["", " \n\t "])
def test_nothing_visible_gives_no_chunks(text: str) -> None:
    assert cut(text) == ()
