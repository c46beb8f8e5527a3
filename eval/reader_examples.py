"""Training files -> what the reader learns from: pairs of texts, and what is true of each.

No file holds a question that its passage does not answer, so they are made: the likeliest other passage of the same
set, the passage without the sentence that answers, and the question twisted (`eval/reader_twists.py`). The files do not
say which passages are of one article: those count as such that have the name in common which is most telling of each.
One article in twelve is held out.
"""

from __future__ import annotations

import random
import re
from collections import Counter, defaultdict
from collections.abc import Container, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from math import log
from pathlib import Path
from typing import Any
from zlib import crc32

from eval.metrics.text import normalise
from eval.perturb import PERTURBATIONS
from eval.reader_tables import asked_tables
from eval.reader_twists import exchanged, holds_answer, twisted, with_exchanged
from eval.reader_words import OtherWords
from eval.training import training_rows
from rag.sentences import sentence_spans
from rag.settings import Settings
from rag.terms import stems
from rag.types import Span

_Row = dict[str, Any]

_HELD_OUT = 12  # one article in so many
_TELLING = 5  # of a question's words, by which another passage is found
_COMMON = 0.05  # words that more of the passages have tell nothing
_NAME = re.compile(r"(?<=[\w,;:)] )[A-Z][a-z]{2,}")  # not at the beginning of a sentence
_HALF = frozenset({"nq_swap"})  # sets whose answers were exchanged for others: every second row
_NEGATIVES = 4  # passages that do not answer, for each question of a ranking
_TITLES = 0.4  # of the passages
_TABLES = 0.1  # of as many questions as there are passages
_SUPPORT = {"S": 0, "R": 1, "N": 2}


class Task(StrEnum):
    """What a pair teaches."""

    READ = "read"
    RANK = "rank"
    SUPPORT = "support"


_FILES = {Task.READ: "reader", Task.RANK: "rerank", Task.SUPPORT: "support"}


@dataclass(frozen=True, slots=True)
class Example:
    """A pair of texts.

    READ: `answers` are places in the second text, none if it does not answer. RANK: `label` 1 if the second text is of
    use for the first, else 0. SUPPORT: 0 supported, 1 refuted, 2 not enough. READ has the label of RANK as well, or -1
    where nothing is known. Examples of one `group` share their first text.
    """

    task: Task
    first: str
    second: str
    label: int
    answers: tuple[Span, ...] = ()
    group: str = ""


@dataclass(frozen=True, slots=True)
class Examples:
    """What is learned from, and what is held out, by task."""

    training: dict[Task, list[Example]]
    held_out: dict[Task, list[Example]]


def load_examples(folder: Path, seed: int, editions: int = 1, wordnet: Path | None = None) -> Examples:
    """The examples of a folder's reader.jsonl.xz, rerank.jsonl.xz and support.jsonl.xz, in an order drawn by lot.

    What is made of the rows by lot, is made anew for each edition. Passages that are held out, and those that have a
    sentence in common with one, are in no training example. With the folder of WordNet's files, words of questions are
    also exchanged for their sisters and opposites (`eval/reader_words.py`), in training alone.
    """
    chance = random.Random(seed)
    training: dict[Task, list[Example]] = {}
    held_out: dict[Task, list[Example]] = {}
    rows: dict[Task, list[_Row]] = {}
    unseen: set[int] = set()
    for task, name in _FILES.items():
        rows[task], kept_apart = split_rows(folder / f"{name}.jsonl.xz")
        held_out[task] = list(_made(task, kept_apart, chance))
        unseen |= {mark for example in held_out[task] for mark in _marks(example.second)}
    words = OtherWords(wordnet, (row["passage"] for row in rows[Task.READ])) if wordnet else None
    for task, learned_from in rows.items():
        seen = [row for row in learned_from if unseen.isdisjoint(_marks_of(row))]
        training[task] = []
        for _ in range(editions):
            edition = list(_made(task, seen, chance, words))
            chance.shuffle(edition)
            training[task] += edition
    return Examples(training, held_out)


