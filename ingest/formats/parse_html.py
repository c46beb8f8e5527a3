"""HTML: the article, without navigation, adverts and comments; its headings, lists and tables as lines of text."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import BinaryIO

import trafilatura
from lxml.etree import _Element

from ingest.canonical import TextBuilder, decode
from ingest.formats.hidden import quoted, standing_in, without_invisible
from ingest.formats.html_blocks import FURNITURE, add_blocks, page_of, title_of
from ingest.formats.tables import lines_of
from rag.errors import ParseError
from rag.types import Document

_LARGEST = 20 * 2**20  # bytes
_LONGEST_TAG = 2**18  # characters; reading a tag's attributes takes their number squared
_ENDLESS_TAG = re.compile(rf"<[a-zA-Z][^<>]{{{_LONGEST_TAG}}}")
_MEDIA_TYPE = "text/html"


def parse_html(file: BinaryIO, source: str) -> Iterator[Document]:
    """The page's main text. When no article is recognised, all visible text outside menus and the like."""
    data = file.read()
    if len(data) > _LARGEST:
        raise ParseError("E_TOO_BIG", f"{len(data) / 2**20:.0f} MB of HTML > {_LARGEST // 2**20} MB. Split the page.")
    html, warnings = decode(data)
    if _ENDLESS_TAG.search(html):
        raise ParseError("E_DEPTH", f"a tag of it has over {_LONGEST_TAG:,} characters of attributes. Save it anew.")
    seen = without_invisible(html)
    builder, title, guessed = _read(seen.html)
    # Menus and the like are hidden on many pages: what matters is what would have come into the document.
    if left_out := standing_in(seen.removed, _read(html)[0].text if seen.removed else ""):
        warnings += (f"text that readers of the page cannot see was left out: {quoted(left_out)}",)
    if kept := standing_in(seen.folded, builder.text):
        warnings += (f"text that the page does not show at first: {quoted(kept)}",)
    yield builder.document(source, title or PurePosixPath(source).stem, _MEDIA_TYPE, warnings + guessed)


def _read(html: str) -> tuple[TextBuilder, str, tuple[str, ...]]:
    """A page's text, its title, and a warning if no article was found in it."""
    builder = TextBuilder()
    page = page_of(html)
    if page is None:
        return builder, "", ()
    if _is_plain(page):
        add_blocks(builder, page)
        return builder, title_of(page), ()
    article = trafilatura.bare_extraction(html, include_comments=False, include_tables=True, with_metadata=True)
    title = ""
    if article is not None and not isinstance(article, dict):
        title = article.title or ""
        for block in article.body:
            _add(builder, block)
    if builder.text.strip():
        return builder, title, ()
    add_blocks(builder, page, without=FURNITURE)
    return builder, title or title_of(page), ("no article recognised: all visible text was kept",)


def _is_plain(page: _Element) -> bool:
    """Whether a page is a document and nothing else, in which an article need not be looked for."""
    return next(page.iter("script", *FURNITURE), None) is None


def _add(builder: TextBuilder, block: _Element) -> None:
    if block.tag == "head":
        builder.add(_text(block), heading_level=int(block.get("rend", "h2")[1:] or 2))
    elif block.tag == "list":
        builder.add("\n".join(_items(block, depth=0)))
    elif block.tag == "table":
        builder.add("\n".join(lines_of([*map(_text, row.iter("cell"))] for row in block.iter("row"))))
    else:
        builder.add(_text(block))


def _items(items: _Element, depth: int) -> Iterator[str]:
    for item in items.iterchildren("item"):
        own = _text(item, without="list")
        if own:
            yield "  " * depth + "- " + own
        for inner in item.iterchildren("list"):
            yield from _items(inner, depth + 1)


def _text(element: _Element, without: str | None = None) -> str:
    """An element's words on one line per <lb/>."""
    parts = [element.text or ""]
    for child in element:
        if child.tag == "lb":
            parts.append("\n")
        elif child.tag != without:
            parts.append(_text(child))
        parts.append(child.tail or "")
    return "\n".join(" ".join(line.split()) for line in "".join(parts).split("\n")).strip()
