"""Two documents that answer the same question differently: "A says 240 billion, B says 190 billion"."""

from __future__ import annotations

import re
from collections.abc import Sequence

from rag.answer_kind import AnswerKind, expected_kind, mentions
from rag.choose import Ranked
from rag.figures import figures

_UNIT = re.compile(r"%|per ?cent|[$€£¥]", re.IGNORECASE)
_YEAR = re.compile(r"\b(?:1[0-9]|20)\d\d\b")
# How much of the question's words, weighted by rarity, both sentences must have to speak of the same thing. By hand,
# so that false alarms are rare: four among 400 of SQuAD's answerable questions, eleven without it.
_SAME = 0.7
# How much less of the question's names, and of its words in the context, the other sentence may have.
_LESS = 0.05


def opposed(question: str, ranked: Sequence[Ranked], sources: Sequence[str]) -> Ranked | None:
    """The first sentence of another document that gives another number or date for the same thing than the best.

    The same thing: as much of the question stands in the sentence and around it, the unit is the same, and, unless a
    date is asked for, it speaks of the same years.
    """
    kind, best = expected_kind(question), ranked[0]
    if kind not in (AnswerKind.NUMBER, AnswerKind.DATE) or not mentions(kind, best.words, question):
        return None
    source = sources[best.candidate.passage - 1]
    elsewhere = (other for other in ranked if sources[other.candidate.passage - 1] != source)
    return next(
        (each for each in elsewhere if mentions(kind, each.words, question) and _differs(kind, best, each)), None
    )


def _differs(kind: AnswerKind, best: Ranked, other: Ranked) -> bool:
    ours, theirs = best.candidate.features, other.candidate.features
    return (
        bool(figures(best.words) and figures(other.words))
        and not figures(best.words) & figures(other.candidate.text)
        and not figures(other.words) & figures(best.candidate.text)
        and _units(best.words) == _units(other.words)
        and min(ours.coverage, theirs.coverage) >= _SAME
        and theirs.context_coverage >= ours.context_coverage - _LESS
        and theirs.names >= ours.names - _LESS
        and (kind is AnswerKind.DATE or _years(best.candidate.text) == _years(other.candidate.text))
    )


def _units(words: str) -> set[str]:
    return {unit.lower().replace("per cent", "%").replace("percent", "%") for unit in _UNIT.findall(words)}


def _years(text: str) -> set[str]:
    return set(_YEAR.findall(text))
