"""Files against what a store knows of them: what is new, changed, renamed, unchanged and gone. Reads no document."""

from __future__ import annotations

import hashlib
import os
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Set
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from ingest.discover import Found, FoundFile
from ingest.parse import refuse_large
from ingest.sandbox import open_regular
from rag.catalog import FileRecord
from rag.errors import ParseError

INCOMPLETE = ""  # the hash noted for a file with failed lines, so that it is read again next time


@dataclass(frozen=True, slots=True)
class Failure:
    """A file (or line of a bulk import) that could not be ingested."""

    source: str
    code: str
    reason: str


@dataclass(frozen=True, slots=True)
class Work:
    """A file that must be read: its content is new to the store."""

    file: FoundFile
    sha256: str
    size: int  # bytes
    modified: int  # nanoseconds since 1970

    @property
    def date(self) -> str:
        """The day it was last modified on, YYYY-MM-DD."""
        return datetime.fromtimestamp(self.modified / 1e9, UTC).date().isoformat()

    def has_changed(self) -> bool:
        """Whether the file is another by now than the one that was compared."""
        try:
            state = self.file.path.stat()
        except OSError:
            return True
        return (state.st_size, state.st_mtime_ns) != (self.size, self.modified)


@dataclass(frozen=True, slots=True)
class Plan:
    """What a sync will do. Every file found is in exactly one of the first five, every file known in none or in one."""

    added: tuple[Work, ...]
    updated: tuple[Work, ...]
    renamed: tuple[tuple[str, Work], ...]  # the source that the same content had before
    unchanged: tuple[str, ...]
    failed: tuple[Failure, ...]
    removed: tuple[str, ...]
    moved: tuple[FileRecord, ...]  # unchanged ones whose folder is elsewhere now

    @property
    def work(self) -> Iterator[Work]:
        """Every file that must be read."""
        yield from self.added
        yield from self.updated
        for _, work in self.renamed:
            yield work


def make_plan(found: Found, known: Mapping[str, FileRecord], looked_at: Callable[[int], None]) -> Plan:
    """Compare the files found with those known, by content. `looked_at` is told how many files were compared so far."""
    roots = {source: record.root for source, record in known.items()}
    added, updated, unchanged, moved = [], [], [], []
    failed = [Failure(folder.source, "E_ACCESS", folder.reason) for folder in found.unreadable]
    for number, file in enumerate(found.files):
        looked_at(number)
        record = known.get(file.source)
        try:
            _refuse_taken(file, roots)
            work = _looked_at(file)
        except ParseError as error:
            failed.append(Failure(file.source, error.code, str(error)))
            continue
        if record is None:
            added.append(work)
        elif record.sha256 != work.sha256:
            updated.append(work)
        else:
            unchanged.append(file.source)
            if record.root != file.root:
                moved.append(replace(record, root=file.root))
    present = {file.source for file in found.files}
    gone = [source for source, record in known.items() if _is_gone(record, present, found)]
    renamed = _renamed(added, [known[source] for source in gone])
    return Plan(
        added=tuple(work for work in added if work.file.source not in renamed),
        updated=tuple(updated),
        renamed=tuple((renamed[work.file.source], work) for work in added if work.file.source in renamed),
        unchanged=tuple(unchanged),
        failed=tuple(failed),
        removed=tuple(source for source in gone if source not in renamed.values()),
        moved=tuple(moved),
    )


def _is_gone(record: FileRecord, present: Set[str], found: Found) -> bool:
    """Whether a file is no longer where it was; below a folder that cannot be opened, nobody can tell."""
    unseen = any(record.root == folder.root and folder.holds(record.source) for folder in found.unreadable)
    return record.root in found.roots and record.source not in present and not unseen


def _renamed(added: list[Work], gone: list[FileRecord]) -> dict[str, str]:
    """The old source of each added file whose content a file that is gone had; each old one once."""
    by_content: defaultdict[str, list[str]] = defaultdict(list)
    for record in gone:
        if record.sha256 != INCOMPLETE:
            by_content[record.sha256].append(record.source)
    return {work.file.source: by_content[work.sha256].pop(0) for work in added if by_content.get(work.sha256)}


def _refuse_taken(file: FoundFile, roots: dict[str, str]) -> None:
    """Two folders of one collection may not hold the same source: an answer could not tell them apart."""
    root = roots.setdefault(file.source, file.root)
    other = Path(root) / file.source if Path(root).is_dir() else Path(root)
    if root != file.root and other.exists():
        message = f"the same name is in the collection from {root}. Rename it, or use another --collection."
        raise ParseError("E_TAKEN", message)


def _looked_at(file: FoundFile) -> Work:
    with os.fdopen(open_regular(file.path), "rb") as opened:
        state = os.fstat(opened.fileno())
        refuse_large(file.path.name, state.st_size)
        try:
            sha256 = hashlib.file_digest(opened, "sha256").hexdigest()
        except OSError as error:
            raise ParseError("E_ACCESS", f"it cannot be read ({error.strerror}).") from None
    return Work(file, sha256, state.st_size, state.st_mtime_ns)
