"""How long a search takes against the bare cost of encoding the query and asking Chroma, each query by each in turn."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

import chromadb
import numpy as np
import torch
from rich.table import Table
from sentence_transformers import SentenceTransformer

from rag.models import embedder_folder, load_embedder
from rag.retrieve import Retriever
from rag.settings import Settings
from rag.store import Store

_QUERIES = 300
_WARM_UP = 20
_PASSAGES = 10
_BATCH = 1000
BARE = "encode and ask Chroma"
_ARMS: dict[str, dict[str, Any]] = {
    "plain fusion": {"rescored": 0},
    "without late interaction": {"late_weight": 0.0},
    "Footnote": {},
    "Footnote, 100 rescored": {"rescored": 100},
    "Footnote, exact search": {"exact_search": True},
}


def claims(gold: Path) -> list[str]:
    """The first questions of a gold set."""
    with gold.open(encoding="utf-8") as lines:
        return [json.loads(line)["question"] for line, _ in zip(lines, range(_QUERIES), strict=False)]


def time_searches(settings: Settings, queries: Sequence[str]) -> dict[str, float]:
    """The median seconds of a search in a store, by system; the store's vectors are copied for the bare one."""
    with ExitStack() as stack:
        retrievers = {
            name: Retriever(stack.enter_context(Store(settings.changed(**changed)))) for name, changed in _ARMS.items()
        }
        systems: dict[str, Callable[[str], object]] = {BARE: _bare(retrievers["Footnote"].store, stack)}
        for name, retriever in retrievers.items():
            systems[name] = lambda query, retriever=retriever: retriever.retrieve(query, _PASSAGES)  # type: ignore[misc]
        chance = random.Random(7)
        seconds: dict[str, list[float]] = {name: [] for name in systems}
        for number, query in enumerate([*queries[:_WARM_UP], *queries]):
            # In a new order each time: who comes later finds more in the machine's caches.
            for name in chance.sample(list(systems), len(systems)):
                started = perf_counter()
                systems[name](query)
                if number >= _WARM_UP:
                    seconds[name].append(perf_counter() - started)
    return {name: median(each) for name, each in seconds.items()}


def _bare(store: Store, stack: ExitStack) -> Callable[[str], object]:
    embedder = load_embedder(store.settings)
    folder = str(embedder_folder(store.settings.embedder))
    dtype = {"dtype": getattr(torch, embedder.dtype)}
    model = SentenceTransformer(folder, device="cpu", local_files_only=True, model_kwargs=dtype)
    client = chromadb.PersistentClient(stack.enter_context(TemporaryDirectory()))
    stack.callback(client.close)  # type: ignore[attr-defined]  # its declared type lacks close()
    collection = client.create_collection("bare", embedding_function=None, metadata={"hnsw:space": "cosine"})
    ids = sorted(store.chunk_ids())
    for start in range(0, len(ids), _BATCH):
        batch = ids[start : start + _BATCH]
        indexed = store.indexed(batch)
        collection.add(batch, embeddings=np.stack([indexed[id].embedding.vector for id in batch]))
    return lambda query: collection.query(query_embeddings=model.encode([query]), n_results=_PASSAGES)


def search_table(seconds: dict[str, float], chunks: int) -> Table:
    """The times, and each as a multiple of the bare one."""
    table = Table("", "ms, median", "ratio", title=f"a search among {chunks:,} chunks, {_PASSAGES} passages")
    for name, each in seconds.items():
        table.add_row(name, f"{1000 * each:.1f}", f"{each / seconds[BARE]:.2f}")
    return table
