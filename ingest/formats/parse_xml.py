"""XML and SVG: the words between the tags. Entities are never expanded and nothing is fetched."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import BinaryIO

from lxml.etree import _Element

from ingest.canonical import TextBuilder, decode
from ingest.formats.xml_tree import local_name, xml_tree
from rag.types import Document

_LEFT_OUT = {"style", "script"}


def parse_xml(file: BinaryIO, source: str) -> Iterator[Document]:
    """A line for each paragraph, and for each element of nothing but named values, like a table's row."""
    text, warnings = decode(file.read())
    root = xml_tree(_without_declaration(text).encode())
    builder = TextBuilder()
    builder.add("\n".join(_lines(root)))
    title = next((" ".join("".join(each.itertext()).split()) for each in root.iterchildren("{*}title")), "")
    yield builder.document(source, title or PurePosixPath(source).stem, "application/xml", warnings)


def _without_declaration(text: str) -> str:
    """The text without the first line's <?xml ...?>, whose encoding no longer holds once it is decoded."""
    text = text.lstrip("\ufeff \t\r\n")
    return text.partition("?>")[2].lstrip() if text.startswith("<?xml") else text


def _lines(element: _Element) -> Iterator[str]:
    children = [child for child in element if local_name(child) not in _LEFT_OUT]
    has_own_words = bool((element.text or "").strip()) or any((child.tail or "").strip() for child in children)
    if has_own_words or not children:
        yield from _filled(_words(element))
        return
    names = [local_name(child) for child in children]
    if len(children) > 1 and len(set(names)) == len(names) and not any(len(child) for child in children):
        values = [f"{name}: {words}" for name, child in zip(names, children, strict=True) if (words := _words(child))]
        yield from _filled("| " + " | ".join(values) + " |" if values else "")
        return
    for child in children:
        yield from _lines(child)


def _filled(line: str) -> Iterator[str]:
    if line:
        yield line


def _words(element: _Element) -> str:
    return " ".join("".join(element.itertext()).split())
