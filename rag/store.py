"""A store = the catalog (the truth) + its vectors (derived), under one owner lock.

Readers share a store; a writer has it alone. Write order: vectors first, then one catalog transaction, then stale
vectors. So a chunk can be found if and only if its document's row is committed. Vectors found damaged or incomplete
when a store is opened are mended from the catalog, without embedding again.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator, Sequence, Set
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
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
    IngestedFile,
    Neighbour,
    Statistics,
    unwritable,
)
from rag.errors import StoreDamaged, StoreError, StoreMismatch
from rag.models import Vectors, embedder_identity
from rag.owner import OwnerLock
from rag.probe import compare, model_of
from rag.query import Filters
from rag.settings import Settings
from rag.types import Chunk, Document, Span
from rag.upkeep import Upkeep
from rag.vectors import VectorIndex

CHUNKER_VERSION = 2  # raised whenever the same document would be cut, or its chunks embedded, otherwise
_BEFORE_THE_SETTING = {"chunk_overlap": 0, "chunker": 1}  # what stores were built with that do not name it
_HIDDEN = "\x1f"  # in the names of collections that are not for use; no setting can hold it


@dataclass(frozen=True, slots=True)
class Health:
    """What a check found; `missing`, `orphaned` and `wrong` as in `rag.probe.Findings`."""

    documents: int
    chunks: int
    missing: int
    orphaned: int
    wrong: int
    catalog: str
    bytes: int  # on disk, everything in the store's folder
    set_aside: tuple[str, ...]  # damaged vectors that were kept when they were built anew
    begun: str | None  # the embedder of a successor that is not finished

    @property
    def ok(self) -> bool:
        """Whether nothing needs mending."""
        return self.catalog == "ok" and not (self.missing or self.orphaned or self.wrong)


class Store:
    """One collection of a store, open for reading; `writing()` opens it for writing. Safe to use from many threads.

    Raises StoreError if there is no such store or collection (unless `create`), StoreMismatch if it was built with
    another embedder or chunking, StoreBusy while another process writes to it, StoreDamaged if its catalog cannot be
    read, StoreUnwritable and StoreUnavailable as their names say.
    """

    def __init__(self, settings: Settings | None = None, *, create: bool = False, beside: Store | None = None) -> None:
        self.settings = settings or Settings()
        self.path = self.settings.store
        self._is_first = beside is None
        if beside:
            self._owner: OwnerLock = beside._owner
            self.catalog: Catalog = beside.catalog
            self._upkeep: Upkeep = beside._upkeep
            self._collection: Collection = self._open_collection(self.settings.collection, create)
            self.vectors: VectorIndex = self._upkeep.open_beside(self._collection)
            return
        try:
            if create:
                self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
            elif not (self.path / "catalog.sqlite3").exists():
                raise StoreError(f"no store at {self.path}. Build one: python -m ingest FOLDER --store {self.path}")
            self._owner = OwnerLock(self.path, readers_stay=self.settings.chroma_url is not None)
        except OSError as error:
            raise unwritable(_existing(self.path), error) from error
        try:
            self.catalog = Catalog(self.path / "catalog.sqlite3")
            self._collection = self._open_collection(self.settings.collection, create)
            self._upkeep = Upkeep(self.path, self.settings.chroma_url, self.catalog, self._owner)
            self.vectors = self._upkeep.open_sound(self._collection)
        except BaseException:
            self._owner.release()
            raise

    def beside(self, collection: str, *, create: bool = False) -> Store:
        """Another collection of this store, under the same lock; to be closed before this one.

        Raises StoreError if there is none of this name (unless `create`), StoreDamaged if its vectors are damaged.
        """
        return Store(self.settings.changed(collection=collection), create=create, beside=self)

    def __enter__(self) -> Store:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Release the store for other processes. It must not be used afterwards."""
        self.vectors.close()
        if self._is_first:
            self.catalog.close()
            self._upkeep.leave_in_order()
            self._owner.release()

    def _open_collection(self, name: str, create: bool) -> Collection:
        collections = {collection.name: collection for collection in self.catalog.collections()}
        if name in collections:
            return collections[name]
        if not create:
            have = ", ".join(self.collections()) or "none"
            raise StoreError(f"the store at {self.path} has no collection {name!r}; it has: {have}.")
        id = self.catalog.create_collection(name, build_identity(self.settings))
        return Collection(id, name, build_identity(self.settings), unsettled=False)

    def check_identity(self) -> None:
        """Raise StoreMismatch, naming both values and the cure, if the settings differ from what built the store."""
        for key, wanted in build_identity(self.settings).items():
            built = (_BEFORE_THE_SETTING | self._collection.identity).get(key)
            if wanted != built:
                way_back = f", or set RAG_{key.upper()} back" if key in Settings.model_fields else ""
                raise StoreMismatch(
                    f"the store at {self.path} was built with {key} {built!r}, the settings say {wanted!r}. "
                    f"Embed its documents anew: python -m ingest --reembed --store {self.path}{way_back}."
                )

    # Reading

    def collections(self) -> tuple[str, ...]:
        """The names of the store's collections."""
        return tuple(sorted(one.name for one in self.catalog.collections() if _HIDDEN not in one.name))

    @property
    def collection(self) -> str:
        """The collection's name."""
        return self._collection.name

    @property
    def model(self) -> str:
        """What the embeddings are keyed by: the embedder's name and weights."""
        return model_of(self._collection)

    def document(self, id: str) -> Document | None:
        """One document, or None if the store does not hold it."""
        return self.catalog.document(self._collection.id, id)

    def documents(self) -> tuple[DocumentSummary, ...]:
        """Every document of the collection without its text, by source."""
        return self.catalog.documents(self._collection.id)

    def files(self) -> dict[str, FileRecord]:
        """The ingested files by source."""
        return self.catalog.files(self._collection.id)

    def file(self, source: str) -> FileRecord | None:
        """One ingested file, or None if there is none of this source."""
        return self.catalog.file(self._collection.id, source)

    def file_of(self, document: str) -> FileRecord | None:
        """The file that a document came from, or None if none is recorded."""
        return self.catalog.file_of(self._collection.id, document)

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

    def document_frequencies(self, words: Iterable[str]) -> dict[str, int]:
        """In how many chunks the stem of each lower-case word occurs, by stem, for those that occur.

        What the index takes apart, like "1,200" or "snake_case", occurs where its parts stand side by side.
        """
        return self.catalog.document_frequencies(self._collection.id, words)

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
        """Compare the catalog with the vectors: every id, up to 20,000 vectors, and a search for 100 of them."""
        found = compare(self.catalog, self._collection, self.vectors)
        collections = self.catalog.collections()
        return Health(
            documents=len(self.documents()),
            chunks=self.statistics().chunks,
            missing=found.missing,
            orphaned=found.orphaned,
            wrong=found.wrong,
            catalog=self.catalog.integrity(),
            bytes=sum(path.stat().st_size for path in self.path.rglob("*") if path.is_file()),
            set_aside=tuple(map(str, self._upkeep.set_aside())),
            begun=next((one.identity["embedder"] for one in collections if one.name == self._hidden("next")), None),
        )

    # Writing

    @contextmanager
    def writing(self) -> Iterator[StoreWriter]:
        """Have the store alone. Raises StoreBusy if another process has it open, StoreUnwritable if it is read-only."""
        with self._owner.alone():
            self._refuse_succeeded()
            self._drop(self._hidden("previous"))
            # Read anew: another process may have been killed in the middle of a write since this one opened the store.
            current = next(c for c in self.catalog.collections() if c.id == self._collection.id)
            if current.unsettled:
                self._upkeep.reconcile(current, self.vectors)
            self.catalog.set_unsettled(self._collection.id, True)
            yield StoreWriter(self.catalog, self._collection, self.vectors)
            self.catalog.drop_unused_embeddings()
            self.catalog.set_unsettled(self._collection.id, False)

    def built_with(self, settings: Settings) -> bool:
        """Whether the collection was built with exactly these settings."""
        return build_identity(settings) == _BEFORE_THE_SETTING | self._collection.identity

    @contextmanager
    def successor(self, settings: Settings) -> Iterator[StoreWriter]:
        """Have the store alone and build, beside the collection, what takes its place when the block ends.

        A successor that was begun before with the same settings is gone on with. Raises StoreDamaged, and changes
        nothing, if the new vectors are not found as they should be.
        """
        with self._owner.alone():
            self._refuse_succeeded()
            new = self._open_successor(settings)
            vectors = self._upkeep.open(new)
            try:
                self._upkeep.reconcile(new, vectors)
                yield StoreWriter(self.catalog, new, vectors)
                for gone in self.catalog.document_files(new.id).keys() - self.document_files().keys():
                    vectors.delete(self.catalog.remove_document(new.id, gone))
                self.catalog.copy_files(self._collection.id, new.id)
                if not compare(self.catalog, new, vectors).ok:
                    raise StoreDamaged("the new vectors are not found as they should be. Run the same command again.")
            finally:
                vectors.close()
            self._drop(self._hidden("previous"))
            self.catalog.rename_collections(
                {self._collection.id: self._hidden("previous"), new.id: self._collection.name}
            )

    def _open_successor(self, settings: Settings) -> Collection:
        identity, next_name = build_identity(settings), self._hidden("next")
        collections = {collection.name: collection for collection in self.catalog.collections()}
        begun, previous = collections.get(next_name), collections.get(self._hidden("previous"))
        if previous and previous.identity == identity:
            self._drop(next_name)
            self.catalog.rename_collections({previous.id: next_name})
        elif begun and begun.identity == identity:
            return begun
        else:
            self._drop(next_name)
            self.catalog.create_collection(next_name, identity)
        return next(collection for collection in self.catalog.collections() if collection.name == next_name)

    def _hidden(self, role: str) -> str:
        return f"{_HIDDEN}{role}{_HIDDEN}{self.settings.collection}"

    def _drop(self, name: str) -> None:
        """Drop a collection, if there is one of this name, and its vectors."""
        for collection in self.catalog.collections():
            if collection.name == name:
                self.catalog.drop_collection(collection.id)
                self._upkeep.sweep(self.vectors)

    def _refuse_succeeded(self) -> None:
        """A store that stays open over a change of embedder reads what was; writing there would be lost."""
        names = {collection.id: collection.name for collection in self.catalog.collections()}
        if names.get(self._collection.id) != self.settings.collection:
            raise StoreMismatch(
                f"collection {self.settings.collection!r} of the store at {self.path} was built anew since it was "
                "opened. Open it again."
            )

    def reset(self) -> None:
        """Empty the collection and note the settings it will be built with now."""
        with self._owner.alone():
            for role in ("previous", "next"):
                self._drop(self._hidden(role))
            self.catalog.set_unsettled(self._collection.id, True)
            self.vectors.clear()
            self.catalog.drop_collection(self._collection.id)
            self._collection = self._open_collection(self._collection.name, create=True)
            self.vectors.close()
            self.vectors = self._upkeep.open(self._collection)

    def drop(self) -> None:
        """Drop the collection with all it holds. The store must not be used afterwards, but closed."""
        with self._owner.alone():
            for role in ("previous", "next"):
                self._drop(self._hidden(role))
            self._drop(self._collection.name)
            self.catalog.drop_unused_embeddings()

    def repair(self) -> None:
        """Make the vectors exactly those of the catalog's chunks."""
        with self._owner.alone():
            if self._upkeep.damaged(self._collection, self.vectors):
                self._renew_vectors("were damaged")
            self._upkeep.reconcile(self._collection, self.vectors)

    def purge(self) -> None:
        """Leave no trace of deleted text or vectors in the store's files, damaged ones kept aside included."""
        with self._owner.alone():
            self.catalog.drop_unused_embeddings()
            self.catalog.purge()
            if self.settings.chroma_url:
                self._upkeep.sweep(self.vectors)
                return
            self._renew_vectors()
            for aside in self._upkeep.set_aside():
                shutil.rmtree(aside)

    def _renew_vectors(self, why: str = "") -> None:
        self.vectors.close()
        self._upkeep.build_anew(why)
        self.vectors = self._upkeep.open(self._collection)


