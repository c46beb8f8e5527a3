"""Passages -> the sentences that could answer the question, each with what speaks for it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from rag.answer_kind import AnswerKind, expected_kind, mentions
from rag.instructions import speaks_to_a_model
from rag.models import Embedder, Encoded, Vectors
from rag.reader import PassageReading
from rag.sentences import is_one_of_many, sentence_spans
from rag.short_answer import ShortAnswer, likeliest
from rag.terms import QuestionTerms, names_and_numbers, readable, stem, stems, word_spans
from rag.types import Chunk, Passage, Span

_BOILERPLATE = re.compile(
    r"loading\b|would love your thoughts|please comment|visited \d+ times?|related articles?$|read more|click here"
    r"|subscribe\b|sign up|share (?:this|on)\b|all rights reserved|cookie|advertisement|skip to|\W*$|\W*\d+\W*$",
    re.IGNORECASE,
)
_ANSWERS = 40  # likeliest answers in a sentence that the reader is asked for
_NO_ANSWER = -20.0  # log odds of a sentence without words
_UNREAD = PassageReading(0.0, ())
_FULL_SENTENCE = re.compile(r"""[.!?…。！？|]["'”’»)\]*_]*$""")


@dataclass(frozen=True, slots=True)
class Features:
    """What speaks for a sentence. The sentence before it, title and headings are its context.

    Of a list's item or a table's row it is the sentence before them all: what another says is not said of this one.

    The likeness of meaning is 0 where the reader read the passages, and what the reader says where it did not.
    """

    similarity: float  # cosine of question and sentence, -1 to 1
    context_similarity: float  # cosine of question and the mean of the sentence and the one before it, -1 to 1
    coverage: float  # share of the question's words, weighted by rarity, in the sentence, 0 to 1
    context_coverage: float  # the same in the sentence and its context, 0 to 1
    names: float  # share of the question's names and numbers in the sentence and its context, 0 to 1
    kind: float  # 1 it mentions the kind of thing asked for, 0 it does not, 0.5 no kind is asked for
    passage: float  # the passage's score, about 0 to 1
    finished: float  # 1 a sentence or table row, 0 a heading or a torn-off line
    answers: float = 0.0  # the reader: log odds that the answer stands in this sentence rather than nowhere here
    relevance: float = 0.0  # the reader: log odds that the passage is of use


@dataclass(frozen=True, slots=True)
class Candidate:
    """A sentence of a passage; `passage` is its number from 1, `place` the sentence's among its passage's.

    `answer` are the words of it that the reader found likeliest to answer.
    """

    passage: int
    place: int
    span: Span
    text: str
    stems: frozenset[str]
    features: Features
    answer: ShortAnswer | None = None


class Sentences:
    """The sentences of chunks and their embeddings; remembers those of the last `memory` chunks. Thread-safe.

    Questions of one conversation meet the same chunks again and again.

    A chunk's sentences are embedded together and alone, so that their vectors are the same whatever is asked.
    """

    def __init__(self, embedder: Embedder, memory: int) -> None:
        self._embedder = embedder
        self._encoded = lru_cache(maxsize=memory)(lambda text: embedder.encode_words([text])[0])
        self.of = lru_cache(maxsize=memory)(self._of)
        self.vectors = lru_cache(maxsize=memory)(self._vectors)

    def encoded(self, texts: Sequence[str]) -> list[Encoded]:
        """Sentences with a vector for each word in context, for those that are looked at closely."""
        return [self._encoded(text) for text in texts]

    def _of(self, chunk: Chunk) -> tuple[Span, ...]:
        """The sentences that could be quoted, as places in a chunk: boilerplate and its own headings say nothing."""
        headings = {_bare(heading) for heading in (chunk.title, *chunk.heading.split(" > "))}
        return tuple(
            span
            for span in sentence_spans(chunk.text)
            if not _BOILERPLATE.match(span.of(chunk.text))
            and _bare(span.of(chunk.text)) not in headings
            and not speaks_to_a_model(span.of(chunk.text))
        )

    def _vectors(self, chunk: Chunk) -> Vectors:
        """The embeddings of these sentences, a row each."""
        return self._embedder.encode([readable(span.of(chunk.text)) for span in self.of(chunk)])


def candidates(
    question: str,
    vector: Vectors,
    passages: Sequence[Passage],
    terms: QuestionTerms,
    sentences: Sentences,
    readings: Sequence[PassageReading] = (),
) -> list[Candidate]:
    """Every sentence of the passages that is not boilerplate, in the passages' order.

    `vector` is the question's embedding, shape (dimension,). `readings` are what the reader says of the passages, one
    each; without them likeness of meaning takes their place.
    """
    kind = expected_kind(question)
    names = {stem(word) for name in names_and_numbers(question) for word, *_ in word_spans(name)}
    found: list[Candidate] = []
    for number, passage in enumerate(passages, start=1):
        chunk = passage.chunk
        spans = sentences.of(chunk)
        likenesses = [(0.0, 0.0)] * len(spans) if readings else _likenesses(sentences.vectors(chunk), vector)
        reading = readings[number - 1] if readings else _UNREAD
        above = frozenset(stems(chunk.above))
        before = frozenset[str]()
        for place, (span, (similarity, context_similarity)) in enumerate(zip(spans, likenesses, strict=True)):
            text = span.of(chunk.text)
            own = frozenset(stems(text))
            context = own | before | above
            answer = _answer(reading, span)
            features = Features(
                similarity=similarity,
                context_similarity=context_similarity,
                coverage=terms.share(own),
                context_coverage=terms.share(context),
                names=len(names & context) / len(names) if names else 1.0,
                kind=_kind_fit(kind, text, question),
                passage=passage.score,
                finished=float(bool(_FULL_SENTENCE.search(text))),
                answers=answer.evidence if answer else _NO_ANSWER if readings else 0.0,
                relevance=reading.relevance,
            )
            found.append(Candidate(number, place, span.shifted(chunk.span.start), text, own, features, answer))
            if not is_one_of_many(text):
                before = own
    return found


def _likenesses(vectors: Vectors, question: Vectors) -> list[tuple[float, float]]:
    """The cosine of the question with each sentence, and with the mean of it and the one before."""
    pairs = vectors + np.vstack([np.zeros_like(vectors[:1]), vectors[:-1]])
    norms = np.maximum(np.linalg.norm(pairs, axis=1), 1e-12)
    return list(zip((vectors @ question).tolist(), (pairs @ question / norms).tolist(), strict=True))


def _answer(reading: PassageReading, sentence: Span) -> ShortAnswer | None:
    """The words of a sentence that answer likeliest, as a place in it."""
    found = reading.spans(_ANSWERS, sentence)
    if not found:
        return None
    spans = [scored.span.shifted(-sentence.start) for scored in found]
    return likeliest(spans, np.array([scored.score for scored in found]))


def _bare(text: str) -> str:
    return " ".join(text.strip("#*_ ").casefold().split())


def _kind_fit(kind: AnswerKind | None, text: str, question: str) -> float:
    return 0.5 if kind is None else float(bool(mentions(kind, text, question)))
