"""Question + sentence -> every stretch of its words that could be the answer, each described by numbers.

What is described is what a reader goes by: is it of the kind asked for, does it say something that the question does
not, how near do the question's words stand, what stands directly before and after it, how alike are the meanings.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rag.answer_kind import expected_kind, mentions
from rag.models import Encoded
from rag.terms import STOP_WORDS, content_words, stem, word_spans
from rag.types import Span

_TOKEN = re.compile(r"(?:[$€£¥]\s?)?\w+(?:[.,'’/-]\w+)*%?")
_BREAK = re.compile(r"""[;:()\[\]"“”.!?|]|--|–|—""")
_LONGEST = 9  # words
_NEAR = 0.7  # cosine from which on two words in context say the same; chosen by eye on training questions
_DETERMINERS = frozenset(("the", "a", "an"))
_PREPOSITIONS = ("in", "at", "on", "by", "of", "to", "from", "for", "with", "as")
_OTHER_PREPOSITIONS = frozenset("into between through during under near over".split())
_AUXILIARIES = frozenset("is are was were be been being has had have".split())
_BEFORE = ("start", "mark", "determiner", *_PREPOSITIONS, "auxiliary", "stop word", "and", "word")
_AFTER = ("end", "mark", "of", "preposition", "auxiliary", "stop word", "and", "word")
_WHICH = re.compile(r"\b(?:what|which)\s+(?:(?:type|kind|sort|name) (?:of )?)?(\w+)")
_WHAT_IS_THE = re.compile(
    r"\b(?:what|which) (?:is|was|are|were) (?:the|a|an) ((?:\w+ )*?\w+) (?:of|for|that|in|to|from|by)\b"
)
_OTHER_KINDS = (
    ("WHY", re.compile(r"\bwhy\b|what (?:caused|reason)", re.IGNORECASE)),
    ("WHAT", re.compile(r"\b(?:what|which)\b", re.IGNORECASE)),
    ("HOW", re.compile(r"\bhow\b", re.IGNORECASE)),
)
KINDS = ("DATE", "NUMBER", "PERSON", "PLACE", *(name for name, _ in _OTHER_KINDS), "OTHER")
FEATURES = (
    *("asked", "some asked", "all asked", "words 1", "words 2", "words 3", "words 4", "words 5", "words 6"),
    *(f"after {kind}" for kind in _BEFORE),
    *(f"before {kind}" for kind in _AFTER),
    *("capitals", "a capital", "digit", "name cut", "stop word in", "comma in", "first word", "place"),
    *(
        "kind exactly",
        "kind in",
        "kind overlaps",
        "near",
        "distance",
        "behind all",
        "before all",
        "density",
        "no match",
    ),
    *("question", "word nearest", "words near", "focus", "focus nearest", "focus in", "focus last", "focus before"),
    *("focus after", "before: asked", "before: nearest", "two before: asked", "two before: nearest", "after: asked"),
    *("after: nearest", "two after: asked", "preposition asked", "preposition last asked"),
    *("behind last word", "before last word", "near last word"),
)
Likeness = NDArray[np.float32]
_COLUMN = {name: column for column, name in enumerate(FEATURES)}


@dataclass(frozen=True, slots=True)
class Stretches:
    """The stretches of a sentence: their places in it, and what describes them, shape (stretches, features)."""

    spans: tuple[Span, ...]
    features: NDArray[np.float64]


def question_kind(question: str) -> str:
    """What a question asks for, one of KINDS."""
    kind = expected_kind(question)
    return kind.name if kind else next((name for name, pattern in _OTHER_KINDS if pattern.search(question)), "OTHER")


def stretches(question: str, asked: Encoded, sentence: str, said: Encoded) -> Stretches:
    """Every run of at most nine words that begins and ends with a content word and crosses no full stop or bracket."""
    described = _Sentence(question, asked, sentence, said)
    runs = list(described.runs())
    features = np.zeros((len(runs), len(FEATURES)))
    for row, (first, last) in enumerate(runs):
        for name, value in described.describe(first, last):
            features[row, _COLUMN[name]] = value
    return Stretches(tuple(described.span(first, last) for first, last in runs), features)