class StoreWriter:
    """The writing half of a store, valid inside `Store.writing()`."""

    def __init__(self, catalog: Catalog, collection: Collection, vectors: VectorIndex) -> None:
        self._catalog = catalog
        self._vectors = vectors
        self._model = model_of(collection)
        self._collection = collection.id

    def holds(self, document: Document) -> bool:
        """Whether exactly this document is stored."""
        return self._catalog.document(self._collection, document.id) == document

    def embeddings(self, text_hashes: Sequence[bytes]) -> dict[bytes, Embedding]:
        """What is already known of these embedded texts."""
        return self._catalog.embeddings(self._model, text_hashes)

    def put_documents(self, entries: Sequence[Entry]) -> None:
        """Store documents, each wholly replacing its earlier version."""
        chunk_ids = [chunk.id for entry in entries for chunk in entry.chunks]
        known = self._catalog.chunks(self._collection, chunk_ids)
        fresh = [index for index, chunk_id in enumerate(chunk_ids) if chunk_id not in known]
        if fresh:
            vectors = np.stack([embedding.vector for entry in entries for embedding in entry.embeddings])
            self._vectors.upsert([chunk_ids[index] for index in fresh], vectors[fresh])
        self._vectors.delete(self._catalog.put_documents(self._collection, self._model, entries))

    def put_files(self, files: Sequence[IngestedFile]) -> None:
        """Record files as ingested, at one instant, and drop their documents other than those named."""
        self._vectors.delete(self._catalog.put_files(self._collection, files))

    def remove_file(self, source: str) -> None:
        """Forget a file and its documents."""
        self._vectors.delete(self._catalog.remove_file(self._collection, source))


def build_identity(settings: Settings) -> dict[str, Any]:
    """What a collection is built with. Vectors of another identity are never mixed in."""
    return {
        "format": FORMAT_VERSION,
        **embedder_identity(settings),
        "chunker": CHUNKER_VERSION,
        "chunk_tokens": settings.chunk_tokens,
        "chunk_overlap": settings.chunk_overlap,
    }


def _existing(path: Path) -> Path:
    """The path, or the nearest folder above it that is there."""
    return next(one for one in (path, *path.absolute().parents) if one.exists())