def _made(
    task: Task, rows: Sequence[_Row], chance: random.Random, words: OtherWords | None = None
) -> Iterator[Example]:
    if task is Task.READ:
        return _titled(_reading(rows, chance, words), chance)
    return _ranking(rows, chance) if task is Task.RANK else _supporting(rows, chance)


def split_rows(path: Path) -> tuple[list[_Row], list[_Row]]:
    """The rows of a training file that the reader learns from, and those whose articles it never sees."""
    rows = list(training_rows(path))
    kept: dict[bool, list[_Row]] = {False: [], True: []}
    for row, article in zip(rows, _articles([_told(row) for row in rows]), strict=True):
        kept[crc32(article.encode()) % _HELD_OUT == 0].append(row)
    return kept[False], kept[True]


def unseen_rows(path: Path, sources: Container[str], settings: Settings) -> Iterator[_Row]:
    """The rows of a training file that come from these sets; where the reader reads, only what it never saw."""
    rows = split_rows(path)[1] if settings.reader else training_rows(path)
    return (row for row in rows if row["src"] in sources)


def _told(row: _Row) -> str:
    """The text of a row that its article is known by."""
    if "passages" in row:
        return str(max(row["passages"], key=lambda each: each["relevance"])["passage"])
    return str(row.get("passage") or row["evidence"])


def _articles(texts: Sequence[str]) -> list[str]:
    """A name for the article of each text: of the names in it the one with the most occurrences, by rarity."""
    found = [Counter(_NAME.findall(text)) for text in texts]
    counts = Counter(name for each in found for name in each)
    rarity = {name: log(len(texts) / count) for name, count in counts.items()}
    return [
        max(each, key=lambda name: (each[name] * rarity[name], name)) if each else text[:50]
        for each, text in zip(found, texts, strict=True)
    ]


def _marks_of(row: _Row) -> set[int]:
    passages = row.get("passages") or [{"passage": row.get("passage") or row.get("evidence")}]
    return {mark for each in passages for mark in _marks(each["passage"])}


def _marks(text: str) -> set[int]:
    """What tells whether two texts have a sentence in common."""
    found = (normalise(span.of(text)) for span in sentence_spans(text))
    return {hash(sentence) for sentence in found if len(sentence) > 40}


def _reading(rows: Sequence[_Row], chance: random.Random, words: OtherWords | None) -> Iterator[Example]:
    others = _Others(rows)
    for place, row in enumerate(rows):
        if row["src"] in _HALF and place % 2:
            continue
        for asked in row["questions"]:
            question, passage = asked["question"], row["passage"]
            answers = tuple(Span(start, start + len(text)) for start, text in asked["spans"])
            texts = [normalise(text) for _, text in asked["spans"]]
            yield Example(Task.READ, question, passage, 1, answers)
            drawn = chance.random()
            if drawn < 0.3:
                if other := others.of(passage, row["src"], question, texts):
                    yield Example(Task.READ, question, other, 0)
            elif drawn < 0.42 and (rest := _without(passage, answers, texts)):
                yield Example(Task.READ, question, rest, -1)
            more = [each["question"] for each in row["questions"] if each is not asked]
            if chance.random() < 0.8 and (changed := twisted(question, passage, texts, chance, more, words)):
                yield Example(Task.READ, changed, passage, -1)
                yield from _exchanged(question, changed, passage, answers, chance)
    passages = [row["passage"] for row in rows]
    count = int(_TABLES * sum(len(row["questions"]) for row in rows))
    for table in asked_tables(names_in(passages), passages, count, chance):
        yield Example(Task.READ, table.question, table.passage, -1, table.answers)


def names_in(passages: Iterable[str]) -> list[str]:
    """The capitalised words in passages, each once, sorted."""
    return sorted({name for passage in passages for name in _NAME.findall(passage)})


