"""Words that stand where another might, but mean something else: what people ask about when nothing answers them.

Read from the files of WordNet 3.0 (Princeton University; wndb(5WN) describes them): the opposites of a word, and its
sisters, which the same word of a wider meaning stands above: king and queen, copper and tin, Spain and France.
"""

from __future__ import annotations

import random
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path

from rag.errors import SettingsError
from rag.terms import STOP_WORDS

_KINDS = {"1": "noun", "2": "verb", "3": "adj", "4": "adv", "5": "adj"}  # by the number in a sense's key
_MOST = 60  # sisters; wider families have little in common
_RARE = 10  # uses of a word; rarer ones sound odd
_WORD = re.compile(r"[A-Za-z]{4,}")
_FORMS = (("", ""), ("s", "s"), ("es", "es"), ("ed", "ed"), ("d", "d"), ("ing", "ing"), ("ed", "d"), ("d", "ed"))


class OtherWords:
    """The words that are sisters or opposites of a word; of those only words that some texts use."""

    def __init__(self, folder: Path, texts: Iterable[str]) -> None:
        uses = Counter(word for text in texts for word in _WORD.findall(text))
        self._used = {word for word, count in uses.items() if count >= _RARE}
        kinds = _usual_kinds(folder)
        self._words: dict[str, list[str]] = {}
        for kind in ("noun", "verb", "adj", "adv"):
            self._words |= {word: others for word, others in _read(folder, kind) if kinds.get(word, kind) == kind}

    def of(self, word: str) -> list[str]:
        """The words that may stand in a word's place, sorted; in the same form, as far as the endings are regular."""
        found: set[str] = set()
        for ending, same in _FORMS:
            if word.endswith(ending):
                stem = word[: len(word) - len(ending)]
                found |= {other + same for other in self._words.get(stem.lower(), ())}
        found = {other.title() if word[:1].isupper() else other for other in found}
        return sorted(other for other in found & self._used if other.lower() != word.lower())

    def swap(self, question: str, chance: random.Random) -> str | None:
        """The question with one of its words, but not the first, exchanged for such a word; None if there is none."""
        words = [word for word in _WORD.finditer(question) if word.start()]
        chance.shuffle(words)
        for word in words:
            if word.group() not in STOP_WORDS and (others := self.of(word.group())):
                return question[: word.start()] + chance.choice(others) + question[word.end() :]
        return None


def _read(folder: Path, kind: str) -> Iterator[tuple[str, list[str]]]:
    """Every single word of a kind, in small letters, with its sisters and opposites."""
    names: dict[str, list[str]] = {}
    above: dict[str, list[str]] = {}
    below: defaultdict[str, list[str]] = defaultdict(list)
    against: defaultdict[tuple[str, str], list[tuple[str, int]]] = defaultdict(list)
    for line in _lines(folder / f"data.{kind}"):
        place, _, _, count, *rest = line.split(" | ")[0].split()
        size = 2 * int(count, 16)
        names[place] = [re.sub(r"\(.*\)", "", name).lower() for name in rest[:size:2]]
        pointers = rest[size + 1 : size + 1 + 4 * int(rest[size])]
        above[place] = []
        for sign, target, _, ends in zip(*(pointers[n::4] for n in range(4)), strict=True):
            if sign in ("@", "@i"):
                above[place].append(target)
                below[target].append(place)
            elif sign == "!":
                against[place, names[place][int(ends[:2], 16) - 1]].append((target, int(ends[2:], 16) - 1))
    for line in _lines(folder / f"index.{kind}"):
        word, _, count, *rest = line.split()
        if "_" in word:
            continue
        senses = rest[-int(count) :]
        usual, alike = senses[0], {name for sense in senses for name in names[sense]}
        families = [below[parent] for parent in above[usual] if len(below[parent]) <= _MOST]
        sisters = [names[sister][0] for family in families for sister in family]
        opposites = [names[target][which] for target, which in against[usual, word]]
        yield word, [name for name in sisters + opposites if name not in alike]


def _usual_kinds(folder: Path) -> dict[str, str]:
    """Of each word the kind that it is of most often."""
    counts: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for line in _lines(folder / "cntlist.rev"):
        sense, _, count = line.split()
        word, kind = sense.split("%")
        counts[word][_KINDS[kind[0]]] += int(count)
    return {word: kinds.most_common(1)[0][0] for word, kinds in counts.items()}


def _lines(path: Path) -> Iterator[str]:
    if not path.is_file():
        raise SettingsError(
            f"{path} is not there. Name the folder with the files of WordNet 3.0, for example data.noun."
        )
    with path.open(encoding="latin-1") as file:
        yield from (line for line in file if not line.startswith("  "))
