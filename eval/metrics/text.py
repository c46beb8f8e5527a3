"""Answers against accepted answers, compared as SQuAD and ROUGE do."""

from __future__ import annotations

import re
import string
from collections import Counter
from collections.abc import Sequence

_ARTICLES = re.compile(r"\b(a|an|the)\b")
_PUNCTUATION = frozenset(string.punctuation) | frozenset("“”‘’«»…–—")
_LONG = 12  # words; a reference with more is a text of its own, never repeated word for word


def normalise(text: str) -> str:
    """SQuAD's normalisation: lower case, no punctuation, no articles, single spaces (Rajpurkar et al. 2016)."""
    bare = "".join(character for character in text.lower() if character not in _PUNCTUATION)
    return " ".join(_ARTICLES.sub(" ", bare).split())


def is_long(answers: Sequence[str]) -> bool:
    """Whether all accepted answers are long texts, for which overlap is measured instead of equality."""
    return bool(answers) and all(len(answer.split()) > _LONG for answer in answers)


def exact_match(answer: str, answers: Sequence[str]) -> float:
    """1 if the answer is one of the accepted ones; of a question without any, if the answer is empty (SQuAD 2.0)."""
    return float(normalise(answer) in _accepted(answers))


def token_f1(answer: str, answers: Sequence[str]) -> float:
    """The best F1 of shared words over the accepted answers; without any, 1 for an empty answer (SQuAD 2.0)."""
    return max(_f1(normalise(answer).split(), accepted.split()) for accepted in _accepted(answers))


def contains_answer(text: str, answers: Sequence[str]) -> bool | None:
    """Whether the text holds one of the accepted answers, both normalised; None if there are none.

    An answer of which normalising leaves nothing, like the mark "A", is looked for as it is.
    """
    return any(_contains(text, answer) for answer in answers) if answers else None


def rouge_l(text: str, answers: Sequence[str]) -> float | None:
    """The best F1 of the longest common subsequence of words over the accepted answers; None if there are none.

    Lin, "ROUGE: A Package for Automatic Evaluation of Summaries", 2004; words are runs of lower-case letters and
    digits and are not stemmed, as in the `rouge-score` package.
    """
    return max((_rouge_l(_tokens(text), _tokens(answer)) for answer in answers), default=None)


def _contains(text: str, answer: str) -> bool:
    bare = normalise(answer)
    if bare:
        return f" {bare} " in f" {normalise(text)} "
    return re.search(rf"(?<!\w){re.escape(answer.strip())}(?!\w)", text) is not None


def _accepted(answers: Sequence[str]) -> list[str]:
    """The answers normalised, as SQuAD's script compares them: without those of which nothing is left."""
    return [bare for answer in answers if (bare := normalise(answer))] or [""]


def _f1(answer: Sequence[str], accepted: Sequence[str]) -> float:
    if not answer or not accepted:
        return float(answer == accepted)
    shared = sum((Counter(answer) & Counter(accepted)).values())
    return 2 * shared / (len(answer) + len(accepted))


def _tokens(text: str) -> list[str]:
    return re.findall(r"[a-z0-9]+", text.lower())


def _rouge_l(text: Sequence[str], reference: Sequence[str]) -> float:
    if not text or not reference:
        return 0.0
    row = [0] * (len(reference) + 1)
    for word in text:
        diagonal = 0
        for place, other in enumerate(reference, start=1):
            above = row[place]
            row[place] = diagonal + 1 if word == other else max(above, row[place - 1])
            diagonal = above
    return 2 * row[-1] / (len(text) + len(reference))