def _titled(examples: Iterator[Example], chance: random.Random) -> Iterator[Example]:
    """The examples, some with the passage's most frequent name in a line above it: so the reader sees a document's."""
    for example in examples:
        names = Counter(_NAME.findall(example.second)).most_common(1)
        if not names or chance.random() > _TITLES:
            yield example
            continue
        title = f"{names[0][0]}\n"
        answers = tuple(Span(each.start + len(title), each.end + len(title)) for each in example.answers)
        yield replace(example, second=title + example.second, answers=answers)


def _exchanged(
    question: str, changed: str, passage: str, answers: Sequence[Span], chance: random.Random
) -> Iterator[Example]:
    """The passage with the exchanged words in each other's place: the changed question has its answer there."""
    exchange = exchanged(question, changed)
    found = exchange and with_exchanged(passage, answers, *exchange)
    if found:
        other, moved = found
        if chance.random() < 0.6:
            yield Example(Task.READ, changed, other, -1, moved)
        if chance.random() < 0.4:
            yield Example(Task.READ, question, other, -1)


class _Others:
    """Finds the passage of the same set that has most of a question's words, each counted by how rare it is."""

    def __init__(self, rows: Sequence[_Row]) -> None:
        self._passages = [row["passage"] for row in rows]
        self._places: defaultdict[tuple[str, str], list[int]] = defaultdict(list)
        self._sizes = Counter(row["src"] for row in rows)
        for place, row in enumerate(rows):
            for stem in set(stems(row["passage"])):
                self._places[row["src"], stem].append(place)

    def of(self, passage: str, source: str, question: str, answers: Sequence[str]) -> str | None:
        """The likeliest passage other than the one given that holds none of the answers."""
        # In the question's order: that of a set is another in every process.
        found = [self._places.get((source, stem), []) for stem in dict.fromkeys(stems(question))]
        telling = sorted(filter(None, found), key=len)[:_TELLING]
        scores: Counter[int] = Counter()
        for places in telling:
            if len(places) <= max(_COMMON * self._sizes[source], 20):
                rarity = log(self._sizes[source] / len(places))
                scores.update(dict.fromkeys(places, rarity))
        likeliest = (self._passages[place] for place, _ in scores.most_common(8))
        return next((each for each in likeliest if each != passage and not holds_answer(each, answers)), None)


def _without(passage: str, answers: Sequence[Span], texts: Sequence[str]) -> str | None:
    """The passage without the sentences that hold an answer; None if too little is left or it still holds one."""
    sentences = sentence_spans(passage)
    kept = [one.of(passage) for one in sentences if all(one.end <= a.start or a.end <= one.start for a in answers)]
    rest = " ".join(kept)
    return rest if len(kept) < len(sentences) and len(rest) > 80 and not holds_answer(rest, texts) else None


def _ranking(rows: Sequence[_Row], chance: random.Random) -> Iterator[Example]:
    for row in rows:
        found: dict[int, list[str]] = {1: [], 0: []}
        for each in row["passages"]:
            found[each["relevance"]].append(each["passage"])
        for label, passages in found.items():
            for passage in chance.sample(passages, min(len(passages), _NEGATIVES if label == 0 else 2)):
                yield Example(Task.RANK, row["question"], passage, label, group=row["question"])


def _supporting(rows: Sequence[_Row], chance: random.Random) -> Iterator[Example]:
    """Claims as they are labelled; and supported ones spoilt in some way, which their evidence refutes."""
    claims = [row["claim"] for row in rows]
    for row in rows:
        claim, evidence = row["claim"], row["evidence"]
        yield Example(Task.SUPPORT, claim, evidence, _SUPPORT[row["label"]])
        if row["label"] != "S":
            continue
        if chance.random() < 0.5:
            way = chance.choice(list(PERTURBATIONS.values()))
            if spoilt := way(claim, claims, chance):
                yield Example(Task.SUPPORT, spoilt, evidence, _SUPPORT["R"])
        elif changed := twisted(claim, evidence, [], chance):
            yield Example(Task.SUPPORT, changed, evidence, _SUPPORT["R"])
            exchange = exchanged(claim, changed)
            if found := exchange and with_exchanged(evidence, (), *exchange):
                yield Example(Task.SUPPORT, changed, found[0], _SUPPORT["S"])
