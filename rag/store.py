"""A store = the catalog (the truth) + its vectors (derived), under one owner lock.

Readers share a store; a writer has it alone. Write order: vectors first, then one catalog transaction, then stale
vectors. So a chunk can be found if and only if its document's row is committed.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
from collections.abc import Iterator, Sequence, Set
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np

from rag.catalog import (
    FORMAT_VERSION,
    Catalog,
    Collection,
    DocumentSummary,
    Embedding,
    Entry,
    FileRecord,
    Hit,
    IndexedChunk,
    Neighbour,
    Statistics,
)
from rag.errors import StoreBusy, StoreError, StoreMismatch
from rag.models import Vectors, embedder_identity
from rag.query import Filters
from rag.settings import Settings
from rag.types import Chunk, Document, Span
from rag.vectors import VectorIndex

_BEFORE_THE_SETTING = {"chunk_overlap": 0}  # what stores were built with that do not name it


@dataclass(frozen=True, slots=True)
class Health:
    """What a check found. `missing` chunks have no vector, `orphaned` vectors have no chunk."""

    documents: int
    chunks: int
    missing: int
    orphaned: int
    catalog: str

    @property
    def ok(self) -> bool:
        """Whether nothing needs mending."""
        return self.catalog == "ok" and not self.missing and not self.orphaned


class Store:
    """One collection of a store, open for reading; `writing()` opens it for writing. Safe to use from many threads.

    Raises StoreError if there is no such store or collection (unless `create`), StoreMismatch if it was built with
    another embedder or chunking, StoreBusy while another process writes to it.
    """

    def __init__(self, settings: Settings | None = None, *, create: bool = False) -> None:
        self.settings = settings or Settings()
        self.path = self.settings.store
        if create:
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        elif not (self.path / "catalog.sqlite3").exists():
            raise StoreError(f"no store at {self.path}. Build one: python -m ingest FOLDER --store {self.path}")
        self._owner = OwnerLock(self.path / "lock")
        try:
            self.catalog = Catalog(self.path / "catalog.sqlite3")
            self._collection = self._open_collection(create)
            self.vectors = self._open_vectors()
        except BaseException:
            self._owner.release()
            raise

    def __enter__(self) -> Store:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Release the store for other processes. It must not be used afterwards."""
        self.vectors.close()
        self.catalog.close()
        self._owner.release()

    def _open_collection(self, create: bool) -> Collection:
        collections = {collection.name: collection for collection in self.catalog.collections()}
        name = self.settings.collection
        if name in collections:
            return collections[name]
        if not create:
            have = ", ".join(collections) or "none"
            raise StoreError(f"the store at {self.path} has no collection {name!r}; it has: {have}.")
        id = self.catalog.create_collection(name, build_identity(self.settings))
        return Collection(id, name, build_identity(self.settings), unsettled=False)

    def _open_vectors(self) -> VectorIndex:
        return VectorIndex(self.path / "chroma", self.settings.chroma_url, f"collection-{self._collection.id}")

    def check_identity(self) -> None:
        """Raise StoreMismatch, naming both values and the cure, if the settings differ from what built the store."""
        for key, wanted in build_identity(self.settings).items():
            built = (_BEFORE_THE_SETTING | self._collection.identity).get(key)
            if wanted != built:
                raise StoreMismatch(
                    f"the store at {self.path} was built with {key} {built!r}, the settings say {wanted!r}. "
                    f"Rebuild it: python -m ingest FOLDER --store {self.path} --rebuild, or set RAG_{key.upper()} back."
                )

    # Reading

    @property
    def collection(self) -> str:
        """The collection's name."""
        return self._collection.name

    @property
    def model(self) -> str:
        """What the embeddings are keyed by: the embedder's name and weights."""
        return f"{self._collection.identity['embedder']}@{self._collection.identity['embedder_sha256']}"

    def document(self, id: str) -> Document | None:
        """One document, or None if the store does not hold it."""
        return self.catalog.document(self._collection.id, id)

    def documents(self) -> tuple[DocumentSummary, ...]:
        """Every document of the collection without its text, by source."""
        return self.catalog.documents(self._collection.id)

    def files(self) -> dict[str, FileRecord]:
        """The ingested files by source."""
        return self.catalog.files(self._collection.id)

    def document_files(self) -> dict[str, str]:
        """The source of the file that each document came from, by document id."""
        return self.catalog.document_files(self._collection.id)

    def text(self, id: str, span: Span) -> str:
        """Some characters of a document's text; empty if there is no such document."""
        return self.catalog.text(self._collection.id, id, span)

    def within(self, filters: Filters) -> set[str] | None:
        """The ids of the chunks that the filters leave; None if there are no filters."""
        return self.catalog.within(self._collection.id, filters) if filters else None

    def nearest(self, vector: Vectors, limit: int, within: Set[str] | None = None) -> list[Hit]:
        """The chunks (of those `within`, if given) nearest to a vector of shape (dimension,), by cosine similarity."""
        search = self.vectors.nearest_exactly if self.settings.exact_search else self.vectors.nearest
        return search(vector, limit, within)

    def keyword(self, terms: Sequence[str], limit: int, within: Set[str] | None = None) -> list[Hit]:
        """The chunks (of those `within`, if given) that hold any of the terms, by BM25."""
        return self.catalog.keyword(self._collection.id, terms, limit, within)

    def chunks(self, ids: Sequence[str]) -> dict[str, Chunk]:
        """The chunks with these ids whose documents are in the catalog, by id."""
        return self.catalog.chunks(self._collection.id, ids)

    def chunk_ids(self) -> set[str]:
        """The ids of every chunk that can be found."""
        return self.catalog.chunk_ids(self._collection.id)

    def chunk_ids_of(self, document: str) -> list[str]:
        """The ids of one document's chunks, in the order of the text."""
        return self.catalog.chunk_ids_of(self._collection.id, document)

    def statistics(self) -> Statistics:
        """How many chunks can be found, and their average length."""
        return self.catalog.statistics(self._collection.id)

    def indexed(self, ids: Sequence[str]) -> dict[str, IndexedChunk]:
        """These chunks as the indexes hold them, by chunk id."""
        return self.catalog.indexed(self._collection.id, self.model, ids)

    def by_row(self, rows: Sequence[int]) -> dict[int, Neighbour]:
        """The chunks in these rows, for the rows that there are."""
        return self.catalog.by_row(self.model, rows)

    def document_frequencies(self, stems: Sequence[str]) -> dict[str, int]:
        """In how many chunks each stem occurs, for the stems that occur."""
        return self.catalog.document_frequencies(self._collection.id, stems)

    def vocabulary(self, initial: str) -> dict[str, int]:
        """The stems that begin with a letter, each with the number of chunks that hold it."""
        return self.catalog.vocabulary(self._collection.id, initial)

    def spelling(self, stem: str) -> str:
        """How a word with this stem is written in some chunk; the stem itself if in none."""
        return self.catalog.spelling(self._collection.id, stem)

    def embeddings(self, text_hashes: Sequence[bytes]) -> dict[bytes, Embedding]:
        """What is already known of these embedded texts."""
        return self.catalog.embeddings(self.model, text_hashes)

    def check(self) -> Health:
        """Compare the catalog with the vectors."""
        wanted, present = self.chunk_ids(), self.vectors.ids()
        return Health(
            documents=len(self.documents()),
            chunks=len(wanted),
            missing=len(wanted - present),
            orphaned=len(present - wanted),
            catalog=self.catalog.integrity(),
        )

    # Writing

    @contextmanager
    def writing(self) -> Iterator[StoreWriter]:
        """Have the store alone. Raises StoreBusy if another process has it open."""
        with self._owner.alone():
            writer = StoreWriter(self, self._collection.id)
            # Read anew: another process may have been killed in the middle of a write since this one opened the store.
            current = next(c for c in self.catalog.collections() if c.id == self._collection.id)
            if current.unsettled:
                writer.reconcile()
            self.catalog.set_unsettled(self._collection.id, True)
            yield writer
            self.catalog.set_unsettled(self._collection.id, False)

    def reset(self) -> None:
        """Empty the collection and note the settings it will be built with now."""
        with self._owner.alone():
            self.catalog.set_unsettled(self._collection.id, True)
            self.vectors.clear()
            self.catalog.drop_collection(self._collection.id)
            self._collection = self._open_collection(create=True)
            self.vectors.close()
            self.vectors = self._open_vectors()


