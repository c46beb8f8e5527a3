"""Question -> passages: dense and keyword search, fused, scored anew, arranged. Each passage says how it got there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from rag.arrange import arrange
from rag.catalog import Hit, IndexedChunk
from rag.errors import QuestionError
from rag.fuse import Candidate, fuse
from rag.models import Encoded, load_embedder
from rag.query import Query, parse_query
from rag.rescore import Views, Weights, rescore, term_stems
from rag.store import Store
from rag.types import Passage
from rag.words import Hashes

if TYPE_CHECKING:
    from rag.llama_index import FootnoteRetriever


@dataclass(frozen=True, slots=True)
class ReadQuestion:
    """A question taken apart and embedded."""

    query: Query
    encoded: Encoded


@dataclass(frozen=True, slots=True)
class Retrieval:
    """The passages, best first, and every candidate there was: its ranks and scores, and why it was left out if so.

    `candidates` are in their final order, `reasons` by chunk id.
    """

    passages: tuple[Passage, ...] = ()
    candidates: tuple[Candidate, ...] = ()
    reasons: dict[str, str] = field(default_factory=dict)


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

        Raises QuestionError for an empty question, one over 4,000 characters, or a filter that makes no sense.
        """
        return self.search(self.read(question), k).passages

    def read(self, question: str) -> ReadQuestion:
        """Take a question apart and embed it. Raises QuestionError as `retrieve` does."""
        query = parse_query(question)
        return ReadQuestion(query, self.embedder.encode_words([query.text])[0])

    def search(self, question: ReadQuestion, k: int | None = None) -> Retrieval:
        """As `retrieve`, with an account of every candidate."""
        settings = self.store.settings
        k = settings.k if k is None else k
        if k < 1:
            raise QuestionError(f"k is {k}, but at least one passage must be asked for. Use k=1 or more.")
        dense, keyword = self.lists(question, max(k, settings.candidates))
        found = fuse(dense, keyword, settings.dense_weight)
        indexed = self.store.indexed([candidate.chunk_id for candidate in found])
        found = [candidate for candidate in found if candidate.chunk_id in indexed]
        if settings.rescored:
            found = self._rescored(question, found, indexed)
        arranged = arrange(found, indexed, k, self.store)
        return Retrieval(arranged.passages, tuple(found), arranged.reasons)

    def lists(self, question: ReadQuestion, limit: int) -> tuple[list[Hit], list[Hit]]:
        """What each index finds by itself, at most `limit` chunks; a list that has no weight stays empty."""
        weight = self.store.settings.dense_weight
        within = self.store.within(question.query.filters)
        terms = question.query.terms
        dense = self.store.nearest(question.encoded.vector, limit, within) if weight > 0 else []
        keyword = self.store.keyword(terms, limit, within) if weight < 1 else []
        return dense, keyword

    def _rescored(
        self, question: ReadQuestion, found: Sequence[Candidate], indexed: dict[str, IndexedChunk]
    ) -> list[Candidate]:
        """The first candidates in the order of their new scores, then the others as they were."""
        settings = self.store.settings
        first, others = found[: settings.rescored], found[settings.rescored :]
        chunks = [indexed[candidate.chunk_id] for candidate in first]
        weights = Weights(settings.dense_weight, settings.late_weight, settings.neighbour_weight)
        views = self.views(question, chunks, weights)
        order = sorted(range(len(first)), key=lambda place: (-views.final[place], first[place].chunk_id))
        anew = [
            first[place].staged(
                "final",
                rank,
                float(views.final[place]),
                dense=float(views.dense[place]),
                lexical=float(views.lexical[place]),
                late=float(views.late[place]),
            )
            for rank, place in enumerate(order, start=1)
        ]
        # What was not scored anew keeps its place below: its fused score is of another kind.
        floor = anew[-1].score if anew else 0.0
        return anew + [
            candidate.staged("final", rank, min(floor, candidate.score))
            for rank, candidate in enumerate(others, start=len(anew) + 1)
        ]

    def views(self, question: ReadQuestion, chunks: Sequence[IndexedChunk], weights: Weights) -> Views:
        """The scores of chunks by meaning, by words and by late interaction, and the three as one."""
        terms = (*question.query.terms, *question.encoded.words)
        stems = [stem for term in terms for stem in term_stems(term)]
        return rescore(
            question.query.terms,
            question.encoded,
            chunks,
            self._beside(chunks) if weights.neighbour else [()] * len(chunks),
            self.store.document_frequencies(stems),
            self.store.statistics(),
            weights,
        )

    def _beside(self, chunks: Sequence[IndexedChunk]) -> list[list[Hashes]]:
        """The words of the chunks that stand directly before and after each."""
        rows = {row for chunk in chunks for row in (chunk.row - 1, chunk.row + 1)}
        words = self.store.words_by_row(sorted(rows))
        return [
            [
                hashes
                for row in (chunk.row - 1, chunk.row + 1)
                if row in words
                for document, hashes in [words[row]]
                if document == chunk.document_id
            ]
            for chunk in chunks
        ]

    def as_llama_index(self, k: int | None = None) -> FootnoteRetriever:
        """This retriever as a llama-index `BaseRetriever`, for llama-index query engines and agents."""
        from rag.llama_index import FootnoteRetriever  # takes seconds to import, and few callers need it

        return FootnoteRetriever(self, k)
