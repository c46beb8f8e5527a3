"""Question + passages -> a draft made of exact sentences, without a language model."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import astuple, dataclass, replace

from rag.answer_kind import asks
from rag.candidates import Candidate, Features, Sentences, candidates
from rag.choose import Ranked, choose
from rag.comments import asks_for_comments, under_comments
from rag.disagreement import opposed
from rag.models import Encoded
from rag.reader import PassageReading
from rag.short_answer import ShortAnswer, short_answer
from rag.stretches import question_kind
from rag.terms import QuestionTerms, stems
from rag.types import Claim, Draft, Passage

GENERATOR = "quotes"
_READ_AGAIN = 5  # sentences looked at word by word

# Over the fields of Features, in their order: a softmax regression on which of the sentences retrieved holds
# the answer, fitted by `python -m eval fit-quotes`.
_WEIGHTS = (2.7, 2.8, 2.6, 2.1, 0.3, 1.7, 6.4, 0.8, 0, 0)
_READ_WEIGHTS = (0, 0, 1.23, 1.06, 0.12, 0.73, 4.64, 0.26, 0.18, 0.16)
# And for what speaks for an answer in the sentences that are read again. The same command prints the likeliest, 0.34;
# this is the smallest one about a standard error from it, and puts the right sentence first more often.
_EVIDENCE = 0.2


@dataclass(frozen=True, slots=True)
class Evidence:
    """How well the best sentence fits the question."""

    sentence: Features
    passage_similarity: float  # best cosine of question and passage, -1 to 1
    passage_coverage: float  # share of the question's words, weighted by rarity, in the sentence's passage, 0 to 1
    asked: bool  # whether a question was put, and not words to look for


@dataclass(frozen=True, slots=True)
class Extraction:
    """The sentences considered, best first, the draft, and the evidence for its best sentence.

    Draft and evidence are None when no sentence could be quoted. `opposed` are the words of two documents that answer
    differently, each with its source.
    """

    ranked: tuple[Ranked, ...] = ()
    draft: Draft | None = None
    evidence: Evidence | None = None
    opposed: tuple[tuple[str, str], ...] = ()


def extract(
    question: str,
    asked: Encoded,
    passages: Sequence[Passage],
    terms: QuestionTerms,
    sentences: Sentences,
    readings: Sequence[PassageReading] = (),
) -> Extraction:
    """The exact sentences that answer the question best, and the words that answer it shortly.

    `readings` are what the reader says of the passages; without them the likeness of words and meaning decides.
    """
    sources = [passage.chunk.source for passage in passages]
    found = candidates(question, asked.vector, passages, terms, sentences, readings)
    if not asks_for_comments(question):
        by_author = {number for number, one in enumerate(passages, 1) if not under_comments(one.chunk.heading)}
        # What readers say is quoted where the documents themselves say nothing.
        found = [each for each in found if each.passage in by_author] or found
    ranked = _as_read(found) if readings else _ranked(question, asked, found, sentences)
    if not ranked:
        return Extraction()
    other = opposed(question, ranked, sources)
    chosen = choose(question, ranked, sources, other)
    answering = max(chosen, key=_promise)
    sides = (ranked[0], other) if other else ()
    return Extraction(
        ranked=tuple(ranked),
        draft=Draft(tuple(_claim(each, each is answering) for each in chosen), GENERATOR),
        evidence=_evidence(question, ranked[0].candidate, passages, terms),
        opposed=tuple((sources[each.candidate.passage - 1], each.words) for each in sides),
    )


def score(features: Features, weights: Sequence[float] = _WEIGHTS) -> float:
    """How well a sentence answers; differences are log odds of one sentence being the better answer."""
    return math.fsum(weight * value for weight, value in zip(weights, astuple(features), strict=True))


def read_again(
    question: str, asked: Encoded, first: Sequence[Candidate], sentences: Sentences
) -> list[ShortAnswer | None]:
    """The words that answer shortly in each of some sentences; none where a reason is asked for."""
    if question_kind(question) == "WHY":
        return [None] * len(first)
    encoded = sentences.encoded([candidate.text for candidate in first])
    return [short_answer(question, asked, candidate.text, said) for candidate, said in zip(first, encoded, strict=True)]


def _ranked(question: str, asked: Encoded, found: Sequence[Candidate], sentences: Sentences) -> list[Ranked]:
    """The sentences, best first: all by their features, the first few again by whether they hold an answer."""
    order = sorted(found, key=lambda each: (-score(each.features), each.passage, each.span))
    answers = read_again(question, asked, order[:_READ_AGAIN], sentences)
    evidence = [answer.evidence if answer else 0.0 for answer in answers]
    usual = sum(evidence) / max(len(evidence), 1)
    first = [
        Ranked(each, score(each.features) + _EVIDENCE * (found - usual), answer)
        for each, found, answer in zip(order, evidence, answers, strict=False)
    ]
    first.sort(key=lambda each: -each.score)
    return first + [Ranked(each, score(each.features)) for each in order[_READ_AGAIN:]]


def _as_read(found: Sequence[Candidate]) -> list[Ranked]:
    """The sentences that the reader has read, best first; the short answers of the first few."""
    order = sorted(
        (Ranked(each, score(each.features, _READ_WEIGHTS), each.answer) for each in found),
        key=lambda each: (-each.score, each.candidate.passage, each.candidate.span),
    )
    return order[:_READ_AGAIN] + [replace(each, answer=None) for each in order[_READ_AGAIN:]]


def _claim(chosen: Ranked, answers: bool) -> Claim:
    candidate, short = chosen.candidate, chosen.answer
    words = short.span.shifted(candidate.span.start) if short and answers else None
    return Claim(candidate.text, (candidate.passage,), candidate.span, words)


def _evidence(question: str, best: Candidate, passages: Sequence[Passage], terms: QuestionTerms) -> Evidence:
    chunk = passages[best.passage - 1].chunk
    return Evidence(
        sentence=best.features,
        passage_similarity=max(passage.scores.get("dense", 0.0) for passage in passages),
        passage_coverage=terms.share(set(stems(chunk.above + chunk.text))),
        asked=asks(question),
    )


def _promise(chosen: Ranked) -> float:
    """How sure a short answer is: that its sentence is the right one, and that it is the right words there."""
    return chosen.score + math.log(chosen.answer.expected_overlap) if chosen.answer else -math.inf