class StoreWriter:
    """The writing half of a store, valid inside `Store.writing()`."""

    def __init__(self, store: Store, collection: int) -> None:
        self._catalog = store.catalog
        self._vectors = store.vectors
        self._model = store.model
        self._collection = collection

    def put_documents(self, entries: Sequence[Entry]) -> None:
        """Store documents, each wholly replacing its earlier version."""
        chunk_ids = [chunk.id for entry in entries for chunk in entry.chunks]
        known = self._catalog.chunks(self._collection, chunk_ids)
        fresh = [index for index, chunk_id in enumerate(chunk_ids) if chunk_id not in known]
        if fresh:
            vectors = np.stack([embedding.vector for entry in entries for embedding in entry.embeddings])
            self._vectors.upsert([chunk_ids[index] for index in fresh], vectors[fresh])
        self._vectors.delete(self._catalog.put_documents(self._collection, self._model, entries))

    def put_file(self, record: FileRecord, document_ids: Sequence[str] | None) -> None:
        """Record a file as ingested and drop its documents other than these (none if None)."""
        self._vectors.delete(self._catalog.put_file(self._collection, record, document_ids))

    def remove_file(self, source: str) -> None:
        """Forget a file and its documents."""
        self._vectors.delete(self._catalog.remove_file(self._collection, source))

    def reconcile(self) -> None:
        """Make the vectors exactly those of the catalog's chunks, from the stored embeddings."""
        wanted, present = self._catalog.chunk_ids(self._collection), self._vectors.ids()
        self._vectors.delete(sorted(present - wanted))
        missing = self._catalog.chunk_vectors(self._collection, self._model, sorted(wanted - present))
        if missing:
            self._vectors.upsert(list(missing), np.stack(list(missing.values())))

    def drop_unused_embeddings(self) -> None:
        """Forget the vectors of texts that no chunk holds any more."""
        self._catalog.drop_unused_embeddings()


