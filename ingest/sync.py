"""A folder against a store: what was added, changed, removed, and what failed. Nothing is left out of the report."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter
from typing import Any

from ingest.chunk import PreparedChunk, chunk
from ingest.discover import Found, FoundFile, discover
from ingest.parse_jsonl import LineFailure
from ingest.sandbox import Sandbox, open_regular
from rag.catalog import Embedding, Entry, FileRecord
from rag.errors import ParseError
from rag.models import load_embedder
from rag.store import Store, StoreWriter
from rag.types import Document
from rag.words import WordIndex

# Chunks embedded together: enough to sort texts by length, so that little is spent on padding.
_BATCH_CHUNKS = 512
_INCOMPLETE = ""  # the hash noted for a file with failed lines, so that it is read again next time


@dataclass(frozen=True, slots=True)
class Failure:
    """A file (or line of a bulk import) that could not be ingested."""

    source: str
    code: str
    reason: str


@dataclass(slots=True)
class Report:
    """What a sync did, file by file; grows while it runs."""

    added: list[str] = field(default_factory=list)
    updated: list[str] = field(default_factory=list)
    unchanged: list[str] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    failed: list[Failure] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)  # links, and kinds that are not supported
    warnings: list[str] = field(default_factory=list)
    files: int = 0  # to look at
    done: int = 0  # looked at so far
    documents: int = 0  # written
    chunks_embedded: int = 0
    chunks_reused: int = 0
    seconds: float = 0.0

    def as_json(self) -> dict[str, Any]:
        """The report in the machine interface's form."""
        return asdict(self)


Progress = Callable[[Report], None]


def sync(store: Store, paths: Sequence[Path], progress: Progress = lambda report: None) -> Report:
    """Bring the store in line with the files and folders at `paths`. Files of other folders are left alone.

    `progress` is called, with the report so far, after every batch of chunks. Stopped at any instant, the store holds
    each document wholly old or wholly new, and the same call again completes it.
    Raises ParseError for a path that does not exist, StoreBusy if another process has the store open.
    """
    started = perf_counter()
    store.check_identity()
    found = discover(paths)
    report = Report(files=len(found.files), skipped=list(found.skipped))
    with store.writing() as writer, Sandbox() as sandbox:
        _Sync(store, writer, sandbox, report, progress).run(found)
    report.seconds = perf_counter() - started
    progress(report)
    return report


@dataclass(frozen=True, slots=True)
class _Parsed:
    """A document on its way into the store."""

    document: Document
    file: str
    chunks: tuple[PreparedChunk, ...]


@dataclass(frozen=True, slots=True)
class _FileEnd:
    """All of a file's documents have gone before. None: they are the ones the store holds already."""

    record: FileRecord
    document_ids: tuple[str, ...] | None


