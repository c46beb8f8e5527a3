import dataclasses
import re
from html import unescape

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from rag.catalog import DocumentSummary
from rag.page.render import answer_markdown, documents_html, passages_html, plain, source_html
from rag.types import Answer, Chunk, Document, Passage, Span

HOSTILE = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "[click](https://evil.example/?q=1)",
    "![x](https://evil.example/x.png)",
    "https://evil.example",
    "javascript:alert(1)",
    "<form action=https://evil.example><input type=password>",
    "</article></div><iframe src=//evil.example>",
    "[1](#cite-0-0)",
    "# heading\n- item\n1. item\n> quote\n```code```",
    "' onmouseover='alert(1)",
    "${alert(1)} {{7*7}}",
]


def tags(html: str) -> set[str]:
    return set(re.findall(r"<\s*/?\s*([a-zA-Z]+)", html))


@pytest.mark.parametrize("text", HOSTILE)
def test_a_questions_text_is_shown_as_written(text: str) -> None:
    markdown = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
    rendered = markdown.render(plain(text))
    assert tags(rendered) == {"p"}
    assert unescape(rendered.strip().removeprefix("<p>").removesuffix("</p>")) == text


@pytest.mark.parametrize("text", HOSTILE)
def test_documents_passages_and_sources_are_escaped(text: str) -> None:
    document = Document("id", text, text, f"before {text} after")
    page = source_html(document, Span(7, 7 + len(text)), text, None)
    assert tags(page) == {"article", "header", "b", "span", "button", "div", "mark"}
    passage = Passage(Chunk("c", "id", text, Span(0, 5), text, text, text), 1.0, {"dense": 1}, {"dense": 0.5})
    assert tags(passages_html([passage], 0)) <= {"table", "thead", "tbody", "tr", "th", "td", "a", "b", "br"}
    summary = DocumentSummary("id", text, text, "text/plain", 5, 1, (text,))
    assert tags(documents_html([summary], text)) <= {"table", "tbody", "tr", "td", "b", "br", "em", "p"}


@given(st.text(max_size=60), st.text(min_size=1, max_size=20), st.text(max_size=60))
def test_the_marked_words_are_exactly_the_cited_ones(before: str, quote: str, after: str) -> None:
    document = Document("id", "a", "A", before + quote + after)
    page = source_html(document, Span(len(before), len(before) + len(quote)), "footnote 1", None)
    marked = re.search(r"<mark id='cited'>(.*?)</mark>", page, re.DOTALL)
    assert marked
    assert unescape(marked[1].replace("\r", "&#13;")) == quote or any(ord(c) < 32 or 127 <= ord(c) < 160 for c in quote)


def answer(text: str, refused: bool = False) -> Answer:
    passage = Passage(Chunk("c", "id", "a.txt", Span(0, 5), "hello", "Title *x*"), 1.0)
    return Answer("q", "q", text, None, (), (), (passage,), refused, 0.5, "quotes", {})


def test_marks_become_links_to_their_footnotes() -> None:
    shown = answer_markdown(answer("It rose *twice*. [1] It fell. [2]"), 3)
    assert shown == "It rose \\*twice\\*.[1](#cite-3-0) It fell.[2](#cite-3-1)"


def test_a_refusal_links_to_the_closest_passages() -> None:
    shown = answer_markdown(answer("The documents do not answer this.", refused=True), 2)
    assert "- Title \\*x\\* [read](#passage-2-0)" in shown


def test_what_was_searched_for_is_shown_where_it_is_not_what_was_typed() -> None:
    typed = answer("In 1971. [1]")
    assert "Searched" not in answer_markdown(typed, 0)
    shown = answer_markdown(dataclasses.replace(typed, standalone_question="When did *Kissinger* fly?"), 0)
    assert shown.endswith("\n\n*Searched for: When did \\*Kissinger\\* fly?*")
