"""Trains the reader (`rag/reader.py`): one encoder, three heads, the reading head first, then all three in turn.

Every batch is of one task and of pairs of about the same length. What is lost, by task: reading, the cross entropy of
the answer's first and last token (of the first token of all where nothing answers), and of use or not; ranking, of use
or not; support, which of the three it is. AdamW, the learning rate warmed up, then level, then falling to nothing over
the last quarter of the rows: until then a run can be prolonged. Everything is drawn from one seed, by the number of the
pool of examples: a run that was stopped goes on from its last checkpoint as if it had not been.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from time import perf_counter
from typing import Any

import torch
from rich.console import Console
from torch import Tensor
from torch.nn import functional
from transformers import BertModel

from eval.reader_examples import Example, Examples, Task, load_examples
from eval.reader_scores import ReaderScores, score_reader
from rag.models import BUNDLED_EMBEDDER, embedder_folder, load_tokenizer
from rag.reader import Reader
from rag.reader_network import ReaderNetwork, batch_of, packed, unpacked
from rag.reader_pairs import PairTokenizer, Stretch

_SEED = 11
_WINDOW = 256  # tokens of both texts; of a longer passage the stretch with the answer is seen
_OVERLAP = 64
_POOL = 1024  # examples that are cut into batches together
_TOKENS = 4096  # of a batch, padding included
_READING_FIRST = 0.15  # of all rows
_SHARES = {Task.READ: 0.6, Task.RANK: 0.2, Task.SUPPORT: 0.2}  # after that
_RATE = 1e-4
_WARM_UP = 2_000  # rows
_FALL = 0.25  # of all rows
_DECAY = 0.01
_LONGEST_STEP = 1.0  # of the gradient
_MEASURED = (10_000, 25_000, 50_000, 100_000, 200_000)  # rows after which the curve has a point, besides the end
# Drawing lots for what is dropped out took a third of the time, and fused attention is slower on two cores than plain;
# rows are seen once or twice.
_ENCODER: dict[str, Any] = {
    "add_pooling_layer": False,
    "attn_implementation": "eager",
    "attention_probs_dropout_prob": 0.0,
    "hidden_dropout_prob": 0.0,
}
_BETWEEN_CHECKPOINTS = 240  # seconds


@dataclass(frozen=True, slots=True)
class _Lesson:
    """A stretch, and what is true of it: the tokens that begin and end the answer (0: none), and the label."""

    task: Task
    stretch: Stretch
    start: int
    end: int
    label: int


@dataclass(slots=True)
class _Run:
    """How far a run has come."""

    pool: int = 0
    rows: int = 0
    seconds: float = 0.0


def train_reader(data: Path, out: Path, rows: int, begin: Path | None = None) -> str:
    """Train on so many rows of the files in a folder, and write `out`/reader.safetensors; the learning curve, in words.

    The curve is measured on what is held out, and kept in `out`/curve.jsonl. Stopped, the same call goes on from the
    last checkpoint. `begin` are weights of an earlier run to begin with.
    """
    out.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(_SEED)
    folder = embedder_folder(BUNDLED_EMBEDDER)
    network = ReaderNetwork(BertModel.from_pretrained(folder, local_files_only=True, **_ENCODER))
    if begin:
        network.load_state_dict(unpacked(begin))
    training = _Training(network, load_examples(data, _SEED), folder, out, rows)
    training.go()
    return training.curve()


class _Training:
    def __init__(self, network: ReaderNetwork, examples: Examples, folder: Path, out: Path, rows: int) -> None:
        self._network = network
        self._examples = examples
        self._tokenizer = load_tokenizer(folder)
        self._pairs = PairTokenizer(self._tokenizer, _WINDOW, _OVERLAP)
        self._out = out
        self._rows = rows
        self._run = _Run()
        self._tell = Console(stderr=True, highlight=False).print
        self._optimizer = torch.optim.AdamW(_groups(network), lr=_RATE)

    def go(self) -> None:
        """Train until all rows were seen."""
        self._resume()
        saved = began = perf_counter()
        before = self._run.seconds
        if not self._run.rows:
            self._note()
        while self._run.rows < self._rows:
            torch.manual_seed(_SEED + self._run.pool)  # what is dropped out
            losses = [self._step(batch) for batch in self._batches(self._run.pool)]
            before_pool = self._run.rows
            self._run.pool += 1
            self._run.rows += _POOL
            self._run.seconds = before + perf_counter() - began
            loss = sum(losses) / len(losses)
            self._tell(f"{self._run.rows:,} of {self._rows:,} rows, {self._run.seconds:,.0f} s, loss {loss:.3f}")
            if self._run.rows >= self._rows or any(before_pool < point <= self._run.rows for point in _MEASURED):
                self._note()
            if perf_counter() - saved > _BETWEEN_CHECKPOINTS:
                self._save()
                saved = perf_counter()
        self._save()
        packed(self._network, self._out / "reader.safetensors")

    def _step(self, lessons: Sequence[_Lesson]) -> float:
        self._network.train()
        for group in self._optimizer.param_groups:
            group["lr"] = _RATE * _share_of_rate(self._run.rows, self._rows)
        with torch.autocast("cpu", torch.bfloat16):
            loss = self._loss(lessons)
        self._optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self._network.parameters(), _LONGEST_STEP)
        self._optimizer.step()
        return float(loss.detach())

    def _loss(self, lessons: Sequence[_Lesson]) -> Tensor:
        heads = self._network(batch_of([lesson.stretch for lesson in lessons]))
        labels = torch.tensor([lesson.label for lesson in lessons])
        if lessons[0].task is Task.SUPPORT:
            return functional.cross_entropy(heads.support, labels)
        known = labels >= 0
        of_use = functional.binary_cross_entropy_with_logits(heads.relevance[known], labels[known].float())
        if lessons[0].task is Task.RANK:
            return of_use
        start = functional.cross_entropy(heads.start, torch.tensor([lesson.start for lesson in lessons]))
        end = functional.cross_entropy(heads.end, torch.tensor([lesson.end for lesson in lessons]))
        return (start + end) / 2 + (0.5 * of_use if known.any() else 0.0)

    def _batches(self, pool: int) -> Iterator[list[_Lesson]]:
        """The lessons of a pool, each batch of one task and of about equal length, in an order drawn by lot."""
        chance = random.Random(f"{_SEED} {pool}")
        batches: list[list[_Lesson]] = []
        for examples in self._drawn(pool).values():
            lessons = sorted(self._lessons(examples, chance), key=lambda lesson: len(lesson.stretch.ids))
            batch: list[_Lesson] = []
            for lesson in lessons:
                if batch and (len(batch) + 1) * len(lesson.stretch.ids) > _TOKENS:
                    batches.append(batch)
                    batch = []
                batch.append(lesson)
            if batch:
                batches.append(batch)
        chance.shuffle(batches)
        yield from batches

    def _drawn(self, pool: int) -> dict[Task, list[Example]]:
        """The examples of a pool: each task's follow on those of the pools before, over and over."""
        alone = int(_READING_FIRST * self._rows / _POOL)
        counts = {task: round(share * _POOL) for task, share in _SHARES.items()}
        before = {task: max(pool - alone, 0) * count for task, count in counts.items()}
        before[Task.READ] += min(pool, alone) * _POOL
        if pool < alone:
            counts = {Task.READ: _POOL}
        return {
            task: [self._training(task, before[task] + place) for place in range(count)]
            for task, count in counts.items()
        }

    def _training(self, task: Task, place: int) -> Example:
        examples = self._examples.training[task]
        return examples[place % len(examples)]

    def _lessons(self, examples: Sequence[Example], chance: random.Random) -> Iterator[_Lesson]:
        stretches: dict[int, list[Stretch]] = {}
        for stretch in self._pairs.stretches([(example.first, example.second) for example in examples]):
            stretches.setdefault(stretch.pair, []).append(stretch)
        for place, example in enumerate(examples):
            found = [(stretch, _tokens(stretch, example)) for stretch in stretches[place]]
            if example.answers:
                found = [each for each in found if each[1] != (0, 0)]
            if found:
                stretch, (start, end) = chance.choice(found)
                yield _Lesson(example.task, stretch, start, end, example.label)

    def _note(self) -> None:
        """Measure on what is held out, and add the figures to the curve."""
        reader = Reader(self._network, self._tokenizer)
        scores = score_reader(reader, self._examples.held_out)
        with (self._out / "curve.jsonl").open("a") as file:
            file.write(json.dumps({"rows": self._run.rows, "seconds": self._run.seconds} | asdict(scores)) + "\n")
        self._tell(f"{self._run.rows:,} rows: {scores}")

    def _save(self) -> None:
        state = {"network": self._network.state_dict(), "optimizer": self._optimizer.state_dict()}
        torch.save(state | {"run": asdict(self._run)}, self._out / "checkpoint.new")
        (self._out / "checkpoint.new").replace(self._out / "checkpoint")

    def _resume(self) -> None:
        if (self._out / "checkpoint").exists():
            state = torch.load(self._out / "checkpoint", weights_only=True)
            self._network.load_state_dict(state["network"])
            self._optimizer.load_state_dict(state["optimizer"])
            self._run = _Run(**state["run"])

    def curve(self) -> str:
        """The learning curve as a table."""
        lines = [json.loads(line) for line in (self._out / "curve.jsonl").read_text().splitlines()]
        names = ReaderScores.__dataclass_fields__
        table = ["rows | minutes | " + " | ".join(names)]
        for line in lines:
            figures = " | ".join(f"{line[name]:.3f}" for name in names)
            table.append(f"{line['rows']:,} | {line['seconds'] / 60:.0f} | {figures}")
        return "\n".join(table)


def _groups(network: ReaderNetwork) -> list[dict[str, Any]]:
    """Weights, which are pulled towards nothing, apart from offsets and scales, which are not."""
    of_matrices = [weight for weight in network.parameters() if weight.ndim > 1]
    others = [weight for weight in network.parameters() if weight.ndim == 1]
    return [{"params": of_matrices, "weight_decay": _DECAY}, {"params": others, "weight_decay": 0.0}]


def _share_of_rate(rows: int, total: int) -> float:
    return min(1.0, (rows + _POOL) / _WARM_UP, max(total - rows, _POOL / 2) / (_FALL * total))


def _tokens(stretch: Stretch, example: Example) -> tuple[int, int]:
    """The stretch's tokens that begin and end the example's first answer in it; (0, 0) if it holds none."""
    for answer in example.answers:
        starts = [place for place, (begin, end) in enumerate(stretch.offsets) if begin <= answer.start < end]
        ends = [place for place, (begin, end) in enumerate(stretch.offsets) if begin < answer.end <= end]
        if starts and ends:
            return stretch.begin + starts[0], stretch.begin + ends[0]
    return 0, 0
