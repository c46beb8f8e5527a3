"""Word documents: paragraphs, headings by style, tables row by row. Macros and links are never followed."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import BinaryIO

import docx
from docx.document import Document as WordDocument
from docx.shared import RGBColor
from docx.table import Table
from docx.text.hyperlink import Hyperlink
from docx.text.paragraph import Paragraph
from docx.text.run import Run
from lxml.etree import XMLSyntaxError

from ingest.canonical import TextBuilder
from ingest.hidden import quoted
from rag.errors import ParseError
from rag.types import Document

_MEDIA_TYPE = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
_OLE = b"\xd0\xcf\x11\xe0"  # what a password or the format of before 2007 wraps a document in
_MOST_ENTRIES, _MOST_BYTES, _MOST_ENTRY_BYTES = 5_000, 200 * 2**20, 100 * 2**20
_WHITE = RGBColor(255, 255, 255)
_SMALLEST = 2  # points
_HEADING = re.compile(r"heading (\d)", re.IGNORECASE)


def parse_docx(file: BinaryIO, source: str) -> Iterator[Document]:
    """The document's body in reading order; a table's row is one line, its cells between bars."""
    if file.read(4) == _OLE:
        raise ParseError("E_ENCRYPTED", "it has a password or is an old .doc. Save it as .docx without a password.")
    file.seek(0)
    try:
        _guard(file)
        word = docx.Document(file)
    except (zipfile.BadZipFile, KeyError, ValueError, XMLSyntaxError, NotImplementedError) as error:
        raise ParseError("E_CORRUPT", f"it is not a readable .docx ({error}). Save it again.") from None
    builder = TextBuilder()
    title, hidden = _add_body(builder, word)
    title = word.core_properties.title or title or PurePosixPath(source).stem
    warnings = (f"hidden, white or tiny text was left out: {quoted(hidden)}",) if hidden else ()
    yield builder.document(source, title, _MEDIA_TYPE, warnings)


def _guard(file: BinaryIO) -> None:
    """Refuse archives that would expand past what is safe or that name places outside themselves."""
    with zipfile.ZipFile(file) as archive:
        entries = archive.infolist()
    if len(entries) > _MOST_ENTRIES:
        raise ParseError("E_BOMB", f"{len(entries):,} parts > {_MOST_ENTRIES:,}.")
    total, largest = sum(entry.file_size for entry in entries), max((entry.file_size for entry in entries), default=0)
    if total > _MOST_BYTES or largest > _MOST_ENTRY_BYTES:
        raise ParseError("E_BOMB", f"it expands to {total / 2**20:.0f} MB > {_MOST_BYTES // 2**20} MB.")
    for entry in entries:
        name = entry.filename.replace("\\", "/")
        if name.startswith("/") or ".." in name.split("/") or re.match(r"[A-Za-z]:", name):
            raise ParseError("E_PATH", f"unsafe name {entry.filename!r} inside the archive.")
    file.seek(0)


def _add_body(builder: TextBuilder, word: WordDocument) -> tuple[str, list[str]]:
    """Add every block; the text of the title or of the first heading, and what readers of the document do not see."""
    title = ""
    hidden: list[str] = []
    for block in word.iter_inner_content():
        if isinstance(block, Table):
            builder.add("\n".join("| " + " | ".join(_cells(row)) + " |" for row in block.rows))
            continue
        style = block.style.name or "" if block.style else ""
        heading = _HEADING.match(style)
        level = 1 if style == "Title" else int(heading[1]) if heading else None
        text = _visible_text(block, hidden)
        builder.add(text, heading_level=level)
        if level is not None and not title:
            title = text
    return title, hidden


def _visible_text(paragraph: Paragraph, hidden: list[str]) -> str:
    """A paragraph's text without runs that are hidden, white or tiny; those with words are added to `hidden`."""
    shown = []
    for part in paragraph.iter_inner_content():
        for run in part.runs if isinstance(part, Hyperlink) else (part,):
            if _is_hidden(run):
                hidden.extend(filter(str.strip, (run.text,)))
            else:
                shown.append(run.text)
    return "".join(shown)


def _is_hidden(run: Run) -> bool:
    font = run.font
    tiny = font.size is not None and font.size.pt < _SMALLEST
    white = font.color is not None and font.color.rgb == _WHITE and font.highlight_color is None
    return bool(font.hidden) or tiny or white


def _cells(row: docx.table._Row) -> Iterator[str]:
    """A row's cells; a merged cell counts once."""
    previous = None
    for cell in row.cells:
        if cell._tc is not previous:
            yield " ".join(cell.text.split())
        previous = cell._tc
