"""JSON: a line for every value, which says by itself where it stands."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Any, BinaryIO

from ingest.canonical import TextBuilder, decode
from ingest.formats.tables import MOST_CELLS
from rag.errors import ParseError
from rag.types import Document


def parse_json(file: BinaryIO, source: str) -> Iterator[Document]:
    """The file as one document of lines "path: value"; an object without parts in a list is one line, like a table's.

    {"name": "Ann", "sons": [{"name": "Bo", "age": 3}]} becomes:

        name: Ann
        sons[0] | name: Bo | age: 3 |
    """
    text, warnings = decode(file.read())
    lines = []
    try:
        for line in _lines("", json.loads(text)):
            lines.append(line)
            if len(lines) > MOST_CELLS:
                raise ParseError("E_TOO_BIG", f"it holds over {MOST_CELLS:,} values. Split the file.")
    except RecursionError:
        raise ParseError("E_DEPTH", "its values are nested too deeply to be read.") from None
    except ValueError as error:
        raise ParseError("E_CORRUPT", f"it is not JSON ({error}). Mend it, or give it the ending .txt.") from None
    builder = TextBuilder()
    builder.add("\n".join(lines))
    yield builder.document(source, PurePosixPath(source).stem, "application/json", warnings)


def _lines(path: str, value: Any) -> Iterator[str]:
    if isinstance(value, dict) and path.endswith("]") and value and not any(map(_has_parts, value.values())):
        yield f"{path} | " + " | ".join(f"{key}: {_shown(each)}" for key, each in value.items()) + " |"
    elif isinstance(value, dict):
        for key, each in value.items():
            yield from _lines(f"{path}.{key}" if path else key, each)
    elif isinstance(value, list) and value and not any(map(_has_parts, value)):
        yield f"{path}: " * bool(path) + ", ".join(map(_shown, value))
    elif isinstance(value, list):
        for place, each in enumerate(value):
            yield from _lines(f"{path}[{place}]", each)
    else:
        yield f"{path}: " * bool(path) + _shown(value)


def _has_parts(value: Any) -> bool:
    return isinstance(value, dict | list)


def _shown(value: Any) -> str:
    return " ".join(value.split()) if isinstance(value, str) else json.dumps(value)
