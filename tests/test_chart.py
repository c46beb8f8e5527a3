import re
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rag.explain import Explanation
from rag.page.bump import Way, bump_svg
from rag.page.chart import NO_PASSAGES, passages_html, why_not_html
from rag.types import Chunk, Passage, Span
from tests.hostile import HOSTILE, Looked

STAGES = {"dense": 3, "keyword": 12, "fused": 5, "final": 2}
SCORES = {"dense": 0.41, "keyword": 7.25, "fused": 0.6, "final": 0.52, "lexical": 0.11, "late": 0.81}
CHUNK = Chunk("c", "id", "vienna.txt", Span(0, 9), "It rained", "Title", "1815 > Spring", 4)
PASSAGE = Passage(CHUNK, 0.52, STAGES, SCORES)


def hostile(text: str) -> Chunk:
    return Chunk("c", "id", text, Span(0, len(text)), text, text, text)


@pytest.mark.parametrize("text", HOSTILE)
def test_passages_and_fates_are_escaped(text: str) -> None:
    passages = passages_html([Passage(hostile(text), 1.0, STAGES, SCORES)], 0)
    explained = Explanation(hostile(text), dict(STAGES), SCORES, f"left out: {text}")
    for html in (passages, why_not_html([explained, explained], text), why_not_html([], text)):
        looked = Looked(html)
        assert looked.tags <= {
            *("table", "thead", "tbody", "tr", "th", "td", "a", "b", "br", "span", "small", "figure", "figcaption"),
            *("svg", "title", "desc", "line", "text", "g", "path", "circle"),
            *("section", "p", "dl", "div", "dt", "dd", "blockquote", "details", "summary"),
        }
        assert looked.dangers == []
        assert text in looked.text


def test_no_passages_are_said_to_be_none() -> None:
    assert passages_html([], 0) == NO_PASSAGES


def test_the_table_holds_every_number_of_the_chart() -> None:
    other = Passage(replace(CHUNK, source="rain.txt"), 0.31, {"dense": 1, "fused": 9, "final": 7}, {"dense": 0.5})
    html = passages_html([PASSAGE, other], 3)
    first, second = re.findall(r"<tr>(<td>.*?)</tr>", html)
    assert first.startswith(
        "<td><a class='note' href='#passage-3-0'>1</a></td><td>0.52</td><td class='rank'>3</td>"
        "<td class='rank'>12</td><td class='rank'>5</td><td class='rank'>2</td>"
    )
    assert "<b>vienna.txt</b> <span class='where'>1815 &gt; Spring · page 4</span><br>It rained" in first
    assert "Meaning 0.41 · Words 7.25 · Both 0.60 · Rescored 0.52 · Words rescored 0.11 · Nearest words 0.81" in first
    assert "<td class='rank' title='not found'>–</td>" in second
    assert "Passage 1, vienna.txt: meaning 3 (0.41), words 12 (7.25), both 5 (0.60), rescored 2 (0.52)." in html
    assert "Passage 2, rain.txt: meaning 1 (0.50), words not found, both 9 (0.31), rescored 7 (0.31)." in html


def test_only_stages_that_ran_are_shown() -> None:
    assert "Reranked" not in passages_html([PASSAGE], 0)
    reranked = passages_html([replace(PASSAGE, ranks=STAGES | {"reranked": 1})], 0)
    assert reranked.count("Reranked") == 2
    assert "<svg" not in passages_html([replace(PASSAGE, ranks={"keyword": 1})], 0)
    assert "<svg" not in passages_html([replace(PASSAGE, ranks={})], 0)


def test_the_chart_is_named_and_draws_the_best_in_colour() -> None:
    html = passages_html([PASSAGE] * 25, 4)
    assert "aria-labelledby='bump-4-title bump-4-desc'" in html
    assert re.findall(r"<g class='way( top-\d)?'>", html) == [*([""] * 17), " top-3", " top-2", " top-1"]
    assert "The first 20 of 25 are drawn." in html
    assert html.count("class='note'") == 25


ranks = st.none() | st.integers(1, 1000)


@settings(deadline=None)
@given(st.lists(st.tuples(ranks, ranks, ranks), min_size=1, max_size=20))
def test_better_ranks_stand_higher_and_what_was_not_found_lowest(rows: list[tuple[int | None, ...]]) -> None:
    svg = bump_svg(["A", "B", "C"], [Way(row, "name", "told") for row in rows], "id", "title")
    heights = [float(height) for height in re.findall(r"<circle cx='[\d.]+' cy='([\d.]+)'", svg)]
    drawn = [rank or 10_000 for row in reversed(rows) for rank in row]
    for rank, height in zip(drawn, heights, strict=True):
        assert all(height <= other + 0.1 for against, other in zip(drawn, heights, strict=True) if rank < against)
    labels = sorted(float(height) for height in re.findall(r"class='name' x='\d+' y='([\d.]+)'", svg))
    assert all(after - before >= 15.8 for before, after in pairwise(labels))
    (bottom,) = re.findall(r"viewBox='0 0 640 (\d+)'", svg)
    assert max([*heights, *labels]) < float(bottom)


@pytest.mark.parametrize(
    ("fate", "told"),
    [
        ("in the passages", "vienna.txt is among the passages."),
        ("left out: 10 better passages were found", "best passage of vienna.txt was left out: 10 better passages were"),
        ("neither index has it among its first 100", "No passage of vienna.txt was found: neither index has it"),
    ],
)
def test_a_documents_fate_is_one_plain_sentence(fate: str, told: str) -> None:
    html = why_not_html([Explanation(CHUNK, {"dense": 41, "keyword": None}, {"dense": 0.21}, fate)], "vienna.txt")
    assert told in html
    assert "<dt title='rank by meaning'>Meaning</dt><dd>41</dd>" in html
    assert "Words" not in html
    assert "<table" not in html


def test_the_other_passages_of_a_document_follow_in_a_table() -> None:
    best = Explanation(CHUNK, {"dense": 4, "keyword": 2}, {}, "in the passages")
    other = Explanation(replace(CHUNK, text="It snowed"), {"dense": None, "keyword": 30}, {}, "left out: too late")
    html = why_not_html([best, other], "vienna.txt")
    assert "<summary>Its other passages: 1</summary>" in html
    assert "<tr><td class='rank' title='not found'>–</td><td class='rank'>30</td><td>It snowed" in html
    assert "<td>left out: too late</td>" in html
