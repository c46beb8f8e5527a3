"""Pure functions from answers and gold to numbers. None means that the measure does not apply; never 0."""

from __future__ import annotations

import math
import re
import string
from collections.abc import Iterable, Mapping, Sequence

from rag.types import Span

_ARTICLES = re.compile(r"\b(a|an|the)\b")
_PUNCTUATION = frozenset(string.punctuation) | frozenset("“”‘’«»…–—")


def normalise(text: str) -> str:
    """SQuAD's normalisation: lower case, no punctuation, no articles, single spaces (Rajpurkar et al. 2016)."""
    bare = "".join(character for character in text.lower() if character not in _PUNCTUATION)
    return " ".join(_ARTICLES.sub(" ", bare).split())


def contains_answer(text: str, answers: Sequence[str]) -> bool | None:
    """Whether the text holds one of the accepted answers, both normalised; None if there are none."""
    padded = f" {normalise(text)} "
    return any(f" {normalise(answer)} " in padded for answer in answers) if answers else None


def covered(spans: Iterable[Span]) -> list[Span]:
    """The same characters as disjoint spans in order, so that none counts twice."""
    merged: list[Span] = []
    for span in sorted(spans):
        if merged and span.start <= merged[-1].end:
            merged[-1] = Span(merged[-1].start, max(merged[-1].end, span.end))
        else:
            merged.append(span)
    return merged


def overlap(first: Mapping[str, Sequence[Span]], second: Mapping[str, Sequence[Span]]) -> int:
    """How many characters two sets of spans, by source, have in common."""
    return sum(
        one.overlap(other)
        for source in first.keys() & second.keys()
        for one in covered(first[source])
        for other in covered(second[source])
    )


def ndcg(ranking: Sequence[str], relevant: Mapping[str, int], k: int) -> float | None:
    """nDCG@k with gain 2^grade - 1 and discount log2(rank + 1); None without judgements.

    Järvelin and Kekäläinen, "Cumulated gain-based evaluation of IR techniques", 2002.
    """
    if not any(grade > 0 for grade in relevant.values()):
        return None
    gains = [relevant.get(source, 0) for source in list(dict.fromkeys(ranking))[:k]]
    best = sorted(relevant.values(), reverse=True)[:k]
    return _discounted(gains) / _discounted(best)


def _discounted(grades: Iterable[int]) -> float:
    return math.fsum((2**grade - 1) / math.log2(rank + 1) for rank, grade in enumerate(grades, start=1))
