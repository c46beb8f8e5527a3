"""Jupyter notebooks as Markdown: texts as they are, code and what it printed between fences."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Any, BinaryIO

from ingest.canonical import canonical, decode, document_id
from ingest.formats.parse_text import markdown_headings
from rag.errors import ParseError
from rag.types import Document

_LONGEST_OUTPUT = 2_000  # characters; what a cell printed beyond is seldom meant to be read


def parse_ipynb(file: BinaryIO, source: str) -> Iterator[Document]:
    """The cells in order; of the outputs only those that are text, shortened."""
    decoded, guessed = decode(file.read())
    try:
        notebook = json.loads(decoded)
        text, removed = canonical("\n\n".join(filter(None, _cells(notebook))))
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise ParseError("E_CORRUPT", f"it is not a notebook ({error}). Save it again in Jupyter.") from None
    headings = markdown_headings(text)
    title = next((heading.title for heading in headings if heading.level == 1), PurePosixPath(source).stem)
    yield Document(
        document_id(source), source, title, text, (), headings, "application/x-ipynb+json", guessed + removed
    )


def _cells(notebook: dict[str, Any]) -> Iterator[str]:
    language = notebook.get("metadata", {}).get("language_info", {}).get("name", "")
    for cell in notebook["cells"]:
        words = _joined(cell["source"]).strip("\n")
        if cell["cell_type"] != "code":
            yield words
            continue
        yield _fenced(words, language)
        for output in cell.get("outputs", ()):
            yield _fenced(_shortened(_joined(output.get("text") or output.get("data", {}).get("text/plain", ""))), "")


def _joined(words: str | list[str]) -> str:
    return words if isinstance(words, str) else "".join(words)


def _shortened(words: str) -> str:
    return words if len(words) <= _LONGEST_OUTPUT else words[:_LONGEST_OUTPUT].rstrip() + "\n…"


def _fenced(words: str, language: str) -> str:
    """Words between fences that are longer than any in them."""
    if not words.strip():
        return ""
    fence = "`" * max([3, *(len(found) + 1 for found in re.findall(r"`{3,}", words))])
    return f"{fence}{language}\n{words}\n{fence}"
