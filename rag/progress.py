"""How far long work has come: a bar where a person looks on, and a line a minute where it goes into a file."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from time import monotonic
from typing import TypeVar

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

Update = Callable[[float, float, str], None]  # done, of how much in all (0: not known yet), the same in words
Item = TypeVar("Item")

_PACE = 60  # seconds from line to line


@contextmanager
def showing(console: Console, description: str) -> Iterator[Update]:
    """What shows on the console how far the work inside has come. A bar goes away in the end, lines stay."""
    if not console.is_terminal:
        yield _Lines(console, description)
        return
    columns = ("{task.description}", BarColumn(), TaskProgressColumn(), TextColumn("{task.fields[words]}"))
    with Progress(*columns, TimeRemainingColumn(), console=console, transient=True) as bar:
        task = bar.add_task(description, total=None, words="")

        def show(done: float, total: float, words: str) -> None:
            bar.update(task, completed=done, total=total or None, words=words)

        yield show


def asking(console: Console, description: str, items: Iterable[Item], total: int) -> Iterator[Item]:
    """The items as they come, one for each question, while it is shown how many there were and the time left."""
    with showing(console, description) as show:
        for done, item in enumerate(items, start=1):
            yield item
            show(done, total, f"{done:,} of {total:,} questions")


class _Lines:
    """Reckons the time left from the work since the line before: the first may be remembered, and soon done."""

    def __init__(self, console: Console, description: str) -> None:
        self._console = console
        self._description = description
        self._at, self._done = monotonic(), 0.0

    def __call__(self, done: float, total: float, words: str) -> None:
        seconds = monotonic() - self._at
        if seconds < _PACE or 0 < total <= done:
            return
        gained = done - self._done
        left = f", about {duration(seconds * (total - done) / gained)} left" if total and gained > 0 else ""
        self._console.print(f"{self._description}: {words}{left}", markup=False, highlight=False, soft_wrap=True)
        self._at, self._done = monotonic(), done


def duration(seconds: float) -> str:
    """Seconds below 90, minutes below 90, else hours with a decimal."""
    if seconds >= 5400:
        return f"{seconds / 3600:.1f} hours"
    count, unit = (round(seconds), "second") if seconds < 90 else (round(seconds / 60), "minute")
    return f"{max(1, count)} {unit}{'s' if max(1, count) != 1 else ''}"
