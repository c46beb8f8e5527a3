"""Another embedder (or chunking) for what is stored: built beside the present index, which answers until it is whole.

Nothing is parsed: documents are cut and embedded from the catalog's own texts.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ingest.embed import BATCH_CHUNKS, embed, prepare
from ingest.report import Progress, Report, timed
from rag.models import load_embedder
from rag.settings import Settings
from rag.store import Store, StoreWriter
from rag.types import Document

_CHARACTERS = 800  # of a chunk, about


def reembed(store: Store, settings: Settings, progress: Progress = lambda report: None) -> Report:
    """Cut and embed every document of the store's collection as `settings` say; then, at one instant, swap.

    Until then the collection is as it was, and the open store goes on answering from it, also afterwards: to answer
    from the new index open the store again, with `settings`. Stopped at any instant, the same call goes on where it
    was; called with the former settings instead, before the next sync, it swaps back without embedding anything.
    Raises StoreBusy if another process has the store open, ModelError if the embedder is not there.
    """
    show = timed(progress)
    embedder = load_embedder(settings)
    documents = store.documents()
    files = store.document_files()
    report = Report(files=len(documents), bytes=sum(document.characters for document in documents))

    if store.built_with(settings):
        report.unchanged = [document.source for document in documents]
        return report
    with store.successor(settings) as successor:
        for batch in _batches(_changed(store, successor, report), files):
            prepared = [prepare(document, file, embedder, settings) for document, file in batch]
            size = sum(len(document.text) for document, _ in batch)
            successor.put_documents(embed(prepared, embedder, successor.embeddings, report, show, size))
            report.updated += [document.source for document, _ in batch]
            report.done += len(batch)
            report.documents += len(batch)
            show(report)
    report.finished = True
    show(report)
    return report


def _changed(store: Store, successor: StoreWriter, report: Report) -> Iterator[Document]:
    """The documents that the successor does not hold yet."""
    for summary in store.documents():
        document = store.document(summary.id)
        if document is None:
            continue
        if successor.holds(document):
            report.unchanged.append(document.source)
            report.done += 1
            report.bytes_done += len(document.text)
        else:
            yield document


def _batches(documents: Iterator[Document], files: dict[str, str]) -> Iterator[Sequence[tuple[Document, str]]]:
    """Documents with the files that they came from; together about as long as a batch of chunks."""
    batch: list[tuple[Document, str]] = []
    characters = 0
    for document in documents:
        batch.append((document, files[document.id]))
        characters += len(document.text)
        if characters >= BATCH_CHUNKS * _CHARACTERS:
            yield batch
            batch, characters = [], 0
    if batch:
        yield batch
