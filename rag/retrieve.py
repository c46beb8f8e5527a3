"""Question -> passages: dense and keyword search, fused. Every passage carries its rank and score at each stage."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rag.catalog import Hit
from rag.errors import QuestionError
from rag.models import Vectors, load_embedder
from rag.store import Store
from rag.terms import content_words
from rag.types import Passage

if TYPE_CHECKING:
    from rag.llama_index import FootnoteRetriever

LONGEST_QUESTION = 4000  # characters; far above the embedder's window, far below what would hold up the index


class Retriever:
    """Finds the passages of a store that bear on a question. Thread-safe.

    Raises StoreMismatch if the store was built with another embedder or chunking than its settings name.
    """

    def __init__(self, store: Store) -> None:
        store.check_identity()
        self.store = store
        self.embedder = load_embedder(store.settings)

    def retrieve(self, question: str, k: int | None = None) -> tuple[Passage, ...]:
        """The best `k` passages (the settings' `k` if None), best first; fewer if the store holds fewer.

        Raises QuestionError for an empty question or one over 4,000 characters.
        """
        return self.retrieve_by(question, self.embedder.encode([checked_question(question)])[0], k)

    def retrieve_by(self, question: str, vector: Vectors, k: int | None = None) -> tuple[Passage, ...]:
        """As `retrieve`, for a question whose embedding of shape (dimension,) is already known."""
        settings = self.store.settings
        k = settings.k if k is None else k
        if k < 1:
            raise QuestionError(f"k is {k}, but at least one passage must be asked for. Use k=1 or more.")
        candidates = max(k, settings.candidates)
        weight = settings.dense_weight
        dense = self.store.nearest(vector, candidates) if weight > 0 else []
        terms = list(dict.fromkeys(content_words(question)))
        keyword = self.store.keyword(terms, candidates) if weight < 1 else []
        fused = fuse(dense, keyword, weight)
        chunks = self.store.chunks([found.chunk_id for found in fused])
        known = [found for found in fused if found.chunk_id in chunks][:k]
        return tuple(Passage(chunks[found.chunk_id], found.score, found.ranks, found.scores) for found in known)

    def as_llama_index(self, k: int | None = None) -> FootnoteRetriever:
        """This retriever as a llama-index `BaseRetriever`, for llama-index query engines and agents."""
        from rag.llama_index import FootnoteRetriever  # takes seconds to import, and few callers need it

        return FootnoteRetriever(self, k)


@dataclass(frozen=True, slots=True)
class Fused:
    """A chunk found by at least one index: its fused score, and its rank and score in each list."""

    chunk_id: str
    score: float
    ranks: dict[str, int]
    scores: dict[str, float]


def fuse(dense: Sequence[Hit], keyword: Sequence[Hit], weight: float) -> list[Fused]:
    """Both lists in one, best first: weight x dense + (1 - weight) x keyword, each min-max normalised over its list.

    A chunk that a list lacks gets 0 there, as its last one does. Ties keep the order of the chunk ids.
    """
    lists = {"dense": (dense, weight), "keyword": (keyword, 1 - weight)}
    total: dict[str, float] = {}
    ranks: dict[str, dict[str, int]] = {}
    scores: dict[str, dict[str, float]] = {}
    for stage, (hits, share) in lists.items():
        for rank, (hit, normalised) in enumerate(zip(hits, min_max(hits), strict=True), start=1):
            total[hit.chunk_id] = total.get(hit.chunk_id, 0.0) + share * normalised
            ranks.setdefault(hit.chunk_id, {})[stage] = rank
            scores.setdefault(hit.chunk_id, {})[stage] = hit.score
    order = sorted(total, key=lambda chunk_id: (-total[chunk_id], chunk_id))
    return [
        Fused(id, total[id], ranks[id] | {"fused": rank}, scores[id] | {"fused": total[id]})
        for rank, id in enumerate(order, start=1)
    ]


def min_max(hits: Sequence[Hit]) -> list[float]:
    """The hits' scores moved to [0, 1]; all 1 when they are equal."""
    if not hits:
        return []
    low, high = min(hit.score for hit in hits), max(hit.score for hit in hits)
    return [(hit.score - low) / (high - low) if high > low else 1.0 for hit in hits]


def checked_question(question: str) -> str:
    """The question without NULs and lone surrogates. Raises QuestionError if it is empty or too long."""
    cleaned = question.encode("utf-8", "ignore").decode().replace("\x00", " ").strip()
    if not cleaned:
        raise QuestionError("the question is empty. Type one.")
    if len(cleaned) > LONGEST_QUESTION:
        raise QuestionError(f"the question has {len(cleaned):,} characters; at most {LONGEST_QUESTION:,} are allowed.")
    return cleaned
