"""A claim + the words of a source -> does the source say so? Judged without a language model.

What a claim says must stand there: its figures, its names, its words or ones near them in meaning, in the same order,
and neither denied where the claim affirms nor the other way round. Where the reader reads, it must find so, too.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import astuple, dataclass, replace
from enum import StrEnum
from functools import lru_cache
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from rag.figures import figures
from rag.models import Embedder, Encoded
from rag.reader import Reader
from rag.sentences import sentence_spans
from rag.terms import names_and_numbers, stem, stems, words
from rag.types import Span

_NEGATIONS = re.compile(
    r"\b(?:not|no|never|none|nobody|nothing|neither|nor|without|cannot|lacks?|lacking|fail(?:s|ed)? to|refus\w+"
    r"|unable|unlikely|hardly|rarely|den(?:y|ies|ied))\b|n['’]t\b",
    re.IGNORECASE,
)
_OPPOSITES = tuple(
    (frozenset(map(stem, one.split())), frozenset(map(stem, other.split())))
    for one, other in (
        (
            "increase increased rise rose grow grew gain gained higher more raise up elevated enhance upregulated",
            "decrease decreased fall fell decline shrank lose lost lower less fewer reduce reduced downregulated",
        ),
        ("before earlier", "after later"),
        ("first", "last"),
        ("north northern", "south southern"),
        ("east eastern", "west western"),
        ("win won victory", "lose lost defeat defeated"),
        ("begin began start started", "end ended stop stopped cease"),
        ("allow allowed permit accept accepted", "ban banned forbid forbade prohibit reject rejected refuse"),
        ("promote activate induce improve", "inhibit suppress prevent block worsen"),
        ("all every always", "some few sometimes none"),
        ("oldest largest biggest highest most maximum", "youngest smallest lowest least minimum"),
        ("open opened", "close closed"),
        ("positive", "negative"),
        ("male men man", "female women woman"),
        ("dependent", "independent"),
        ("sensitive", "resistant insensitive"),
    )
)
Likeness = NDArray[np.float32]
_LONGEST_EVIDENCE = 3  # sentences that may support a claim together


# Logistic regressions over the fields of Agreement, in their order after an intercept, without the reader and with it;
# fitted by `python -m eval fit-support`.
_WEIGHTS = (-8.38, 1.04, 1.02, -1.88, 3.12, 0.67, 2.37, 1.56, 0.63, 2.02, 0.49, 0.0, 0.0)
_READ_WEIGHTS = (-3.16, 0.30, 0.37, -0.34, 1.39, -0.22, 1.83, 1.42, -0.09, 0.49, -0.11, 0.48, -0.21)
_READ = 3  # stretches that agree best are read
_SUPPORTED = 0.5
_WEAK = 0.3
_WORDS = 0.2  # of the claim's content words at least so many must stand there, however they are inflected
_NAMES = 0.5  # a name may be given in part: "Henry Kissinger" where the source says "Kissinger"
_REASONS = {
    "figures": "its figures are not those of the source",
    "names": "it names what the source does not",
    "negation": "one of the two denies what the other says",
    "opposites": "the source says the opposite",
    "order": "the source has these names in another order",
}


class Verdict(StrEnum):
    """How well a source supports a claim; "quoted" when the claim is the source's own sentence."""

    QUOTED = "quoted"
    SUPPORTED = "supported"
    WEAK = "weak"
    UNSUPPORTED = "unsupported"


@dataclass(frozen=True, slots=True)
class Agreement:
    """How a claim compares with a stretch of a source: each 0 to 1, higher the better, but for what the reader says."""

    figures: float  # share of the claim's figures that stand there; 1 if it has none
    names: float  # share of the claim's names that stand there or above it; 1 if it has none
    words: float  # share of the claim's content words that stand there or above it
    nearest: float  # mean over the claim's words of how near the nearest word comes, in context
    farthest: float  # the same of the word that comes least near
    similarity: float  # cosine of claim and stretch
    order: float  # of the neighbouring names that both have, the share that stands in the same order
    negation: float  # 1 if both deny or neither does
    denied: float  # how near what the claim denies comes to something that is denied there; 1 if it denies nothing
    opposites: float  # 0 if one says what is the other's opposite
    supports: float = 0.0  # the reader: log odds that the stretch supports the claim; 0 where it does not read
    refutes: float = 0.0  # the reader: log odds that the stretch refutes it


