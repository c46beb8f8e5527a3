"""Paths -> the files to ingest. Hidden files and folders are not looked at; what else is left out is said."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from pathspec import GitIgnoreSpec

from ingest.parse import suffix_of
from rag.errors import ParseError


@dataclass(frozen=True, slots=True)
class FoundFile:
    """A file to ingest; `source` is its POSIX path below `root`, the folder that was named (or the file itself)."""

    path: Path
    source: str
    root: str


@dataclass(frozen=True, slots=True)
class Skipped:
    """A file that is not looked at, and why."""

    source: str
    reason: str


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A folder that cannot be opened: what is in it is not known, so nothing below it counts as gone."""

    source: str
    root: str
    reason: str

    def holds(self, source: str) -> bool:
        """Whether a source stands below this folder."""
        return self.source == "." or source.startswith(f"{self.source}/")


@dataclass(frozen=True, slots=True)
class Found:
    """The files below some paths, in order, and those skipped: links, unsupported kinds, and what was not selected."""

    files: tuple[FoundFile, ...]
    roots: frozenset[str]
    skipped: tuple[Skipped, ...]
    unreadable: tuple[Unreadable, ...]


class Selection:
    """Which files of a folder are wanted, by patterns as in a .gitignore: `*.md`, `drafts/`, `reports/**/2024*`.

    With `include`, only files that match one of its patterns; never those that match one of `exclude`; with `only`,
    none but these sources. A path that is named itself is always wanted.
    """

    def __init__(
        self, include: Sequence[str] = (), exclude: Sequence[str] = (), only: frozenset[str] | None = None
    ) -> None:
        self._only = only
        self._include = _patterns(include) if include else None
        self._exclude = _patterns(exclude)

    def reason_against(self, source: str) -> str | None:
        """Why a file is not wanted, or None."""
        if self._exclude.match_file(source):
            return "excluded"
        if self._only is not None and source not in self._only:
            return "not known"
        if self._include is not None and not self._include.match_file(source):
            return "not included"
        return None


def discover(paths: Sequence[Path], selection: Selection | None = None) -> Found:
    """Every supported and selected file at or below the paths. Raises ParseError for a path that does not exist."""
    selection = selection or Selection()
    files: list[FoundFile] = []
    skipped: list[Skipped] = []
    unreadable: list[Unreadable] = []
    roots: list[str] = []
    for path in paths:
        if not path.exists():
            raise ParseError("E_ACCESS", f"there is no file or folder {path}.")
        root = path.resolve()
        if str(root) in roots:
            continue
        roots.append(str(root))
        if not root.is_dir():
            files.append(FoundFile(root, _source(root, root.parent), str(root)))
            continue
        errors: list[OSError] = []
        for below in _walk(root, errors):
            source = _source(below, root)
            if reason := selection.reason_against(source) or _reason_against(below):
                skipped.append(Skipped(source, reason))
            else:
                files.append(FoundFile(below, source, str(root)))
        for error in errors:
            reason = f"the folder cannot be opened ({error.strerror}). What was ingested from it is kept."
            unreadable.append(Unreadable(_source(Path(error.filename), root), str(root), reason))
    return Found(tuple(files), frozenset(roots), tuple(skipped), tuple(unreadable))


def _source(path: Path, root: Path) -> str:
    """The POSIX path below the root; bytes of a name that are not UTF-8 are written out."""
    return os.fsencode(path.relative_to(root).as_posix()).decode("utf-8", "backslashreplace")


def _patterns(lines: Sequence[str]) -> GitIgnoreSpec:
    try:
        return GitIgnoreSpec.from_lines(lines)
    except ValueError as error:
        raise ParseError("E_PATTERN", f"the pattern is not one as in a .gitignore: {error}.") from None


def _reason_against(path: Path) -> str | None:
    if os.path.islink(path):  # False, not an error, for a path that is too long
        return "a link: links are not followed"
    if suffix_of(path.name) is None:
        return f"its kind ({path.suffix or 'no ending'}) is not supported"
    return None


def _walk(root: Path, errors: list[OSError]) -> Iterator[Path]:
    for folder, folders, names in os.walk(root, onerror=errors.append):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        links = [name for name in folders if os.path.islink(os.path.join(folder, name))]
        yield from (Path(folder, name) for name in sorted(names + links) if not name.startswith("."))
