"""A word that the documents do not hold -> the word of theirs that was probably meant."""

from __future__ import annotations

import re
from collections.abc import Callable, Container, Mapping
from dataclasses import dataclass

from rapidfuzz import process
from rapidfuzz.distance import OSA

from rag.terms import stem, words


@dataclass(frozen=True, slots=True)
class Slips:
    """How much is forgiven: nothing in stems of fewer letters than `shortest`, two slips from `long` letters on."""

    shortest: int
    long: int


SLIPS = Slips(shortest=6, long=9)  # fitted by eval/fit_spelling.py


def strange_words(
    text: str, known: Container[str], is_common: Callable[[str], bool], slips: Slips = SLIPS
) -> list[str]:
    """The words of a text, lower case, that may be misspelt: not in the documents, and not known to be words.

    `known` are the stems that the documents hold. Short words and numbers are left alone: one letter more or less makes
    another of them.
    """
    return [
        word
        for word in dict.fromkeys(words(text))
        if word.isalpha() and len(stem(word)) >= slips.shortest and stem(word) not in known and not is_common(word)
    ]


def nearest_stem(word: str, vocabulary: Mapping[str, int], slips: Slips = SLIPS) -> str | None:
    """The stem that differs least from the word's, the more frequent one of two; None if none is near enough.

    A slip is a letter too many, too few or wrong, or two that changed places: one is forgiven, in long words two.
    """
    wanted = stem(word)
    forgiven = 2 if len(wanted) >= slips.long else 1
    near = process.extract(wanted, vocabulary.keys(), scorer=OSA.distance, score_cutoff=forgiven, limit=None)
    return min(near, key=lambda found: (found[1], -vocabulary[found[0]], found[0]))[0] if near else None


def replace_words(text: str, spellings: Mapping[str, str]) -> str:
    """The text with the words that are keys of `spellings` (lower case) replaced by its values."""
    return re.sub(r"\w+", lambda match: spellings.get(match.group().lower(), match.group()), text)
