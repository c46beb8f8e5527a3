"""PDF: the text layer page by page, with headings from the outline. pypdf, which bounds what it decompresses."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Any, BinaryIO

from pypdf import PdfReader
from pypdf.errors import LimitReachedError, PyPdfError

from ingest.canonical import TextBuilder
from rag.errors import ParseError
from rag.types import Document

_MOST_PAGES = 5000


def parse_pdf(file: BinaryIO, source: str) -> Iterator[Document]:
    """Every page's text; the page of each character is known exactly. Nothing embedded is run or extracted."""
    if b"%PDF-" not in file.read(1024):
        raise ParseError("E_TYPE", "its content is not a PDF. Give it the ending that fits its content.")
    file.seek(0)
    try:
        yield _read(PdfReader(file), source)
    except LimitReachedError as error:
        raise ParseError("E_BOMB", f"it expands past what is safe ({error}).") from None
    except RecursionError:
        raise ParseError("E_DEPTH", "its objects are nested too deeply to be read.") from None
    except (PyPdfError, ValueError, KeyError, TypeError, AttributeError, IndexError, AssertionError) as error:
        raise ParseError("E_CORRUPT", f"it is not a readable PDF ({error}). Save or print it to PDF again.") from None


def _read(reader: PdfReader, source: str) -> Document:
    if reader.is_encrypted and not reader.decrypt(""):
        raise ParseError("E_ENCRYPTED", "it needs a password. Save a copy without one.")
    count = len(reader.pages)
    if count > _MOST_PAGES:
        raise ParseError("E_PAGES", f"{count:,} pages > {_MOST_PAGES:,}. Split the file.")
    builder = TextBuilder()
    for number, page in enumerate(reader.pages, start=1):
        builder.add(page.extract_text())
        builder.end_page(number)
    for level, heading, number in _outline(reader, reader.outline, level=1):
        builder.heading_on_page(level, heading, number)
    title = reader.metadata.title if reader.metadata else ""
    return builder.document(source, title or PurePosixPath(source).stem, "application/pdf")


def _outline(reader: PdfReader, entries: list[Any], level: int) -> Iterator[tuple[int, str, int]]:
    for entry in entries:
        if isinstance(entry, list):
            yield from _outline(reader, entry, level + 1)
            continue
        index = reader.get_destination_page_number(entry)
        if index is not None and entry.title:
            yield level, str(entry.title), index + 1
