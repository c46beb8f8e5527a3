"""Candidates -> better scores, from what the index keeps of each: its vector, its words, and its neighbours' words.

Three views of a question and a chunk, each about 0 to 1: how alike they are as a whole (dense), which of the question's
words stand there (lexical), and how near some word comes to each of the question's (late interaction).
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from rag.catalog import IndexedChunk, Neighbour, Statistics
from rag.fuse import Scores
from rag.models import Encoded, Vectors
from rag.terms import stem, word_spans
from rag.words import Hashes, best_similarities, hash_words

# BM25's own constants, as SQLite's full-text index has them.
_K1 = 1.2
_B = 0.75


@dataclass(frozen=True, slots=True)
class Weights:
    """The shares of the views: dense has `dense`, lexical the rest of 1, and late interaction comes on top of both.

    `neighbour` is what the chunks beside a chunk count: its share of the dense view, and what a word counts in the
    lexical view that stands only there. The lexical view of a question whose words' rarities sum to less than `telling`
    counts less in proportion: few or common words do not tell chunks apart.
    """

    dense: float
    late: float
    neighbour: float
    telling: float


@dataclass(frozen=True, slots=True)
class Views:
    """The candidates' scores, each of shape (candidates,); `final` is their weighted mean."""

    dense: Scores
    lexical: Scores
    late: Scores
    final: Scores


def rescore(
    terms: Sequence[str],
    encoded: Encoded,
    chunks: Sequence[IndexedChunk],
    neighbours: Sequence[Sequence[Neighbour]],
    frequencies: Mapping[str, int],
    statistics: Statistics,
    weights: Weights,
) -> Views:
    """The views of the candidates, in their order.

    `terms` are the question's words and codes, `neighbours` the chunks beside each chunk; `frequencies` say in how many
    chunks a stem occurs.
    """

    def rarity(term: str) -> float:
        return _rarity(term_count(term, frequencies), statistics.chunks)

    dense = _dense(encoded.vector, chunks, neighbours, weights.neighbour)
    known = {term: rarity(term) for term in terms if all(stem(part) in frequencies for part in term_parts(term))}
    lexical = _lexical(known, chunks, neighbours, statistics.average_words, weights)
    rarities = np.array([rarity(word) for word in encoded.words])
    late = _late(encoded, rarities, chunks) if weights.late else np.zeros(len(chunks))
    return Views(dense, lexical, late, join(dense, lexical, late, weights))


def join(dense: Scores, lexical: Scores, late: Scores, weights: Weights) -> Scores:
    """The weighted mean of the views, shape (candidates,)."""
    joined: Scores = weights.dense * dense + (1 - weights.dense) * lexical + weights.late * late
    return joined / (1 + weights.late)


def _rarity(count: int, chunks: int) -> float:
    """BM25's inverse document frequency as SQLite has it: log((N - n + 0.5) / (n + 0.5)), and never below 1e-6."""
    return max(math.log((max(chunks - count, 0) + 0.5) / (count + 0.5)), 1e-6)


def term_parts(term: str) -> list[str]:
    """The words of a term as the full-text index counts them: of "ab-12" or "1,200" its parts."""
    return re.findall(r"[^\W_]+", term)


def _dense(
    question: Vectors, chunks: Sequence[IndexedChunk], neighbours: Sequence[Sequence[Neighbour]], weight: float
) -> Scores:
    """The cosine of question and chunk, and with a small weight the mean cosine of the chunks beside it, if any."""
    own = np.array([float(chunk.embedding.vector @ question) for chunk in chunks])
    beside = [
        np.mean([float(neighbour.vector @ question) for neighbour in each]) if each else alone
        for each, alone in zip(neighbours, own, strict=True)
    ]
    scores: Scores = (1 - weight) * own + weight * np.array(beside)
    return scores


def term_count(term: str, frequencies: Mapping[str, int]) -> int:
    """In how many chunks a term can stand at most: as many as its rarest stem does."""
    return min((frequencies.get(stem(part), 0) for part in term_parts(term)), default=0)


def _lexical(
    rarities: Mapping[str, float],
    chunks: Sequence[IndexedChunk],
    neighbours: Sequence[Sequence[Neighbour]],
    average_words: float,
    weights: Weights,
) -> Scores:
    """BM25 as a share of what a chunk with every word, endlessly often, would get; 0 to 1, less if they tell little."""
    wanted = {term: hash_words([word for word, _, _ in word_spans(term)]) for term in rarities}
    wanted = {term: hashes for term, hashes in wanted.items() if len(hashes)}
    if not wanted:
        return np.zeros(len(chunks))
    own = [chunk.embedding.words.hashes for chunk in chunks]
    counts = _counts(own, list(wanted.values()))
    if weights.neighbour:
        texts = [np.concatenate([*(neighbour.hashes for neighbour in each), _NONE]) for each in neighbours]
        beside = _counts(texts, list(wanted.values()))
        counts = np.where(counts == 0, weights.neighbour * beside, counts)
    lengths = np.array([len(hashes) for hashes in own]) / max(average_words, 1)
    shares = counts / (counts + (_K1 * (1 - _B + _B * lengths))[:, np.newaxis])
    idf = np.array([rarities[term] for term in wanted])
    scores: Scores = shares @ idf / max(idf.sum(), weights.telling)
    return scores


_NONE: Hashes = np.zeros(0, np.uint32)


def _counts(texts: Sequence[Hashes], wanted: Sequence[Hashes]) -> Scores:
    """How often each text holds each wanted run of hashes: shape (len(texts), len(wanted))."""
    every = np.concatenate([*texts, _NONE])
    owner = np.repeat(np.arange(len(texts)), [len(text) for text in texts])
    columns = []
    for run in wanted:
        starts = np.flatnonzero(every[: len(every) - len(run) + 1] == run[0])
        for offset, hash in enumerate(run[1:], start=1):
            starts = starts[(every[starts + offset] == hash) & (owner[starts + offset] == owner[starts])]
        columns.append(np.bincount(owner[starts], minlength=len(texts)))
    return np.stack(columns, axis=1).astype(float)


def _late(encoded: Encoded, rarities: Scores, chunks: Sequence[IndexedChunk]) -> Scores:
    """The mean over the question's words, weighted by rarity, of the similarity of the nearest word in the chunk."""
    if not encoded.words:
        return np.zeros(len(chunks))
    best = best_similarities(encoded.word_vectors, [chunk.embedding.words for chunk in chunks])
    scores: Scores = best @ rarities / rarities.sum()
    return scores
