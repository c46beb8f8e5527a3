"""EPUB books: the chapters in reading order, each read as the page of HTML it is."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import BinaryIO
from urllib.parse import unquote
from zipfile import ZipFile

from lxml.etree import _Element

from ingest.canonical import TextBuilder, decode
from ingest.formats.archive import DAMAGE, damaged, guard
from ingest.formats.hidden import quoted, without_invisible
from ingest.formats.html_blocks import add_blocks, page_of
from ingest.formats.xml_tree import xml_tree
from rag.errors import ParseError
from rag.types import Document

_MEDIA_TYPE = "application/epub+zip"
_NO_CHAPTER = frozenset({"nav"})


def parse_epub(file: BinaryIO, source: str) -> Iterator[Document]:
    """The book. Raises ParseError E_ENCRYPTED where chapters are under a lock."""
    warnings = guard(file)
    builder = TextBuilder()
    hidden: list[str] = []
    try:
        with ZipFile(file) as archive:
            package_path = _package_path(archive)
            package = xml_tree(archive.read(package_path))
            chapters = list(_chapters(package, package_path, set(archive.namelist())))
            _refuse_locked(archive, chapters)
            for chapter in chapters:
                seen = without_invisible(decode(archive.read(chapter))[0])
                hidden += seen.removed
                page = page_of(seen.html)
                if page is not None:
                    add_blocks(builder, page, without=_NO_CHAPTER)
    except DAMAGE as error:
        raise damaged(error) from None
    if hidden:
        warnings += (f"text that readers of the book cannot see was left out: {quoted(hidden)}",)
    title = package.findtext(".//{http://purl.org/dc/elements/1.1/}title") or PurePosixPath(source).stem
    yield builder.document(source, title, _MEDIA_TYPE, warnings)


def _package_path(archive: ZipFile) -> str:
    container = xml_tree(archive.read("META-INF/container.xml"))
    root = next(container.iter("{*}rootfile"), None)
    if root is None:
        raise ParseError("E_CORRUPT", "the book does not say where its chapters are. Export it again.")
    return str(root.get("full-path", ""))


def _chapters(package: _Element, package_path: str, names: set[str]) -> Iterator[str]:
    """The names of the chapters in the archive, in reading order."""
    items = {item.get("id"): item for item in package.iter("{*}item")}
    for reference in package.iter("{*}itemref"):
        item = items.get(reference.get("idref"))
        if item is None or "html" not in item.get("media-type", "") or "nav" in item.get("properties", "").split():
            continue
        name = posixpath.normpath(posixpath.join(posixpath.dirname(package_path), unquote(item.get("href", ""))))
        if name not in names:
            raise ParseError("E_CORRUPT", f"its chapter {name!r} is missing. Export it again.")
        yield name


def _refuse_locked(archive: ZipFile, chapters: list[str]) -> None:
    """A book with a lock names the parts it scrambles; fonts are often among them, and do not matter."""
    if "META-INF/encryption.xml" not in archive.namelist():
        return
    locked = {
        unquote(each.get("URI", ""))
        for each in xml_tree(archive.read("META-INF/encryption.xml")).iter("{*}CipherReference")
    }
    if locked & set(chapters):
        raise ParseError("E_ENCRYPTED", "the book is locked (DRM). Only a copy without the lock can be read.")