@dataclass(frozen=True, slots=True)
class Support:
    """The stretch of a text that supports a claim best, and the probability that it does."""

    span: Span
    agreement: Agreement
    probability: float
    verdict: Verdict
    reason: str


class SupportJudge:
    """Judges claims with the embedder's word vectors, and the reader if there is one. Thread-safe.

    Keeps the vectors of the last `memory` passages.
    """

    def __init__(self, embedder: Embedder, memory: int, reader: Reader | None = None) -> None:
        self._embedder = embedder
        self._reader = reader
        self._weights = _READ_WEIGHTS if reader else _WEIGHTS
        self._sentences = lru_cache(maxsize=memory)(self._embedded)
        # A claim is judged by one passage after another.
        self._said = lru_cache(maxsize=memory)(lambda claim: embedder.encode_words([claim])[0])

    def judge(self, claim: str, text: str, above: str = "") -> Support | None:
        """The best support for a claim in a text; `above` are title and headings. None if the text has no sentence."""
        found = [_support(span, agreed, self._weights) for span, agreed in self._likeliest(claim, text, above)]
        return max(found, key=lambda each: (each.verdict is not Verdict.UNSUPPORTED, each.probability), default=None)

    def _likeliest(self, claim: str, text: str, above: str) -> list[tuple[Span, Agreement]]:
        """The stretches of a text that may support a claim: all, or the likeliest, which the reader has read."""
        found = self.stretches(claim, text, above)
        if not self._reader:
            return found
        first = sorted(found, key=lambda each: -logit(each[1], _WEIGHTS))[:_READ]
        judged = self._reader.judge([(claim, span.of(text)) for span, _ in first])
        odds = np.log((judged + 1e-4) / (1 - judged + 1e-4))
        return [
            (span, replace(agreed, supports=float(supports), refutes=float(refutes)))
            for (span, agreed), (supports, refutes, _) in zip(first, odds, strict=True)
        ]

    def stretches(self, claim: str, text: str, above: str = "") -> list[tuple[Span, Agreement]]:
        """Every stretch of one to three sentences of a text, with how it agrees with the claim."""
        sentences = self._sentences(text)
        said = self._said(claim)
        context = frozenset(stems(above))
        found = []
        for first in range(len(sentences)):
            for last in range(first, min(first + _LONGEST_EVIDENCE, len(sentences))):
                chosen = sentences[first : last + 1]
                span = Span(chosen[0][0].start, chosen[-1][0].end)
                found.append((span, agreement(claim, said, span.of(text), [each for _, each in chosen], context)))
        return found

    def _embedded(self, text: str) -> tuple[tuple[Span, Encoded], ...]:
        spans = sentence_spans(text)
        encoded = self._embedder.encode_words([span.of(text) for span in spans]) if spans else []
        return tuple(zip(spans, encoded, strict=True))


