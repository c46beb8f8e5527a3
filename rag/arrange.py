"""Scored candidates -> passages: neighbours joined, what falls far behind left out."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from rag.catalog import IndexedChunk
from rag.fuse import Candidate
from rag.settings import Settings
from rag.store import Store
from rag.types import Chunk, Passage, Span

# Chunks looked at for each passage asked for when neighbours are joined, so that joining makes passages longer, not
# just fewer.
_CHUNKS_A_PASSAGE = 1.5
_MOST_JOINED = 3  # longer passages would no longer be read at a glance


@dataclass(frozen=True, slots=True)
class Arranged:
    """The passages, best first, and why each candidate that is in none was left out, by chunk id."""

    passages: tuple[Passage, ...]
    reasons: dict[str, str]


def looked_at_for(k: int) -> int:
    """How many candidates are looked at for `k` passages when neighbours are joined."""
    return math.ceil(k * _CHUNKS_A_PASSAGE)


def arrange(candidates: Sequence[Candidate], indexed: dict[str, IndexedChunk], k: int, store: Store) -> Arranged:
    """At most `k` passages made of the candidates, which come in the order of their scores."""
    settings = store.settings
    reasons: dict[str, str] = {}
    chosen = _choose(candidates, k, settings, reasons)
    chunks = store.chunks([candidate.chunk_id for candidate in chosen])
    groups: list[list[Candidate]] = []
    for candidate in chosen:
        if candidate.chunk_id not in chunks:
            reasons[candidate.chunk_id] = "its document was removed a moment ago"
            continue
        beside = _beside(groups, candidate, indexed) if settings.join_neighbours else []
        if not beside and len(groups) == k:
            reasons[candidate.chunk_id] = f"{k} better passages were found"
        elif beside:
            # A chunk between two groups makes one of them; the better one's place is kept.
            joined = [member for group in beside for member in group] + [candidate]
            groups = [joined if group is beside[0] else group for group in groups if group not in beside[1:]]
        else:
            groups.append([candidate])
    return Arranged(tuple(_passage(group, chunks, store) for group in groups), reasons)


def _choose(
    candidates: Sequence[Candidate], k: int, settings: Settings, reasons: dict[str, str]
) -> Sequence[Candidate]:
    """The candidates that may become passages; `reasons` learns of the others."""
    lowest = candidates[0].score - settings.margin if candidates else 0.0
    near = [candidate for candidate in candidates if candidate.score >= lowest]
    for candidate in candidates[len(near) :]:
        reasons[candidate.chunk_id] = f"it scores more than {settings.margin:g} below the best"
    most = looked_at_for(k) if settings.join_neighbours else k
    for candidate in near[most:]:
        reasons[candidate.chunk_id] = f"{k} better passages were found"
    return near[:most]


def _beside(
    groups: Sequence[list[Candidate]], candidate: Candidate, indexed: dict[str, IndexedChunk]
) -> list[list[Candidate]]:
    """The groups that a candidate touches and may join, at most two: one before it, one after."""
    beside: list[list[Candidate]] = []
    for group in groups:
        if _touches(group, candidate, indexed) and sum(map(len, [*beside, group])) < _MOST_JOINED:
            beside.append(group)
    return beside


def _touches(group: Sequence[Candidate], candidate: Candidate, indexed: dict[str, IndexedChunk]) -> bool:
    """Whether the candidate stands directly beside one of the group; one that was not read stands beside none."""
    chunk = indexed.get(candidate.chunk_id)
    others = (indexed.get(member.chunk_id) for member in group)
    return chunk is not None and any(
        abs(chunk.row - other.row) == 1 and chunk.document_id == other.document_id for other in others if other
    )


def _passage(group: Sequence[Candidate], chunks: dict[str, Chunk], store: Store) -> Passage:
    """One passage of chunks that stand side by side; it ranks, and is named, as the best of them."""
    best = min(group, key=lambda candidate: -candidate.score)
    chunk = chunks[best.chunk_id]
    if len(group) > 1:
        spans = [chunks[candidate.chunk_id].span for candidate in group]
        first = min((chunks[candidate.chunk_id] for candidate in group), key=lambda each: each.span)
        span = Span(first.span.start, max(each.end for each in spans))
        text = store.text(chunk.document_id, span)
        chunk = replace(chunk, span=span, text=text, page=first.page)
    return Passage(chunk, best.score, best.ranks, best.scores)
