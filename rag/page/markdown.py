"""Markdown -> HTML that loads nothing and leads nowhere, with what is shown of a stretch of it marked."""

from __future__ import annotations

import re
from functools import lru_cache
from html import escape
from typing import Any

from markdown_it import MarkdownIt

from rag.types import Span

LONGEST = 300_000  # characters; rendering takes seconds beyond
_EFFORT = 1_000_000  # characters rendered at most in search of a place for the marks
_MOST_TRIES = 8
_RUN = re.compile(r"[^\W_]+")
_CLOSING = re.compile(r"""[.!?…,;:"'”’»)]+""")
_TAG = re.compile(r"(<[^>]*>)")


def rendered(text: str) -> str | None:
    """The Markdown as HTML, None if it is too long. Markup in it, links and pictures are shown as text."""
    return _rendered(text) if len(text) <= LONGEST else None


def rendered_with_mark(text: str, span: Span) -> str | None:
    """The same with what is shown of the span in <mark> elements, the first of them with the id "cited".

    None if it is too long, or where the span begins or ends cannot be told exactly.
    """
    html = rendered(text)
    if html is None:
        return None
    # Characters that stand nowhere, and that the rules of Markdown take for letters as their neighbours are.
    sentinels = [one for one in map(chr, range(0xE000, 0xE800)) if one not in text and one not in html][:2]
    runs = [match.span() for match in _RUN.finditer(text, span.start, span.end)]
    if not runs or len(sentinels) < 2:
        return None
    begin, end = sentinels
    start, stop = runs[0][0], runs[-1][1]
    ends = dict.fromkeys((_closed(text, stop, span.end), stop))
    marked = next((found for place in ends if (found := _shows(text, html, {start: begin, place: end}))), None)
    if marked is None:
        # What is no shown word (a list's number, a link's address) takes no sentinel: then the next word is tried.
        tries = max(1, min(_MOST_TRIES, _EFFORT // (2 * len(text))))
        first = next((start for start, _ in runs[:tries] if _shows(text, html, {start: begin})), None)
        last = next((stop for _, stop in reversed(runs[-tries:]) if _shows(text, html, {stop: end})), None)
        if first is not None and last is not None and first < last:
            marked = _shows(text, html, {first: begin, last: end})
    return _wrapped(marked, begin, end) if marked else None


def _closed(text: str, stop: int, limit: int) -> int:
    """Where a word that ends at `stop` ends with the marks that close its sentence."""
    match = _CLOSING.match(text, stop, limit)
    return match.end() if match else stop


def _shows(text: str, html: str, sentinels: dict[int, str]) -> str | None:
    """The HTML with sentinels put into the text, if each shows among its words and nothing else is changed by them."""
    parts, last = [], 0
    for place, sentinel in sentinels.items():
        parts += [text[last:place], sentinel]
        last = place
    found = _MARKDOWN.render("".join(parts) + text[last:])
    words = "".join(_TAG.split(found)[::2])
    without = found
    for sentinel in sentinels.values():
        if words.count(sentinel) != 1:
            return None
        without = without.replace(sentinel, "")
    return found if without == html else None


def _wrapped(html: str, begin: str, end: str) -> str:
    parts: list[str] = []
    inside, opening = False, "<mark id='cited' class='cited'>"
    for piece in re.split(f"(<[^>]*>|{begin}|{end})", html):
        if piece in (begin, end):
            inside = piece == begin
        elif inside and piece.strip("\n") and not piece.startswith("<"):
            parts.append(f"{opening}{piece}</mark>")
            opening = "<mark class='cited'>"
        else:
            parts.append(piece)
    return "".join(parts)


@lru_cache(maxsize=8)
def _rendered(text: str) -> str:
    html: str = _MARKDOWN.render(text)
    return html


def _link_open(*_: Any) -> str:
    return "<span class='link'>"


def _link_close(*_: Any) -> str:
    return "</span>"


def _image(renderer: Any, tokens: Any, index: int, options: Any, environment: Any) -> str:
    words = renderer.renderInlineAsText(tokens[index].children or [], options, environment)
    return f"<span class='picture'>{escape(words) or 'picture'}</span>"


_MARKDOWN = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"]).disable("autolink")
for _name, _rule in {"link_open": _link_open, "link_close": _link_close, "image": _image}.items():
    _MARKDOWN.add_render_rule(_name, _rule)
