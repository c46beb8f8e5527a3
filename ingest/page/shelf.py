"""What users of the page do with a collection's documents: add files, look for changes, stop, delete."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain, count
from pathlib import Path, PurePosixPath
from threading import Lock
from urllib.parse import quote

from ingest.discover import Selection
from ingest.page.reading import Reading
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


class Shelf:
    """The documents of a store's collections, as the page changes them. Thread-safe.

    Files are kept in the store's folder, a subfolder for each collection, so that what is in the store can be read
    again from there.
    """

    def __init__(self) -> None:
        self._readings: dict[str, Reading] = {}  # by collection
        self._beginning = Lock()
        self._turn = Lock()  # one sync at a time: each uses every core, and the store has one writer

    def keep(self, store: Store, uploads: Sequence[Upload]) -> list[Path]:
        """Move uploaded files to where the collection keeps them.

        Of files with one name in one upload, as from several folders, each further one is given a number.
        Raises UploadError, naming the limit, past one, and while documents are being read into the collection.
        """
        self._refuse_while_reading(store)
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

    def take_in(self, store: Store) -> Reading:
        """Begin to bring the collection in line with its uploaded files. Raises UploadError while that goes on."""
        return self._begin(store, [uploads_folder(store)])

    def look_again(self, store: Store) -> Reading:
        """Begin to read every known file that has changed since, and to forget those that are gone. As `take_in`.

        New files in folders that were ingested elsewhere are left to who ingested them, and knows what to leave out.
        """
        uploads = uploads_folder(store)
        files = store.files()
        roots = {Path(record.root) for record in files.values()} | {uploads}
        missing = [root for root in roots if not root.exists()]
        known = frozenset(files) | {file.relative_to(uploads).as_posix() for file in _files_in(uploads)}
        return self._begin(store, sorted(roots - set(missing)), Selection(only=known))

    def stop(self, store: Store) -> None:
        """Let what is being done to the collection end soon; what was read stays."""
        if reading := self.reading(store):
            reading.stop()

    def delete(self, store: Store, source: str) -> None:
        """Forget a file and its documents, and delete it if it was uploaded."""
        with store.writing() as writer:
            record = store.file(source)
            if record and Path(record.root) == uploads_folder(store).resolve():
                (Path(record.root) / source).unlink(missing_ok=True)
            writer.remove_file(source)

    def clear(self, store: Store) -> None:
        """End what is being done to a collection, wait for that, and delete the files that were uploaded to it."""
        if reading := self._readings.pop(store.collection, None):
            reading.stop()
            reading.wait()
        shutil.rmtree(uploads_folder(store), ignore_errors=True)

    def reading(self, store: Store) -> Reading | None:
        """What is being read into a collection, or was read last."""
        return self._readings.get(store.collection)

    def _begin(self, store: Store, paths: Sequence[Path], selection: Selection | None = None) -> Reading:
        with self._beginning:
            self._refuse_while_reading(store)
            self._readings[store.collection] = reading = Reading(store, paths, selection, self._turn)
        return reading

    def _refuse_while_reading(self, store: Store) -> None:
        if (reading := self.reading(store)) and reading.running:
            raise UploadError("documents are being read into this collection. Wait until that has ended, or stop it.")


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
