"""Passages' ranks from stage to stage as a bump chart: inline SVG whose colours are the page's style sheet's."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from itertools import pairwise

MOST_WAYS = 20  # more lines would be a tangle
COLOURED = 3

_WIDTH, _LEFT, _RIGHT, _TOP = 640, 64, 176, 40
_ROW = 21  # pixels between the ranks 1 to 10, which is where passages are chosen
_LINEAR = 10
_TAIL = 84  # pixels for all ranks beyond
_NOT_FOUND = 30  # pixels below the lowest rank
_LABEL = 16  # pixels that a label needs
_TICKS = (1, 5, 10, 20, 50, 100, 200, 500, 1000)


@dataclass(frozen=True, slots=True)
class Way:
    """One passage's line: its rank at each stage, None where that stage did not find it, its name, and all in words."""

    ranks: tuple[int | None, ...]
    name: str
    told: str


def bump_svg(stages: Sequence[str], ways: Sequence[Way], id: str, title: str) -> str:
    """The chart of the first 20 ways, a column for each of at least two stages; `id` makes its own ids unique."""
    drawn = ways[:MOST_WAYS]
    lowest = max([_LINEAR * 10, *(rank for way in drawn for rank in way.ranks if rank)])
    bottom = _height(lowest, lowest) + _NOT_FOUND
    columns = [_LEFT + number * (_WIDTH - _LEFT - _RIGHT) / (len(stages) - 1) for number in range(len(stages))]
    grid = "".join(
        f"<line class='grid' x1='{_LEFT - 12}' x2='{columns[-1] + 6:.0f}' y1='{y:.1f}' y2='{y:.1f}' "
        f"stroke='currentColor' stroke-opacity='.15'/>"
        f"<text class='tick' x='{_LEFT - 20}' y='{y + 4:.1f}' text-anchor='end'>{name}</text>"
        for name, y in [(str(tick), _height(tick, lowest)) for tick in _TICKS if tick <= lowest]
        + [("not found", bottom)]
    )
    heads = "".join(
        f"<text class='stage' x='{x:.0f}' y='16' text-anchor='middle'>{escape(stage)}</text>"
        for stage, x in zip(stages, columns, strict=True)
    )
    places = [[_height(rank, lowest) if rank else bottom for rank in way.ranks] for way in drawn]
    labels = _apart([heights[-1] for heights in places])
    lines = [
        _line(way, number, list(zip(columns, heights, strict=True)), label)
        for number, (way, heights, label) in enumerate(zip(drawn, places, labels, strict=True), start=1)
    ]
    height = max(bottom, *labels) + 14
    return (
        f"<svg class='bump' viewBox='0 0 {_WIDTH} {height:.0f}' role='img' aria-labelledby='{id}-title {id}-desc' "
        f"font-size='12.5' fill='currentColor'><title id='{id}-title'>{escape(title)}</title>"
        f"<desc id='{id}-desc'>{escape(' '.join(way.told for way in drawn))}</desc>{grid}{heads}"
        # What is drawn last lies on top: the best.
        f"{''.join(reversed(lines))}</svg>"
    )


def _height(rank: int, lowest: int) -> float:
    """Where a rank stands: evenly down to 10, then closer and closer."""
    beyond = _TAIL * math.log(rank / _LINEAR) / math.log(lowest / _LINEAR) if rank > _LINEAR else 0.0
    return _TOP + (min(rank, _LINEAR) - 1) * _ROW + beyond


def _apart(heights: Sequence[float]) -> list[float]:
    """The heights of labels, moved down where they would cover one another."""
    moved = [0.0] * len(heights)
    free = 0.0
    for place in sorted(range(len(heights)), key=lambda place: (heights[place], place)):
        moved[place] = max(heights[place], free)
        free = moved[place] + _LABEL
    return moved


def _line(way: Way, number: int, points: Sequence[tuple[float, float]], label: float) -> str:
    coloured = number <= COLOURED
    path = f"M{points[0][0]:.1f} {points[0][1]:.1f}"
    for (x, y), (next_x, next_y) in pairwise(points):
        middle = (x + next_x) / 2
        path += f"C{middle:.1f} {y:.1f} {middle:.1f} {next_y:.1f} {next_x:.1f} {next_y:.1f}"
    dots = "".join(f"<circle cx='{x:.1f}' cy='{y:.1f}' r='{4 if coloured else 2.5}'/>" for x, y in points)
    end = points[-1][0]
    return (
        f"<g class='way{f' top-{number}' if coloured else ''}'><title>{escape(way.told)}</title>"
        f"<path d='{path}' fill='none' stroke='currentColor' stroke-width='{2.5 if coloured else 1.25}'/>{dots}"
        f"<text class='name' x='{end + 14:.0f}' y='{label + 4:.1f}'>{escape(way.name)}</text></g>"
    )
