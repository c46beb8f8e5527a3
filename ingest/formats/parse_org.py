"""Org: the file's own characters, with headings where lines begin with stars."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import BinaryIO

from ingest.canonical import document_id
from ingest.formats.parse_text import read_text
from rag.types import Document, Heading

_HEADING = re.compile(r"^(\*+) +(?:(?:TODO|DONE) +)?(\S.*?)(?: +:[\w@:]+:)? *$", re.MULTILINE)
_TITLE = re.compile(r"^#\+title:[ \t]*(\S.*)$", re.IGNORECASE | re.MULTILINE)


def parse_org(file: BinaryIO, source: str) -> Iterator[Document]:
    """The text with its markup; the title is the one it names, else its first heading."""
    text, warnings = read_text(file)
    headings = tuple(Heading(len(found[1]), found[2], found.start()) for found in _HEADING.finditer(text))
    named = _TITLE.search(text)
    title = named[1].strip() if named else headings[0].title if headings else PurePosixPath(source).stem
    yield Document(document_id(source), source, title, text, (), headings, "text/x-org", warnings)
