"""Question -> the words that matter, and their stems. The same Porter stemmer as the catalog's full-text index."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Set
from dataclasses import dataclass
from functools import lru_cache
from threading import local
from unicodedata import combining, normalize

from Stemmer import Stemmer

STOP_WORDS = frozenset(
    "a about after all also am an and any are as at be because been before being between both but by can could did do "
    "does doing during each for from further had has have having he her here hers him his how i if in into is it its "
    "itself just me more most much my no nor not now of off on once only or other our ours out over own same she "
    "should so some such than that the their theirs them then there these they this those through to too under until "
    "up upon us very was we were what when where which while who whom whose why will with would you your yours "
    "tell please say says said according many".split()
)
_WORD = re.compile(r"\d+(?:[.,]\d+)+|\w+")
# What asks for a number says nothing about where the number stands.
_HOW = re.compile(
    r"\bhow (?:big|deep|far|fast|frequently|great|heavy|high|large|long|often|old|small|tall|wide)\b", re.IGNORECASE
)
# Chosen on the sample questions, together with the default strictness.
_UNKNOWN_WORD = 0.5
# Of a Markdown link or image: where it leads, which nobody reads.
_LINK_TARGET = re.compile(
    r"(?<=\])\((?:https?://|mailto:|www\.|\.{0,2}/|#)[^()\s]*(?:\([^()\s]*\)[^()\s]*)*(?:\s+\"[^\"\n]*\")?\)"
)
_thread = local()


def readable(text: str) -> str:
    """A text as it is embedded: without the addresses of Markdown links, which would drown its words."""
    return _LINK_TARGET.sub("", text)


def words(text: str) -> list[str]:
    """The words and numbers of a text, lower case, in order; "1,200.5" is one word."""
    return _WORD.findall(text.lower().replace("’", "'"))


def content_words(text: str) -> list[str]:
    """The words without stop words, single letters and "how big" and the like; all when nothing would be left."""
    every = words(_HOW.sub("how", text)) or words(text)
    return [word for word in every if word not in STOP_WORDS and (len(word) > 1 or word.isdigit())] or every


def word_spans(text: str) -> list[tuple[str, int, int]]:
    """The content words of a text, lower case, each with its start and end in the text."""
    return [
        (word, match.start(), match.end())
        for match in _WORD.finditer(text)
        for word in [match.group().lower()]
        if word not in STOP_WORDS and (len(word) > 1 or word.isdigit())
    ]


def stems(text: str) -> list[str]:
    """The stems of a text's content words, in order."""
    return [stem(word) for word in content_words(text)]


@lru_cache(maxsize=100_000)
def stem(word: str) -> str:
    """The Porter stem of one lower-case word, without diacritics."""
    if not hasattr(_thread, "stemmer"):
        _thread.stemmer = Stemmer("porter")
    if not word.isascii():
        word = "".join(letter for letter in normalize("NFD", word) if not combining(letter))
    result: str = _thread.stemmer.stemWord(word)
    return result


@dataclass(frozen=True, slots=True)
class QuestionTerms:
    """A question's stems with their rarity, and the spelling of those that the collection does not know."""

    weights: dict[str, float]
    unknown: dict[str, str]

    def share(self, present: Set[str]) -> float:
        """The share of the question's weight that these stems carry."""
        total = sum(self.weights.values())
        return sum(weight for word, weight in self.weights.items() if word in present) / total if total else 0.0


def weigh(question: str, frequencies: Mapping[str, int], chunks: int) -> QuestionTerms:
    """The question's stems with BM25's inverse document frequency, log(1 + (N - n + 0.5) / (n + 0.5)).

    `frequencies` says in how many of the collection's `chunks` each stem occurs. A word that occurs in none counts
    half, unless it names something: the documents may well say the same in other words.
    """
    spellings: dict[str, str] = {}
    for word in content_words(question):
        spellings.setdefault(stem(word), word)
    names = {stem(word) for name in names_and_numbers(question) for word in words(name)}
    weights: dict[str, float] = {}
    for word in spellings:
        n = frequencies.get(word, 0)
        share = 1.0 if n or word in names else _UNKNOWN_WORD
        weights[word] = share * math.log(1 + (max(chunks - n, 0) + 0.5) / (n + 0.5))
    return QuestionTerms(weights, {word: spelling for word, spelling in spellings.items() if word not in frequencies})


def names_and_numbers(text: str) -> list[str]:
    """The words of a question that name something particular: capitalised beyond its first word, or with digits."""
    found = re.findall(r"[\w'’-]+(?:(?<=\d)[.,](?=\d)[\w'’-]+)*", text)
    return [
        word
        for place, word in enumerate(found)
        if any(letter.isdigit() for letter in word)
        or (word[:1].isupper() and (place > 0 or word[1:].lower() != word[1:]) and word.lower() not in STOP_WORDS)
    ]
