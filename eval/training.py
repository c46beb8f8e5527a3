"""Training files: JSON Lines, plain or .xz, each line with the set that it comes from as "src"."""

from __future__ import annotations

import json
import lzma
from collections.abc import Container, Iterator
from pathlib import Path
from typing import Any


def training_rows(path: Path, sources: Container[str] | None = None) -> Iterator[dict[str, Any]]:
    """The lines of a training file that come from these sets, or all of them, in the file's order."""
    with lzma.open(path, "rt", encoding="utf-8") if path.suffix == ".xz" else path.open(encoding="utf-8") as lines:
        yield from (row for row in map(json.loads, lines) if sources is None or row["src"] in sources)
