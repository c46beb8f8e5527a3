"""The documents that gold questions are asked of: a store's, looked up by source."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path

from rich.console import Console

from ingest.progress import with_progress
from ingest.sync import sync
from rag.settings import Settings
from rag.store import Store, build_identity
from rag.types import Document

_REMEMBERED = 256  # documents


class StoredDocuments(Mapping[str, Document]):
    """A store's documents by source, read when they are asked for."""

    def __init__(self, store: Store) -> None:
        self._ids = {summary.source: summary.id for summary in store.documents()}
        self._read = lru_cache(maxsize=_REMEMBERED)(store.document)

    def __getitem__(self, source: str) -> Document:
        document = self._read(self._ids[source])
        if document is None:
            raise KeyError(source)
        return document

    def __iter__(self) -> Iterator[str]:
        return iter(self._ids)

    def __len__(self) -> int:
        return len(self._ids)

    @property
    def sha256(self) -> str:
        """One hash over every source and text."""
        digest = hashlib.sha256()
        for source in self:
            digest.update(json.dumps([source, self[source].text]).encode())
        return digest.hexdigest()


@contextmanager
def ingested(corpus: Path, settings: Settings, out: Path, console: Console) -> Iterator[Store]:
    """A store of the corpus under `out`, kept there: the next run with the same chunking embeds only what changed.

    Every corpus and chunking is a collection of its own in one store, so that each distinct text is embedded once.
    What could not be ingested is shown on the console.
    """
    name = json.dumps([str(corpus.resolve()), build_identity(settings)], sort_keys=True)
    collection = f"{corpus.name[:60]} {hashlib.sha256(name.encode()).hexdigest()[:12]}"
    with Store(settings.changed(store=out / "store", collection=collection), create=True) as store:
        report = with_progress(lambda show: sync(store, [corpus], show), console)
        for failure in report.failed:
            console.print(f"not ingested: {failure.source}: {failure.reason} ({failure.code})", markup=False)
        yield store