class _Sentence:
    """A sentence's words, and how each relates to the question."""

    def __init__(self, question: str, asked: Encoded, text: str, said: Encoded) -> None:
        self.question, self.asked, self.text, self.said = question, asked, text, said
        self.places = [match.span() for match in _TOKEN.finditer(self.text)]
        self.low = [self.text[start:end].lower() for start, end in self.places]
        self.stems = [stem(word) for word in self.low]
        vectors, known = self._vectors()
        questioned = content_words(self.question)
        wanted = {stem(word) for word in questioned}
        self._is_asked = np.array([word in wanted for word in self.stems], bool)
        likeness: Likeness = vectors @ self.asked.word_vectors.T
        if not self.asked.words:
            likeness = np.zeros((len(self.places), 1), np.float32)
        self._nearest = likeness.max(axis=1) if len(likeness) else np.zeros(0)
        self._to_question = _less_its_mean(vectors @ self.asked.vector, known)
        self._focus = _focus(self.question)
        self._to_focus = _less_its_mean(self._likeness_to(self._focus, likeness), known)
        self._matched: list[int] = np.flatnonzero(self._is_asked | (self._nearest > _NEAR + 0.05)).tolist()
        last = questioned[-1] if questioned else ""
        near_last = self._likeness_to(last, likeness) > _NEAR
        self._last_places = [place for place, word in enumerate(self.stems) if word == stem(last) or near_last[place]]
        self._question_words = [word.lower() for word in re.findall(r"\w+", self.question)]
        kind = expected_kind(self.question)
        self._mentions = mentions(kind, self.text, self.question) if kind else []

    def runs(self) -> Iterator[tuple[int, int]]:
        """The first and the last word of each stretch."""
        for first, word in enumerate(self.low):
            if word in STOP_WORDS:
                continue
            for last in range(first, min(first + _LONGEST, len(self.low))):
                if last > first and _BREAK.search(self._gap(last - 1)):
                    break
                if self.low[last] not in STOP_WORDS:
                    yield first, last

    def span(self, first: int, last: int) -> Span:
        """Where a stretch stands in the sentence."""
        return Span(self.places[first][0], self.places[last][1])

    def describe(self, first: int, last: int) -> Iterator[tuple[str, float]]:
        """The features of a stretch that are not zero."""
        content = [place for place in range(first, last + 1) if self.low[place] not in STOP_WORDS]
        yield from self._itself(first, last, content)
        yield from self._kind(self.span(first, last))
        yield from self._distances(first, last)
        yield from self._meaning(content)
        yield from self._beside(first, last)

    def _itself(self, first: int, last: int, content: Sequence[int]) -> Iterator[tuple[str, float]]:
        asked = self._is_asked[content]
        yield "asked", float(asked.mean())
        yield "some asked", float(asked.any())
        yield "all asked", float(asked.all())
        yield f"words {min(last - first + 1, 6)}", 1.0
        yield f"after {self._before(first)}", 1.0
        yield f"before {self._after(last)}", 1.0
        capitals = [self._has_capital(place) and place > 0 for place in content]
        yield "capitals", float(all(capitals))
        yield "a capital", float(any(capitals))
        words = self.span(first, last).of(self.text)
        yield "digit", float(any(letter.isdigit() for letter in words))
        yield "name cut", float(self._cuts_a_name(first - 1, first) or self._cuts_a_name(last, last + 1))
        yield "stop word in", float(len(content) <= last - first)
        yield "comma in", float("," in words)
        yield "first word", float(first == 0)
        yield "place", (first + last) / 2 / len(self.low)

    def _kind(self, span: Span) -> Iterator[tuple[str, float]]:
        yield "kind exactly", float(span in self._mentions)
        yield "kind in", float(any(span.start <= each.start and each.end <= span.end for each in self._mentions))
        yield "kind overlaps", float(any(map(span.overlap, self._mentions)))

    def _distances(self, first: int, last: int) -> Iterator[tuple[str, float]]:
        if not self._matched:
            yield "no match", 1.0
            return
        others = [place for place in self._matched if not first <= place <= last]
        away = [min(abs(place - first), abs(place - last)) for place in others]
        yield "near", 1 / (1 + min(away, default=20))
        yield "distance", min(float(np.mean(away)) if away else 20.0, 20.0) / 20
        yield "behind all", float(all(place < first for place in others))
        yield "before all", float(all(place > last for place in others))
        yield "density", sum(1 / (1 + each) for each in away or [20]) / 3
        if self._last_places:
            yield "behind last word", float(any(0 <= first - place - 1 <= 2 for place in self._last_places))
            yield "before last word", float(any(0 <= place - last - 1 <= 2 for place in self._last_places))
            yield "near last word", max(1 / (1 + min(abs(p - first), abs(p - last))) for p in self._last_places)

    def _meaning(self, content: Sequence[int]) -> Iterator[tuple[str, float]]:
        yield "question", float(self._to_question[content].mean())
        yield "word nearest", float(self._nearest[content].max())
        yield "words near", float(self._nearest[content].mean())
        yield "focus", float(self._to_focus[content].mean())
        yield "focus nearest", float(self._to_focus[content].max())

    def _beside(self, first: int, last: int) -> Iterator[tuple[str, float]]:
        for name, place, further in (("before", first - 1, first - 2), ("after", last + 1, last + 2)):
            if not 0 <= place < len(self.low):
                continue
            is_stop = self.low[place] in STOP_WORDS
            yield f"{name}: asked", float(self._is_asked[place])
            yield f"{name}: nearest", 0.0 if is_stop else float(self._nearest[place])
            if is_stop and 0 <= further < len(self.low):
                yield f"two {name}: asked", float(self._is_asked[further])
                if name == "before":
                    yield "two before: nearest", float(self._nearest[further] > _NEAR - 0.1)
        before = self.low[first - 1] if first else ""
        if before in _PREPOSITIONS or before in _OTHER_PREPOSITIONS:
            yield "preposition asked", float(before in self._question_words)
            yield "preposition last asked", float(self._question_words[-1:] == [before])
        if self._focus:
            focus = stem(self._focus)
            yield "focus in", float(focus in self.stems[first : last + 1])
            yield "focus last", float(self.stems[last] == focus)
            yield "focus before", float(focus in self.stems[max(0, first - 3) : first])
            yield "focus after", float(focus in self.stems[last + 1 : last + 3])

    def _before(self, first: int) -> str:
        if first == 0:
            return "start"
        return "mark" if self._gap(first - 1).strip() else self._sort(self.low[first - 1], _BEFORE)

    def _after(self, last: int) -> str:
        if last == len(self.low) - 1:
            return "end"
        return "mark" if self._gap(last).strip() else self._sort(self.low[last + 1], _AFTER)

    def _sort(self, word: str, sorts: Sequence[str]) -> str:
        if word in sorts and word in _PREPOSITIONS:
            return word
        if word in _DETERMINERS and "determiner" in sorts:
            return "determiner"
        if (word in _PREPOSITIONS or word in _OTHER_PREPOSITIONS) and "preposition" in sorts:
            return "preposition"
        if word in _AUXILIARIES:
            return "auxiliary"
        if word in ("and", "or"):
            return "and"
        return "stop word" if word in STOP_WORDS else "word"

    def _gap(self, place: int) -> str:
        """What stands between a word and the next."""
        return self.text[self.places[place][1] : self.places[place + 1][0]]

    def _has_capital(self, place: int) -> bool:
        return self.text[self.places[place][0]].isupper()

    def _cuts_a_name(self, place: int, following: int) -> bool:
        """Whether two words side by side, one in the stretch and one not, both begin with a capital."""
        if place < 0 or following >= len(self.low) or self._gap(place).strip():
            return False
        return self._has_capital(place) and self._has_capital(following)

    def _vectors(self) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        """A vector for each word that has one in context, zero for the others, and which have."""
        vectors = np.zeros((len(self.places), len(self.asked.vector)), np.float32)
        known = np.zeros(len(self.places), bool)
        pooled = iter(zip(self.said.words, self.said.word_vectors, strict=True))
        current = next(pooled, None)
        place_of = {start: place for place, (start, _) in enumerate(self.places)}
        for word, start, _ in word_spans(self.text):
            if current is None:
                break
            if word == current[0]:
                place = place_of.get(start, place_of.get(start - 1))  # "$5" begins at its sign
                if place is not None:
                    vectors[place], known[place] = current[1], True
                current = next(pooled, None)
        return vectors, known

    def _likeness_to(self, word: str, likeness: Likeness) -> Likeness:
        """How near each word of the sentence comes to one of the question; zero if that has no vector."""
        found = word.lower() in self.asked.words
        column: Likeness = likeness[:, self.asked.words.index(word.lower())] if found else likeness[:, 0] * 0
        return column


def _less_its_mean(values: NDArray[np.float32], known: NDArray[np.bool_]) -> NDArray[np.float32]:
    mean: np.float32 = values[known].mean() if known.any() else np.float32(0)
    result: NDArray[np.float32] = values - mean
    return result


def _focus(question: str) -> str:
    """The word that names what is asked for: "country" of "in what country", "capital" of "what is the capital of"."""
    low = question.lower()
    which = _WHICH.search(low)
    if which and which[1] not in STOP_WORDS:
        return which[1]
    what_is = _WHAT_IS_THE.search(low)
    return what_is[1].split()[-1] if what_is else ""
