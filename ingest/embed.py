"""Documents -> entries for the store: cut into chunks, gathered into batches, embedded."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ingest.chunk import PreparedChunk, chunk
from ingest.report import Progress, Report
from rag.catalog import Embedding, Entry
from rag.models import Embedder
from rag.settings import Settings
from rag.types import Document
from rag.words import WordIndex

# Chunks embedded together: enough to sort texts by length, so that little is spent on padding.
BATCH_CHUNKS = 512
_SLICE = 64  # texts embedded between two looks at the progress


@dataclass(frozen=True, slots=True)
class PreparedDocument:
    """A document on its way into the store, with its chunks; `file` is the source of the file it came from."""

    document: Document
    file: str
    chunks: tuple[PreparedChunk, ...]


def prepare(document: Document, file: str, embedder: Embedder, settings: Settings) -> PreparedDocument:
    """Cut a document into chunks that fit the embedder's window."""
    chunks = chunk(
        document,
        embedder.count_tokens,
        chunk_tokens=settings.chunk_tokens,
        window=embedder.window,
        overlap=settings.chunk_overlap,
    )
    return PreparedDocument(document, file, chunks)


def embed(
    documents: Sequence[PreparedDocument],
    embedder: Embedder,
    stored: Callable[[Sequence[bytes]], dict[bytes, Embedding]],
    report: Report,
    progress: Progress,
    size: int,
) -> list[Entry]:
    """The documents with their chunks' embeddings. Texts whose embeddings are `stored` are not embedded again.

    The report's bytes done grow by `size` meanwhile, so that the time left is known before all are embedded.
    """
    texts = {prepared.text_hash: prepared.text_to_embed for document in documents for prepared in document.chunks}
    known = stored(list(texts))
    # By length, as the embedder would sort them, so that each slice holds texts of about one length.
    new = sorted((text_hash for text_hash in texts if text_hash not in known), key=lambda one: -len(texts[one]))
    report.chunks_reused += sum(len(document.chunks) for document in documents) - len(new)
    done = report.bytes_done
    for start in range(0, len(new), _SLICE):
        slice_of_new = new[start : start + _SLICE]
        encoded = embedder.encode_words([texts[text_hash] for text_hash in slice_of_new])
        for text_hash, one in zip(slice_of_new, encoded, strict=True):
            known[text_hash] = Embedding(one.vector, WordIndex.of(one.words, one.word_vectors))
        report.chunks_embedded += len(slice_of_new)
        report.bytes_done = done + size * (start + len(slice_of_new)) // len(new)
        progress(report)
    report.bytes_done = done + size
    return [_entry(document, known) for document in documents]


def _entry(prepared: PreparedDocument, embeddings: dict[bytes, Embedding]) -> Entry:
    hashes = tuple(chunk.text_hash for chunk in prepared.chunks)
    return Entry(
        prepared.document,
        prepared.file,
        tuple(chunk.chunk for chunk in prepared.chunks),
        hashes,
        tuple(embeddings[text_hash] for text_hash in hashes),
    )
