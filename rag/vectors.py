"""Chroma: vectors keyed by chunk id. Derived from the catalog; the only importer of chromadb.

Holds no text and no metadata: what it returns means nothing until the catalog knows the id.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence, Set
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from threading import Lock
from typing import Any
from urllib.parse import urlsplit

import chromadb
import numpy as np
from chromadb.api.shared_system_client import SharedSystemClient
from chromadb.config import Settings as ChromaSettings

from rag.catalog import Hit
from rag.errors import StoreDamaged, StoreError
from rag.models import Vectors

_BATCH = 500  # Chroma refuses more than about 5,400 records a call and advises 50 to 250
# Twice the most candidates a question asks for by default, so that the approximate search misses next to nothing.
_SEARCH_WIDTH = 200


class VectorIndex:
    """The vectors of one collection, embedded in a folder or on a Chroma server."""

    def __init__(self, folder: Path, url: str | None, name: str) -> None:
        self._name = name
        self._every: tuple[list[str], Vectors] | None = None
        self._reading = Lock()
        self._client: Any  # its declared type lacks close()
        path = str(folder.resolve())
        settings = ChromaSettings(anonymized_telemetry=False)
        try:
            if url:
                address = urlsplit(url)
                secure = address.scheme == "https"
                port = address.port or (443 if secure else 8000)
                self._client = chromadb.HttpClient(address.hostname or "localhost", port, secure, settings=settings)
            else:
                self._client = chromadb.PersistentClient(path, settings=settings)
            self._collection = self._open()
        except Exception as error:  # Chroma raises many kinds, bare Exception among them
            if url:
                message = f"no Chroma server answers at {url} ({error}). Start it, or unset RAG_CHROMA_URL."
                raise StoreError(message) from error
            # Chroma remembers what failed to start and would hand it out again, even after a repair.
            SharedSystemClient._identifier_to_system.pop(path, None)
            raise StoreDamaged(
                f"the vectors in {folder} cannot be read ({error}). They can be rebuilt without embedding again: "
                f"python -m rag doctor --repair --store {folder.parent}"
            ) from error

    def _open(self) -> chromadb.Collection:
        collection: chromadb.Collection = self._client.get_or_create_collection(
            self._name,
            embedding_function=None,
            configuration={"hnsw": {"space": "cosine", "ef_search": _SEARCH_WIDTH}},
        )
        return collection

    def close(self) -> None:
        """Release the index. It must not be used afterwards."""
        servers = (self._client._server, self._client._admin_client._server)
        self._client.close()
        for server in servers:
            if hasattr(server, "_session"):
                server._session.close()  # the HTTP client leaves its connections open

    def upsert(self, ids: Sequence[str], vectors: Vectors) -> None:
        """Add or replace vectors; shape (len(ids), dimension)."""
        with self._changing():
            for start in range(0, len(ids), _BATCH):
                batch = slice(start, start + _BATCH)
                self._collection.upsert(ids=list(ids[batch]), embeddings=vectors[batch])

    def delete(self, ids: Sequence[str]) -> None:
        """Remove vectors; ids that are not there are ignored."""
        with self._changing():
            for start in range(0, len(ids), _BATCH):
                self._collection.delete(ids=list(ids[start : start + _BATCH]))

    def nearest(self, vector: Vectors, limit: int, within: Set[str] | None = None) -> list[Hit]:
        """The nearest vectors (of those `within`, if given) to one of shape (dimension,), best first.

        The score is the cosine similarity.
        """
        if within is not None and not within:
            return []
        ids = None if within is None else sorted(within)
        found: Any = self._collection.query(
            query_embeddings=vector[np.newaxis], ids=ids, n_results=limit, include=["distances"]
        )
        return [Hit(id, 1 - distance) for id, distance in zip(found["ids"][0], found["distances"][0], strict=True)]

    def nearest_exactly(self, vector: Vectors, limit: int, within: Set[str] | None = None) -> list[Hit]:
        """As `nearest`, but by comparing with every vector, which are kept in memory until the next write.

        The approximate index grows anew, and a little differently, each time it is opened; this finds the same always.
        """
        ids, vectors = self._read_every()
        if not ids:
            return []
        scores = np.einsum("ij,j->i", vectors, vector)  # one thread: a BLAS's would disturb the embedder's
        order = (int(place) for place in np.argsort(-scores, kind="stable"))
        wanted = (place for place in order if within is None or ids[place] in within)
        return [Hit(ids[place], float(scores[place])) for place in islice(wanted, limit)]

    def _read_every(self) -> tuple[list[str], Vectors]:
        with self._reading:
            if self._every is None:
                found: Any = self._collection.get(include=["embeddings"])
                order = sorted(range(len(found["ids"])), key=found["ids"].__getitem__)
                vectors = np.asarray(found["embeddings"], np.float32)[order]
                self._every = ([found["ids"][place] for place in order], vectors)
            return self._every

    def ids(self) -> set[str]:
        """The ids of every vector."""
        return set(self._collection.get(include=[])["ids"])

    def clear(self) -> None:
        """Remove every vector."""
        with self._changing():
            self._client.delete_collection(self._name)
            self._collection = self._open()

    @contextmanager
    def _changing(self) -> Iterator[None]:
        """Forget the vectors in memory once they have changed, even if half-way: a reader may have kept older ones."""
        try:
            yield
        finally:
            with self._reading:
                self._every = None
