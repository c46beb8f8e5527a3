"""llama-index's documents -> the store: whatever one of its readers can read, Footnote can answer from.

from llama_index.core.readers import StringIterableReader  # or any other reader

with Store(Settings(store="store"), create=True) as store:
    sync_llama_index(store, StringIterableReader().load_data(["The ferry runs daily."]), name="notes")
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import PurePath
from typing import Any

from llama_index.core.schema import Document as LlamaDocument
from llama_index.core.schema import MetadataMode

from ingest.canonical import TextBuilder
from ingest.embed import BATCH_CHUNKS, PreparedDocument, embed, prepare
from ingest.plan import Failure
from ingest.report import Progress, Report, timed
from ingest.suspicions import suspicions
from rag.catalog import FileRecord
from rag.models import load_embedder
from rag.store import Store
from rag.types import Document

_TITLES = ("title", "Title", "document_title", "subject")
_SOURCES = ("file_path", "source", "url", "URL", "path", "file_name")
_PAGES = ("page_label", "page", "page_number")
_DATES = ("last_modified_date", "date", "creation_date")
_MEDIA_TYPE = "application/x-llama-index"


def sync_llama_index(
    store: Store,
    documents: Iterable[LlamaDocument],
    name: str = "llama-index",
    progress: Progress = lambda report: None,
) -> Report:
    """Make the documents those that the store holds under `name`: earlier ones not given any more are removed.

    Many readers give one document a page: those of one file become one document, whose citations know their pages.
    A document without text is reported as failed. What is known is not embedded again.
    Raises StoreBusy if another process has the store open, StoreUnwritable if the disk is full.
    """
    show = timed(progress)
    store.check_identity()
    embedder = load_embedder(store.settings)
    converted = list(from_llama_index(documents))
    report = Report(files=len(converted), bytes=sum(len(document.text) for document in converted))
    owners = store.document_files()

    with store.writing() as writer:
        kept: list[str] = []
        for batch in _batches(converted):
            accepted: list[PreparedDocument] = []
            for document in batch:
                report.done += 1
                if fault := _fault(document, name, owners):
                    report.failed.append(fault)
                    continue
                kept.append(document.id)
                if writer.holds(document):
                    report.unchanged.append(document.source)
                    continue
                (report.updated if document.id in owners else report.added).append(document.source)
                report.warnings += [f"{document.source}: {warning}" for warning in document.warnings]
                accepted.append(prepare(document, name, embedder, store.settings))
            size = sum(len(document.text) for document in batch)
            writer.put_documents(embed(accepted, embedder, store.embeddings, report, show, size))
            report.documents += len(accepted)
        sources = {summary.id: summary.source for summary in store.documents()}
        gone = [id for id, file in owners.items() if file == name and id not in kept]
        report.removed += [sources[id] for id in gone]
        ingested = datetime.now(UTC).isoformat(timespec="seconds")
        digest = hashlib.sha256("\n".join(sorted(kept)).encode()).hexdigest()
        writer.put_files([(FileRecord(name, name, digest, ingested), kept)])
    report.finished = True
    show(report)
    return report


def from_llama_index(documents: Iterable[LlamaDocument]) -> Iterator[Document]:
    """The documents as Footnote keeps them; those that are pages of one source are put together, in order."""
    by_source: defaultdict[str, list[LlamaDocument]] = defaultdict(list)
    for document in documents:
        by_source[_source(document)].append(document)
    for source, pages in by_source.items():
        builder = TextBuilder()
        numbered = [_number(page.metadata) for page in pages]
        for place, (page, number) in enumerate(zip(pages, numbered, strict=True), start=1):
            builder.add(page.get_content(MetadataMode.NONE))
            if len(pages) > 1 or number is not None:
                builder.end_page(number or place)
        metadata = pages[0].metadata
        title = _first(metadata, _TITLES) or PurePath(source).stem or source
        made = builder.document(source, title, _MEDIA_TYPE, tuple(suspicions(builder.text)))
        yield replace(made, date=_date(metadata))


def _fault(document: Document, name: str, owners: dict[str, str]) -> Failure | None:
    if not document.text.strip():
        return Failure(document.source, "E_NO_TEXT", "no text found.")
    owner = owners.get(document.id, name)
    if owner != name:
        return Failure(document.source, "E_TAKEN", f"its source is taken by {owner}. Give it another.")
    return None


def _batches(documents: Sequence[Document]) -> Iterator[Sequence[Document]]:
    for start in range(0, len(documents), BATCH_CHUNKS):
        yield documents[start : start + BATCH_CHUNKS]


def _source(document: LlamaDocument) -> str:
    return _first(document.metadata, _SOURCES) or document.id_


def _first(metadata: dict[str, Any], keys: Sequence[str]) -> str:
    return next((str(metadata[key]) for key in keys if metadata.get(key)), "")


def _number(metadata: dict[str, Any]) -> int | None:
    number = _first(metadata, _PAGES)
    return int(number) if number.isdecimal() else None


def _date(metadata: dict[str, Any]) -> str:
    """YYYY-MM-DD where the metadata name a day, else nothing."""
    try:
        return datetime.fromisoformat(_first(metadata, _DATES)[:10]).date().isoformat()
    except ValueError:
        return ""