def agreement(
    claim: str, said: Encoded, text: str, encoded: Sequence[Encoded], above: frozenset[str] = frozenset()
) -> Agreement:
    """How a claim compares with a text whose sentences are `encoded`."""
    wanted, there = figures(claim), figures(text)
    own = frozenset(stems(text))
    names = {stem(word) for name in names_and_numbers(claim) for word in words(name) if any(map(str.isalpha, word))}
    claimed = list(dict.fromkeys(stems(claim)))
    theirs = [stem(word) for each in encoded for word in each.words]
    likeness = np.zeros((0, 0), np.float32)
    nearest = farthest = 0.0
    if theirs and said.words:
        vectors = np.concatenate([each.word_vectors for each in encoded if len(each.words)])
        likeness = said.word_vectors @ vectors.T
        best = likeness.max(axis=1)
        nearest, farthest = float(best.mean()), float(best.min())
    whole = np.sum([each.vector for each in encoded], axis=0)
    return Agreement(
        figures=_share(wanted, there),
        names=_share(names, own | above),
        words=_share(set(claimed), own | above),
        nearest=nearest,
        farthest=farthest,
        similarity=float(said.vector @ whole / max(float(np.linalg.norm(whole)), 1e-12)),
        order=_order([word for word in claimed if word in names], stems(text)),
        negation=float(_denies(claim) == _denies(text)),
        denied=_denied(claim, text, [stem(word) for word in said.words], theirs, likeness),
        opposites=float(not _opposed(set(claimed), own)),
    )


def _share(wanted: set[str] | set[float] | frozenset[float], there: frozenset[str] | frozenset[float]) -> float:
    return len(wanted & there) / len(wanted) if wanted else 1.0


def _order(claimed: Sequence[str], there: Sequence[str]) -> float:
    """Of the neighbouring words of the claim that the text has, too, the share that stands there in this order."""
    places: dict[str, list[int]] = {}
    for place, word in enumerate(there):
        places.setdefault(word, []).append(place)
    shared = [word for word in claimed if word in places]
    pairs = list(pairwise(shared))
    kept = sum(min(places[before]) < max(places[after]) for before, after in pairs)
    return kept / len(pairs) if pairs else 1.0


def _denies(text: str) -> bool:
    return len(_NEGATIONS.findall(text)) % 2 == 1


def _denied(claim: str, text: str, ours: Sequence[str], theirs: Sequence[str], likeness: Likeness) -> float:
    """How near the words after each negation of the claim come to those about some negation of the text; the least."""
    there = [before + after for before, after in _negated(text)]

    def best(denied: Sequence[str]) -> float:
        if any(set(denied) & set(words) for words in there):
            return 1.0
        rows = [place for place, word in enumerate(ours) if word in denied]
        columns = [place for place, word in enumerate(theirs) if any(word in words for words in there)]
        return float(likeness[np.ix_(rows, columns)].max()) if rows and columns else 0.0

    return min((best(after) for _, after in _negated(claim)), default=1.0)


def _negated(text: str) -> Iterator[tuple[list[str], list[str]]]:
    """The stems of the two content words before each negation, and of the four after it in its clause."""
    for match in _NEGATIONS.finditer(text):
        clause = re.split(r"[.;!?]", text[match.end() :], maxsplit=1)[0]
        yield stems(text[: match.start()])[-2:], stems(clause)[:4]


def _opposed(claimed: set[str], there: frozenset[str]) -> bool:
    return any(
        (claimed & one and there & other and not there & one) or (claimed & other and there & one and not there & other)
        for one, other in _OPPOSITES
    )


def logit(agreed: Agreement, weights: Sequence[float]) -> float:
    """The log odds that a claim with this agreement is supported."""
    intercept, *others = weights
    return intercept + math.fsum(weight * value for weight, value in zip(others, astuple(agreed), strict=True))


def _support(span: Span, agreed: Agreement, weights: Sequence[float]) -> Support:
    """The verdict: nothing that can be compared word for word may differ, and the rest must be alike enough."""
    probability = 1 / (1 + math.exp(-logit(agreed, weights)))
    same = agreed.figures == 1 and agreed.names >= _NAMES and agreed.negation == 1 and agreed.opposites == 1
    failed = [reason for name, reason in _REASONS.items() if getattr(agreed, name) < 1]
    if not (same and agreed.words >= _WORDS and probability >= _WEAK):
        verdict = Verdict.UNSUPPORTED
    else:
        verdict = Verdict.SUPPORTED if probability >= _SUPPORTED else Verdict.WEAK
    return Support(span, agreed, probability, verdict, failed[0] if failed else "its words do not stand there")
