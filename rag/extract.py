"""Question + passages -> a draft made of exact sentences, without a language model.

A sentence answers a question well when it means the same, holds the question's rare words, mentions the kind of thing
asked for, and stands in a passage that was found high up.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass

from rag.answer_kind import AnswerKind, expected_kind, mentions, names_and_numbers
from rag.models import Embedder, Vectors
from rag.sentences import sentence_spans
from rag.terms import content_words, stem, stems, words
from rag.types import Claim, Draft, Passage, Span

GENERATOR = "quotes"
MOST_SENTENCES = 3

# Shares of a sentence's score. Chosen on the development half of the sample questions (`python -m eval run`), in
# steps of 0.05; the answer changes little for any of them within 0.1.
_SIMILARITY, _COVERAGE, _KIND, _PASSAGE = 0.45, 0.35, 0.12, 0.08
# A further sentence must be nearly as good as the first and bring words of the question that are still missing,
# or be as good and stand in another document.
_NEARLY = 0.85
_AS_GOOD = 0.95
_NEW_WORDS = 0.15

_BOILERPLATE = re.compile(
    r"loading\b|would love your thoughts|please comment|visited \d+ times?|related articles?$|read more|click here"
    r"|subscribe\b|sign up|share (?:this|on)\b|all rights reserved|cookie|advertisement|skip to|\W*$|\W*\d+\W*$",
    re.IGNORECASE,
)
_FULL_SENTENCE = re.compile(r"""[.!?…。！？|]["'”’»)\]*_]*$""")
_UNFINISHED = 0.15  # taken off a heading or a torn-off line, which says less than it seems to


@dataclass(frozen=True, slots=True)
class QuestionTerms:
    """A question's stems with their rarity, and the spelling of those that the collection does not know."""

    weights: dict[str, float]
    unknown: dict[str, str]

    def share(self, present: Set[str]) -> float:
        """The share of the question's weight that these stems carry."""
        total = sum(self.weights.values())
        return sum(weight for word, weight in self.weights.items() if word in present) / total if total else 0.0


@dataclass(frozen=True, slots=True)
class Evidence:
    """How well the best sentence fits the question: each in [0, 1], the similarities in [-1, 1]."""

    similarity: float  # cosine of question and sentence
    coverage: float  # share of the question's words, weighted by rarity, in the sentence
    context_coverage: float  # the same in the sentence's passage, title and headings
    names: float  # share of the question's names and numbers in the sentence's passage, title and headings
    kind: float  # 1 the sentence mentions the kind of thing asked for, 0 it does not, 0.5 no kind is asked for
    known: float  # share of the question's words, weighted by rarity, that the collection knows
    passage: float  # best cosine of question and passage


@dataclass(frozen=True, slots=True)
class Extraction:
    """The draft, and the evidence for its first sentence. Both None when no sentence could be quoted."""

    draft: Draft | None
    evidence: Evidence | None


@dataclass(frozen=True, slots=True)
class _Candidate:
    passage: int  # number from 1
    span: Span
    text: str
    stems: frozenset[str]
    similarity: float
    coverage: float
    kind: float
    score: float


def weigh(question: str, frequencies: Mapping[str, int], chunks: int) -> QuestionTerms:
    """The question's stems with BM25's inverse document frequency, log(1 + (N - n + 0.5) / (n + 0.5)).

    `frequencies` says in how many of the collection's `chunks` each stem occurs.
    """
    spellings = {stem(word): word for word in reversed(content_words(question))}
    counts = {word: frequencies.get(word, 0) for word in spellings}
    weights = {word: math.log(1 + (max(chunks - n, 0) + 0.5) / (n + 0.5)) for word, n in counts.items()}
    return QuestionTerms(weights, {word: spellings[word] for word, n in counts.items() if n == 0})


