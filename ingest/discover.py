"""Paths -> the files to ingest. Hidden files and folders are not looked at; what else is left out is said."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from ingest.parse import suffix_of
from rag.errors import ParseError


@dataclass(frozen=True, slots=True)
class FoundFile:
    """A file to ingest; `source` is its POSIX path below `root`, the folder that was named (or the file itself)."""

    path: Path
    source: str
    root: str


@dataclass(frozen=True, slots=True)
class Found:
    """The files below some paths, in order, and those skipped: links, and kinds that are not supported."""

    files: tuple[FoundFile, ...]
    roots: frozenset[str]
    skipped: tuple[str, ...]


def discover(paths: Sequence[Path]) -> Found:
    """Every supported file at or below the paths. Raises ParseError for a path that does not exist."""
    files: list[FoundFile] = []
    skipped: list[str] = []
    roots: list[str] = []
    for path in paths:
        if not path.exists():
            raise ParseError("E_ACCESS", f"there is no file or folder {path}.")
        root = path.resolve()
        roots.append(str(root))
        if root.is_dir():
            for below in _walk(root):
                source = below.relative_to(root).as_posix()
                if below.is_symlink() or suffix_of(below.name) is None:
                    skipped.append(source)
                else:
                    files.append(FoundFile(below, source, str(root)))
        else:
            files.append(FoundFile(root, root.name, str(root)))
    return Found(tuple(files), frozenset(roots), tuple(skipped))


def _walk(root: Path) -> Iterator[Path]:
    for folder, folders, names in os.walk(root):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        links = [name for name in folders if Path(folder, name).is_symlink()]
        yield from (Path(folder, name) for name in sorted(names + links) if not name.startswith("."))
