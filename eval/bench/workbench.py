"""What every benchmark needs: its folder, a store of its corpus, runs that are kept, and rows for its table."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from rich.console import Console

from eval.corpus import ingested
from eval.gold import save_gold
from eval.outcome import Outcome
from eval.run import Protocol, Run, Track, evaluate
from eval.stats import Estimate, mean
from eval.summary import calibration, estimates
from eval.types import GoldQuestion
from rag.settings import Settings

# What must be 1 for every answer: its citations are exact, each of its sentences has one.
CHECKED = ("exactness", "cited sentences")

Kind = Literal["published", "rebuilt", "ours"]


@dataclass(frozen=True, slots=True)
class Row:
    """A system and its figures by column. Published figures have no interval; rebuilt ones check the harness."""

    system: str
    kind: Kind
    figures: Mapping[str, Estimate | float]


@dataclass(frozen=True, slots=True)
class Table:
    """A benchmark's figures. `protocol` says how they came about; `picture` is a drawing of them as SVG, if any."""

    benchmark: str
    protocol: str
    rows: tuple[Row, ...]
    seconds: float = 0.0
    picture: str = ""

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of the figures, in the order of their first appearance."""
        return tuple(dict.fromkeys(column for row in self.rows for column in row.figures))


@dataclass(frozen=True, slots=True)
class Workbench:
    """The folder of benchmarks, and where stores and runs are kept between benchmarks and calls."""

    benchmarks: Path
    out: Path
    console: Console
    track: Callable[[str], Track]
    settings: Settings = field(default_factory=Settings)

    def run(
        self,
        benchmark: str,
        protocol: Protocol,
        name: str,
        *,
        only: Sequence[GoldQuestion] = (),
        settings: Settings | None = None,
    ) -> Run:
        """A benchmark's gold questions (or only these) asked of its corpus; not again if nothing has changed since."""
        folder = self.benchmarks / benchmark
        gold = folder / "gold.jsonl"
        if only:
            gold = self.out / f"{benchmark}-{name}-gold.jsonl"
            save_gold(gold, only)
        with ingested(self.corpus(benchmark), settings or self.settings, self.out, self.console) as store:
            track = self.track(f"{benchmark}, {name}")
            found, _ = evaluate(
                store, gold, protocol, name=f"{benchmark}-{name}", out=self.out / "runs", keep=True, track=track
            )
        return found

    def corpus(self, benchmark: str) -> Path:
        """The benchmark's documents: a folder of files, or one file of texts."""
        folder = self.benchmarks / benchmark
        return folder / "corpus" if (folder / "corpus").is_dir() else folder / "corpus.jsonl.gz"

    def texts(self, benchmark: str) -> dict[str, tuple[str, str]]:
        """Title and text of every document of a corpus.jsonl.gz, by source."""
        with gzip.open(self.corpus(benchmark), "rt", encoding="utf-8") as lines:
            rows = [json.loads(line) for line in lines]
        return {row["source"]: (row.get("title", ""), row["text"]) for row in rows}


def ours(system: str, outcomes: Iterable[Outcome], measures: Sequence[str]) -> Row:
    """A row of our own figures, with intervals."""
    return Row(system, "ours", estimates(outcomes, measures))


def published(system: str, **figures: float) -> Row:
    """A row of figures that others published; "_at_" stands for "@" in a column's name."""
    return Row(system, "published", {name.replace("_at_", "@").replace("_", " "): one for name, one in figures.items()})


def refusing(outcomes: Iterable[Outcome]) -> dict[str, Estimate]:
    """How well a run knows when not to answer, as columns."""
    trust = calibration(outcomes)
    figures = {
        "AUROC": trust.auroc,
        "risk-coverage area": trust.risk_coverage,
        "refusal precision": trust.refusal_precision,
        "refusal recall": trust.refusal_recall,
    }
    return {name: figure for name, figure in figures.items() if figure}


def mean_of(values: Iterable[float | None]) -> Estimate:
    """The mean over the questions that a figure applies to."""
    return mean([value for value in values if value is not None])
