"""The words of a text as the index keeps them: a hash of each stem, and one bit for each dimension of its vector.

One bit a dimension is enough: what is compared is the best of many words, and a mean over the question's words, so that
the rounding cancels out. Charikar, "Similarity estimation techniques from rounding algorithms", 2002.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from rag.terms import stem, word_spans

Hashes = NDArray[np.uint32]
Codes = NDArray[np.uint8]
Floats = NDArray[np.float32]

# The mean of |x| for a standard normal x: by so much a unit vector's signs, taken as a unit vector, fall short of it.
_SHARE_OF_SIGNS = math.sqrt(2 / math.pi)


@dataclass(frozen=True, slots=True)
class WordIndex:
    """The content words of a text in order: their stems' hashes, shape (n,), and their codes, (n, dimension / 8)."""

    hashes: Hashes
    codes: Codes

    @staticmethod
    def of(words: Sequence[str], vectors: Floats) -> WordIndex:
        """The index of words with vectors of shape (len(words), dimension)."""
        return WordIndex(hash_words(words), np.packbits(vectors > 0, axis=1))

    @staticmethod
    def read(hashes: bytes, codes: bytes) -> WordIndex:
        """What `to_bytes` wrote."""
        words = np.frombuffer(hashes, np.uint32)
        return WordIndex(words, np.frombuffer(codes, np.uint8).reshape(len(words), -1) if len(words) else _NO_CODES)

    def to_bytes(self) -> tuple[bytes, bytes]:
        """Hashes and codes, to be stored."""
        return self.hashes.tobytes(), self.codes.tobytes()


_NO_CODES: Codes = np.zeros((0, 0), np.uint8)


def hash_words(words: Sequence[str]) -> Hashes:
    """A number for the stem of each word, the same everywhere and always."""
    return np.fromiter((crc32(stem(word).encode()) for word in words), np.uint32, len(words))


@dataclass(frozen=True, slots=True)
class TokensOfWords:
    """The content words of a text that have tokens: `words` in order; token `tokens[i]` belongs to word `owners[i]`."""

    words: tuple[str, ...]
    tokens: NDArray[np.int64]
    owners: NDArray[np.int64]


def tokens_of_words(text: str, offsets: Sequence[tuple[int, int]]) -> TokensOfWords:
    """Which tokens lie wholly in which content word of a text.

    `offsets` are the places of the tokens in the text, in order; an empty one belongs to no word.
    """
    spans = word_spans(text)
    if not spans or not offsets:
        nothing = np.zeros(0, np.int64)
        return TokensOfWords((), nothing, nothing)
    places = np.array(offsets, np.int64)
    starts, ends = (np.array(edges) for edges in list(zip(*spans, strict=True))[1:])
    nearest = np.searchsorted(starts, places[:, 0], side="right") - 1  # the last word to begin at the token or before
    inside = (nearest >= 0) & (places[:, 1] > places[:, 0]) & (places[:, 1] <= ends[nearest])
    with_tokens, owners = np.unique(nearest[inside], return_inverse=True)
    return TokensOfWords(tuple(spans[place][0] for place in with_tokens), np.flatnonzero(inside), owners)


def best_similarities(questions: Floats, texts: Sequence[WordIndex]) -> Floats:
    """For each text, how near its nearest word comes to each word of the question: shape (len(texts), len(questions)).

    `questions` are unit vectors; the similarities estimate cosines. A text without words gets 0. This is the sum of
    maxima of Khattab and Zaharia, "ColBERT", 2020, before the sum.
    """
    lengths = np.array([len(text.hashes) for text in texts])
    best = np.zeros((len(texts), len(questions)), np.float32)
    filled = [place for place, length in enumerate(lengths) if length]
    if not filled or not len(questions):
        return best
    codes = np.concatenate([texts[place].codes for place in filled])
    bits = np.unpackbits(codes, axis=1).astype(np.float32)
    dimension = questions.shape[1]
    # A sign is 2 bit - 1, so that question . signs = 2 question . bits - sum of question.
    products = bits @ questions.T * 2 - questions.sum(axis=1)
    starts = np.concatenate([[0], np.cumsum(lengths[filled])[:-1]])
    best[filled] = np.maximum.reduceat(products, starts) / (math.sqrt(dimension) * _SHARE_OF_SIGNS)
    return best