class OwnerLock:
    """A flock on one file: shared while a store is open, exclusive while it is written to."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self._writing = Lock()
        self._take(fcntl.LOCK_SH)

    def release(self) -> None:
        """Let other processes have the store."""
        os.close(self._file)

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Hold the lock exclusively. Raises StoreBusy if another process, or another thread of this one, is at it."""
        if not self._writing.acquire(blocking=False):
            raise StoreBusy(f"documents are being added to the store at {self._path.parent}. Wait for that to end.")
        try:
            self._take(fcntl.LOCK_EX)
            owner = {"pid": os.getpid(), "since": datetime.now(UTC).isoformat(timespec="seconds")}
            os.truncate(self._file, 0)
            os.pwrite(self._file, json.dumps(owner).encode(), 0)
            try:
                yield
            finally:
                os.truncate(self._file, 0)
                fcntl.flock(self._file, fcntl.LOCK_SH)
        finally:
            self._writing.release()

    def _take(self, kind: int) -> None:
        try:
            fcntl.flock(self._file, kind | fcntl.LOCK_NB)
        except BlockingIOError:
            owner = self._owner()
            if kind == fcntl.LOCK_SH:
                os.close(self._file)
            else:
                fcntl.flock(self._file, fcntl.LOCK_SH)  # a refused upgrade gives the shared lock up
            message = f"the store at {self._path.parent} is in use by {owner}. Try again when it has ended."
            raise StoreBusy(message) from None

    def _owner(self) -> str:
        try:
            owner: dict[str, Any] = json.loads(os.pread(self._file, 1000, 0))
        except ValueError:
            return "another process that reads it"
        return f"process {owner['pid']}, which has been writing since {owner['since']}"


def build_identity(settings: Settings) -> dict[str, Any]:
    """What a collection is built with. Vectors of another identity are never mixed in."""
    return {
        "format": FORMAT_VERSION,
        **embedder_identity(settings),
        "chunk_tokens": settings.chunk_tokens,
        "chunk_overlap": settings.chunk_overlap,
    }


def discard_vectors(settings: Settings) -> Path | None:
    """Set a damaged embedded index aside, so that the next open builds it anew; where it went."""
    folder = settings.store / "chroma"
    if settings.chroma_url or not folder.exists():
        return None
    aside = folder.with_name(f"chroma.bad-{datetime.now(UTC):%Y%m%dT%H%M%S}")
    shutil.move(folder, aside)
    return aside
