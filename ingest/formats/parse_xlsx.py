"""Excel workbooks: every sheet's name as a heading, and each of its cells once. Formulas and macros are never run."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import BinaryIO
from zipfile import ZipFile

from ingest.canonical import TextBuilder
from ingest.formats.archive import DAMAGE, damaged, guard
from ingest.formats.tables import lines
from ingest.formats.workbook import sheets
from rag.types import Document

_MEDIA_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def parse_xlsx(file: BinaryIO, source: str) -> Iterator[Document]:
    """The sheets in order. Raises ParseError for archives that are damaged or unsafe, and E_TOO_BIG."""
    warnings = guard(file)
    builder = TextBuilder()
    try:
        with ZipFile(file) as archive:
            for sheet in sheets(archive):
                text = "\n".join(lines(sheet.rows))
                if text:
                    builder.add(sheet.name, heading_level=1)
                    builder.add(text)
                if text and sheet.hidden:
                    warnings += (f"the sheet {sheet.name!r} is hidden in the workbook",)
    except DAMAGE as error:
        raise damaged(error) from None
    yield builder.document(source, PurePosixPath(source).stem, _MEDIA_TYPE, warnings)