class _Sync:
    """One run: files are read and cut in this thread while the batch before is written in another."""

    def __init__(self, store: Store, writer: StoreWriter, sandbox: Sandbox, report: Report, progress: Progress) -> None:
        self._store = store
        self._writer = writer
        self._sandbox = sandbox
        self._report = report
        self._progress = progress
        self._embedder = load_embedder(store.settings)
        self._known = store.files()
        self._roots = {source: record.root for source, record in self._known.items()}
        self._owners = store.document_files()

    def run(self, found: Found) -> None:
        """Write what is new, then remove what is gone."""
        with ThreadPoolExecutor(1) as background:
            written: Future[None] | None = None
            for documents, ends in _batches(self._changes(found.files)):
                entries = self._embed(documents)
                if written:
                    written.result()
                written = background.submit(self._write, entries, ends)
                self._progress(self._report)
            if written:
                written.result()
        present = {file.source for file in found.files}
        for source, record in self._known.items():
            if record.root in found.roots and source not in present:
                self._writer.remove_file(source)
                self._report.removed.append(source)
        if self._report.updated or self._report.removed:
            self._writer.drop_unused_embeddings()

    def _changes(self, files: Sequence[FoundFile]) -> Iterator[_Parsed | _FileEnd]:
        """Every new or changed file's documents, cut into chunks, each file followed by its end."""
        for file in files:
            record = self._known.get(file.source)
            try:
                self._refuse_taken(file)
                sha256 = _sha256(file.path)
                if record is None or record.sha256 != sha256:
                    yield from self._parse(file, sha256)
                    (self._report.updated if record else self._report.added).append(file.source)
                else:
                    self._report.unchanged.append(file.source)
                    if record.root != file.root:
                        yield _FileEnd(replace(record, root=file.root), None)
            except ParseError as error:
                self._fail(file.source, error.code, str(error))
            self._report.done += 1

    def _parse(self, file: FoundFile, sha256: str) -> Iterator[_Parsed | _FileEnd]:
        ids: list[str] = []
        whole = True
        for parsed in self._sandbox.parse(file.path, file.source):
            if isinstance(parsed, Document) and self._owners.setdefault(parsed.id, file.source) != file.source:
                reason = f"its source {parsed.source!r} is taken by {self._owners[parsed.id]}. Rename one."
                parsed = LineFailure(file.source, "E_TAKEN", reason)
            if isinstance(parsed, LineFailure):
                self._fail(parsed.source, parsed.code, parsed.reason)
                whole = False
                continue
            settings, embedder = self._store.settings, self._embedder
            chunks = chunk(
                parsed,
                embedder.count_tokens,
                chunk_tokens=settings.chunk_tokens,
                window=embedder.window,
                overlap=settings.chunk_overlap,
            )
            if not parsed.date:
                parsed = replace(parsed, date=datetime.fromtimestamp(file.path.stat().st_mtime, UTC).date().isoformat())
            self._report.documents += 1
            self._report.warnings += [f"{parsed.source}: {warning}" for warning in parsed.warnings]
            ids.append(parsed.id)
            yield _Parsed(parsed, file.source, chunks)
        ingested = datetime.now(UTC).isoformat(timespec="seconds")
        yield _FileEnd(FileRecord(file.source, file.root, sha256 if whole else _INCOMPLETE, ingested), tuple(ids))

    def _refuse_taken(self, file: FoundFile) -> None:
        """Two folders of one collection may not hold the same source: an answer could not tell them apart."""
        root = self._roots.setdefault(file.source, file.root)
        other = Path(root) / file.source if Path(root).is_dir() else Path(root)
        if root != file.root and other.exists():
            message = f"the same name is in the collection from {root}. Rename it, or use another --collection."
            raise ParseError("E_TAKEN", message)

    def _fail(self, source: str, code: str, reason: str) -> None:
        self._report.failed.append(Failure(source, code, reason))

    def _embed(self, documents: Sequence[_Parsed]) -> list[Entry]:
        """The documents with their chunks' embeddings; a text that was embedded before is not embedded again."""
        texts = {prepared.text_hash: prepared.text_to_embed for parsed in documents for prepared in parsed.chunks}
        known = self._store.embeddings(list(texts))
        new = [text_hash for text_hash in texts if text_hash not in known]
        for text_hash, encoded in zip(new, self._embedder.encode_words([texts[hash] for hash in new]), strict=True):
            known[text_hash] = Embedding(encoded.vector, WordIndex.of(encoded.words, encoded.word_vectors))
        self._report.chunks_embedded += len(new)
        self._report.chunks_reused += sum(len(parsed.chunks) for parsed in documents) - len(new)
        entries = []
        for parsed in documents:
            hashes = tuple(prepared.text_hash for prepared in parsed.chunks)
            chunks = tuple(prepared.chunk for prepared in parsed.chunks)
            embeddings = tuple(known[text_hash] for text_hash in hashes)
            entries.append(Entry(parsed.document, parsed.file, chunks, hashes, embeddings))
        return entries

    def _write(self, entries: Sequence[Entry], ends: Sequence[_FileEnd]) -> None:
        self._writer.put_documents(entries)
        for end in ends:
            self._writer.put_file(end.record, end.document_ids)


def _batches(items: Iterable[_Parsed | _FileEnd]) -> Iterator[tuple[list[_Parsed], list[_FileEnd]]]:
    documents: list[_Parsed] = []
    ends: list[_FileEnd] = []
    chunks = 0
    for item in items:
        if isinstance(item, _FileEnd):
            ends.append(item)
            continue
        documents.append(item)
        chunks += len(item.chunks)
        if chunks >= _BATCH_CHUNKS:
            yield documents, ends
            documents, ends, chunks = [], [], 0
    if documents or ends:
        yield documents, ends


def _sha256(path: Path) -> str:
    with os.fdopen(open_regular(path), "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
