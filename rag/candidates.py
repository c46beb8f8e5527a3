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
from rag.sentences import sentence_spans
from rag.terms import QuestionTerms, names_and_numbers, readable, stem, stems, words
from rag.types import Chunk, Passage, Span

_BOILERPLATE = re.compile(
    r"loading\b|would love your thoughts|please comment|visited \d+ times?|related articles?$|read more|click here"
    r"|subscribe\b|sign up|share (?:this|on)\b|all rights reserved|cookie|advertisement|skip to|\W*$|\W*\d+\W*$",
    re.IGNORECASE,
)
_FULL_SENTENCE = re.compile(r"""[.!?…。！？|]["'”’»)\]*_]*$""")


@dataclass(frozen=True, slots=True)
class Features:
    """What speaks for a sentence. The sentence before it, title and headings are its context."""

    similarity: float  # cosine of question and sentence, -1 to 1
    context_similarity: float  # cosine of question and the mean of the sentence and the one before it, -1 to 1
    coverage: float  # share of the question's words, weighted by rarity, in the sentence, 0 to 1
    context_coverage: float  # the same in the sentence and its context, 0 to 1
    names: float  # share of the question's names and numbers in the sentence and its context, 0 to 1
    kind: float  # 1 it mentions the kind of thing asked for, 0 it does not, 0.5 no kind is asked for
    passage: float  # the passage's score, about 0 to 1
    finished: float  # 1 a sentence or table row, 0 a heading or a torn-off line


@dataclass(frozen=True, slots=True)
class Candidate:
    """A sentence of a passage; `passage` is its number from 1, `place` the sentence's among its passage's."""

    passage: int
    place: int
    span: Span
    text: str
    stems: frozenset[str]
    features: Features


@dataclass(frozen=True, slots=True)
class Sentences:
    """The sentences of a chunk that could be quoted, as places in its text, and their embeddings, a row each."""

    spans: tuple[Span, ...]
    vectors: Vectors


class SentenceReader:
    """Embeds the sentences of chunks, and remembers those of the last `memory` chunks. Thread-safe.

    Questions of one conversation meet the same chunks again and again.

    A chunk's sentences are embedded together and alone, so that their vectors are the same whatever is asked.
    """

    def __init__(self, embedder: Embedder, memory: int) -> None:
        self._embedder = embedder
        self._encoded = lru_cache(maxsize=memory)(lambda text: embedder.encode_words([text])[0])
        self.read = lru_cache(maxsize=memory)(self._read)

    def encoded(self, texts: Sequence[str]) -> list[Encoded]:
        """Sentences with a vector for each word in context, for those that are looked at closely."""
        return [self._encoded(text) for text in texts]

    def _read(self, chunk: Chunk) -> Sentences:
        """The sentences that could be quoted: boilerplate and the chunk's own headings say nothing."""
        headings = {_bare(heading) for heading in (chunk.title, *chunk.heading.split(" > "))}
        spans = tuple(
            span
            for span in sentence_spans(chunk.text)
            if not _BOILERPLATE.match(span.of(chunk.text))
            and _bare(span.of(chunk.text)) not in headings
            and not speaks_to_a_model(span.of(chunk.text))
        )
        return Sentences(spans, self._embedder.encode([readable(span.of(chunk.text)) for span in spans]))


def candidates(
    question: str, vector: Vectors, passages: Sequence[Passage], terms: QuestionTerms, reader: SentenceReader
) -> list[Candidate]:
    """Every sentence of the passages that is not boilerplate, in the passages' order.

    `vector` is the question's embedding, shape (dimension,).
    """
    kind = expected_kind(question)
    names = {stem(word) for name in names_and_numbers(question) for word in words(name)}
    found: list[Candidate] = []
    for number, passage in enumerate(passages, start=1):
        sentences = reader.read(passage.chunk)
        vectors = sentences.vectors
        above = frozenset(stems(f"{passage.chunk.title} {passage.chunk.heading}"))
        before = frozenset[str]()
        for place, span in enumerate(sentences.spans):
            text = span.of(passage.chunk.text)
            own = frozenset(stems(text))
            context = own | before | above
            pair = vectors[place] + vectors[place - 1] if place else vectors[place]
            features = Features(
                similarity=float(vectors[place] @ vector),
                context_similarity=float(pair @ vector / max(float(np.linalg.norm(pair)), 1e-12)),
                coverage=terms.share(own),
                context_coverage=terms.share(context),
                names=len(names & context) / len(names) if names else 1.0,
                kind=_kind_fit(kind, text, question),
                passage=passage.score,
                finished=float(bool(_FULL_SENTENCE.search(text))),
            )
            found.append(Candidate(number, place, span.shifted(passage.chunk.span.start), text, own, features))
            before = own
    return found


def _bare(text: str) -> str:
    return " ".join(text.strip("#*_ ").casefold().split())


def _kind_fit(kind: AnswerKind | None, text: str, question: str) -> float:
    return 0.5 if kind is None else float(bool(mentions(kind, text, question)))
