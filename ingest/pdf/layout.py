"""Pieces of text on a page -> lines -> paragraphs, in the order in which a reader of the page reads them.

The order in which a page was drawn is nearly always that order. It is put right where it plainly is not: where it goes
to and fro between two columns of prose, and where something was drawn after what stands under it.
"""

from __future__ import annotations

import heapq
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, pairwise
from statistics import mean, median

from ingest.pdf.box import Box, Piece

_LEAST_ROWS = 5  # that go to and fro, for columns
_LEAST_WORDS = 4  # a row's piece of prose has on average; cells of a table have fewer
_FULL_ROWS = 0.6  # the share of a column's rows that reach its edge; the cells of a table seldom do
_MOST_BLOCKS = 500  # of a page; a drawing with more labels keeps the order it was drawn in
_BULLET = re.compile("[•◦▪■●‣∙➢✓❖❑□\ue000-\uf8ff]")  # private letters are the signs of symbol fonts
_ALIKE = 0.75  # the least height that letters of one paragraph have of another; headings differ more
_SENTENCE_END = re.compile(r"[.!?:;。！？][\"”’»)\]]*$")


def lines_of(pieces: Sequence[Piece]) -> list[Piece]:
    """Pieces side by side put together to lines, a table's row to one line."""
    lines: list[list[Piece]] = []
    for piece in _without_zigzag(list(pieces)):
        if lines and _is_on_line(lines[-1], piece):
            lines[-1].append(piece)
        else:
            lines.append([piece])
    return [_joined(line) for line in lines]


@dataclass(frozen=True, slots=True)
class Paragraph:
    """Lines that belong together."""

    lines: tuple[Piece, ...]

    @property
    def text(self) -> str:
        """Its lines, separated by \\n."""
        return "\n".join(line.text for line in self.lines)

    @property
    def size(self) -> float:
        """The height of its letters."""
        return median(line.size for line in self.lines)


def paragraphs_of(lines: Sequence[Piece]) -> list[Paragraph]:
    """The lines as paragraphs in reading order."""
    paragraphs: list[list[Piece]] = []
    for block in _in_reading_order(_blocks(lines)):
        if paragraphs and _goes_on(paragraphs[-1][-1], block[0]):
            paragraphs[-1].extend(block)
        else:
            paragraphs.append(block)
    return [Paragraph(tuple(lines)) for lines in paragraphs]


def _is_on_line(line: Sequence[Piece], piece: Piece) -> bool:
    """Whether a piece goes on a line; what stands raised does, as the mark of a footnote."""
    last = line[-1].box
    return -last.overlap_across(piece.box) > -0.3 * piece.box.height and (
        last.is_beside(piece.box) or line[0].box.is_beside(piece.box)
    )


def _joined(line: Sequence[Piece]) -> Piece:
    text = line[0].text
    for previous, piece in pairwise(line):
        is_apart = -previous.box.overlap_across(piece.box) > 0.15 * piece.box.height
        text += f" {piece.text}" if is_apart else piece.text
    size = max(line, key=lambda piece: len(piece.text)).size
    return Piece(text, _around(line), size, tuple(chain.from_iterable(piece.places for piece in line)))


@dataclass(frozen=True, slots=True)
class _Gutter:
    """The empty strip between two columns, and the rows that were drawn across it."""

    middle: float
    rows: tuple[tuple[Piece, Piece], ...]

    @property
    def parts_prose(self) -> bool:
        """Whether what stands on both sides reads downwards as columns do, not across as a table does."""
        if len(self.rows) < _LEAST_ROWS:
            return False
        sides = [[row[0] for row in self.rows], [row[1] for row in self.rows]]
        return all(mean(len(piece.text.split()) for piece in side) >= _LEAST_WORDS for side in sides) and all(
            map(_is_full, sides)
        )


def _is_full(side: Sequence[Piece]) -> bool:
    edge, start = max(piece.box.right for piece in side), min(piece.box.left for piece in side)
    return sum(piece.box.right >= edge - 0.2 * (edge - start) for piece in side) >= _FULL_ROWS * len(side)


