import dataclasses
from html import unescape

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from ingest.discover import Skipped
from ingest.page.listing import listing_html, note_html, report_html, trouble_html
from ingest.plan import Failure
from ingest.report import Report
from rag.catalog import DocumentSummary, FileRecord
from rag.page.render import answer_markdown, plain, unplain
from rag.types import Answer, Chunk, Passage, Span
from tests.hostile import HOSTILE, Looked


@pytest.mark.parametrize("text", HOSTILE)
def test_a_questions_text_is_shown_as_written(text: str) -> None:
    markdown = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
    rendered = markdown.render(plain(text))
    assert Looked(rendered).tags == {"p"}
    assert unescape(rendered.strip().removeprefix("<p>").removesuffix("</p>").replace("</p>\n<p>", "\n\n")) == text


@pytest.mark.parametrize("text", HOSTILE)
def test_documents_are_escaped(text: str) -> None:
    summary = DocumentSummary("id", text, text, "text/plain", 5, 1, (text,))
    record = FileRecord(text, text, "0" * 64, "2026-11-26T10:00:00+00:00")
    looked = Looked(listing_html([summary], {text: record}, {"id": text}, {text: 5}))
    assert looked.tags <= {
        "p",
        "table",
        "thead",
        "tbody",
        "tr",
        "th",
        "td",
        "b",
        "br",
        "span",
        "ul",
        "li",
        "time",
        "button",
    }
    assert looked.dangers == []
    assert looked.text.count(text) == 3


@pytest.mark.parametrize("text", HOSTILE)
def test_reports_are_escaped(text: str) -> None:
    report = Report(failed=[Failure(text, text, text)], skipped=[Skipped(text, text)], warnings=[text], finished=True)
    listing = listing_html([], {}, {}, {}, text)
    for html in (report_html(report, text), trouble_html(text), note_html(text), listing):
        assert Looked(html).dangers == []


def answer(text: str, refused: bool = False) -> Answer:
    passage = Passage(Chunk("c", "id", "a.txt", Span(0, 5), "hello", "Title *x*"), 1.0)
    return Answer("q", "q", text, None, (), (), (passage,), refused, 0.5, "quotes", {})


def test_marks_become_links_to_their_footnotes() -> None:
    shown = answer_markdown(answer("It rose *twice*. [1] It fell. [2]"), 3)
    assert shown == "It rose \\*twice\\*.[1](#cite-3-0) It fell.[2](#cite-3-1)\n\n[Why these passages](#why-3)"


def test_a_refusal_links_to_the_closest_passages() -> None:
    shown = answer_markdown(answer("The documents do not answer this.", refused=True), 2)
    assert "- Title \\*x\\* [read](#passage-2-0)" in shown


def test_what_was_searched_for_is_shown_where_it_is_not_what_was_typed() -> None:
    typed = answer("In 1971. [1]")
    assert "Searched" not in answer_markdown(typed, 0)
    shown = answer_markdown(dataclasses.replace(typed, standalone_question="When did *Kissinger* fly?"), 0)
    assert "\n\n*Searched for: When did \\*Kissinger\\* fly?*\n\n" in shown


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=60))
def test_what_was_typed_comes_back_when_it_is_edited(text: str) -> None:
    assert unplain(plain(text)) == text
