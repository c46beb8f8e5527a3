"""A grid of settings -> quality against latency, and the cheapest setting not significantly worse than the best.

Each chunking is ingested once and each distinct chunk embedded once. Questions, and the sentences of the passages, are
embedded anew for every setting, because the time that takes is part of what is measured.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console

from eval.compare import SIGNIFICANCE, changes
from eval.corpus import ingested
from eval.errors import SweepError
from eval.measures import MEASURES, known_measures
from eval.run import Protocol, Run, Track, evaluate
from eval.stats import Estimate, estimate, mean
from eval.summary import stage_seconds, values
from rag.settings import Settings
from rag.store import build_identity

_PREFERRED = ("correct", "nDCG@10", "evidence recall@5")


@dataclass(frozen=True, slots=True)
class Point:
    """A setting of the grid with what it gave. `p` is that of its difference from the best; 1 for the best itself."""

    setting: dict[str, Any]
    run: str
    quality: Estimate
    seconds: Estimate  # the median question's
    p: float

    @property
    def label(self) -> str:
        """The setting in words."""
        return ", ".join(f"{key} {value}" for key, value in self.setting.items())


@dataclass(frozen=True, slots=True)
class Sweep:
    """Every point in the grid's order, by one measure."""

    gold: str
    measure: str
    points: tuple[Point, ...]

    @property
    def best(self) -> Point:
        """The point with the best mean; of equals, the cheapest."""
        return self._best_of(self.points)

    def good_enough(self, point: Point) -> bool:
        """Whether a point is not significantly worse than the best.

        Not corrected for the number of points: a false alarm only costs milliseconds, a missed loss costs answers.
        """
        return point.p >= SIGNIFICANCE or point.quality.value == self.best.quality.value

    @property
    def recommended(self) -> Point:
        """The cheapest point that is good enough; of those as fast (their intervals overlap), the best."""
        enough = [point for point in self.points if self.good_enough(point)]
        cheapest = min(enough, key=lambda point: point.seconds.value).seconds
        longest = cheapest.value if cheapest.high is None else cheapest.high
        as_fast = [one for one in enough if (one.seconds.low or one.seconds.value) <= longest]
        return self._best_of(as_fast)

    def _best_of(self, points: Iterable[Point]) -> Point:
        sign = 1 if MEASURES[self.measure].higher_is_better else -1
        return max(points, key=lambda point: (sign * point.quality.value, -point.seconds.value))


def load_grid(path: Path, settings: Settings) -> list[Settings]:
    """Every combination of a TOML file's lists as settings, ordered so that equal chunkings stand together.

    Raises SweepError if it is not a table of lists, SettingsError for an unknown key or a value out of range.
    """
    try:
        grid = tomllib.loads(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SweepError(f"{path} cannot be read as TOML ({error}).") from None
    for key, choices in grid.items():
        if not isinstance(choices, list) or not choices:
            raise SweepError(f"{path}: {key} is {choices!r}. Give a list of values, like {key} = [{choices!r}].")
    if not grid:
        raise SweepError(f"{path} is empty. Give lists of settings, like k = [5, 10].")
    combinations = [dict(zip(grid, combination, strict=True)) for combination in product(*grid.values())]
    found = [settings.changed(**combination) for combination in combinations]
    return sorted(found, key=lambda one: str(build_identity(one)))


def sweep(
    gold: Path,
    corpus: Path,
    grid: Path,
    settings: Settings,
    protocol: Protocol,
    out: Path,
    console: Console,
    *,
    measure: str | None = None,
    track: Callable[[str], Track],
) -> Sweep:
    """Run every setting of the grid; each run is kept under `out`. `track` is given each setting's place in words."""
    grid_settings = load_grid(grid, settings)
    keys = list(tomllib.loads(grid.read_text("utf-8")))
    if "k" in keys and not protocol.answers:
        raise SweepError(f"{grid}: k changes nothing when only retrieving. Leave it out, or sweep with answers.")
    runs: list[tuple[dict[str, Any], Run]] = []
    for number, one in enumerate(grid_settings, start=1):
        setting = {key: getattr(one, key) for key in keys}
        with ingested(corpus, one, out, console) as store:
            place = f"Setting {number} of {len(grid_settings)}"
            run, _ = evaluate(store, gold, protocol, out=out / f"{gold.stem}-sweep", keep=True, track=track(place))
        runs.append((setting, run))
    return Sweep(gold.name, *_points(runs, measure))


def _points(runs: list[tuple[dict[str, Any], Run]], measure: str | None) -> tuple[str, tuple[Point, ...]]:
    measured = [name for name in _PREFERRED if values(runs[0][1].outcomes, name)]
    name = known_measures([measure])[0] if measure else next(iter(measured), None)
    if name is None or not values(runs[0][1].outcomes, name):
        raise SweepError(f"the gold set has nothing to measure {name or 'quality'!r} by. Choose another --measure.")
    sign = 1 if MEASURES[name].higher_is_better else -1
    best = max(runs, key=lambda pair: sign * mean(values(pair[1].outcomes, name)).value)[1]
    return name, tuple(_point(setting, run, best, name) for setting, run in runs)


def _point(setting: Mapping[str, Any], run: Run, best: Run, measure: str) -> Point:
    stages = stage_seconds(run.outcomes)
    seconds = np.array(stages.get("total") or stages["retrieve"])
    return Point(
        setting=dict(setting),
        run=run.name,
        quality=mean(values(run.outcomes, measure)),
        seconds=estimate([seconds], np.median),
        p=changes(best.outcomes, run.outcomes, [measure])[0].p,
    )
