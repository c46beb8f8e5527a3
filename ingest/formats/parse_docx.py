"""Word documents: paragraphs, headings by style, tables row by row. Macros and links are never followed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import BinaryIO

import docx
from docx.document import Document as WordDocument
from docx.oxml.ns import qn
from lxml.etree import _Element

from ingest.canonical import TextBuilder
from ingest.formats.archive import DAMAGE, common_form, damaged, guard
from ingest.formats.hidden import quoted
from ingest.formats.tables import Row, lines
from ingest.formats.word_text import blocks, notes_of, paragraph_text
from rag.types import Document

_MEDIA_TYPE = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
_HEADING = re.compile(r"heading (\d)", re.IGNORECASE)
_PARAGRAPH, _TABLE, _ROW, _CELL = qn("w:p"), qn("w:tbl"), qn("w:tr"), qn("w:tc")


def parse_docx(file: BinaryIO, source: str) -> Iterator[Document]:
    """The document's body in reading order, text boxes after the paragraph they hang on, and its notes at the end."""
    warnings = guard(file)
    try:
        body = _Body(docx.Document(common_form(file)))
        title = body.title or PurePosixPath(source).stem
    except DAMAGE as error:
        raise damaged(error) from None
    if body.hidden:
        warnings += (f"hidden, white or tiny text was left out: {quoted(body.hidden)}",)
    yield body.builder.document(source, title, _MEDIA_TYPE, warnings)


class _Body:
    """The text of a document, its title, and what readers of the document do not see."""

    def __init__(self, word: WordDocument) -> None:
        self.builder = TextBuilder()
        self.hidden: list[str] = []
        self._first_heading = ""
        self._levels = {style.style_id: _level(style.name or "") for style in word.styles}
        self._add(word.element.body)
        for note in notes_of(word.part.package):
            self._add(note)
        self.title = word.core_properties.title.strip() or self._first_heading

    def _add(self, parent: _Element) -> None:
        for block in blocks(parent):
            if block.tag == _PARAGRAPH:
                self._add_paragraph(block)
                continue
            cells = list(block.iter(_CELL))
            if len(cells) == 1:  # a frame around text
                self._add(cells[0])
            else:
                self.builder.add("\n".join(lines(self._rows(block))))

    def _add_paragraph(self, paragraph: _Element) -> None:
        boxes: list[_Element] = []
        text = paragraph_text(paragraph, self.hidden, boxes)
        style = paragraph.find(f"{qn('w:pPr')}/{qn('w:pStyle')}")
        level = self._levels.get(style.get(qn("w:val"))) if style is not None else None
        self.builder.add(text, heading_level=level)
        if level is not None and not self._first_heading:
            self._first_heading = text.strip()
        for box in boxes:
            self._add(box)

    def _rows(self, table: _Element) -> Iterator[Row]:
        """A table's cells, each in the column where it begins; one merged with that above is empty."""
        for row in blocks(table, _ROW):
            cells: dict[int, str] = {}
            column = _number(row, "w:trPr/w:gridBefore", 0)
            for cell in blocks(row, _CELL):
                cells[column] = "" if _continues(cell) else self._cell_text(cell)
                column += _number(cell, "w:tcPr/w:gridSpan", 1)
            yield cells

    def _cell_text(self, cell: _Element) -> str:
        words: list[str] = []
        for block in blocks(cell):
            if block.tag == _TABLE:
                words += [text for row in self._rows(block) for text in row.values()]
                continue
            boxes: list[_Element] = []
            words.append(paragraph_text(block, self.hidden, boxes))
            words += [self._cell_text(box) for box in boxes]
        return " ".join(words)


def _level(style: str) -> int | None:
    heading = _HEADING.match(style)
    return 1 if style == "Title" else int(heading[1]) if heading else None


def _number(element: _Element, path: str, default: int) -> int:
    found = element.find("/".join(map(qn, path.split("/"))))
    return min(max(int(found.get(qn("w:val"), default)), 0), 1_000) if found is not None else default


def _continues(cell: _Element) -> bool:
    merge = cell.find(f"{qn('w:tcPr')}/{qn('w:vMerge')}")
    return merge is not None and merge.get(qn("w:val"), "continue") == "continue"
