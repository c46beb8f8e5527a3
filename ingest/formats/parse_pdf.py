"""PDF: the text its readers see, page by page, with headings from the outline. pypdf checks, then pdfium reads."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any, BinaryIO

import pypdfium2
from pypdf import PdfReader
from pypdf.errors import LimitReachedError, PyPdfError

from ingest.canonical import TextBuilder
from ingest.formats.hidden import quoted
from ingest.pdf.guard import Guard, active_content, other_kind
from ingest.pdf.headings import Headings
from ingest.pdf.layout import Paragraph, lines_of, paragraphs_of
from ingest.pdf.page import PageText, open_page, read_page
from ingest.pdf.running import without_running_lines
from ingest.pdf.words import Vocabulary
from rag.errors import ParseError
from rag.types import Document

_MOST_PAGES = 5000
_UNREADABLE = (
    *(PyPdfError, pypdfium2.PdfiumError, NotImplementedError),
    *(ValueError, KeyError, TypeError, AttributeError, IndexError),
)


def parse_pdf(file: BinaryIO, source: str) -> Iterator[Document]:
    """Every page's text; the page of each character is known exactly. Nothing embedded is run or extracted.

    Raises ParseError: E_TYPE, E_ENCRYPTED, E_PAGES, E_BOMB, E_DEPTH or E_CORRUPT.
    """
    with refusals():
        yield read_pdf(file, source).document


@contextmanager
def refusals() -> Iterator[None]:
    """Raises as ParseError, with a code, what the readers raise of a PDF that cannot be read."""
    try:
        yield
    except LimitReachedError as error:
        code = "E_DEPTH" if "depth" in str(error) else "E_BOMB"
        raise ParseError(code, f"it goes past what is safe ({error}).") from None
    except RecursionError:
        raise ParseError("E_DEPTH", "its objects are nested too deeply to be read.") from None
    except (*_UNREADABLE, AssertionError) as error:
        if isinstance(error.__context__, RecursionError):
            raise ParseError("E_DEPTH", "its objects are nested too deeply to be read.") from None
        raise ParseError("E_CORRUPT", f"it is not a readable PDF ({error}). Save or print it to PDF again.") from None


@dataclass(frozen=True, slots=True)
class Reading:
    """What was read of a PDF: its document, and the paragraphs of each page which that was made of."""

    document: Document
    paragraphs: Sequence[Sequence[Paragraph]]


def read_pdf(file: BinaryIO, source: str, *, placed: int | None = None) -> Reading:
    """Every page's text; of the page of the number `placed`, counted from 1, with the place of every character.

    Raises ParseError: E_TYPE, E_ENCRYPTED, E_PAGES or E_BOMB; what `refusals` turns into one for the rest.
    """
    start = file.read(1024)
    if b"%PDF-" not in start:
        raise ParseError("E_TYPE", other_kind(start))
    file.seek(0)
    reader = PdfReader(file)
    warnings = _checked(reader)
    file.seek(0)
    pages = _pages(file, placed)
    kept, left_out = without_running_lines([(page.paper, lines_of(page.pieces)) for page in pages])
    paragraphs = [paragraphs_of(lines) for lines in kept]
    vocabulary = Vocabulary(paragraph.text for page in paragraphs for paragraph in page)
    outline, damage = _outline(reader)
    headings = Headings(() if outline else [paragraph for page in paragraphs for paragraph in page])
    builder = TextBuilder()
    for number, page in enumerate(paragraphs, start=1):
        for paragraph in page:
            builder.add(vocabulary.mended(paragraph.text), heading_level=headings.level(paragraph))
        builder.end_page(number)
    for level, heading, number in outline:
        builder.heading_on_page(level, heading, number)
    title = reader.metadata.title if reader.metadata else ""
    warnings += (*_unseen(pages), *left_out, *damage)
    document = builder.document(source, title or PurePosixPath(source).stem, "application/pdf", warnings)
    return Reading(document, paragraphs)


def _checked(reader: PdfReader) -> tuple[str, ...]:
    """Refuse what must not be read further; the warnings about what may."""
    if reader.is_encrypted and not reader.decrypt(""):
        raise ParseError("E_ENCRYPTED", "it needs a password. Save a copy without one.")
    _check_count(len(reader.pages))
    guard = Guard()
    for page in reader.pages:
        guard.check(page)
    encrypted = ("it is encrypted, and opens without a password",) if reader.is_encrypted else ()
    return (*encrypted, *active_content(reader))


def _check_count(pages: int) -> None:
    if pages > _MOST_PAGES:
        raise ParseError("E_PAGES", f"{pages:,} pages > {_MOST_PAGES:,}. Split the file.")
    if pages == 0:
        raise ParseError("E_NO_TEXT", "it has no pages.")


def _pages(file: BinaryIO, placed: int | None) -> list[PageText]:
    pages = []
    with pypdfium2.PdfDocument(file) as document:
        _check_count(len(document))
        for number in range(1, len(document) + 1):
            page = open_page(document, number)
            pages.append(read_page(page, with_places=number == placed))
            page.close()
    return pages


def _unseen(pages: Sequence[PageText]) -> Iterator[str]:
    """Warnings about text that is not read though it is there, or read though it is not seen."""
    hidden = [page.hidden for page in pages if page.hidden.strip()]
    if hidden:
        yield f"invisible, white, tiny or off-page text was left out: {quoted(hidden)}"
    recognised = sum(page.is_recognised for page in pages)
    if recognised:
        yield f"read from an invisible text layer over images (OCR) on {recognised} of {len(pages)} pages"
    unknown = sum(page.unknown for page in pages)
    if unknown:
        yield f"letters left out, because their fonts do not say which they are: {unknown:,}"


def _outline(reader: PdfReader) -> tuple[list[tuple[int, str, int]], tuple[str, ...]]:
    """Level, words and page of every heading that the outline names, and a warning where it cannot be read."""
    try:
        return list(_entries(reader, reader.outline, level=1)), ()
    except (*_UNREADABLE, RecursionError) as error:
        return [], (f"its outline is damaged and was not read ({error})",)


def _entries(reader: PdfReader, entries: list[Any], level: int) -> Iterator[tuple[int, str, int]]:
    for entry in entries:
        if isinstance(entry, list):
            yield from _entries(reader, entry, level + 1)
            continue
        index = reader.get_destination_page_number(entry)
        if index is not None and entry.title:
            yield level, str(entry.title), index + 1
