"""A PDF's page -> its picture with marks on a quotation. Runs inside the sandbox's child process."""

from __future__ import annotations

from io import BytesIO
from itertools import chain
from typing import BinaryIO

import pypdfium2

from ingest.formats.parse_pdf import Reading, read_pdf, refusals
from ingest.pdf.box import Box
from ingest.pdf.page import open_page, paper_of
from ingest.pdf.picture import Mark, Picture, digest_of
from ingest.pdf.places import places_of
from rag.errors import ParseError
from rag.types import Span

_WIDEST, _HIGHEST = 1000, 4000  # pixels; what a page is scaled to, whichever it reaches first
_COMPRESSION = 3  # of 9: of a page of letters, the default makes a larger file and takes longer


def draw_page(file: BinaryIO, page: int, span: Span, digest: str) -> Picture:
    """The page of this number, from 1, about 1,000 pixels wide, with marks on what of the span stands on it.

    The span counts in the text that `parse_pdf` reads; nothing is marked where its characters there have another
    digest. The whole file is read for it. Raises ParseError: E_PAGES without that page, or as `parse_pdf` does.
    """
    with refusals():
        reading = read_pdf(file, "", placed=page)
        count = len(reading.paragraphs)
        if not 1 <= page <= count:
            raise ParseError("E_PAGES", f"it has no page {page:,}; its pages are 1 to {count:,}.")
        boxes = _boxes(reading, page, span) if digest_of(span.of(reading.document.text)) == digest else []
        with pypdfium2.PdfDocument(file) as document:
            return _picture(open_page(document, page), boxes)


def _boxes(reading: Reading, number: int, span: Span) -> list[Box]:
    """Where on a page the part of a span stands that is on it."""
    for page in reading.document.pages:
        if page.number == number and page.span.overlap(span):
            start, end = max(span.start, page.span.start), min(span.end, page.span.end)
            lines = chain.from_iterable(paragraph.lines for paragraph in reading.paragraphs[number - 1])
            return places_of(Span(start, end).shifted(-page.span.start), page.span.of(reading.document.text), lines)
    return []


def _picture(page: pypdfium2.PdfPage, boxes: list[Box]) -> Picture:
    paper = paper_of(page)
    if not paper.area:
        raise ParseError("E_CORRUPT", "the page has no width or no height.")
    bitmap = page.render(scale=min(_WIDEST / page.get_width(), _HIGHEST / page.get_height()))
    png = BytesIO()
    bitmap.to_pil().save(png, "PNG", compress_level=_COMPRESSION)
    on_paper = (box.common(paper) for box in boxes)
    marks = tuple(_mark(box, paper) for box in on_paper if box.area)
    return Picture(png.getvalue(), bitmap.width, bitmap.height, marks)


def _mark(box: Box, paper: Box) -> Mark:
    width, height = paper.right - paper.left, paper.height
    return Mark(
        left=(box.left - paper.left) / width,
        top=(paper.top - box.top) / height,
        width=(box.right - box.left) / width,
        height=box.height / height,
    )
