"""Ranked sentences -> those that are quoted, in the order in which they are read."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rag.candidates import Candidate
from rag.lists import asks_for_a_list, introduces, list_of
from rag.parts import asks_every_document
from rag.sentences import is_item
from rag.short_answer import ShortAnswer

MOST_SENTENCES = 3
# A further sentence is quoted while the log odds that the best is better are at most this; more for the sentences
# beside the best, which complete it. `python -m eval fit-quotes` prints how often the sentences quoted hold the answer.
_NEARLY_AS_GOOD = 1.0
_BESIDE_THE_BEST = 2.0
_MOST_DOCUMENTS = 4
# What a sentence begins with that cannot be understood without the one before it.
_LEANS = re.compile(
    r"\W*(?:it|its|they|their|them|he|she|his|her|this|these|those|that|such|but|however|instead|yet|therefore|thus|so"
    r"|then|also|both|the (?:former|latter|two|same))\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Ranked:
    """A sentence, how well it answers (differences are log odds), and its short answer if it was looked for."""

    candidate: Candidate
    score: float
    answer: ShortAnswer | None = None

    @property
    def words(self) -> str:
        """The words that answer shortly; empty if there are none."""
        return self.answer.span.of(self.candidate.text) if self.answer else ""


def choose(question: str, ranked: Sequence[Ranked], sources: Sequence[str], other: Ranked | None) -> list[Ranked]:
    """The best sentence with what belongs to it.

    That is its list, or those nearly as good or beside it; the best of each document where each is asked for; and
    `other`, which says otherwise. `sources` are those of the passages.
    """
    best = ranked[0]
    if asks_every_document(question):
        return _of_every_document(ranked, sources)
    near = list(_nearly_as_good(best, ranked))
    wanted = near if asks_for_a_list(question) else [best] if introduces(best.candidate.text) else []
    for each in wanted:
        if items := _list_of(each, ranked):
            return items
    chosen = [best]
    for each in [other, *near] if other else near:
        if len(chosen) < MOST_SENTENCES and each.candidate.text not in {one.candidate.text for one in chosen}:
            chosen.append(each)
    leading = _leading(best, ranked)
    return [leading, *(each for each in chosen if each is not leading)][:MOST_SENTENCES] if leading else chosen


def _nearly_as_good(best: Ranked, ranked: Sequence[Ranked]) -> Iterator[Ranked]:
    for each in ranked:
        apart = abs(each.candidate.place - best.candidate.place)
        beside = each.candidate.passage == best.candidate.passage and apart == 1 and not is_item(each.candidate.text)
        if best.score - each.score <= (_BESIDE_THE_BEST if beside else _NEARLY_AS_GOOD):
            yield each


def _leading(best: Ranked, ranked: Sequence[Ranked]) -> Ranked | None:
    """The sentence before the best, where the best is its item or leans on it for what the question names."""
    if is_item(best.candidate.text):
        items = _list_of(best, ranked)
        return items[0] if items and introduces(items[0].candidate.text) else None
    features = best.candidate.features
    if not _LEANS.match(best.candidate.text) or features.context_coverage <= features.coverage:
        return None
    place = (best.candidate.passage, best.candidate.place - 1)
    return next((each for each in ranked if (each.candidate.passage, each.candidate.place) == place), None)


def _list_of(one: Ranked, ranked: Sequence[Ranked]) -> list[Ranked]:
    found = {each.candidate: each for each in ranked if each.candidate.passage == one.candidate.passage}
    return [found[item] for item in list_of(one.candidate, list(found))]


def _of_every_document(ranked: Sequence[Ranked], sources: Sequence[str]) -> list[Ranked]:
    first: dict[str, Ranked] = {}
    for each in ranked:
        if each.candidate.features.finished:  # a heading says nothing
            first.setdefault(sources[each.candidate.passage - 1], each)
    return list(first.values())[:_MOST_DOCUMENTS] or [ranked[0]]