def _without_zigzag(pieces: list[Piece]) -> list[Piece]:
    """The pieces with columns that were drawn row by row, across the gutter, put one after the other."""
    rows = [(one, two) for one, two in pairwise(pieces) if one.box.is_beside(two.box) and one.box.right < two.box.left]
    gutter = _widest_used(rows)
    if gutter is None:
        return pieces
    ordered: list[Piece] = []
    left: list[Piece] = []
    right: list[Piece] = []
    for piece in pieces:
        if piece.box.right <= gutter.middle:
            left.append(piece)
        elif piece.box.left >= gutter.middle:
            right.append(piece)
        else:
            ordered += _without_zigzag(left) + _without_zigzag(right) + [piece]
            left, right = [], []
    return ordered + _without_zigzag(left) + _without_zigzag(right)


def _widest_used(rows: Sequence[tuple[Piece, Piece]]) -> _Gutter | None:
    """Of the gutters that part prose, the one that most rows were drawn across."""
    best: _Gutter | None = None
    for middle in {round((one.box.right + two.box.left) / 2) for one, two in rows} if len(rows) >= _LEAST_ROWS else ():
        across = tuple(row for row in rows if row[0].box.right < middle < row[1].box.left)
        gutter = _Gutter(middle, across)
        if (best is None or len(across) > len(best.rows)) and gutter.parts_prose:
            best = gutter
    return best


def _blocks(lines: Sequence[Piece]) -> list[list[Piece]]:
    """Lines that stand closely under one another, as those of one paragraph do."""
    spacing = _usual_spacing(lines)
    blocks: list[list[Piece]] = []
    for line in lines:
        if blocks and _continues(blocks[-1][-1], line, spacing):
            blocks[-1].append(line)
        else:
            blocks.append([line])
    return blocks


def _usual_spacing(lines: Sequence[Piece]) -> float:
    """Between the lines of this page's paragraphs, as a share of their height."""
    spaces = [
        (above.box.bottom - below.box.top) / below.size
        for above, below in pairwise(lines)
        if above.box.is_above(below.box) and below.size > 0
    ]
    return min(1.2, max(0.0, median(spaces))) if spaces else 0.0


def _continues(above: Piece, below: Piece, spacing: float) -> bool:
    height = max(above.size, below.size, 1.0)
    if not above.box.is_above(below.box) or above.box.bottom - below.box.top > (spacing + 0.35) * height:
        return False
    if min(above.size, below.size) < _ALIKE * height or _BULLET.match(below.text):
        return False
    is_indented = 0.6 * height < below.box.left - above.box.left < 4 * height
    return not (is_indented and _SENTENCE_END.search(above.text))


def _goes_on(last: Piece, first: Piece) -> bool:
    """Whether a sentence goes on in the next block, as from one column to the next."""
    smaller, larger = sorted((last.size, first.size))
    return not _SENTENCE_END.search(last.text) and first.text[0].islower() and smaller >= _ALIKE * larger


def _in_reading_order(blocks: list[list[Piece]]) -> Iterator[list[Piece]]:
    """The blocks as drawn, but none before what stands above it."""
    if len(blocks) > _MOST_BLOCKS:
        yield from blocks
        return
    boxes = [_around(block) for block in blocks]
    waits_for = [0] * len(blocks)
    below: list[list[int]] = [[] for _ in blocks]
    for one, upper in enumerate(boxes):
        for two, lower in enumerate(boxes):
            if one != two and _stands_over(upper, lower):
                below[one].append(two)
                waits_for[two] += 1
    ready = [index for index, count in enumerate(waits_for) if count == 0]
    while ready:
        index = heapq.heappop(ready)
        yield blocks[index]
        for other in below[index]:
            waits_for[other] -= 1
            if waits_for[other] == 0:
                heapq.heappush(ready, other)


def _stands_over(upper: Box, lower: Box) -> bool:
    narrower = min(upper.right - upper.left, lower.right - lower.left)
    return upper.bottom >= lower.top and upper.overlap_across(lower) > 0.2 * narrower


def _around(block: Sequence[Piece]) -> Box:
    box = block[0].box
    for line in block[1:]:
        box = box.joined(line.box)
    return box
