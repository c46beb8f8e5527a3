"""reStructuredText: the file's own characters, with headings where lines are under- or overlined."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import BinaryIO

from ingest.canonical import document_id
from ingest.formats.parse_text import read_text
from rag.types import Document, Heading

_ADORNMENT = re.compile(r"([!-/:-@[-`{-~])\1{2,}\s*")


def parse_rst(file: BinaryIO, source: str) -> Iterator[Document]:
    """The text with its markup; a heading's level is the order in which its adornment first occurs."""
    text, warnings = read_text(file)
    headings = tuple(_headings(text))
    title = headings[0].title if headings else PurePosixPath(source).stem
    yield Document(document_id(source), source, title, text, (), headings, "text/x-rst", warnings)


def _headings(text: str) -> Iterator[Heading]:
    styles: list[str] = []
    lines = ["", *text.split("\n")]
    start = 0
    for over, line, under in zip(lines, lines[1:], lines[2:], strict=False):
        mark = _ADORNMENT.fullmatch(under)
        is_words = bool(line.strip()) and not _ADORNMENT.fullmatch(line)
        if mark and is_words and len(under.rstrip()) >= len(line.strip()):
            is_overlined = over.rstrip() == under.rstrip()
            if is_overlined or (not over.strip() and not line[0].isspace()):
                style = mark[1] * (2 if is_overlined else 1)
                styles += [style] if style not in styles else []
                begin = start - len(over) - 1 if is_overlined else start
                yield Heading(styles.index(style) + 1, " ".join(line.split()), begin)
        start += len(line) + 1
