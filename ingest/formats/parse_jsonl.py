"""Bulk import: one {"source", "title", "text"} object a line, plain or gzip-compressed.

A line may have a "date" (YYYY-MM-DD) and, where it has no title, a "url" whose words stand in for one.
"""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO
from urllib.parse import unquote, urlsplit

from ingest.canonical import canonical, document_id
from rag.errors import ParseError
from rag.types import Document

_LONGEST_LINE = 20 * 2**20  # bytes
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_JOINT = re.compile(r"[^\w.]+|_|(?<=[a-z])(?=[A-Z])")


@dataclass(frozen=True, slots=True)
class LineFailure:
    """A line that is no document; the lines around it are unharmed."""

    source: str
    code: str
    reason: str


def parse_jsonl(file: BinaryIO, source: str) -> Iterator[Document | LineFailure]:
    """A document for each line. A line that cannot be read is a LineFailure, and so is a source named twice."""
    seen: set[str] = set()
    number = 0
    while line := file.readline(_LONGEST_LINE + 1):
        number += 1
        place = f"{source} line {number}"
        if len(line) > _LONGEST_LINE:
            raise ParseError("E_TOO_BIG", f"line {number} is over {_LONGEST_LINE // 2**20} MB. Split its text.")
        if not line.strip():
            continue
        parsed = _document(line, place)
        if isinstance(parsed, Document) and parsed.source in seen:
            parsed = LineFailure(place, "E_DUPLICATE", f"the source {parsed.source!r} stands on an earlier line too.")
        if isinstance(parsed, Document):
            seen.add(parsed.source)
        yield parsed


def parse_jsonl_gz(file: BinaryIO, source: str) -> Iterator[Document | LineFailure]:
    """The same, decompressed as it is read."""
    try:
        with gzip.open(file) as lines:
            yield from parse_jsonl(lines, source)  # type: ignore[arg-type]  # GzipFile reads like a BinaryIO
    except (EOFError, gzip.BadGzipFile, OSError) as error:
        raise ParseError("E_CORRUPT", f"it is not whole gzip data ({error}). Fetch or compress it again.") from None


def _document(line: bytes, place: str) -> Document | LineFailure:
    try:
        row = json.loads(line)
    except (ValueError, RecursionError) as error:
        return LineFailure(place, "E_JSON", f"it is not JSON ({error}).")
    if not isinstance(row, dict):
        return LineFailure(place, "E_JSON", 'it is not an object like {"source": ..., "title": ..., "text": ...}.')
    for key in ("source", "text"):
        if not isinstance(row.get(key), str):
            return LineFailure(place, "E_FIELD", f"its field {key!r} is missing or no string.")
    if not row["source"].strip():
        return LineFailure(place, "E_FIELD", "its field 'source' is empty.")
    for key in ("title", "url", "date"):
        if not isinstance(row.get(key) or "", str):
            return LineFailure(place, "E_FIELD", f"its field {key!r} is no string.")
    date = (row.get("date") or "")[:10]
    if date and not _DATE.fullmatch(date):
        return LineFailure(place, "E_FIELD", f"its field 'date' is {row['date']!r}, not YYYY-MM-DD.")
    text, warnings = canonical(row["text"])
    name, _ = canonical(row["source"])
    title = canonical(row.get("title") or url_words(row.get("url") or ""))[0].strip()
    return Document(document_id(name), name, title, text, media_type="application/jsonl", warnings=warnings, date=date)


def url_words(url: str) -> str:
    """The words of an address's path and query, each once: what a page is about, where nothing else tells.

    Of https://a.org/docs/KeyProtect?topic=KeyProtect-restore-keys: "docs Key Protect restore keys".
    """
    address = urlsplit(url)
    values = [part.rpartition("=")[2] for part in address.query.split("&")]
    parts = _JOINT.split(" ".join([unquote(address.path), *map(unquote, values)]))
    once = {word.lower(): word for word in reversed(parts) if word}
    return " ".join(reversed(once.values()))
