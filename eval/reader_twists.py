"""A question and its passage -> the same about something else: what the passage does not answer, though it names it.

Where a word of the question is exchanged for one of the passage, there are four pairs: the question and the changed
question, the passage and the passage with both words in each other's place. Two of them are answered, two are not, and
neither the wording of a question nor the words of a passage tell which: only whether they fit.
"""

from __future__ import annotations

import random
import re
from collections.abc import Sequence

from eval.metrics.text import normalise
from eval.perturb import (
    negated,
    opposite,
    other_ending,
    other_entity,
    other_number,
    other_word,
    swapped_names,
)
from eval.reader_words import OtherWords
from rag.types import Span

# How often each way is tried first: a denial can be made of nearly any question, and "not" alone must not tell.
_TWISTS = {
    other_entity: 5,
    other_word: 5,
    opposite: 4,
    other_ending: 3,
    swapped_names: 2,
    other_number: 1,
    negated: 1,
}
_FROM_QUESTIONS = 0.4  # the share of twists that borrow from the other questions, not from the passage
_BY_WORDS = 0.4  # the share of twists by words that neither need name
_BY_ENDING = frozenset({other_ending})  # ways that borrow from questions alone


def twisted(
    question: str,
    passage: str,
    answers: Sequence[str],
    chance: random.Random,
    others: Sequence[str] = (),
    words: OtherWords | None = None,
) -> str | None:
    """The question about something else that the passage or another question names, about the opposite, or denied.

    `others` are more questions about the passage; `words` tells words for others, which the passage need not name. None
    where nothing can be exchanged, or an answer (normalised) would stand in the question.
    """
    if words and chance.random() < _BY_WORDS and (changed := words.swap(question, chance)):
        return None if holds_answer(changed, answers) else changed
    ways = sorted(_TWISTS, key=lambda way: chance.random() ** (1 / _TWISTS[way]), reverse=True)
    from_questions = bool(others) and chance.random() < _FROM_QUESTIONS
    for place, way in enumerate(ways):
        if way is negated and place:
            continue
        texts = others if from_questions or way in _BY_ENDING else [passage]
        if changed := way(question, texts, chance):
            return None if holds_answer(changed, answers) else changed
    return None


def exchanged(question: str, changed: str) -> tuple[str, str] | None:
    """What stood in the question, and what stands in its place in the changed one; None if that is not one place."""
    before, after = question.split(" "), changed.split(" ")
    start = next((n for n, pair in enumerate(zip(before, after, strict=False)) if pair[0] != pair[1]), 0)
    backward = zip(before[start:][::-1], after[start:][::-1], strict=False)
    end = next((n for n, pair in enumerate(backward) if pair[0] != pair[1]), 0)
    old, new = (" ".join(words[start : len(words) - end]).strip("?.,;:'\"") for words in (before, after))
    alike = old and new and old != new and max(len(old.split()), len(new.split())) < 4
    return (old, new) if alike else None


def with_exchanged(passage: str, answers: Sequence[Span], old: str, new: str) -> tuple[str, tuple[Span, ...]] | None:
    """The passage with the two in each other's place, and where its answers stand then.

    None if the old does not stand in the passage, or one of them stands in an answer.
    """
    found = list(re.finditer(rf"\b(?:{re.escape(old)}|{re.escape(new)})\b", passage))
    kept_apart = all(one.end() <= answer.start or answer.end <= one.start() for one in found for answer in answers)
    if old not in {one.group() for one in found} or not kept_apart:
        return None
    pieces, last, moved = [], 0, list(answers)
    for one in found:
        other = new if one.group() == old else old
        pieces += [passage[last : one.start()], other]
        last = one.end()
        step = len(other) - len(one.group())
        moved = [
            Span(span.start + step, span.end + step) if answer.start >= one.end() else span
            for answer, span in zip(answers, moved, strict=True)
        ]
    return "".join(pieces) + passage[last:], tuple(moved)


def holds_answer(text: str, answers: Sequence[str]) -> bool:
    """Whether one of the answers, which are normalised, stands in the text."""
    plain = f" {normalise(text)} "
    return any(f" {answer} " in plain for answer in answers)
