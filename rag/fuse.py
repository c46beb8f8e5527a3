"""Two ranked lists -> one. Scores of different kinds are made comparable by moving each list's to [0, 1]."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rag.catalog import Hit

Scores = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Candidate:
    """A chunk found by at least one index: its score so far, and its rank (from 1) and score at each stage."""

    chunk_id: str
    score: float
    ranks: dict[str, int]
    scores: dict[str, float]


def fuse(dense: Sequence[Hit], keyword: Sequence[Hit], weight: float) -> list[Candidate]:
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
        Candidate(id, total[id], ranks[id] | {"fused": rank}, scores[id] | {"fused": total[id]})
        for rank, id in enumerate(order, start=1)
    ]


def staged(candidates: Sequence[Candidate], stage: str, scores: Scores, views: Mapping[str, Scores]) -> list[Candidate]:
    """The candidates after one more stage, which scored the first len(scores) of them; these first, best first.

    The others keep their order below: their scores are of another kind, and are cut to the lowest of the new ones.
    """
    first, others = candidates[: len(scores)], candidates[len(scores) :]
    order = sorted(range(len(first)), key=lambda place: (-scores[place], first[place].chunk_id))
    floor = float(min(scores, default=0.0))
    ranked = [
        (first[place], {name: float(view[place]) for name, view in views.items()} | {stage: float(scores[place])})
        for place in order
    ]
    ranked += [(candidate, {stage: min(floor, candidate.score)}) for candidate in others]
    return [
        Candidate(one.chunk_id, added[stage], one.ranks | {stage: rank}, one.scores | added)
        for rank, (one, added) in enumerate(ranked, start=1)
    ]


def min_max(hits: Sequence[Hit]) -> list[float]:
    """The hits' scores moved to [0, 1]; all 1 when they are equal."""
    if not hits:
        return []
    low, high = min(hit.score for hit in hits), max(hit.score for hit in hits)
    return [(hit.score - low) / (high - low) if high > low else 1.0 for hit in hits]
