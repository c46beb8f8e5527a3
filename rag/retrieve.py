"""Question -> passages: dense and keyword search, fused, scored anew, arranged. Each passage says how it got there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from rag.arrange import arrange, looked_at_for
from rag.catalog import Hit, IndexedChunk, Neighbour
from rag.errors import QuestionError
from rag.fuse import Candidate, fuse, staged
from rag.models import Encoded, Reranker, load_embedder, load_reranker
from rag.query import Filters, Query, parse_query
from rag.reader import Reader, load_reader
from rag.rescore import Views, Weights, rescore, term_count, term_parts
from rag.settings import READER, Settings
from rag.spelling import nearest_stem, replace_words, strange_words
from rag.store import Store
from rag.terms import words
from rag.types import Passage

if TYPE_CHECKING:
    from rag.llama_index import FootnoteRetriever

# Words in more than this share of the chunks are not looked up where there are so many times more chunks than are
# wanted. On SciFact and MTRAG this halves the time of the lookup and leaves nDCG as it was.
_COMMON = 0.1
_LARGE = 10

# Of a passage's score, where the reader reranks: it was not taught to choose among passages of a whole collection.
_SHARE_OF_READER = 0.5


@dataclass(frozen=True, slots=True)
class ReadQuestion:
    """A question taken apart and embedded. `frequencies` says in how many chunks each of its stems occurs."""

    query: Query
    encoded: Encoded
    frequencies: dict[str, int]

    def within(self, filters: Filters) -> ReadQuestion:
        """The same question, looked for where these filters say if it names nothing itself."""
        return replace(self, query=replace(self.query, filters=self.query.filters.or_else(filters)))


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
        self._reranker = _reranker_of(store.settings)

    def retrieve(self, question: str, k: int | None = None) -> tuple[Passage, ...]:
        """The best `k` passages (the settings' `k` if None), best first; fewer if the store holds fewer.

        Raises QuestionError for an empty question, one over 4,000 characters, or a filter that makes no sense.
        """
        return self.search(self.read(question), k).passages

    def read(self, question: str) -> ReadQuestion:
        """Take a question apart and embed it. Raises QuestionError as `retrieve` does."""
        query = parse_query(question)
        frequencies = self._frequencies(query)
        strange = strange_words(query.text, frequencies, self.embedder.knows) if self.store.settings.spelling else []
        spellings = {word: self._meant(word) for word in strange}
        if any(word != meant for word, meant in spellings.items()):
            query = replace(query, text=replace_words(query.text, spellings))
            frequencies = self._frequencies(query)
        return ReadQuestion(query, self.embedder.encode_words([query.text])[0], frequencies)

    def _frequencies(self, query: Query) -> dict[str, int]:
        terms = (*query.terms, *words(query.text))
        return self.store.document_frequencies(part for term in terms for part in term_parts(term))

    def _meant(self, word: str) -> str:
        """How the documents write the word that was probably meant; the word itself if they have none like it."""
        nearest = nearest_stem(word, self.store.vocabulary(word[0]))
        return self.store.spelling(nearest) if nearest else word

    def search(self, question: ReadQuestion, k: int | None = None) -> Retrieval:
        """As `retrieve`, with an account of every candidate."""
        settings = self.store.settings
        k = settings.k if k is None else k
        if k < 1:
            raise QuestionError(f"k is {k}, but at least one passage must be asked for. Use k=1 or more.")
        dense, keyword = self.lists(question, max(k, settings.candidates))
        found = fuse(dense, keyword, settings.dense_weight)
        looked_at = max(settings.rescored, looked_at_for(k) if settings.join_neighbours else 0)
        first = [candidate.chunk_id for candidate in found[:looked_at]]
        indexed = self.store.indexed(first)
        # A document may have been removed since the indexes named its chunks.
        found = [one for one in found[:looked_at] if one.chunk_id in indexed] + found[looked_at:]
        if settings.rescored:
            found = self._rescored(question, found, indexed)
        if self._reranker:
            found = self._reranked(question, found, self._reranker)
        arranged = arrange(found, indexed, k, self.store)
        return Retrieval(arranged.passages, tuple(found), arranged.reasons)

    def lists(self, question: ReadQuestion, limit: int) -> tuple[list[Hit], list[Hit]]:
        """What each index finds by itself, at most `limit` chunks; a list that has no weight stays empty."""
        weight = self.store.settings.dense_weight
        within = self.store.within(question.query.filters)
        terms = self._telling_terms(question, limit)
        dense = self.store.nearest(question.encoded.vector, limit, within) if weight > 0 else []
        keyword = self.store.keyword(terms, limit, within) if weight < 1 else []
        return dense, keyword

    def _telling_terms(self, question: ReadQuestion, limit: int) -> Sequence[str]:
        """The terms to look up: in a large collection without its commonest, which cost most and find least."""
        terms, chunks = question.query.terms, self.store.statistics().chunks
        if chunks < _LARGE * limit:
            return terms
        telling = [term for term in terms if term_count(term, question.frequencies) <= _COMMON * chunks]
        return telling if len(telling) > 1 else terms

    def _rescored(
        self, question: ReadQuestion, found: Sequence[Candidate], indexed: dict[str, IndexedChunk]
    ) -> list[Candidate]:
        """The first candidates in the order of their new scores, then the others."""
        settings = self.store.settings
        first = [candidate for candidate in found[: settings.rescored] if candidate.chunk_id in indexed]
        weights = Weights(settings.dense_weight, settings.late_weight, settings.neighbour_weight, settings.telling)
        views = self.views(question, [indexed[candidate.chunk_id] for candidate in first], weights)
        parts = {"dense": views.dense, "lexical": views.lexical, "late": views.late}
        return staged(found, "final", views.final, parts)

    def _reranked(
        self, question: ReadQuestion, found: Sequence[Candidate], reranker: Reranker | Reader
    ) -> list[Candidate]:
        """The first candidates in the order in which the reranker has them, then the others."""
        first = found[: self.store.settings.reranked]
        chunks = self.store.chunks([candidate.chunk_id for candidate in first])
        texts = [chunk.above + chunk.text if chunk else "" for chunk in (chunks.get(one.chunk_id) for one in first)]
        share = _SHARE_OF_READER if isinstance(reranker, Reader) else 1.0
        before = np.array([candidate.score for candidate in first])
        return staged(found, "reranked", share * reranker.scores(question.query.text, texts) + (1 - share) * before, {})

    def views(self, question: ReadQuestion, chunks: Sequence[IndexedChunk], weights: Weights) -> Views:
        """The scores of chunks by meaning, by words and by late interaction, and the three as one."""
        return rescore(
            question.query.terms,
            question.encoded,
            chunks,
            self._beside(chunks) if weights.neighbour else [()] * len(chunks),
            question.frequencies,
            self.store.statistics(),
            weights,
        )

    def _beside(self, chunks: Sequence[IndexedChunk]) -> list[list[Neighbour]]:
        """The chunks of its document that stand directly before and after each."""
        stored = self.store.by_row(sorted({row for chunk in chunks for row in _rows_beside(chunk)}))
        return [
            [
                stored[row]
                for row in _rows_beside(chunk)
                if row in stored and stored[row].document_id == chunk.document_id
            ]
            for chunk in chunks
        ]

    def as_llama_index(self, k: int | None = None) -> FootnoteRetriever:
        """This retriever as a llama-index `BaseRetriever`, for llama-index query engines and agents."""
        from rag.llama_index import FootnoteRetriever  # takes seconds to import, and few callers need it

        return FootnoteRetriever(self, k)


def _reranker_of(settings: Settings) -> Reranker | Reader | None:
    return load_reader(settings) if settings.reranker == READER else load_reranker(settings)


def _rows_beside(chunk: IndexedChunk) -> tuple[int, int]:
    return chunk.row - 1, chunk.row + 1
