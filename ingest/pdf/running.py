"""Running headers, footers and page numbers: the lines at the edges of pages that come again from page to page."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import product

from ingest.formats.hidden import quoted
from ingest.pdf.box import Box, Piece

_LEAST_PAGES = 3
_LEAST_SHARE = 0.4  # of the pages: left and right pages may have headers of their own
_EDGE = 0.12  # of the page's height, at its top and its bottom
_NUMBER = re.compile(r"\d+")
_MOST_NUMBERS = 5  # a line with more is not a header, it is a table's row
_Sign = tuple[str, str, tuple[tuple[str, int], ...]]


def without_running_lines(
    pages: Sequence[tuple[Box, Sequence[Piece]]],
) -> tuple[list[list[Piece]], tuple[str, ...]]:
    """The lines of every page without what runs along their edges, and a warning that says what was left out.

    A header with words stays where it stands first, so that no word is lost; a page number goes everywhere.
    """
    running = _running(pages)
    kept: list[list[Piece]] = []
    first: dict[_Sign, None] = {}
    left_out: dict[int, dict[str, None]] = defaultdict(dict)
    for number, (paper, lines) in enumerate(pages, start=1):
        kept.append([])
        for line, place in _at_edges(paper, lines):
            sign = next((sign for sign in _signs(line, place, number) if sign in running), None)
            if sign is None or (sign not in first and any(letter.isalpha() for letter in line.text)):
                kept[-1].append(line)
            else:
                left_out[number][line.text] = None
            if sign is not None:
                first[sign] = None
    if not left_out:
        return kept, ()
    texts = quoted(list(dict.fromkeys(text for lines in left_out.values() for text in lines)))
    where = f"{len(left_out)} of {len(pages)} pages"
    return kept, (f"running headers, footers or page numbers were left out on {where}: {texts}",)


def _running(pages: Sequence[tuple[Box, Sequence[Piece]]]) -> set[_Sign]:
    on_pages: dict[_Sign, set[int]] = defaultdict(set)
    for number, (paper, lines) in enumerate(pages, start=1):
        for line, place in _at_edges(paper, lines):
            for sign in _signs(line, place, number):
                on_pages[sign].add(number)
    least = max(_LEAST_PAGES, _LEAST_SHARE * len(pages))
    return {sign for sign, numbers in on_pages.items() if len(numbers) >= least}


def _at_edges(paper: Box, lines: Sequence[Piece]) -> Iterator[tuple[Piece, str | None]]:
    """Every line, and whether it stands at the "top" or the "bottom" of its page: near its edge, or outermost."""
    highest = max((line.box.top for line in lines), default=0.0)
    lowest = min((line.box.bottom for line in lines), default=0.0)
    for line in lines:
        if line.box.bottom >= min(paper.top - _EDGE * paper.height, highest - line.box.height):
            yield line, "top"
        elif line.box.top <= max(paper.bottom + _EDGE * paper.height, lowest + line.box.height):
            yield line, "bottom"
        else:
            yield line, None


def _signs(line: Piece, place: str | None, page: int) -> Iterator[_Sign]:
    """What a line at an edge may have in common with those of other pages: each number the same, or counting along."""
    if place is None:
        return
    numbers = [int(found) for found in _NUMBER.findall(line.text[:200])]
    if len(numbers) > _MOST_NUMBERS or any(number > 10**6 for number in numbers):
        return
    words = _NUMBER.sub("#", line.text)
    for readings in product(*((("same", number), ("counts", number - page)) for number in numbers)):
        yield place, words, readings
