"""Keeps the vectors in line with the catalog: opens them sound, puts back what is missing, builds them anew."""

from __future__ import annotations

import logging
import shutil
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from rag.catalog import Catalog, Collection
from rag.errors import StoreBusy, StoreDamaged
from rag.owner import OwnerLock
from rag.probe import compare, model_of, probe, stamp, vectors_name
from rag.vectors import VectorIndex

_log = logging.getLogger("footnote")


class Upkeep:
    """The care of one store's vectors, in its folder or on a Chroma server. Embeds nothing: the catalog has it all."""

    def __init__(self, path: Path, chroma_url: str | None, catalog: Catalog, owner: OwnerLock) -> None:
        self._path = path
        self._url = chroma_url
        self._catalog = catalog
        self._owner = owner
        self._folder = path / "chroma"
        self._stamp_file = path / "chroma.sound"

    def open(self, collection: Collection) -> VectorIndex:
        """A collection's vectors as they are."""
        return VectorIndex(self._folder, self._url, vectors_name(self._catalog, collection))

    def open_sound(self, collection: Collection) -> VectorIndex:
        """A collection's vectors, mended first if they were damaged or some were missing.

        Files that nobody wrote to since they were last left in order are taken for sound; others are looked at in a
        child process. Raises StoreBusy if they are damaged and another process has the store open.
        """
        chunks = self._catalog.statistics(collection.id).chunks
        if self._url:
            vectors = self.open(collection)
            missing = chunks - vectors.count()
        else:
            missing = 0
            if chunks and not self._left_in_order():
                found = probe(self._path, collection.name, chunks)
                if found is None or found.wrong:
                    with self._owner.alone():
                        self.build_anew("could not be read" if found is None else "were damaged")
                else:
                    missing = found.missing
            vectors = self.open(collection)
        if missing > 0:
            with suppress(StoreBusy), self._owner.alone():  # a process that writes mends them itself
                self.reconcile(collection, vectors)
                _log.warning("%d vectors were missing in %s and were put back.", missing, self._path)
        self.leave_in_order()
        return vectors

    def open_beside(self, collection: Collection) -> VectorIndex:
        """As `open_sound`, while other collections are open: raises StoreDamaged if the vectors must be built anew."""
        chunks = self._catalog.statistics(collection.id).chunks
        if chunks and not self._url:
            found = probe(self._path, collection.name, chunks)
            if found is None or found.wrong:
                raise StoreDamaged(
                    f"the vectors of collection {collection.name!r} in {self._path} are damaged. Stop what has the "
                    f"store open, then mend them: python -m rag doctor --repair --store {self._path}"
                )
        vectors = self.open(collection)
        if vectors.count() < chunks:
            with suppress(StoreBusy), self._owner.alone():
                self.reconcile(collection, vectors)
        return vectors

    def build_anew(self, why: str = "") -> None:
        """Fill a new embedded index from the catalog; all its collections must be closed.

        With a reason, which is told, what was there is kept beside it; without one it is deleted.
        """
        aside = self._folder.with_name(f"chroma.bad-{datetime.now(UTC):%Y%m%dT%H%M%S%f}")
        if self._folder.exists():
            shutil.move(self._folder, aside)
        chunks = 0
        for collection in self._catalog.collections():
            vectors = self.open(collection)
            for ids, batch in self._catalog.vectors(collection.id, model_of(collection)):
                vectors.upsert(ids, batch)
                chunks += len(ids)
            vectors.close()
        if not why:
            shutil.rmtree(aside, ignore_errors=True)
            return
        kept = f" What there was is kept in {aside}; it may be deleted." if aside.exists() else ""
        _log.warning("the vectors in %s %s: %d were put back from the catalog.%s", self._path, why, chunks, kept)

    def reconcile(self, collection: Collection, vectors: VectorIndex) -> None:
        """Make the vectors exactly those of the collection's chunks, and drop what belongs to no collection."""
        wanted, present = self._catalog.chunk_ids(collection.id), vectors.ids()
        vectors.delete(sorted(present - wanted))
        missing = self._catalog.chunk_vectors(collection.id, model_of(collection), sorted(wanted - present))
        if missing:
            vectors.upsert(list(missing), np.stack(list(missing.values())))
        self.sweep(vectors)

    def sweep(self, vectors: VectorIndex) -> None:
        """Drop what Chroma holds of collections that the catalog no longer has."""
        known = {vectors_name(self._catalog, collection) for collection in self._catalog.collections()}
        vectors.sweep(known, f"{self._catalog.store_id}-")

    def damaged(self, collection: Collection, vectors: VectorIndex) -> bool:
        """Whether vectors differ from the catalog's or cannot be found."""
        return compare(self._catalog, collection, vectors).wrong > 0

    def set_aside(self) -> tuple[Path, ...]:
        """The damaged vectors that were kept when they were built anew."""
        return tuple(sorted(self._path.glob("chroma.bad-*")))

    def _left_in_order(self) -> bool:
        with suppress(OSError):
            return self._stamp_file.read_text() == stamp(self._folder)
        return False

    def leave_in_order(self) -> None:
        """Note how the index's files are now. On a full disk they are looked at when they are next opened."""
        if not self._url:
            with suppress(OSError):
                self._stamp_file.write_text(stamp(self._folder))
