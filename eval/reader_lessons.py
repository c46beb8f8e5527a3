"""Examples -> lessons: batches of tokens and what the heads are to say of them, drawn by the number of their pool."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import Dataset

from eval.reader_examples import Example, Task
from rag.reader_network import Batch, batch_of
from rag.reader_pairs import PairTokenizer, Stretch

POOL = 1024  # examples that are cut into batches together

_WINDOW = 320  # tokens of both texts; of a longer passage the stretch with the answer is seen
_OVERLAP = 64
_SHARES = {Task.READ: 0.6, Task.RANK: 0.2, Task.SUPPORT: 0.2}


@dataclass(frozen=True, slots=True)
class Lesson:
    """A batch of one task, and what is true of each of its pairs: the tokens that begin and end the answer (0: none),
    and the label (`eval.reader_examples.Example`).
    """

    task: Task
    batch: Batch
    starts: Tensor
    ends: Tensor
    labels: Tensor


@dataclass(frozen=True, slots=True)
class _Taught:
    """One pair of a lesson."""

    task: Task
    stretch: Stretch
    start: int
    end: int
    label: int


class LessonPools(Dataset[list[Lesson]]):
    """The lessons of each pool of a run of so many rows: the same for the same seed, however they are asked for.

    The first `alone` rows are reading alone. Batches have at most `tokens` tokens, padding included, and pairs of about
    the same length.
    """

    def __init__(
        self, examples: Mapping[Task, Sequence[Example]], tokenizer: Any, rows: int, alone: int, tokens: int, seed: int
    ) -> None:
        self._examples = examples
        self._pairs = PairTokenizer(tokenizer, _WINDOW, _OVERLAP)
        self._rows = rows
        self._alone = alone // POOL
        self._tokens = tokens
        self._seed = seed

    def __len__(self) -> int:
        return -(-self._rows // POOL)

    def __getitem__(self, pool: int) -> list[Lesson]:
        """The lessons of a pool, in an order drawn by lot."""
        chance = random.Random(f"{self._seed} {pool}")
        lessons: list[Lesson] = []
        for examples in self._drawn(pool).values():
            taught = sorted(self._taught(examples, chance), key=lambda each: len(each.stretch.ids))
            batch: list[_Taught] = []
            for each in taught:
                if batch and (len(batch) + 1) * len(each.stretch.ids) > self._tokens:
                    lessons.append(_lesson(batch))
                    batch = []
                batch.append(each)
            if batch:
                lessons.append(_lesson(batch))
        chance.shuffle(lessons)
        return lessons

    def _drawn(self, pool: int) -> dict[Task, list[Example]]:
        """The examples of a pool: each task's follow on those of the pools before, over and over."""
        counts = {task: round(share * POOL) for task, share in _SHARES.items()}
        before = {task: max(pool - self._alone, 0) * count for task, count in counts.items()}
        before[Task.READ] += min(pool, self._alone) * POOL
        if pool < self._alone:
            counts = {Task.READ: POOL}
        return {
            task: [self._example(task, before[task] + place) for place in range(count)]
            for task, count in counts.items()
        }

    def _example(self, task: Task, place: int) -> Example:
        examples = self._examples[task]
        return examples[place % len(examples)]

    def _taught(self, examples: Sequence[Example], chance: random.Random) -> Iterator[_Taught]:
        stretches: dict[int, list[Stretch]] = {}
        for stretch in self._pairs.stretches([(example.first, example.second) for example in examples]):
            stretches.setdefault(stretch.pair, []).append(stretch)
        for place, example in enumerate(examples):
            found = [(stretch, _tokens(stretch, example)) for stretch in stretches[place]]
            if example.answers:
                found = [each for each in found if each[1] != (0, 0)]
            if found:
                stretch, (start, end) = chance.choice(found)
                yield _Taught(example.task, stretch, start, end, example.label)


def _lesson(taught: Sequence[_Taught]) -> Lesson:
    numbers = torch.tensor([(each.start, each.end, each.label) for each in taught])
    return Lesson(taught[0].task, batch_of([each.stretch for each in taught]), *numbers.unbind(1))


def _tokens(stretch: Stretch, example: Example) -> tuple[int, int]:
    """The stretch's tokens that begin and end the example's first answer in it; (0, 0) if it holds none."""
    for answer in example.answers:
        starts = [place for place, (begin, end) in enumerate(stretch.offsets) if begin <= answer.start < end]
        ends = [place for place, (begin, end) in enumerate(stretch.offsets) if begin < answer.end <= end]
        if starts and ends:
            return stretch.begin + starts[0], stretch.begin + ends[0]
    return 0, 0
