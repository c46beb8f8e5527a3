"""Trains the reader (`rag/reader.py`): one encoder, three heads, the reading head first, then all three in turn.

Every batch is of one task and of pairs of about the same length (`eval/reader_lessons.py`). What is lost, by task:
reading, the cross entropy of the answer's first and last token (of the first token of all where nothing answers), and
of use or not; ranking, of use or not; support, which of the three it is. AdamW, the learning rate warmed up, then
level, then falling to nothing: a run can be prolonged until it falls. Everything is drawn from one seed, by the number
of the pool of examples: a run that was stopped goes on from its last checkpoint as if it had not been. A graphics card
is used if PyTorch finds one.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from time import perf_counter
from typing import Any

import torch
from rich.console import Console
from torch import Tensor
from torch.nn import functional
from torch.utils.data import DataLoader, Subset
from transformers import BertConfig, BertModel

from eval.reader_examples import Examples, Task, load_examples
from eval.reader_lessons import POOL, Lesson, LessonPools
from eval.reader_scores import ReaderScores, score_reader
from rag.errors import SettingsError
from rag.models import BUNDLED_EMBEDDER, computes_bfloat16, embedder_folder, load_tokenizer
from rag.reader import Reader
from rag.reader_network import ReaderNetwork, packed, unpacked

_SEED = 11
_RATE = 1.2e-4
_RATE_AGAIN = 8e-5  # with weights to begin with
_READING_FIRST = 0.15  # of all rows; none with weights to begin with
_WARM_UP = 2_000  # rows
_FALL = 0.5  # of all rows
_DECAY = 0.01
_LONGEST_STEP = 1.0  # of the gradient
_EDITION = 250_000  # rows after which every example of the reading task was seen, about; then they are made anew
_MEASURED = (10_000, 25_000, 50_000, 100_000, 200_000, 400_000, 800_000)  # rows; the curve has a point there
_BETWEEN_CHECKPOINTS = 240  # seconds


@dataclass(frozen=True, slots=True)
class _Means:
    """How a kind of processor trains: tokens of a batch, processes that make lessons, how attention is computed, what
    share is dropped out, and whether products are computed in bfloat16.
    """

    device: str
    tokens: int
    workers: int
    attention: str
    dropout: float
    bfloat16: bool


def _means() -> _Means:
    if torch.cuda.is_available():
        return _Means("cuda", 16384, max((os.cpu_count() or 2) - 1, 1), "sdpa", 0.1, True)
    # Drawing lots for what is dropped out took a third of the time, and fused attention is slower on two cores than
    # plain; rows are seen once or twice.
    return _Means("cpu", 4096, 0, "eager", 0.0, computes_bfloat16())


@dataclass(slots=True)
class _Run:
    """How far a run has come."""

    pool: int = 0
    rows: int = 0
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class _Course:
    """What is learned from in how many rows, at what learning rate, and on what it is judged."""

    examples: Examples
    rows: int
    rate: float
    seed: int
    means: _Means
    out: Path


def train_reader(
    data: Path, out: Path, rows: int, begin: Path | None = None, seed: int = _SEED, wordnet: Path | None = None
) -> str:
    """Train on so many rows of the files in a folder, and write `out`/reader.safetensors; the learning curve, in words.

    The curve is measured on what is held out, and kept in `out`/curve.jsonl. Stopped, the same call goes on from the
    last checkpoint. `begin` are weights of an earlier run to begin with; another seed then makes other examples of the
    same rows, and holds out the same ones. `wordnet` is the folder of WordNet's files, if there is one.
    """
    out.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(seed)
    means = _means()
    folder = embedder_folder(BUNDLED_EMBEDDER)
    encoder = BertModel.from_pretrained(
        folder,
        local_files_only=True,
        add_pooling_layer=False,
        attn_implementation=means.attention,
        attention_probs_dropout_prob=means.dropout,
        hidden_dropout_prob=means.dropout,
    )
    network = ReaderNetwork(encoder)
    if begin:
        network.load_state_dict(unpacked(begin))
    examples = load_examples(data, seed, max(round(rows / _EDITION), 1), wordnet)
    course = _Course(examples, rows, _RATE_AGAIN if begin else _RATE, seed, means, out)
    training = _Training(network.to(means.device), load_tokenizer(folder), course, 0 if begin else _READING_FIRST)
    training.go()
    return training.curve()


def average_readers(weights: Sequence[Path], shares: Sequence[float], out: Path) -> None:
    """Write the weighted mean of some readers' weights. Readers trained from the same encoder on different examples
    read better together than each alone, at the cost of one (Wortsman et al. 2022, "Model soups").

    Raises SettingsError if there are not as many shares as readers.
    """
    if len(weights) != len(shares):
        raise SettingsError(f"{len(weights)} readers, but {len(shares)} shares. Name a share for each reader.")
    network = ReaderNetwork(BertModel(BertConfig.from_pretrained(embedder_folder(BUNDLED_EMBEDDER)), False))
    readers = [unpacked(path) for path in weights]
    whole = sum(shares)
    network.load_state_dict(
        {
            name: sum(share / whole * reader[name] for share, reader in zip(shares, readers, strict=True))
            for name in readers[0]
        }
    )
    packed(network, out)


class _Training:
    def __init__(self, network: ReaderNetwork, tokenizer: Any, course: _Course, reading_first: float) -> None:
        self._network = network
        self._tokenizer = tokenizer
        self._course = course
        alone = int(reading_first * course.rows)
        self._pools = LessonPools(
            course.examples.training, tokenizer, course.rows, alone, course.means.tokens, course.seed
        )
        self._run = _Run()
        self._tell = Console(stderr=True, highlight=False).print
        self._optimizer = torch.optim.AdamW(_groups(network), lr=course.rate, fused=True)

    def go(self) -> None:
        """Train until all rows were seen."""
        self._resume()
        saved = began = perf_counter()
        before = self._run.seconds
        if not self._run.rows:
            self._note()
        for lessons in self._lessons():
            torch.manual_seed(self._course.seed + self._run.pool)  # what is dropped out
            loss = torch.stack([self._step(lesson) for lesson in lessons]).mean()
            before_pool = self._run.rows
            self._run.pool += 1
            self._run.rows += POOL
            self._run.seconds = before + perf_counter() - began
            if self._run.pool % 10 == 0 or self._course.means.device == "cpu":
                self._tell(
                    f"{self._run.rows:,} of {self._course.rows:,} rows, {self._run.seconds:,.0f} s, loss {loss:.3f}"
                )
            if self._run.rows >= self._course.rows or any(before_pool < point <= self._run.rows for point in _MEASURED):
                self._note()
            if perf_counter() - saved > _BETWEEN_CHECKPOINTS:
                self._save()
                saved = perf_counter()
        self._save()
        packed(self._network, self._course.out / "reader.safetensors")

    def _lessons(self) -> DataLoader[list[Lesson]]:
        """The lessons of the pools that are left, made ahead by processes of their own if there are cores for them."""
        left = Subset(self._pools, range(self._run.pool, len(self._pools)))
        return DataLoader(left, batch_size=None, num_workers=self._course.means.workers, collate_fn=_as_they_are)

    def _step(self, lesson: Lesson) -> Tensor:
        self._network.train()
        for group in self._optimizer.param_groups:
            group["lr"] = self._course.rate * _share_of_rate(self._run.rows, self._course.rows)
        with torch.autocast(self._course.means.device, torch.bfloat16, self._course.means.bfloat16):
            loss = self._loss(lesson)
        self._optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self._network.parameters(), _LONGEST_STEP)
        self._optimizer.step()
        return loss.detach()

    def _loss(self, lesson: Lesson) -> Tensor:
        heads = self._network(lesson.batch)
        starts, ends, labels = (
            numbers.to(heads.start.device) for numbers in (lesson.starts, lesson.ends, lesson.labels)
        )
        if lesson.task is Task.SUPPORT:
            return functional.cross_entropy(heads.support, labels)
        known = (labels >= 0).float()
        of_use = functional.binary_cross_entropy_with_logits(heads.relevance, labels.clamp(min=0).float(), known)
        if lesson.task is Task.RANK:
            return of_use
        start, end = functional.cross_entropy(heads.start, starts), functional.cross_entropy(heads.end, ends)
        return (start + end) / 2 + 0.5 * of_use

    def _note(self) -> None:
        """Measure on what is held out, and add the figures to the curve."""
        reader = Reader(self._network, self._tokenizer)
        scores = score_reader(reader, self._course.examples.held_out)
        with (self._course.out / "curve.jsonl").open("a") as file:
            file.write(json.dumps({"rows": self._run.rows, "seconds": self._run.seconds} | asdict(scores)) + "\n")
        self._tell(f"{self._run.rows:,} rows: {scores}")

    def _save(self) -> None:
        state = {"network": self._network.state_dict(), "optimizer": self._optimizer.state_dict()}
        torch.save(state | {"run": asdict(self._run)}, self._course.out / "checkpoint.new")
        (self._course.out / "checkpoint.new").replace(self._course.out / "checkpoint")

    def _resume(self) -> None:
        if (self._course.out / "checkpoint").exists():
            state = torch.load(self._course.out / "checkpoint", weights_only=True)
            self._network.load_state_dict(state["network"])
            self._optimizer.load_state_dict(state["optimizer"])
            self._run = _Run(**state["run"])

    def curve(self) -> str:
        """The learning curve as a table."""
        lines = [json.loads(line) for line in (self._course.out / "curve.jsonl").read_text().splitlines()]
        names = ReaderScores.__dataclass_fields__
        table = ["rows | minutes | " + " | ".join(names)]
        for line in lines:
            figures = " | ".join(f"{line[name]:.3f}" for name in names)
            table.append(f"{line['rows']:,} | {line['seconds'] / 60:.0f} | {figures}")
        return "\n".join(table)


def _as_they_are(lessons: list[Lesson]) -> list[Lesson]:
    return lessons


def _groups(network: ReaderNetwork) -> list[dict[str, Any]]:
    """Weights, which are pulled towards nothing, apart from offsets and scales, which are not."""
    of_matrices = [weight for weight in network.parameters() if weight.ndim > 1]
    others = [weight for weight in network.parameters() if weight.ndim == 1]
    return [{"params": of_matrices, "weight_decay": _DECAY}, {"params": others, "weight_decay": 0.0}]


def _share_of_rate(rows: int, total: int) -> float:
    return min(1.0, (rows + POOL) / _WARM_UP, max(total - rows, POOL / 2) / (_FALL * total))
