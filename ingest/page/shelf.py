"""What users of the page do with a collection's documents: add files, look for changes, stop, delete."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, count
from pathlib import Path, PurePosixPath
from queue import SimpleQueue
from threading import Event, Thread
from urllib.parse import quote

from ingest.discover import Selection
from ingest.report import Report
from ingest.sync import sync
from rag.catalog import FileRecord
from rag.errors import RagError
from rag.settings import Settings
from rag.store import Store


class UploadError(RagError):
    """Files cannot be taken: too many, too large, or not uploaded here."""


@dataclass(frozen=True, slots=True)
class Upload:
    """A file that arrived: where it lies for now, and the name (or path below the folder) it had."""

    path: Path
    name: str


class _Stopped(Exception):
    """Ends a sync from inside its progress."""


class Shelf:
    """The documents of a store's collections, as the page changes them. Thread-safe.

    Files are kept in the store's folder, a subfolder for each collection, so that what is in the store can be read
    again from there.
    """

    def __init__(self) -> None:
        self._stops: dict[str, Event] = {}

    def keep(self, store: Store, uploads: Sequence[Upload]) -> list[Path]:
        """Move uploaded files to where the collection keeps them. Raises UploadError, naming the limit, past one.

        Of files with one name in one upload, as from several folders, each further one is given a number.
        """
        _refuse_too_much(store, uploads)
        folder = uploads_folder(store)
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        kept: list[Path] = []
        for upload in uploads:
            wanted = folder.joinpath(*_harmless(upload.name))
            names = (wanted.with_stem(f"{wanted.stem} ({number})") for number in count(2))
            place = next(one for one in chain((wanted,), names) if one not in kept)
            place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            shutil.move(upload.path, place)
            kept.append(place)
        return kept

    def take_in(self, store: Store) -> Iterator[Report | RagError]:
        """Bring the collection in line with its uploaded files, reporting all the way; an error is the last report."""
        return self._synced(store, [uploads_folder(store)], None)

    def look_again(self, store: Store) -> Iterator[Report | RagError]:
        """Read every known file that has changed since, and forget those that are gone. Reports as `take_in` does.

        New files in folders that were ingested elsewhere are left to who ingested them, and knows what to leave out.
        """
        uploads = uploads_folder(store)
        roots = {Path(record.root) for record in store.files().values()} | {uploads}
        missing = [root for root in roots if not root.exists()]
        known = frozenset(store.files()) | {file.relative_to(uploads).as_posix() for file in _files_in(uploads)}
        return self._synced(store, sorted(roots - set(missing)), Selection(only=known))

    def stop(self, store: Store) -> None:
        """Let what is being done to the collection end soon; what was read stays."""
        if stopping := self._stops.get(store.collection):
            stopping.set()

    def delete(self, store: Store, source: str) -> None:
        """Forget a file and its documents, and delete it if it was uploaded."""
        with store.writing() as writer:
            record = store.files().get(source)
            if record and Path(record.root) == uploads_folder(store).resolve():
                (Path(record.root) / source).unlink(missing_ok=True)
            writer.remove_file(source)

    def clear(self, store: Store) -> None:
        """End what is being done to a collection, and delete the files that were uploaded to it."""
        self.stop(store)
        shutil.rmtree(uploads_folder(store), ignore_errors=True)

    def _synced(self, store: Store, paths: Sequence[Path], selection: Selection | None) -> Iterator[Report | RagError]:
        reports: SimpleQueue[Report | RagError | None] = SimpleQueue()
        stopping = self._stops[store.collection] = Event()

        def show(report: Report) -> None:
            if stopping.is_set():
                raise _Stopped
            reports.put(report)

        def work() -> None:
            try:
                sync(store, paths, show, selection)
            except _Stopped:
                pass
            except RagError as error:
                reports.put(error)
            finally:
                reports.put(None)

        Thread(target=work, daemon=True).start()
        while (report := reports.get()) is not None:
            yield report


def uploads_folder(store: Store) -> Path:
    """Where the files that were uploaded to a collection lie."""
    return store.path / "uploads" / quote(store.collection, safe=" ")


def place_of(record: FileRecord) -> Path:
    """Where a file was when it was read last."""
    root = Path(record.root)
    return root / record.source if root.is_dir() else root


def _files_in(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def _harmless(name: str) -> tuple[str, ...]:
    """A path's parts without what leads out of a folder or hides a file in it."""
    parts = (part.lstrip(".").replace("\x00", "") for part in PurePosixPath(name.replace("\\", "/")).parts)
    return tuple(part for part in parts if part.strip("/")) or ("document.txt",)


def _refuse_too_much(store: Store, uploads: Sequence[Upload]) -> None:
    settings: Settings = store.settings
    if len(uploads) > settings.upload_files:
        raise UploadError(
            f"{len(uploads):,} files were chosen, but one upload may have {settings.upload_files:,}. "
            "Choose fewer, or ingest the folder: python -m ingest FOLDER"
        )
    size = sum(upload.path.stat().st_size for upload in uploads)
    if size > settings.upload_megabytes * 2**20:
        raise UploadError(
            f"the files have {size / 2**20:,.0f} MB, but one upload may have {settings.upload_megabytes:,}. "
            "Choose fewer, or ingest the folder: python -m ingest FOLDER"
        )
    stored = sum(path.stat().st_size for path in _files_in(store.path / "uploads"))
    if stored + size > settings.uploads_megabytes * 2**20:
        raise UploadError(
            f"uploaded files take {stored / 2**20:,.0f} of {settings.uploads_megabytes:,} MB, and these would take "
            f"{size / 2**20:,.0f} more. Delete documents that are no longer needed."
        )
