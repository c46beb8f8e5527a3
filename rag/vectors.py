"""Chroma: vectors keyed by chunk id. Derived from the catalog; the only importer of chromadb.

Holds no text and no metadata: what it returns means nothing until the catalog knows the id.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence, Set
from contextlib import contextmanager
from functools import partial
from itertools import islice
from pathlib import Path
from threading import Lock
from time import sleep
from typing import Any, TypeVar
from urllib.parse import urlsplit

import chromadb
import httpx
import numpy as np
from chromadb.api.shared_system_client import SharedSystemClient
from chromadb.config import Settings as ChromaSettings
from chromadb.errors import InternalError

from rag.catalog import Hit, unwritable
from rag.errors import StoreDamaged, StoreError, StoreUnavailable
from rag.models import Vectors

_BATCH = 500  # Chroma refuses more than about 5,400 records a call and advises 50 to 250
# Twice the most candidates a question asks for by default, so that the approximate search misses next to nothing.
_HNSW: Any = {"space": "cosine", "ef_search": 200}
_PATIENCE = httpx.Timeout(60, connect=3)  # seconds, for a server
_WAITS = (0.5, 1.5)  # seconds before a server is asked again

Result = TypeVar("Result")


class VectorIndex:
    """The vectors of one collection, embedded in a folder or on a Chroma server.

    Raises StoreDamaged if a folder's vectors cannot be read, StoreUnwritable if it may not be written to, and
    StoreUnavailable if the server does not answer after three tries.
    """

    def __init__(self, folder: Path, url: str | None, name: str) -> None:
        self._name = name
        self._folder = folder
        self._url = url
        self._every: tuple[list[str], Vectors] | None = None
        self._reading = Lock()
        self._client: Any = None  # its declared type lacks close()
        try:
            self._collection = self._do(self._open)
        except BaseException:
            # Chroma remembers what failed to start and would hand it out again, even after a repair.
            SharedSystemClient._identifier_to_system.pop(str(folder.resolve()), None)
            raise

    def _open(self) -> chromadb.Collection:
        settings = ChromaSettings(anonymized_telemetry=False)
        if self._client is not None:
            pass
        elif self._url:
            address = urlsplit(self._url)
            secure = address.scheme == "https"
            port = address.port or (443 if secure else 8000)
            self._client = chromadb.HttpClient(address.hostname or "localhost", port, secure, settings=settings)
            for server in self._servers():
                server._session.timeout = _PATIENCE  # Chroma's own client waits for ever
        else:
            self._client = chromadb.PersistentClient(str(self._folder.resolve()), settings=settings)
        collection: chromadb.Collection = self._client.get_or_create_collection(
            self._name,
            embedding_function=None,
            configuration={"hnsw": _HNSW},
        )
        return collection

    def _servers(self) -> Iterator[Any]:
        """The HTTP clients inside Chroma's client; none of an embedded index."""
        if self._client is not None:
            for server in (self._client._server, self._client._admin_client._server):
                if hasattr(server, "_session"):
                    yield server

    def _do(self, call: Callable[[], Result], *, write: bool = False) -> Result:
        """What the call gives. A server is asked again when it does not answer: every call may be repeated."""
        for wait in (*(_WAITS if self._url else ()), None):
            try:
                return call()
            except Exception as error:  # Chroma raises many kinds, bare Exception among them
                if wait is None or not isinstance(error, httpx.TransportError | InternalError | ValueError):
                    raise self._explained(error, write) from error
                sleep(wait)
        raise AssertionError("the last wait is None")

    def _explained(self, error: Exception, write: bool) -> StoreError:
        if self._url:
            return StoreUnavailable(
                f"no Chroma server answers at {self._url} ({error}). Start it, or unset RAG_CHROMA_URL; a run that "
                "this stopped goes on when it is started again."
            )
        if write:
            return unwritable(self._folder.parent, error)
        return StoreDamaged(
            f"the vectors in {self._folder} cannot be read ({error}). They can be rebuilt without embedding again: "
            f"python -m rag doctor --repair --store {self._folder.parent}"
        )

    def close(self) -> None:
        """Release the index. It must not be used afterwards."""
        servers = list(self._servers())
        self._client.close()
        for server in servers:
            server._session.close()  # the HTTP client leaves its connections open

    def upsert(self, ids: Sequence[str], vectors: Vectors) -> None:
        """Add or replace vectors; shape (len(ids), dimension)."""
        with self._changing():
            for start in range(0, len(ids), _BATCH):
                batch = slice(start, start + _BATCH)
                self._do(partial(self._collection.upsert, ids=list(ids[batch]), embeddings=vectors[batch]), write=True)

    def delete(self, ids: Sequence[str]) -> None:
        """Remove vectors; ids that are not there are ignored."""
        with self._changing():
            for start in range(0, len(ids), _BATCH):
                self._do(partial(self._collection.delete, list(ids[start : start + _BATCH])), write=True)

    def nearest(self, vector: Vectors, limit: int, within: Set[str] | None = None) -> list[Hit]:
        """The nearest vectors (of those `within`, if given) to one of shape (dimension,), best first.

        The score is the cosine similarity.
        """
        if within is not None and not within:
            return []
        ids = None if within is None else sorted(within)
        query = partial(self._collection.query, vector[np.newaxis], ids=ids, n_results=limit, include=["distances"])
        found: Any = self._do(query)
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
                found: Any = self._do(partial(self._collection.get, include=["embeddings"]))
                order = sorted(range(len(found["ids"])), key=found["ids"].__getitem__)
                vectors = np.asarray(found["embeddings"], np.float32)[order]
                self._every = ([found["ids"][place] for place in order], vectors)
            return self._every

    def ids(self) -> set[str]:
        """The ids of every vector."""
        return set(self._do(partial(self._collection.get, include=[]))["ids"])

    def count(self) -> int:
        """How many vectors there are."""
        return self._do(self._collection.count)

    def read(self, ids: Sequence[str]) -> dict[str, Vectors]:
        """The vectors with these ids that can be read from the index, by id."""
        found: dict[str, Vectors] = {}
        for start in range(0, len(ids), _BATCH):
            batch = partial(self._collection.get, list(ids[start : start + _BATCH]), include=["embeddings"])
            rows: Any = self._do(batch)
            found.update(zip(rows["ids"], np.asarray(rows["embeddings"], np.float32), strict=True))
        return found

    def clear(self) -> None:
        """Remove every vector."""
        with self._changing():
            self._do(partial(self._client.delete_collection, self._name), write=True)
            self._collection = self._do(self._open)

    def sweep(self, known: Set[str], prefix: str) -> list[str]:
        """Delete this store's collections (those with the prefix; in a folder, all) but the known ones; their names."""
        names = [collection.name for collection in self._do(self._client.list_collections)]
        gone = [name for name in names if name not in known and (name.startswith(prefix) or not self._url)]
        for name in gone:
            self._do(partial(self._client.delete_collection, name), write=True)
        return gone

    @contextmanager
    def _changing(self) -> Iterator[None]:
        """Forget the vectors in memory once they have changed, even if half-way: a reader may have kept older ones."""
        try:
            yield
        finally:
            with self._reading:
                self._every = None
