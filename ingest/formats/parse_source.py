"""Program code, settings, logs: the file's own characters, under the file's name."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import BinaryIO

from ingest.canonical import document_id
from ingest.formats.parse_text import read_text
from rag.types import Document

SOURCE_ENDINGS = tuple(
    ".py .pyi .js .mjs .ts .tsx .jsx .java .c .h .cpp .hpp .cc .hh .cs .go .rs .rb .php .sh .bash .ps1 .bat .sql .css"
    " .scss .toml .yaml .yml .ini .cfg .conf .properties .kt .swift .scala .lua .pl .r .jl .dart .ex .hs .clj .vue"
    " .proto .graphql .tf .gradle .cmake .tex .bib .log .diff .patch .srt .vtt .adoc".split()
)
"""The endings of files that are read as they are."""


def parse_source(file: BinaryIO, source: str) -> Iterator[Document]:
    """The file's text, with its name as the title."""
    text, warnings = read_text(file)
    title = PurePosixPath(source).name
    yield Document(document_id(source), source, title, text, media_type="text/x-source", warnings=warnings)
