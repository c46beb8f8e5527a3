"""Scored candidates -> passages: no text twice, neighbours joined, what falls far behind left out."""

from __future__ import annotations

import math
from collections import Counter
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


def arrange(candidates: Sequence[Candidate], indexed: dict[str, IndexedChunk], k: int, store: Store) -> Arranged:
    """At most `k` passages made of the candidates, which come in the order of their scores."""
    settings = store.settings
    reasons: dict[str, str] = {}
    chosen = _choose(candidates, indexed, k, settings, reasons)
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
    candidates: Sequence[Candidate],
    indexed: dict[str, IndexedChunk],
    k: int,
    settings: Settings,
    reasons: dict[str, str],
) -> list[Candidate]:
    """The candidates that may become passages; `reasons` learns of the others."""
    most = math.ceil(k * _CHUNKS_A_PASSAGE) if settings.join_neighbours else k
    chosen: list[Candidate] = []
    taken: Counter[str] = Counter()
    for candidate in candidates:
        document = indexed[candidate.chunk_id].document_id
        if len(chosen) == most:
            reason = f"{k} better passages were found"
        elif chosen and candidate.score < chosen[0].score - settings.margin:
            reason = f"it scores more than {settings.margin:g} below the best"
        elif settings.per_document and taken[document] == settings.per_document:
            reason = f"its document already gave {settings.per_document}"
        else:
            twin = next((other for other in chosen if _says_the_same(candidate, other, indexed, settings)), None)
            reason = f"it says the same as {twin.chunk_id}, which ranks higher" if twin else ""
        if reason:
            reasons[candidate.chunk_id] = reason
        else:
            chosen.append(candidate)
            taken[document] += 1
    return chosen


def _says_the_same(
    candidate: Candidate, other: Candidate, indexed: dict[str, IndexedChunk], settings: Settings
) -> bool:
    """Whether the words of two chunks, each counted once, overlap (Jaccard) by the settings' share or more."""
    if settings.same_words > 1:
        return False
    first, second = (set(indexed[each.chunk_id].embedding.words.hashes.tolist()) for each in (candidate, other))
    together = len(first | second)
    return together > 0 and len(first & second) >= settings.same_words * together


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
    chunk = indexed[candidate.chunk_id]
    return any(
        abs(chunk.row - other.row) == 1 and chunk.document_id == other.document_id
        for member in group
        for other in [indexed[member.chunk_id]]
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
