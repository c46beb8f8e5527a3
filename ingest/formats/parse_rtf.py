"""Rich Text Format: its words and table rows, without its formatting."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import groupby
from pathlib import PurePosixPath
from typing import BinaryIO

from striprtf.striprtf import rtf_to_text

from ingest.canonical import TextBuilder
from ingest.formats.tables import lines_of
from rag.errors import ParseError
from rag.types import Document

_TITLE = re.compile(r"\{\\title ([^\\{}]+)\}")


def parse_rtf(file: BinaryIO, source: str) -> Iterator[Document]:
    """The text's paragraphs. Raises ParseError E_TYPE for what is no RTF."""
    rtf = file.read().decode("latin-1")
    if not rtf.lstrip().startswith("{\\rtf"):
        raise ParseError("E_TYPE", "its content is not RTF. Give it the ending that fits its content.")
    try:
        text: str = rtf_to_text(rtf, errors="replace")  # type: ignore[no-untyped-call]
    except (ValueError, LookupError) as error:
        raise ParseError("E_CORRUPT", f"it is not readable RTF ({error}). Save it again.") from None
    builder = TextBuilder()
    for is_row, group in groupby(text.split("\n"), key=lambda line: line.rstrip().endswith("|")):
        if is_row:
            builder.add("\n".join(lines_of(line.rstrip().removesuffix("|").split("|") for line in group)))
        else:
            for line in group:
                builder.add(line)
    title = _TITLE.search(rtf)
    yield builder.document(source, title[1] if title else PurePosixPath(source).stem, "application/rtf")
