"""How well a reader does on examples that it has not learned from."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from eval.metrics.ranking import ndcg
from eval.metrics.refusal import separation
from eval.metrics.text import token_f1
from eval.reader_examples import Example, Task
from rag.reader import Reader

_MOST = {Task.READ: 1600, Task.RANK: 800, Task.SUPPORT: 900}


@dataclass(frozen=True, slots=True)
class ReaderScores:
    """`f1` of the short answer where there is one, and nothing is refused; `auroc` of an answer's odds, answerable or
    not; `ndcg` of a question's passages at 10; `support_auroc` of supported against all else, and the `balanced`
    accuracy of supported, refuted, not enough.
    """

    f1: float
    auroc: float
    ndcg: float
    support_auroc: float
    balanced: float


def score_reader(reader: Reader, held_out: Mapping[Task, Sequence[Example]]) -> ReaderScores:
    """Judge a reader by the first examples that are held out of each task."""
    reading, ranking, supporting = (_spread(held_out[task], _MOST[task]) for task in Task)
    read = reader.read_pairs([(example.first, example.second) for example in reading])
    f1 = [
        token_f1(found.spans(1)[0].span.of(example.second), [answer.of(example.second) for answer in example.answers])
        for example, found in zip(reading, read, strict=True)
        if example.answers
    ]
    answers = np.array([found.answers for found in read])
    answerable = np.array([bool(example.answers) for example in reading])
    judged = reader.judge([(example.first, example.second) for example in supporting])
    labels = np.array([example.label for example in supporting])
    recalls = [float(np.mean(judged[labels == label].argmax(axis=1) == label)) for label in np.unique(labels)]
    return ReaderScores(
        f1=float(np.mean(f1)),
        auroc=separation(answers[answerable], answers[~answerable]),
        ndcg=_ndcg(reader, ranking),
        support_auroc=separation(judged[labels == 0, 0], judged[labels != 0, 0]),
        balanced=float(np.mean(recalls)),
    )


def _spread(examples: Sequence[Example], most: int) -> Sequence[Example]:
    """About so many examples, drawn by lot, a question's passages kept together."""
    groups: defaultdict[str, list[Example]] = defaultdict(list)
    for place, example in enumerate(examples):
        groups[example.group or str(place)].append(example)
    drawn = random.Random(0).sample(list(groups.values()), len(groups) * min(most, len(examples)) // len(examples))
    return [example for group in drawn for example in group]


def _ndcg(reader: Reader, examples: Sequence[Example]) -> float:
    read = reader.read_pairs([(example.first, example.second) for example in examples])
    groups: defaultdict[str, dict[str, tuple[float, int]]] = defaultdict(dict)
    for place, (example, found) in enumerate(zip(examples, read, strict=True)):
        groups[example.group][str(place)] = found.relevance, example.label
    scores = []
    for group in groups.values():
        relevant = {place: label for place, (_, label) in group.items() if label}
        if relevant and len(relevant) < len(group):
            scores.append(ndcg(sorted(group, key=lambda place: -group[place][0]), relevant, 10))
    return float(np.mean([score for score in scores if score is not None]))
