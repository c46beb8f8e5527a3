"""Plain text and Markdown: the file's own characters are the document's text."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from pathlib import PurePosixPath
from typing import BinaryIO

from markdown_it import MarkdownIt

from ingest.canonical import canonical, decode, document_id
from rag.types import Document, Heading

_LONGEST_TITLE = 120  # characters; a longer first line is a paragraph


def parse_text(file: BinaryIO, source: str) -> Iterator[Document]:
    """A plain text. Its title is its first line when that reads like one, else the file's name."""
    text, warnings = read_text(file)
    first, _, rest = text.strip().partition("\n")
    is_title = 0 < len(first) <= _LONGEST_TITLE and not rest[:1].strip() and not first.rstrip().endswith((".", ","))
    title = first.strip() if is_title else PurePosixPath(source).stem
    yield Document(document_id(source), source, title, text, media_type="text/plain", warnings=warnings)


def parse_markdown(file: BinaryIO, source: str) -> Iterator[Document]:
    """A Markdown text with its markup. Headings come from the Markdown parser, so those in code blocks are none."""
    text, warnings = read_text(file)
    headings = markdown_headings(text)
    title = next((heading.title for heading in headings if heading.level == 1), PurePosixPath(source).stem)
    yield Document(
        document_id(source), source, title, text, headings=headings, media_type="text/markdown", warnings=warnings
    )


def markdown_headings(text: str) -> tuple[Heading, ...]:
    """The headings of a Markdown text, where they begin in it."""
    line_starts = [0]
    for line in text.split("\n"):
        line_starts.append(line_starts[-1] + len(line) + 1)
    tokens = MarkdownIt("commonmark").parse(text)
    return tuple(
        Heading(int(token.tag[1]), " ".join(inline.content.split()), line_starts[token.map[0]])
        for token, inline in pairwise(tokens)
        if token.type == "heading_open" and token.map and inline.content.strip()
    )


def read_text(file: BinaryIO) -> tuple[str, tuple[str, ...]]:
    """A file's characters in canonical form, and warnings of what was guessed or removed."""
    decoded, guessed = decode(file.read())
    text, removed = canonical(decoded)
    return text, guessed + removed
