"""OpenDocument texts: headings by their level, paragraphs, lists, tables. Deleted text and comments are left out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import PurePosixPath
from typing import BinaryIO
from zipfile import ZipFile

from lxml.etree import _Element

from ingest.canonical import TextBuilder
from ingest.formats.archive import DAMAGE, damaged, guard
from ingest.formats.tables import Row, lines
from ingest.formats.xml_tree import local_name, xml_tree
from rag.errors import ParseError
from rag.types import Document

_MEDIA_TYPE = "application/vnd.oasis.opendocument.text"
_LEFT_OUT = {"tracked-changes", "annotation", "forms", "sequence-decls", "note-citation", "ruby-text"}
_TEXT = "{urn:oasis:names:tc:opendocument:xmlns:text:1.0}"
_TABLE = "{urn:oasis:names:tc:opendocument:xmlns:table:1.0}"
_MOST_REPEATED = 1_000  # spaces or columns that one element may stand for


def parse_odt(file: BinaryIO, source: str) -> Iterator[Document]:
    """The document's body in order. Raises ParseError E_ENCRYPTED for one with a password."""
    warnings = guard(file)
    builder = TextBuilder()
    try:
        with ZipFile(file) as archive:
            names = archive.namelist()
            if "META-INF/manifest.xml" in names and b"encryption-data" in archive.read("META-INF/manifest.xml"):
                raise ParseError("E_ENCRYPTED", "it has a password. Save it without one.")
            content = xml_tree(archive.read("content.xml"))
            meta = xml_tree(archive.read("meta.xml")) if "meta.xml" in names else content
    except DAMAGE as error:
        raise damaged(error) from None
    for body in content.iter("{*}body"):
        _add(builder, body)
    title = meta.findtext(".//{http://purl.org/dc/elements/1.1/}title") or PurePosixPath(source).stem
    document = builder.document(source, title, _MEDIA_TYPE, warnings)
    yield replace(document, date=(meta.findtext(".//{http://purl.org/dc/elements/1.1/}date") or "")[:10])


def _add(builder: TextBuilder, parent: _Element) -> None:
    for block in parent:
        name = local_name(block)
        if name == "h":
            level = block.get(f"{_TEXT}outline-level", "1")
            builder.add(_words(block), heading_level=max(int(level), 1) if level.isdecimal() else 1)
        elif name == "p":
            builder.add(_words(block))
        elif name == "list":
            builder.add("\n".join(_items(block, 0)))
        elif name == "table":
            builder.add("\n".join(lines(_rows(block))))
        elif name not in _LEFT_OUT:
            _add(builder, block)


def _items(items: _Element, depth: int) -> Iterator[str]:
    for item in items:
        own = " ".join(_words(block) for block in item if local_name(block) != "list")
        if own.strip():
            yield "  " * depth + "- " + " ".join(own.split())
        for inner in item.iterchildren("{*}list"):
            yield from _items(inner, depth + 1)


def _rows(table: _Element) -> Iterator[Row]:
    """A table's cells, each in the column where it begins; repeated empty ones cost nothing."""
    for row in table.iterdescendants(f"{_TABLE}table-row"):
        if next(row.iterancestors(f"{_TABLE}table")) is not table:
            continue
        cells: dict[int, str] = {}
        column = 0
        for cell in row:
            if local_name(cell) == "table-cell":
                cells[column] = _words(cell)
            column += _count(cell, f"{_TABLE}number-columns-repeated")
        yield cells


def _words(element: _Element) -> str:
    return "".join(_pieces(element)).strip()


def _pieces(element: _Element) -> Iterator[str]:
    """An element's characters. White space counts once; more of it is written with elements of its own."""
    yield " ".join(_spaced(element.text))
    for child in element:
        name = local_name(child)
        if name == "s":
            yield " " * _count(child, f"{_TEXT}c")
        elif name in ("tab", "line-break"):
            yield "\t" if name == "tab" else "\n"
        elif name not in _LEFT_OUT:
            yield from _pieces(child)
            yield " " if name in ("p", "h", "list-item", "table-cell") else ""
        yield " ".join(_spaced(child.tail))


def _spaced(text: str | None) -> list[str]:
    """The words of a text; an empty one before or after them stands for white space there."""
    words = (text or "").split()
    if not text or not words:
        return ["", ""] if text else []
    return ([""] if text[0].isspace() else []) + words + ([""] if text[-1].isspace() else [])


def _count(element: _Element, name: str) -> int:
    number = element.get(name, "1")
    return min(int(number), _MOST_REPEATED) if number.isdecimal() else 1
