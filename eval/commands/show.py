"""What commands show: Markdown, and how far asking has come."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TypeVar

from rich.console import Console
from rich.markdown import Markdown

from rag.progress import asking

Item = TypeVar("Item")


def show(markdown: str, as_markdown: bool = False) -> None:
    """Print Markdown, drawn where a person reads it."""
    console = Console(highlight=False)
    console.print(
        markdown if as_markdown or not console.is_terminal else Markdown(markdown), soft_wrap=True, markup=False
    )


class Bar:
    """Shows how many questions were asked and the time left, on stderr."""

    def __init__(self, words: str) -> None:
        self._words = words

    def __call__(self, items: Iterable[Item], total: int) -> Iterator[Item]:
        """The items as they come, while it is shown how many there were."""
        return asking(Console(stderr=True), self._words, items, total)
