"""Every payload in every place that shows text: nothing of it runs, loads or leads away."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import pytest
from markdown_it import MarkdownIt

from ingest.discover import Skipped
from ingest.page.listing import listing_html, report_html
from ingest.plan import Failure
from ingest.report import Report
from rag.catalog import DocumentSummary, FileRecord
from rag.explain import Explanation
from rag.page.chart import passages_html, why_not_html
from rag.page.conversation import Conversation, Exchange
from rag.page.export import as_html, as_markdown
from rag.page.markdown import rendered
from rag.page.render import answer_markdown, plain
from rag.page.source import MARKDOWN, Picture, Viewed, gone_html, page_html, view_html
from rag.recheck import Recheck, Standing
from rag.types import Answer, Chunk, Citation, Document, Heading, Passage, Rejection, Span
from tests.hostile import Looked
from tests.payloads import FILE_REQUESTS, XSS, Payload

# What a page of ours is made of. Neither script nor style, form nor frame, nor anything that could load or lead away
# but for <a> and <img>, whose addresses are looked at.
ALLOWED = {
    *("a", "article", "b", "blockquote", "br", "button", "circle", "code", "dd", "del", "desc", "details", "div", "dl"),
    *(
        "dt",
        "em",
        "figcaption",
        "figure",
        "g",
        "h1",
        "h2",
        "h3",
        "header",
        "hr",
        "img",
        "li",
        "line",
        "mark",
        "ol",
        "p",
    ),
    *("path", "pre", "q", "s", "section", "small", "span", "strong", "summary", "sup", "svg", "table", "tbody", "td"),
    *("text", "th", "thead", "time", "title", "tr", "ul"),
}
EXPORTED = {"html", "head", "meta", "style", "body", "main", "footer"}
LOADING = {
    *("src", "href", "srcset", "style", "action", "formaction", "poster", "data", "background", "ping", "xlink:href"),
    *("srcdoc", "cite", "longdesc", "manifest", "codebase", "imagesrcset", "fill", "filter", "clip-path"),
}
ABSOLUTE = re.compile(r"(?i)\w+:(?!image/png;base64,)|//|url\s*\(|\\")
OWN_STYLE = re.compile(r"(?:left|top|width|height):\d+(?:\.\d+)?%|;")


class Inspected(Looked):
    """HTML as a browser reads it, and every address in it that is not the page's own."""

    def __init__(self, html: str) -> None:
        self.links: set[str] = set()
        super().__init__(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        super().handle_starttag(tag, attrs)
        for name, value in attrs:
            if name == "href":
                self.links.add(value or "")
            if name == "style" and OWN_STYLE.sub("", value or ""):
                self.dangers.append(f"{tag} style={value}")
            if name in LOADING and name != "style" and ABSOLUTE.search(value or ""):
                self.dangers.append(f"{tag} {name}={value}")


@dataclass(frozen=True)
class _Box:
    left: float = 0.1
    top: float = 0.2
    width: float = 0.3
    height: float = 0.05


@dataclass(frozen=True)
class _Picture:
    png: bytes = b"png"
    width: int = 100
    height: int = 140
    marks: tuple[_Box, ...] = (_Box(), _Box())


def markdown(text: str) -> str:
    """Markdown shown at its most generous: HTML let through, tables and all."""
    html: str = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"]).render(text)
    return html


def _answer(text: str) -> Answer:
    passage = Passage(_chunk(text), 1.0, {"dense": 1, "keyword": 2, "final": 1}, {"dense": 0.5})
    quoted = Citation(1, text, text, Span(0, len(text)), text, 3, text)
    rejected = (Rejection(1, text, text),)
    return Answer(text, text, f"{text} [1]", text, (quoted,), rejected, (passage,), False, 0.5, text, {}, notes=(text,))


def _chunk(text: str) -> Chunk:
    return Chunk("c", "id", text, Span(0, len(text)), text, text, text, 3)


def _viewed(text: str, media_type: str, state: Standing = Standing.UNCHANGED) -> Viewed:
    words = f"before {text} after"
    span = Span(7, 7 + len(text))
    document = Document("id", text, text, words, headings=(Heading(1, text, 0),), media_type=media_type)
    found = Recheck(state, None if state is Standing.CHANGED else span, text)
    return Viewed(document, found, span, text, text)


def _conversation(text: str) -> Conversation:
    answers = (_answer(text), replace(_answer(text), refused=True, standalone_question=f"{text}?"))
    return Conversation(
        text, tuple(Exchange(each, text, {text: text}, "2026-11-26T10:00:00+00:00") for each in answers)
    )


def _record(text: str) -> FileRecord:
    return FileRecord(text, text, text, text)


def _explanations(text: str) -> list[Explanation]:
    return [Explanation(_chunk(text), {"dense": 1, "keyword": None}, {"dense": 0.5}, f"left out: {text}")] * 2


PLACES: dict[str, Callable[[str], str]] = {
    "question": lambda text: markdown(plain(text)),
    "answer": lambda text: markdown(answer_markdown(_answer(text), 0)),
    "short answer": lambda text: markdown(answer_markdown(replace(_answer(text), text=f"So {text}. [1]"), 0)),
    "refusal": lambda text: markdown(answer_markdown(_conversation(text).exchanges[1].answer, 0)),
    "passages": lambda text: passages_html(_answer(text).passages, 0),
    "fate": lambda text: why_not_html(_explanations(text), text) + why_not_html([], text),
    "documents": lambda text: listing_html(
        [DocumentSummary("id", text, text, text, 5, 1, (text,))], {text: _record(text)}, {"id": text}, {text: 5}
    ),
    "documents that are not there": lambda text: listing_html([], {}, {}, {}, text),
    "a report": lambda text: report_html(
        Report(failed=[Failure(text, text, text)], skipped=[Skipped(text, text)], warnings=[text]), text
    ),
    "source": lambda text: view_html(_viewed(text, "text/plain")),
    "Markdown source": lambda text: view_html(_viewed(text, MARKDOWN)),
    "Markdown": lambda text: rendered(text) or "",
    "changed source": lambda text: view_html(_viewed(text, "text/plain", Standing.CHANGED)),
    "page": lambda text: view_html(_viewed(text, "application/pdf"), _picture()) + page_html(_picture(), text),
    "gone": gone_html,
    "exported Markdown": lambda text: markdown(as_markdown(_conversation(text))),
}


def _picture() -> Picture:
    return _Picture()


def faults(html: str, allowed: set[str]) -> Iterator[str]:
    """What must not be in a page: a strange element, a handler, an address elsewhere, or a place not of ours."""
    inspected = Inspected(html)
    yield from sorted(inspected.tags - allowed)
    yield from inspected.dangers
    yield from re.findall(r"<!--|<!\[CDATA|<\?", html)


@pytest.mark.parametrize("payload", XSS, ids=lambda payload: payload.name)
def test_a_payload_is_shown_and_does_nothing_in_any_place(payload: Payload) -> None:
    found = {place: [*faults(shown(payload.text), ALLOWED)] for place, shown in PLACES.items()}
    assert {place: each for place, each in found.items() if each} == {}


@pytest.mark.parametrize("payload", XSS, ids=lambda payload: payload.name)
def test_a_payload_in_an_exported_page_does_nothing(payload: Payload) -> None:
    html = as_html(_conversation(payload.text))
    assert [*faults(html.split("</head>")[1], ALLOWED | EXPORTED)] == []
    assert Inspected(html.split("</head>")[0]).tags == {"html", "head", "meta", "title", "style"}


@pytest.mark.parametrize("payload", XSS, ids=lambda payload: payload.name)
def test_a_footnotes_link_comes_from_a_mark_alone(payload: Payload) -> None:
    assert Inspected(PLACES["question"](payload.text)).links == set()
    own = Inspected(PLACES["refusal"]("words")).links
    assert Inspected(PLACES["refusal"](payload.text)).links <= own
    assert not any(link.startswith("#cite-") for link in own)


@pytest.mark.parametrize(
    "html",
    [
        "<script>1</script>",
        "<p onclick=a()>x</p>",
        "<a href=https://evil.example>x</a>",
        "<a href=//evil.example>x</a>",
        "<img src=/gradio_api/file=x>",
        "<img src=data:image/png;base64,x srcset='https://evil.example 1x'>",
        "<p style='background:url(//evil.example)'>x</p>",
        "<p style='position:fixed'>x</p>",
        "<!-- x -->",
        "<svg><path fill='url(https://evil.example#x)'></svg>",
    ],
)
def test_the_inspection_finds_what_it_looks_for(html: str) -> None:
    assert [*faults(html, ALLOWED)]


def test_there_are_enough_payloads_and_each_has_a_name_of_its_own() -> None:
    assert len({payload.text for payload in XSS}) == len({payload.name for payload in XSS}) >= 130
    assert len({request.name for request in FILE_REQUESTS}) == len(FILE_REQUESTS) >= 60