def extract(
    question: str, vector: Vectors, passages: Sequence[Passage], terms: QuestionTerms, embedder: Embedder
) -> Extraction:
    """One to three exact sentences that answer the question best.

    `vector` is the question's embedding, shape (dimension,).
    """
    candidates = _candidates(question, vector, passages, terms, embedder)
    if not candidates:
        return Extraction(None, None)
    chosen = _choose(candidates, passages, terms)
    best = chosen[0]
    claims = tuple(Claim(candidate.text, (candidate.passage,), candidate.span) for candidate in chosen)
    draft = Draft(claims, GENERATOR, _short_answer(question, best))
    return Extraction(draft, _evidence(question, best, passages, terms))


def _candidates(
    question: str, vector: Vectors, passages: Sequence[Passage], terms: QuestionTerms, embedder: Embedder
) -> list[_Candidate]:
    places = [
        (number, span, text)
        for number, passage in enumerate(passages, start=1)
        for span in sentence_spans(passage.chunk.text)
        if not _BOILERPLATE.match(text := span.of(passage.chunk.text))
    ]
    similarities = embedder.encode([text for _, _, text in places]) @ vector
    kind = expected_kind(question)
    found = []
    for (number, span, text), similarity in zip(places, similarities.tolist(), strict=True):
        passage = passages[number - 1]
        present = frozenset(stems(text))
        coverage = terms.share(present)
        fits = _kind_fit(kind, text, question)
        score = _SIMILARITY * similarity + _COVERAGE * coverage + _KIND * fits + _PASSAGE * passage.score
        if not _FULL_SENTENCE.search(text):
            score -= _UNFINISHED
        place = span.shifted(passage.chunk.span.start)
        found.append(_Candidate(number, place, text, present, similarity, coverage, fits, score))
    return sorted(found, key=lambda candidate: (-candidate.score, candidate.passage, candidate.span))


def _choose(candidates: Sequence[_Candidate], passages: Sequence[Passage], terms: QuestionTerms) -> list[_Candidate]:
    chosen = [candidates[0]]
    covered = set(candidates[0].stems)
    documents = {passages[candidates[0].passage - 1].chunk.document_id}
    for candidate in candidates[1:]:
        if len(chosen) == MOST_SENTENCES or candidate.score < _NEARLY * chosen[0].score:
            break
        document = passages[candidate.passage - 1].chunk.document_id
        brings_words = terms.share(covered | candidate.stems) - terms.share(covered) >= _NEW_WORDS
        elsewhere = document not in documents and candidate.score >= _AS_GOOD * chosen[0].score
        if (brings_words or elsewhere) and candidate.text not in {other.text for other in chosen}:
            chosen.append(candidate)
            covered |= candidate.stems
            documents.add(document)
    return chosen


def _evidence(question: str, best: _Candidate, passages: Sequence[Passage], terms: QuestionTerms) -> Evidence:
    chunk = passages[best.passage - 1].chunk
    context = frozenset(stem(word) for word in words(f"{chunk.title} {chunk.heading} {chunk.text}"))
    names = [stem(word) for name in names_and_numbers(question) for word in words(name)]
    return Evidence(
        similarity=best.similarity,
        coverage=best.coverage,
        context_coverage=terms.share(context),
        names=sum(name in context for name in names) / len(names) if names else 1.0,
        kind=best.kind,
        known=1 - terms.share(terms.unknown.keys()),
        passage=max(passage.scores.get("dense", 0.0) for passage in passages),
    )


def _kind_fit(kind: AnswerKind | None, text: str, question: str) -> float:
    return 0.5 if kind is None else float(bool(mentions(kind, text, question)))


def _short_answer(question: str, best: _Candidate) -> Span | None:
    """The mention of the kind asked for that stands nearest to the question's words, as a place in the document."""
    kind = expected_kind(question)
    found = mentions(kind, best.text, question) if kind else []
    if not found:
        return None
    asked = set(stems(question))
    anchors = [match.start() for match in re.finditer(r"\w+", best.text) if stem(match.group().lower()) in asked]
    nearest = min(found, key=lambda span: sum(abs(span.start - anchor) for anchor in anchors))
    return nearest.shifted(best.span.start)
