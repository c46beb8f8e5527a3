"""A folder against a store: what was added, changed, removed, and what failed. Nothing is left out of the report.

Three things go on at a time: the next files are read and cut into chunks in one thread, this one embeds, and what is
embedded is written in another. Only a few batches are in memory at once, however large the files are.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter

from ingest.ahead import ahead
from ingest.discover import Selection, discover
from ingest.embed import BATCH_CHUNKS, PreparedDocument, embed, prepare
from ingest.formats.parse_jsonl import LineFailure
from ingest.plan import INCOMPLETE, Failure, Plan, Work, make_plan
from ingest.report import Progress, Report, timed
from ingest.sandbox import Sandbox
from rag.catalog import Entry, FileRecord, IngestedFile
from rag.errors import ParseError
from rag.models import load_embedder
from rag.store import Store, StoreWriter
from rag.types import Document

_BATCHES_AHEAD = 3
_FILES_BETWEEN_LOOKS = 100


def sync(
    store: Store,
    paths: Sequence[Path],
    progress: Progress = lambda report: None,
    selection: Selection | None = None,
) -> Report:
    """Bring the store in line with the files and folders at `paths`. Files of other folders are left alone.

    A file that the selection does not want counts as gone. `progress` is called, with the report so far, several times
    for every batch of chunks. Stopped at any instant, the store holds each document wholly old or wholly new, and the
    same call again completes it.
    Raises ParseError for a path that does not exist, StoreBusy if another process has the store open, StoreUnwritable
    if the disk is full.
    """
    show = timed(progress)
    store.check_identity()
    found = discover(paths, selection)
    report = Report.of(found)

    def compared(files: int) -> None:
        report.done = files
        if files % _FILES_BETWEEN_LOOKS == 0:
            show(report)

    with store.writing() as writer:
        plan = make_plan(found, store.files(), compared)
        report.take(plan)
        _Sync(store, writer, report, show).run(plan)
    report.finished = True
    show(report)
    return report


def dry_run(store: Store | None, paths: Sequence[Path], selection: Selection | None = None) -> Report:
    """What `sync` would do, by name; nothing is parsed or written. `store` is None if there is none yet."""
    started = perf_counter()
    found = discover(paths, selection)
    report = Report.of(found)
    plan = make_plan(found, store.files() if store else {}, lambda files: None)
    report.take(plan)
    report.settle(plan, {work.file.source for work in plan.work})
    report.seconds = perf_counter() - started
    return report


@dataclass(frozen=True, slots=True)
class _Batch:
    """Documents to be embedded together, the files that end with them, and how many bytes were read by then."""

    documents: list[PreparedDocument]
    ends: list[IngestedFile]
    bytes_read: int


class _Sync:
    """One run of a plan."""

    def __init__(self, store: Store, writer: StoreWriter, report: Report, progress: Progress) -> None:
        self._store = store
        self._writer = writer
        self._report = report
        self._progress = progress
        self._embedder = load_embedder(store.settings)
        self._owners: dict[str, str] = {}
        self._sandbox = Sandbox()
        self._bytes_read = 0  # of files read to their end
        self._stopping = False

    def run(self, plan: Plan) -> None:
        """Write what is new, then remove what is gone."""
        self._writer.put_files([(record, None) for record in plan.moved])
        gone = {*plan.removed, *(old for old, _ in plan.renamed)}
        self._owners = {id: file for id, file in self._store.document_files().items() if file not in gone}
        whole: set[str] = set()
        with (
            self._sandbox,
            ThreadPoolExecutor(1) as background,
            ahead(self._batches(plan), _BATCHES_AHEAD, self._stop_reading) as batches,
        ):
            written: Future[None] | None = None
            for batch in batches:
                size = batch.bytes_read - self._report.bytes_done
                entries = embed(
                    batch.documents, self._embedder, self._store.embeddings, self._report, self._progress, size
                )
                if written:
                    written.result()
                written = background.submit(self._write, entries, batch.ends)
                whole.update(record.source for record, _ in batch.ends)
                self._progress(self._report)
            if written:
                written.result()
        self._report.settle(plan, whole)
        for source in (*self._report.removed, *(old for old, _ in self._report.renamed)):
            self._writer.remove_file(source)

    def _stop_reading(self) -> None:
        self._stopping = True
        self._sandbox.close()

    def _batches(self, plan: Plan) -> Iterator[_Batch]:
        documents: list[PreparedDocument] = []
        ends: list[IngestedFile] = []
        chunks = 0
        for item in self._read(plan):
            if isinstance(item, tuple):
                ends.append(item)
                continue
            documents.append(item)
            chunks += len(item.chunks)
            if chunks >= BATCH_CHUNKS:
                yield _Batch(documents, ends, self._bytes_read + self._sandbox.read)
                documents, ends, chunks = [], [], 0
        yield _Batch(documents, ends, self._bytes_read)

    def _read(self, plan: Plan) -> Iterator[PreparedDocument | IngestedFile]:
        """Every new or changed file's documents, cut into chunks, and after them the file itself."""
        for work in plan.work:
            if self._stopping:
                return
            try:
                yield from self._read_file(work)
            except ParseError as error:
                self._report.failed.append(Failure(work.file.source, error.code, str(error)))
            self._bytes_read += work.size
            self._report.done += 1

    def _read_file(self, work: Work) -> Iterator[PreparedDocument | IngestedFile]:
        file = work.file
        ids: list[str] = []
        whole = True
        self._sandbox.read = 0
        for parsed in self._sandbox.parse(file.path, file.source):
            if isinstance(parsed, Document) and self._owners.setdefault(parsed.id, file.source) != file.source:
                reason = f"its source {parsed.source!r} is taken by {self._owners[parsed.id]}. Rename one."
                parsed = LineFailure(file.source, "E_TAKEN", reason)
            if isinstance(parsed, LineFailure):
                self._report.failed.append(Failure(parsed.source, parsed.code, parsed.reason))
                whole = False
                continue
            self._report.documents += 1
            self._report.warnings += [f"{parsed.source}: {warning}" for warning in parsed.warnings]
            ids.append(parsed.id)
            dated = parsed if parsed.date else replace(parsed, date=work.date)
            yield prepare(dated, file.source, self._embedder, self._store.settings)
        self._sandbox.read = 0
        if work.has_changed():
            reason = "it changed while it was read, and is read again by the next run."
            self._report.failed.append(Failure(file.source, "E_CHANGED", reason))
            whole = False
        ingested = datetime.now(UTC).isoformat(timespec="seconds")
        sha256 = work.sha256 if whole else INCOMPLETE
        yield FileRecord(file.source, file.root, sha256, ingested), ids

    def _write(self, entries: Sequence[Entry], ends: Sequence[IngestedFile]) -> None:
        self._writer.put_documents(entries)
        self._writer.put_files(ends)
