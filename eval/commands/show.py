"""What commands show: Markdown, and how far asking has come."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from rich.console import Console
from rich.markdown import Markdown
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from eval.outcome import Outcome
from eval.run import Track


def show(markdown: str, as_markdown: bool = False) -> None:
    """Print Markdown, drawn where a person reads it."""
    console = Console(highlight=False)
    console.print(
        markdown if as_markdown or not console.is_terminal else Markdown(markdown), soft_wrap=True, markup=False
    )


def progress(words: str) -> Track:
    """Shows how many questions were asked and the time left, on stderr."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())

    def track(outcomes: Iterator[Outcome], total: int) -> Iterable[Outcome]:
        console = Console(stderr=True)
        with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
            yield from bar.track(outcomes, total=total, description=words)

    return track
