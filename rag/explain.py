"""Why a passage was found, and why a document was not: each stage's rank and score, and the rule that dropped it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rag.catalog import Hit
from rag.errors import QuestionError
from rag.fuse import Candidate
from rag.retrieve import Retriever
from rag.types import Chunk

STAGES = ("dense", "keyword", "fused", "final", "reranked")
VIEWS = {"dense": "meaning", "lexical": "words", "late": "nearest words", "final": "all", "reranked": "reranker"}


@dataclass(frozen=True, slots=True)
class Explanation:
    """A chunk's way through the stages. A rank is None where the stage never saw it; `fate` says how it ended."""

    chunk: Chunk
    ranks: dict[str, int | None]
    scores: dict[str, float]
    fate: str


def explain_candidates(retriever: Retriever, question: str, k: int | None = None) -> tuple[Explanation, ...]:
    """Every candidate for a question, in its final order."""
    found = retriever.search(retriever.read(question), k)
    chunks = retriever.store.chunks([candidate.chunk_id for candidate in found.candidates])
    return tuple(
        _explanation(chunks[candidate.chunk_id], candidate, found.reasons.get(candidate.chunk_id))
        for candidate in found.candidates
        if candidate.chunk_id in chunks
    )


def explain_source(retriever: Retriever, question: str, source: str, k: int | None = None) -> tuple[Explanation, ...]:
    """Every chunk of one document, the best first, with its ranks among all chunks even where no list reached so far.

    Raises QuestionError if the collection has no such document.
    """
    store = retriever.store
    document = next((each for each in store.documents() if each.source == source), None)
    if document is None:
        near = [each.source for each in store.documents() if source.lower() in each.source.lower()][:3]
        hint = f" Did you mean {', '.join(near)}?" if near else ""
        raise QuestionError(f"the collection has no document {source!r}.{hint}")
    read = retriever.read(question)
    found = retriever.search(read, k)
    candidates = {candidate.chunk_id: candidate for candidate in found.candidates}
    within = store.within(read.query.filters)
    dense, keyword = retriever.lists(read, max(1, store.statistics().chunks))
    ranks = {"dense": _ranks(dense), "keyword": _ranks(keyword)}
    explained = []
    for chunk in store.chunks(store.chunk_ids_of(document.id)).values():
        if chunk.id in candidates:
            explained.append(_explanation(chunk, candidates[chunk.id], found.reasons.get(chunk.id)))
            continue
        own = {stage: of.get(chunk.id) for stage, of in ranks.items()}
        if within is not None and chunk.id not in within:
            fate = "the question's filters leave it out"
        elif own["keyword"] is None:
            fate = f"it holds none of the question's words and is not among the {store.settings.candidates} nearest"
        else:
            fate = f"neither index has it among its first {store.settings.candidates}"
        scores = {hit.chunk_id: hit.score for hit in dense}
        explained.append(Explanation(chunk, own, {"dense": scores.get(chunk.id, 0.0)}, fate))
    return tuple(sorted(explained, key=_standing))


def _explanation(chunk: Chunk, candidate: Candidate, reason: str | None) -> Explanation:
    ranks = {stage: candidate.ranks.get(stage) for stage in STAGES}
    return Explanation(chunk, ranks, candidate.scores, f"left out: {reason}" if reason else "in the passages")


def _ranks(hits: Sequence[Hit]) -> dict[str, int]:
    return {hit.chunk_id: rank for rank, hit in enumerate(hits, start=1)}


def _standing(explanation: Explanation) -> tuple[bool, int, int]:
    last = next((rank for stage in reversed(STAGES[2:]) if (rank := explanation.ranks.get(stage))), None)
    return last is None, last or 0, explanation.ranks["dense"] or 0
