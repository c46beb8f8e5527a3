"""HTML as it stands -> headings, paragraphs, lists and tables: all that is visible, nothing guessed."""

from __future__ import annotations

import re
from collections.abc import Iterator

from lxml import etree
from lxml.html import HtmlElement, HTMLParser, document_fromstring

from ingest.canonical import TextBuilder
from ingest.formats.tables import Row, lines
from ingest.formats.xml_tree import local_name, xml_failure

FURNITURE = frozenset({"nav", "header", "footer", "aside", "form"})
"""What stands around a page's content."""

_UNSEEN = frozenset("script style noscript template svg math head iframe object select button input textarea".split())
_BLOCKS = frozenset(
    "address article aside blockquote body caption center dd details dialog div dl dt fieldset figcaption figure"
    " footer form header hgroup hr html legend li main nav ol p pre section summary table tbody td tfoot"
    " th thead tr ul".split()
)
_HEADINGS = frozenset({"h1", "h2", "h3", "h4", "h5", "h6"})
_DECLARATION = re.compile(r"^\s*<\?xml[^>]*\?>")
_WIDEST, _TALLEST = 1_000, 65_534  # what a cell may span, as in the standard


def page_of(html: str) -> HtmlElement | None:
    """The page's root, or None for one without elements. Raises ParseError E_DEPTH."""
    parser = HTMLParser(no_network=True, remove_comments=True, remove_pis=True)
    try:
        page = document_fromstring(_DECLARATION.sub("", html), parser=parser)
    except etree.ParserError:
        return None
    for error in parser.error_log:
        if "depth" in error.message.lower():
            raise xml_failure(ValueError(error.message))
    return page


def title_of(page: HtmlElement) -> str:
    """The words of its title element."""
    return " ".join(page.findtext(".//title", "").split())


def add_blocks(builder: TextBuilder, page: HtmlElement, *, without: frozenset[str] = frozenset()) -> None:
    """Add every visible block of a page but those inside elements named in `without`."""
    _Blocks(builder, _UNSEEN | without).add(page)


class _Blocks:
    """Walks a page and gathers what stands on one line until a block begins or ends."""

    def __init__(self, builder: TextBuilder, unseen: frozenset[str]) -> None:
        self._builder = builder
        self._unseen = unseen
        self._line: list[str] = []

    def add(self, element: HtmlElement) -> None:
        """Add an element's blocks."""
        self._walk(element)
        self._end_line()

    def _walk(self, element: HtmlElement) -> None:
        name = local_name(element)
        if name in _HEADINGS:
            self._end_line()
            self._builder.add(self._words(element), heading_level=int(name[1]))
        elif name in ("ul", "ol"):
            self._end_line()
            self._builder.add("\n".join(self._items(element, 0)))
        elif name == "pre":
            self._end_line()
            self._builder.add(element.text_content())
        elif name == "table" and not _is_layout(element):
            self._end_line()
            self._add_table(element)
        else:
            self._walk_inside(element, name)

    def _walk_inside(self, element: HtmlElement, name: str) -> None:
        if name in _BLOCKS:
            self._end_line()
        self._line.append("\n" if name == "br" else _flat(element.text))
        for child in element:
            if local_name(child) not in self._unseen:
                self._walk(child)
            self._line.append(_flat(child.tail))
        if name in _BLOCKS:
            self._end_line()

    def _end_line(self) -> None:
        self._builder.add("\n".join(" ".join(line.split()) for line in "".join(self._line).split("\n")).strip())
        self._line = []

    def _items(self, items: HtmlElement, depth: int) -> Iterator[str]:
        """The items of a list, one a line; a list within is set in."""
        for item in items:
            name = local_name(item)
            if name in ("ul", "ol"):
                yield from self._items(item, depth + 1)
            elif name not in self._unseen:
                if own := self._words(item, without=("ul", "ol")):
                    yield "  " * depth + "- " + own
                for inner in item.iterdescendants("ul", "ol"):
                    if next(inner.iterancestors("li", "ul", "ol"), None) is item:
                        yield from self._items(inner, depth + 1)

    def _add_table(self, table: HtmlElement) -> None:
        for caption in table.iterchildren("caption"):
            self._builder.add(self._words(caption))
        self._builder.add("\n".join(lines(self._rows(table))))

    def _rows(self, table: HtmlElement) -> Iterator[Row]:
        """A table's cells, each in the column where it begins."""
        taken: dict[int, int] = {}  # how many more rows a cell from above reaches down, by column
        for row in table.iterdescendants("tr"):
            cells: dict[int, str] = {}
            column = 0
            below = {place: left - 1 for place, left in taken.items() if left > 1}
            for cell in row.iterchildren("td", "th"):
                while column in taken:
                    column += 1
                cells[column] = self._words(cell)
                width, height = _span(cell, "colspan", _WIDEST), _span(cell, "rowspan", _TALLEST)
                if height > 1 and column < _WIDEST:
                    below |= dict.fromkeys(range(column, column + width), height - 1)
                column += width
            taken = below
            yield cells

    def _words(self, element: HtmlElement, without: tuple[str, ...] = ()) -> str:
        """An element's words on one line; blocks inside it are set apart by spaces."""
        parts: list[str] = []
        self._gather(element, parts, without)
        return " ".join("".join(parts).split())

    def _gather(self, element: HtmlElement, parts: list[str], without: tuple[str, ...]) -> None:
        parts.append(element.text or "")
        for child in element:
            name = local_name(child)
            apart = name in _BLOCKS or name in _HEADINGS or name == "br"
            parts.append(" " if apart else "")
            if name not in self._unseen and name not in without:
                self._gather(child, parts, without)
            parts.append(" " if apart else "")
            parts.append(child.tail or "")


def _is_layout(table: HtmlElement) -> bool:
    """Whether a table only places other tables, headings or paragraphs on the page."""
    if table.find(".//table") is not None or any(table.iterdescendants(*_HEADINGS)):
        return True
    cells = list(table.iterdescendants("td", "th"))
    return len(cells) < 2


def _span(cell: HtmlElement, name: str, most: int) -> int:
    number = (cell.get(name) or "1").strip()
    return min(max(int(number), 1), most) if number.isdecimal() else 1


def _flat(text: str | None) -> str:
    """The text with line breaks as spaces: only <br> breaks a line."""
    return re.sub(r"\s+", " ", text or "")
