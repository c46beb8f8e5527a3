"""`python -m tests.bench_speed [BENCHMARKS]`: how fast it is, as ratios measured side by side in one run.

Ingests the SciFact abstracts end to end, and compares with the bare embedder on the very same texts and with
llama-index's IngestionPipeline into Chroma, with its stock settings and with our dtype and chunk size. Then searches
for SciFact's claims, and compares with the bare embedder and Chroma.
"""

from __future__ import annotations

import gzip
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

import chromadb
import torch
from llama_index.core import Document as LlamaDocument
from llama_index.core.ingestion import IngestionPipeline
from llama_index.core.node_parser import SentenceSplitter
from llama_index.embeddings.huggingface import HuggingFaceEmbedding
from llama_index.vector_stores.chroma import ChromaVectorStore
from rich.console import Console
from rich.table import Table
from sentence_transformers import SentenceTransformer

from ingest.chunk import chunk
from ingest.sandbox import Sandbox
from ingest.sync import sync
from rag.models import Embedder, embedder_folder, load_embedder
from rag.settings import Settings
from rag.store import Store
from rag.types import Document
from tests.bench_search import claims, search_table, time_searches

_PART = 1000  # documents


@dataclass(frozen=True, slots=True)
class Speed:
    """What was embedded, and how long everything took."""

    name: str
    chunks: int
    tokens: int
    seconds: float


def main() -> None:
    """Measure the three and print a table."""
    benchmarks = Path(sys.argv[1] if len(sys.argv) > 1 else "../shared/benchmarks")
    corpus = benchmarks / "scifact" / "corpus.jsonl.gz"
    if not corpus.exists():
        sys.exit(f"there is no {corpus}. Name the folder of benchmarks: make bench BENCHMARKS=folder")
    settings = Settings(store=Path("unused"))
    embedder = load_embedder(settings)
    texts = chunked(corpus, embedder, settings)
    embedder.encode(texts[:64])
    folder = str(embedder_folder(settings.embedder))
    dtype = {"dtype": getattr(torch, embedder.dtype)}
    stock_model = SentenceTransformer(folder, device="cpu", local_files_only=True, model_kwargs=dtype)
    stock_embedding = HuggingFaceEmbedding(folder, device="cpu", model_kwargs=dtype)
    like_ours = SentenceSplitter(chunk_size=settings.chunk_tokens, chunk_overlap=0)
    with TemporaryDirectory() as folder_of_store:
        store_settings = Settings(store=Path(folder_of_store) / "store")
        footnote = ours(corpus, texts, embedder, store_settings)
        search_times = time_searches(store_settings, claims(benchmarks / "scifact" / "gold.jsonl"))
    rows = [
        footnote,
        bare(texts, stock_model, embedder),
        llama_index("llama-index, our dtype and chunk size", corpus, like_ours, stock_embedding, embedder),
        llama_index(
            "llama-index, stock", corpus, SentenceSplitter(), HuggingFaceEmbedding(folder, device="cpu"), embedder
        ),
    ]
    table = Table("", "chunks", "tokens", "seconds", "chunks/s", "tokens/s", title=f"SciFact, {embedder.dtype}")
    for row in rows:
        rates = (f"{row.chunks / row.seconds:.1f}", f"{row.tokens / row.seconds:,.0f}")
        table.add_row(row.name, f"{row.chunks:,}", f"{row.tokens:,}", f"{row.seconds:.1f}", *rates)
    console = Console()
    console.print(table)
    for other in rows[1:]:
        by_chunks = rows[0].chunks / rows[0].seconds / (other.chunks / other.seconds)
        by_tokens = rows[0].tokens / rows[0].seconds / (other.tokens / other.seconds)
        console.print(f"{by_chunks:.2f} by chunks a second, {by_tokens:.2f} by tokens: footnote against {other.name}")
    console.print(search_table(search_times, footnote.chunks))


def chunked(corpus: Path, embedder: Embedder, settings: Settings) -> list[str]:
    """The texts that Footnote embeds for the corpus."""
    with Sandbox() as sandbox:
        return [
            prepared.text_to_embed
            for document in sandbox.parse(corpus, corpus.name)
            if isinstance(document, Document)
            for prepared in chunk(
                document, embedder.count_tokens, chunk_tokens=settings.chunk_tokens, window=embedder.window
            )
        ]


def bare(texts: Sequence[str], model: SentenceTransformer, embedder: Embedder) -> Speed:
    """`SentenceTransformer.encode` with its defaults, on texts that are ready."""
    model.encode(list(texts[:64]))
    started = perf_counter()
    model.encode(list(texts))
    seconds = perf_counter() - started
    return Speed("SentenceTransformer.encode", len(texts), sum(embedder.count_tokens(texts)), seconds)


def ours(corpus: Path, texts: Sequence[str], embedder: Embedder, settings: Settings) -> Speed:
    """Footnote end to end: read, parse, chunk, embed, catalog, full-text index and vectors."""
    with Store(settings, create=True) as store:
        started = perf_counter()
        report = sync(store, [corpus])
        seconds = perf_counter() - started
    return Speed("footnote", report.chunks_embedded, sum(embedder.count_tokens(texts)), seconds)


def llama_index(
    name: str, corpus: Path, splitter: SentenceSplitter, embedding: HuggingFaceEmbedding, embedder: Embedder
) -> Speed:
    """llama-index's IngestionPipeline into an embedded Chroma. Tokens beyond the embedder's window are not counted."""
    with gzip.open(corpus, "rt", encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    documents = [LlamaDocument(text=f"{row['title']}\n{row['text']}") for row in rows]
    with TemporaryDirectory() as folder:
        client = chromadb.PersistentClient(folder)
        collection = client.create_collection("stock", embedding_function=None)
        pipeline = IngestionPipeline(
            transformations=[splitter, embedding],
            vector_store=ChromaVectorStore(chroma_collection=collection),
        )
        started = perf_counter()
        # In parts: all at once, its Chroma store exceeds the largest batch that Chroma takes.
        parts = (documents[place : place + _PART] for place in range(0, len(documents), _PART))
        nodes = [node for part in parts for node in pipeline.run(documents=part)]
        seconds = perf_counter() - started
        client.close()  # type: ignore[attr-defined]  # its declared type lacks close()
    counts = embedder.count_tokens([node.get_content() for node in nodes])
    return Speed(name, len(nodes), sum(min(count, embedder.window) for count in counts), seconds)


if __name__ == "__main__":
    main()
