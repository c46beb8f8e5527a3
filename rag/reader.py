"""A small trained model that reads: where the answer stands in a passage, if it does; whether a claim is said there.

One encoder with three heads (`rag/reader_network.py`), trained by `python -m eval train-reader`; `rag/READER.md` says
on what.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rag.errors import ModelError
from rag.models import BUNDLED_EMBEDDER, computes_bfloat16, embedder_folder, load_tokenizer, sha256_of
from rag.reader_pairs import PairTokenizer, Stretch
from rag.settings import Settings
from rag.types import Chunk, Span

Floats = NDArray[np.float32]

WEIGHTS = Path(__file__).with_name("reader.safetensors")
_SHA256 = "ffd1f21e552084a23e898792c8595b49521838beceb6ee7960ec0d146082a622"
_WINDOW = 384  # tokens of both texts; longer passages are read in stretches
_OVERLAP = 96  # tokens that neighbouring stretches have in common
_AT_ONCE = 16  # stretches of a batch, of about equal length
_LONGEST_ANSWER = 30  # tokens
_ENDS = 20  # likeliest first and last tokens that are paired


@dataclass(frozen=True, slots=True)
class ScoredSpan:
    """Words of a passage, and the log odds that they answer rather than none of the passage's words do."""

    span: Span
    score: float


@dataclass(frozen=True, slots=True)
class _ReadStretch:
    """The tokens of a stretch: their places in the passage, shape (tokens, 2), and how likely each is the answer's
    first and last, as log odds against no answer. Tokens in the middle of a word are neither.
    """

    places: NDArray[np.int64]
    first: Floats
    last: Floats


@dataclass(frozen=True, slots=True)
class PassageReading:
    """What a passage says to a question. `relevance` is the log odds that it is of use."""

    relevance: float
    stretches: tuple[_ReadStretch, ...]

    @property
    def answers(self) -> float:
        """The log odds that the answer stands here; -inf for a passage without words."""
        return max((each.score for each in self.spans(1)), default=float("-inf"))

    def spans(self, most: int, within: Span | None = None) -> list[ScoredSpan]:
        """The likeliest answers, best first; those within a part of the passage, if one is given."""
        found: dict[Span, float] = {}
        for stretch in self.stretches:
            for span, score in _likeliest(stretch, most, within):
                found[span] = max(score, found.get(span, score))
        ranked = sorted(found.items(), key=lambda each: (-each[1], each[0]))
        return [ScoredSpan(span, score) for span, score in ranked[:most]]


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

    def read(self, question: str, chunks: Sequence[Chunk]) -> list[PassageReading]:
        """What the text of each chunk says to a question; title and headings are read before it."""
        pairs = [(question, chunk.above + chunk.text) for chunk in chunks]
        return self.read_pairs(pairs, [len(chunk.above) for chunk in chunks])

    def read_pairs(self, pairs: Sequence[tuple[str, str]], skipped: Sequence[int] = ()) -> list[PassageReading]:
        """What the passage of each (question, passage) says.

        Of each passage so many characters at the beginning are read, but are no part of it and hold no answer.
        """
        skipped = skipped or [0] * len(pairs)
        read: list[list[_ReadStretch]] = [[] for _ in pairs]
        relevance = [float("-inf")] * len(pairs)
        for stretch, start, end, of_use, _ in self._through(pairs):
            read[stretch.pair].append(_read(stretch, start, end, pairs[stretch.pair][1], skipped[stretch.pair]))
            relevance[stretch.pair] = max(relevance[stretch.pair], float(of_use))
        return [PassageReading(*each) for each in zip(relevance, map(tuple, read), strict=True)]

    def scores(self, question: str, texts: Sequence[str]) -> Floats:
        """The probability that each text is of use for the question, shape (len(texts),)."""
        relevance = [reading.relevance for reading in self.read_pairs([(question, text) for text in texts])]
        return np.array(1 / (1 + np.exp(-np.array(relevance))), np.float32)

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
            rows = [head.cpu().numpy() for head in (heads.start, heads.end, heads.relevance, heads.support)]
            yield from zip(batch, *rows, strict=True)


def load_reader(settings: Settings) -> Reader | None:
    """The reader that comes with the project, loaded once per process; None if the settings turn it off.

    Raises ModelError if its weights are not there or not those that it was published with.
    """
    return _load_reader() if settings.reader else None


@lru_cache(maxsize=1)
def _load_reader() -> Reader:
    found = sha256_of(WEIGHTS) if WEIGHTS.is_file() else "none"
    if found != _SHA256:
        raise ModelError(
            f"the reader's weights {WEIGHTS.name} have sha256 {found}, expected {_SHA256}. "
            "Install Footnote again, or do without the reader: RAG_READER=off."
        )
    from rag.reader_network import load_network

    folder = embedder_folder(BUNDLED_EMBEDDER)
    dtype = "bfloat16" if computes_bfloat16() else "float32"
    return Reader(load_network(WEIGHTS, folder, dtype), load_tokenizer(folder))


def _read(stretch: Stretch, start: Floats, end: Floats, passage: str, skipped: int) -> _ReadStretch:
    """A stretch's tokens by their odds. The first token of all stands for no answer."""
    here = slice(stretch.begin, stretch.begin + len(stretch.offsets))
    places = np.array(stretch.offsets, np.int64).reshape(-1, 2) - skipped
    begins = np.array([skipped <= place and not _inside_a_word(passage, place) for place, _ in stretch.offsets], bool)
    ends = np.array([skipped <= place and not _inside_a_word(passage, place) for _, place in stretch.offsets], bool)
    first, last = start[here] - start[0], end[here] - end[0]
    return _ReadStretch(places, np.where(begins, first, -np.inf), np.where(ends, last, -np.inf))


def _inside_a_word(text: str, place: int) -> bool:
    return text[place - 1 : place].isalnum() and text[place : place + 1].isalnum()


def _likeliest(stretch: _ReadStretch, most: int, within: Span | None) -> Iterator[tuple[Span, float]]:
    """The likeliest spans of a stretch, best first."""
    places = stretch.places
    inside = np.arange(len(places))
    if within:
        inside = np.flatnonzero((places[:, 0] >= within.start) & (places[:, 1] <= within.end))
    if not len(inside):
        return
    firsts = inside[np.argsort(-stretch.first[inside], kind="stable")[:_ENDS]]
    lasts = inside[np.argsort(-stretch.last[inside], kind="stable")[:_ENDS]]
    length = lasts[None, :] - firsts[:, None]
    scores = stretch.first[firsts, None] + stretch.last[None, lasts]
    scores = np.where((length >= 0) & (length < _LONGEST_ANSWER), scores, -np.inf)
    for place in np.argsort(-scores, axis=None, kind="stable")[:most]:
        first, last = np.unravel_index(place, scores.shape)
        if np.isfinite(scores[first, last]):
            yield Span(int(places[firsts[first], 0]), int(places[lasts[last], 1])), float(scores[first, last])
