"""A small trained model that reads: where the answer stands in a passage, if it does; whether a claim is said there.

One encoder with three heads (`rag/reader_network.py`), trained by `python -m eval train-reader`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rag.reader_pairs import PairTokenizer, Stretch
from rag.types import Span

Floats = NDArray[np.float32]

_WINDOW = 384  # tokens of both texts; longer passages are read in stretches
_OVERLAP = 96  # tokens that neighbouring stretches have in common
_AT_ONCE = 16  # stretches of a batch, of about equal length
_LONGEST_ANSWER = 30  # tokens
_ENDS = 20  # likeliest first and last tokens that are paired
_SPANS = 12  # likeliest spans that are told of


@dataclass(frozen=True, slots=True)
class ScoredSpan:
    """Words of a passage, and the log odds that they answer rather than none of the passage's words do."""

    span: Span
    score: float


@dataclass(frozen=True, slots=True)
class Reading:
    """What a passage says to a question: the likeliest answers, best first, and the log odds that it is of use."""

    spans: tuple[ScoredSpan, ...]
    relevance: float

    @property
    def answers(self) -> float:
        """The log odds that the answer stands here; -inf for a passage without words."""
        return self.spans[0].score if self.spans else float("-inf")


class Reader:
    """Reads pairs of texts. Thread-safe."""

    def __init__(self, network: Any, tokenizer: Any) -> None:
        # Imported here because torch takes seconds, which `--help` and `doctor` need not wait for.
        import torch

        from rag.reader_network import batch_of

        self._network = network.eval()
        self._pairs = PairTokenizer(tokenizer, _WINDOW, _OVERLAP)
        self._batch_of = batch_of
        self._inference_mode = torch.inference_mode

    def read(self, question: str, passages: Sequence[str]) -> list[Reading]:
        """What each passage says to a question."""
        return self.read_pairs([(question, passage) for passage in passages])

    def read_pairs(self, pairs: Sequence[tuple[str, str]]) -> list[Reading]:
        """What the passage of each (question, passage) says."""
        readings: list[list[Reading]] = [[] for _ in pairs]
        for stretch, start, end, relevance, _ in self._through(pairs):
            readings[stretch.pair].append(Reading(tuple(_best_spans(stretch, start, end)), relevance))
        return [_joined(each) for each in readings]

    def judge(self, pairs: Sequence[tuple[str, str]]) -> Floats:
        """The probabilities that each (claim, evidence) is supported, refuted, neither: shape (len(pairs), 3)."""
        judged = np.zeros((len(pairs), 3), np.float32)
        for stretch, _, _, _, support in self._through(pairs):
            odds = np.exp(support - support.max())
            found = odds / odds.sum()
            if found[0] >= judged[stretch.pair, 0]:  # of a long text, the stretch that supports the claim best
                judged[stretch.pair] = found
        return judged

    def _through(self, pairs: Sequence[tuple[str, str]]) -> Iterator[tuple[Stretch, Floats, Floats, float, Floats]]:
        """Every stretch of the pairs with what the heads say of it: start, end, relevance, support."""
        stretches = sorted(self._pairs.stretches(pairs), key=lambda stretch: -len(stretch.ids))
        for first in range(0, len(stretches), _AT_ONCE):
            batch = stretches[first : first + _AT_ONCE]
            with self._inference_mode():
                heads = self._network(self._batch_of(batch))
            rows = (heads.start.numpy(), heads.end.numpy(), heads.relevance.numpy(), heads.support.numpy())
            yield from zip(batch, *rows, strict=True)


def _best_spans(stretch: Stretch, start: Floats, end: Floats) -> Iterator[ScoredSpan]:
    """The likeliest spans of a stretch, best first."""
    count = len(stretch.offsets)
    if not count:
        return
    nothing = float(start[0] + end[0])
    start, end = start[stretch.begin :][:count], end[stretch.begin :][:count]
    firsts, lasts = np.argsort(-start)[:_ENDS], np.argsort(-end)[:_ENDS]
    length = lasts[None, :] - firsts[:, None]
    scores = np.where((length >= 0) & (length < _LONGEST_ANSWER), start[firsts, None] + end[None, lasts], -np.inf)
    for place in np.argsort(-scores, axis=None)[:_SPANS]:
        first, last = np.unravel_index(place, scores.shape)
        if np.isfinite(scores[first, last]):
            begins, ends = stretch.offsets[firsts[first]][0], stretch.offsets[lasts[last]][1]
            yield ScoredSpan(Span(begins, ends), float(scores[first, last]) - nothing)


def _joined(readings: Sequence[Reading]) -> Reading:
    """One reading of a passage that was read in stretches."""
    best: dict[Span, ScoredSpan] = {}
    for each in (scored for reading in readings for scored in reading.spans):
        if each.span not in best or best[each.span].score < each.score:
            best[each.span] = each
    ranked = sorted(best.values(), key=lambda each: (-each.score, each.span))
    return Reading(tuple(ranked[:_SPANS]), max(float(reading.relevance) for reading in readings))
