"""A table's rows -> lines. Under a header each row is one line that names its columns, to be found and quoted alone.

Year | Total              | Year: 2020 | Total: 107.8 |
2020 | 107.8      ->      | Year: 2021 | Total: 110.2 |
2021 | 110.2
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from rag.errors import ParseError

Row = Mapping[int, str]  # the cells by column, counted from any number; a merged cell stands in its first column

MOST_CELLS = 1_000_000
_MOST_CHARACTERS = 50_000_000
_LONGEST_LABEL = 60  # characters of a column's name; what is longer is a sentence
_NUMBER = re.compile(r"[^\w\s]*\s?\d[\d\s.,:/'’-]*[^\w\s]*(?:\s?[a-zA-Z]{1,3})?")
_YEAR = re.compile(r"(?:19|20)\d\d")


def lines_of(rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """The lines of a table whose rows are whole, empty cells included."""
    return lines(dict(enumerate(row)) for row in rows)


def lines(rows: Iterable[Row]) -> Iterator[str]:
    """The lines of a table, or of a sheet with several tables and with titles above them.

    White space within cells becomes single spaces, and what is empty is left out. Raises ParseError E_TOO_BIG.
    """
    header: Row = {}
    for stretch in _stretches(_tidy(rows)):
        labels, body = _labels_above(stretch)
        yield from labels
        own = _header(body)
        fits = bool(header) and _columns(body) <= header.keys() | {min(header) - 1}
        if own and (not fits or _stands_over_numbers(own, body)):
            header = own
            yield from _unused(header, body)
        elif not fits:
            header = {}
        yield from _body_lines(header, body)


def _tidy(rows: Iterable[Row]) -> Iterator[dict[int, str]]:
    cells = characters = 0
    for row in rows:
        tidy = {column: words for column, cell in row.items() if (words := " ".join(cell.split()))}
        cells += len(tidy)
        characters += sum(map(len, tidy.values()))
        if cells > MOST_CELLS or characters > _MOST_CHARACTERS:
            what = f"{MOST_CELLS:,} cells" if cells > MOST_CELLS else f"{_MOST_CHARACTERS:,} characters"
            raise ParseError("E_TOO_BIG", f"its tables hold over {what}. Split the file.")
        yield tidy


def _stretches(rows: Iterable[dict[int, str]]) -> Iterator[list[dict[int, str]]]:
    """The rows between blank ones; a row that shares no column with the stretch so far begins a new one."""
    stretch: list[dict[int, str]] = []
    columns: set[int] = set()
    for row in rows:
        if stretch and columns.isdisjoint(row):
            yield stretch
            stretch, columns = [], set()
        if row:
            stretch.append(row)
            columns.update(row)
    if stretch:
        yield stretch


def _labels_above(stretch: list[dict[int, str]]) -> tuple[list[str], list[dict[int, str]]]:
    """Titles and section labels above a table of several columns, and the table."""
    columns = _columns(stretch)
    # Over two columns a lone cell on the right is the header of the right one.
    right = max(columns) if len(columns) == 2 else None
    first = next((place for place, row in enumerate(stretch) if len(row) > 1 or right in row), 0)
    return [words for row in stretch[:first] for words in row.values()], stretch[first:]


def _header(body: Sequence[Row]) -> Row:
    """The first row if it names the columns of the rows below it, else an empty row."""
    first, below = body[0], body[1:]
    labels = list(first.values())
    leftmost, last = min(min(row) for row in body), max(first)
    wider = sum(max(row) > last for row in below)
    names_columns = (
        last > leftmost
        and len(below) > 0
        and wider * 2 <= len(below)
        and len(labels) >= last - leftmost  # none is empty but perhaps the first
        and len({label.casefold() for label in labels}) == len(labels)
        and all(len(label) <= _LONGEST_LABEL for label in labels)
        and all(_is_label(column, label, below) for column, label in first.items())
    )
    return first if names_columns else {}


def _is_label(column: int, label: str, below: Sequence[Row]) -> bool:
    """Whether a cell may name its column: words, or a year over what are no years."""
    if _YEAR.fullmatch(label):
        return not any(_YEAR.fullmatch(row.get(column, "")) for row in below)
    return not _NUMBER.fullmatch(label)


def _stands_over_numbers(header: Row, body: Sequence[Row]) -> bool:
    return any(_NUMBER.fullmatch(body[1].get(column, "")) for column in header)


def _columns(rows: Sequence[Row]) -> set[int]:
    return {column for row in rows for column in row}


def _unused(header: Row, body: Sequence[Row]) -> Iterator[str]:
    """A line for the columns in which no row has anything, so that their names are not lost."""
    used = _columns(body[1:])
    if unused := [label for column, label in header.items() if column not in used]:
        yield _line(unused)


def _body_lines(header: Row, body: Sequence[Row]) -> Iterator[str]:
    names = {column: label.rstrip(": ") + ": " for column, label in header.items()}
    for row in body:
        if row == header:
            continue
        is_label = len(row) == 1 and len(header) > 2 and min(row) <= min(header)
        if is_label or (len(row) == 1 and not header):
            yield from row.values()
        else:
            yield _line([names.get(column, "") + words for column, words in row.items()])


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"
