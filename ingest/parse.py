"""File -> documents: a table of parsers by file ending. Runs inside the sandbox's child process.

To add a format: write `parse_x(file, source)` in `ingest/formats/parse_x.py` and name it in PARSERS.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from importlib import import_module
from typing import BinaryIO

from ingest.formats.archive import kind_of
from ingest.formats.parse_jsonl import LineFailure
from ingest.formats.parse_legacy import OLE
from ingest.formats.parse_source import SOURCE_ENDINGS
from ingest.suspicions import suspicions
from rag.comments import comments_start, is_comments_heading
from rag.errors import ParseError
from rag.types import Document, Heading

Parser = Callable[[BinaryIO, str], Iterator[Document | LineFailure]]

# Names, for what they stand for is imported when first needed: all parsers together take a second.
PARSERS: dict[str, str] = {
    ".txt": "parse_text",
    ".text": "parse_text",
    ".md": "parse_text.parse_markdown",
    ".markdown": "parse_text.parse_markdown",
    ".rst": "parse_rst",
    ".org": "parse_org",
    ".html": "parse_html",
    ".htm": "parse_html",
    ".xhtml": "parse_html",
    ".pdf": "parse_pdf",
    ".docx": "parse_docx",
    ".docm": "parse_docx",
    ".pptx": "parse_pptx",
    ".pptm": "parse_pptx",
    ".xlsx": "parse_xlsx",
    ".xlsm": "parse_xlsx",
    ".doc": "parse_legacy",
    ".ppt": "parse_legacy",
    ".xls": "parse_legacy",
    ".msg": "parse_legacy",
    ".odt": "parse_odt",
    ".rtf": "parse_rtf",
    ".epub": "parse_epub",
    ".eml": "parse_eml",
    ".csv": "parse_csv",
    ".tsv": "parse_csv",
    ".json": "parse_json",
    ".ipynb": "parse_ipynb",
    ".xml": "parse_xml",
    ".svg": "parse_xml",
    ".jsonl": "parse_jsonl",
    ".jsonl.gz": "parse_jsonl.parse_jsonl_gz",
    **dict.fromkeys(SOURCE_ENDINGS, "parse_source"),
}

_BULK = {".jsonl", ".jsonl.gz"}
_LARGEST = 50 * 2**20  # bytes of a single document's file; bulk imports are read line by line and may be larger


def suffix_of(name: str) -> str | None:
    """The table's ending that a file name has, or None."""
    lower = name.lower()
    return max((suffix for suffix in PARSERS if lower.endswith(suffix)), key=len, default=None)


def refuse_large(name: str, size: int) -> None:
    """Raise ParseError E_TOO_BIG for a file that would not be read, which may be done without opening it."""
    if size > _LARGEST and suffix_of(name) not in _BULK:
        raise ParseError("E_TOO_BIG", f"{size / 2**20:.0f} MB > {_LARGEST // 2**20} MB. Split the file.")


def parse(file: BinaryIO, name: str, source: str, size: int) -> Iterator[Document | LineFailure]:
    """The documents of one open file. Raises ParseError, with a code, if it cannot be read."""
    suffix = suffix_of(name)
    if suffix is None:
        known = " ".join(each for each, parser in PARSERS.items() if parser not in ("parse_source", "parse_legacy"))
        raise ParseError("E_UNSUPPORTED", f"its kind is not supported; supported are {known} and program code.")
    if size == 0:
        raise ParseError("E_EMPTY", "the file is empty.")
    refuse_large(name, size)
    parser, warnings = _by_content(file, suffix)
    found = False
    for parsed in parser(file, source):
        if isinstance(parsed, Document) and not parsed.text.strip():
            parsed = _no_text(parsed)
        if isinstance(parsed, Document):
            warned = (*warnings, *parsed.warnings, *suspicions(parsed.text))
            parsed = _with_comments(replace(parsed, warnings=warned))
        found = True
        yield parsed
    if not found:
        raise ParseError("E_EMPTY", "the file holds no documents.")


def _by_content(file: BinaryIO, suffix: str) -> tuple[Parser, tuple[str, ...]]:
    """The parser for what a file is, and a warning where that is not what its ending says."""
    head = file.read(16)
    file.seek(0)
    actual: str | None = None
    if head.startswith(b"PK\x03\x04"):
        actual = kind_of(file)
    elif head.startswith(b"{\\rtf"):
        actual = ".rtf"
    elif PARSERS[suffix] == "parse_legacy" and head.lstrip().lower().startswith((b"<html", b"<!doctype html")):
        actual = ".html"
    elif head.startswith(OLE):
        return _parser("parse_legacy"), ()
    if actual is None or PARSERS[actual] == PARSERS[suffix]:
        return _parser(PARSERS[suffix]), ()
    return _parser(PARSERS[actual]), (f"its content is {actual}, not {suffix}, and was read as that",)


def _parser(name: str) -> Parser:
    """`parse_x`, or `parse_x.another` for another function of its module."""
    module, _, function = name.partition(".")
    parser: Parser = getattr(import_module(f"ingest.formats.{module}"), function or module)
    return parser


def _with_comments(document: Document) -> Document:
    """The document with a heading where readers' comments begin, if it has none there."""
    found = comments_start(document.text)
    if found is None or any(is_comments_heading(heading.title) for heading in document.headings):
        return document
    start, words = found
    headings = (*document.headings, Heading(1, words, start))
    return replace(document, headings=tuple(sorted(headings, key=lambda heading: heading.start)))


def _no_text(document: Document) -> LineFailure:
    """A document without a single visible character: a whole file's failure, or one line's of a bulk import."""
    if document.media_type == "application/pdf":
        raise ParseError("E_NO_TEXT", "the PDF has no text layer (a scan?). Run it through OCR first.")
    if document.media_type != "application/jsonl":
        raise ParseError("E_NO_TEXT", "no text found.")
    return LineFailure(document.source, "E_NO_TEXT", "no text found.")
