"""Comma-separated values and the like: each row a line that names its columns."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterator
from itertools import islice
from pathlib import PurePosixPath
from typing import BinaryIO

from ingest.canonical import TextBuilder, canonical, decode
from ingest.formats.tables import lines_of
from rag.types import Document

_DELIMITERS = ",;\t|"
_SNIFFED = 100  # lines looked at to guess the delimiter


def parse_csv(file: BinaryIO, source: str) -> Iterator[Document]:
    """The table's rows. Commas, semicolons, tabs or bars between cells are told apart by what fits most rows."""
    decoded, warnings = decode(file.read())
    text, removed = canonical(decoded)
    rows = text.strip("\n").split("\n")
    delimiter = max(_DELIMITERS, key=lambda each: _fit(rows[:_SNIFFED], each))
    builder = TextBuilder()
    try:
        builder.add("\n".join(lines_of(_cells(rows, delimiter))))
    except csv.Error as error:
        warnings += (f"its quotation marks do not match ({error}): they were read as characters",)
        builder.add("\n".join(lines_of(csv.reader(rows, delimiter=delimiter, quoting=csv.QUOTE_NONE))))
    yield builder.document(source, PurePosixPath(source).stem, "text/csv", warnings + removed)


def _cells(rows: list[str], delimiter: str) -> Iterator[list[str]]:
    return csv.reader((row + "\n" for row in rows), delimiter=delimiter, skipinitialspace=True)


def _fit(rows: list[str], delimiter: str) -> tuple[float, int]:
    """How many rows have the commonest number of cells, if that is more than one, and that number."""
    try:
        widths = Counter(len(row) for row in islice(_cells(rows, delimiter), _SNIFFED) if row)
    except csv.Error:
        return 0, 0
    width, count = max(widths.items(), key=lambda each: (each[1], each[0]), default=(1, 0))
    return (count / widths.total(), width) if width > 1 else (0, 0)
