"""Fits what counts as a slip (`rag/spelling.py`) on names of training questions, misspelt on purpose.

Two things can go wrong, and count alike: a misspelt name is not put right, or a name that the documents do not hold is
taken for another. For the second, each name in turn is looked for among the documents' words without itself.
"""

from __future__ import annotations

import itertools
import random
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from string import ascii_lowercase

from eval.fit_retrieval import sample
from rag.models import load_embedder
from rag.settings import Settings
from rag.spelling import SLIPS, Slips, nearest_stem, strange_words
from rag.terms import names_and_numbers, stem, words

_SEED = 13
_SHORTEST = (3, 4, 5, 6, 7)
_LONG = (7, 8, 9, 10, 12, 99)


class _Names:
    """Names of questions as typed rightly and wrongly, and the documents' stems by their first letter."""

    def __init__(self, questions: Sequence[str], passages: Sequence[str], is_common: Callable[[str], bool]) -> None:
        self._is_common = is_common
        self._stems: dict[str, dict[str, int]] = defaultdict(dict)
        for found, count in Counter(stem(word) for text in passages for word in set(words(text)) if stem(word)).items():
            self._stems[found[0]][found] = count
        named = {word for text in questions for name in names_and_numbers(text) for word in words(name)}
        self.names = [
            name
            for name in sorted(named)
            if name.isalpha() and len(name) > 2 and stem(name) in self._stems[name[0]] and not is_common(name)
        ]
        chance = random.Random(_SEED)
        self._misspelt = [_misspelt(name, chance) for name in self.names]

    def put_right(self, slips: Slips) -> int:
        """How many misspelt names become the right one."""
        pairs = zip(self.names, self._misspelt, strict=True)
        return sum(self._meant(wrong, self._stems[wrong[0]], slips) == stem(name) for name, wrong in pairs)

    def taken_for_others(self, slips: Slips) -> int:
        """How many names that the documents do not hold become another."""
        return sum(
            self._meant(name, {other: n for other, n in self._stems[name[0]].items() if other != stem(name)}, slips)
            is not None
            for name in self.names
        )

    def _meant(self, word: str, vocabulary: Mapping[str, int], slips: Slips) -> str | None:
        strange = strange_words(word, vocabulary, self._is_common, slips)
        return nearest_stem(word, vocabulary, slips) if strange else None


def fit_spelling(paths: Sequence[Path]) -> str:
    """What counts as a slip so that most misspelt names are put right and fewest others changed; in words."""
    questions, passages = sample(paths)
    names = _Names([question.text for question in questions], list(passages), load_embedder(Settings()).knows)
    return "\n".join(_report(names))


def _report(names: _Names) -> Iterator[str]:
    rules = [Slips(shortest, long) for shortest, long in itertools.product(_SHORTEST, _LONG) if shortest <= long]
    gains = {rule: (names.put_right(rule), names.taken_for_others(rule)) for rule in {*rules, SLIPS}}
    best = max(gains, key=lambda rule: (gains[rule][0] - gains[rule][1], rule.shortest, rule.long))
    yield f"{len(names.names)} names; of each rule how many misspelt ones are put right, how many absent ones changed"
    for label, rule in [("best", best), ("in use", SLIPS), *(("", rule) for rule in rules)]:
        right, changed = gains[rule]
        yield f"{label:6} shortest {rule.shortest}, long {rule.long:2}: {right:4} {changed:4} {right - changed:5}"


def _misspelt(word: str, chance: random.Random) -> str:
    """The word with one slip behind its first letter; with two from eight letters on, every other time."""
    for _ in range(1 + (len(word) >= 8 and chance.random() < 0.5)):
        place = chance.randrange(1, len(word) - 1)
        before, letter, after = word[:place], word[place], word[place + 1 :]
        word = chance.choice(
            [
                before + after,
                before + letter + letter + after,
                before + chance.choice(ascii_lowercase.replace(letter, "")) + after,
                before + after[:1] + letter + after[1:],
            ]
        )
    return word
