"""A document with the cited words marked: its text, its rendered Markdown, or a picture of the page they stand on."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from time import monotonic_ns
from typing import Protocol

from rag.page.markdown import rendered, rendered_with_mark
from rag.recheck import Recheck, Standing
from rag.types import Document, Span

NO_SOURCE = "<div class='empty'>Select a footnote in an answer to read the words it rests on.</div>"
MARKDOWN = "text/markdown"
_CITED = " id='cited'"
_REGION = "tabindex='0' role='region' aria-label"


class Box(Protocol):
    """A rectangle on a page, in shares (0 to 1) of its width and height, from its left upper corner."""

    @property
    def left(self) -> float: ...  # noqa: D102
    @property
    def top(self) -> float: ...  # noqa: D102
    @property
    def width(self) -> float: ...  # noqa: D102
    @property
    def height(self) -> float: ...  # noqa: D102


class Picture(Protocol):
    """A page as a PNG of so many pixels, and where on it the cited words stand."""

    @property
    def png(self) -> bytes: ...  # noqa: D102
    @property
    def width(self) -> int: ...  # noqa: D102
    @property
    def height(self) -> int: ...  # noqa: D102
    @property
    def marks(self) -> Sequence[Box]: ...  # noqa: D102


@dataclass(frozen=True, slots=True)
class Viewed:
    """What is to be seen: a document as it is now, the words cited from `span` of it, and what became of them.

    `label` says what was opened ("Answer 1, footnote 2").
    """

    document: Document
    found: Recheck
    span: Span
    label: str
    quote: str


def gone_html(sentence: str) -> str:
    """Instead of a document: why it cannot be shown."""
    return f"<div class='empty'>{escape(sentence)}</div>"


def view_html(viewed: Viewed, picture: Picture | None = None) -> str:
    """The document with the words marked where they stand now; its text behind a button where there is more to show.

    In front stands the picture of a page, if one with marks is given, or else a Markdown document as rendered. The
    element of class "text" holds exactly the document's text, the first mark in front has the id "cited".
    """
    document, span = viewed.document, viewed.found.span
    if picture and picture.marks:
        front = page_html(picture, viewed.quote)
    elif document.media_type == MARKDOWN:
        shown = rendered_with_mark(document.text, span) if span else rendered(document.text)
        front = f"<div class='rendered' {_REGION}='Source'>{shown}</div>" if shown is not None else ""
    else:
        front = ""
    toggle = "<button type='button' class='as-text' aria-pressed='false'>As text</button>" if front else ""
    # data-opened makes every value new, so that opening the same footnote twice scrolls again.
    return (
        f"<article data-opened='{monotonic_ns()}'><header><b>{escape(document.source)}</b>"
        f"<span role='status'>{escape(_place(viewed))}</span>{toggle}"
        f"<button type='button' class='back'>Back to answer</button></header>{_notice(viewed)}{front}"
        f"<div class='text'{' hidden' if front else ''} {_REGION}='Source text'>"
        f"{_marked_text(document.text, span, cited='' if front else _CITED)}</div></article>"
    )


def page_html(picture: Picture, quote: str) -> str:
    """The picture of a page with marks on it, the quote as its text."""
    image = f"data:image/png;base64,{b64encode(picture.png).decode()}"
    marks = "".join(
        f"<mark{'' if number else _CITED} class='cited' style='left:{box.left:.3%};top:{box.top:.3%};"
        f"width:{box.width:.3%};height:{box.height:.3%}'></mark>"
        for number, box in enumerate(picture.marks)
    )
    return (
        f"<figure class='page' tabindex='0'><img src='{image}' width='{picture.width}' height='{picture.height}' "
        f"alt='{escape(quote)}'>{marks}</figure>"
    )


def _place(viewed: Viewed) -> str:
    """What was opened, and the page or the headings that it stands under."""
    document, span = viewed.document, viewed.found.span
    if span is None:
        return viewed.label
    page = document.page_at(span.start)
    where = f"page {page}" if page else _heading_path(document, span.start)
    return f"{viewed.label}, {where}" if where else viewed.label


def _heading_path(document: Document, position: int) -> str:
    """The headings above a place in the text, from the topmost to the nearest, without the document's title."""
    path: list[tuple[int, str]] = []
    for heading in document.headings:
        if heading.start > position:
            break
        path = [above for above in path if above[0] < heading.level] + [(heading.level, heading.title)]
    return " > ".join(title for _, title in path if title != document.title)


def _notice(viewed: Viewed) -> str:
    """What a reader must know of a citation that is not what it was."""
    if viewed.found.state is Standing.UNCHANGED:
        return ""
    lost = ""
    if viewed.found.span is None:
        lost = f" Cited were characters {viewed.span.start}-{viewed.span.end}: <q>{escape(viewed.quote)}</q>"
    return f"<p class='notice'>{escape(viewed.found.sentence)}{lost}</p>"


def _marked_text(text: str, span: Span | None, cited: str) -> str:
    """The text with the span marked; `cited` is the mark's id attribute, or empty."""
    if span is None:
        return _exact(text)
    before, quote, after = (_exact(part) for part in (text[: span.start], span.of(text), text[span.end :]))
    return f"{before}<mark{cited} class='cited'>{quote}</mark>{after}"


def _exact(text: str) -> str:
    """Text that a browser holds character for character: it would drop a NUL and read a return as a new line."""
    return escape(text).replace("\0", "\ufffd").replace("\r", "&#13;")
