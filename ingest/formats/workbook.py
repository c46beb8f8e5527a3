"""An Excel workbook's XML -> the texts of its cells, streamed: what a sheet claims to span costs nothing."""

from __future__ import annotations

import posixpath
import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import IO
from zipfile import ZipFile

from lxml import etree

from ingest.formats.tables import MOST_CELLS
from ingest.formats.xml_tree import OPTIONS, local_name, xml_tree
from rag.errors import ParseError

_REFERENCE = re.compile(r"([A-Z]{1,3})(\d{1,7})")
_DATE_FORMATS = {*range(14, 23), *range(27, 37), *range(45, 48), *range(50, 59)}  # those that have no code of their own
_PERCENT_FORMATS = {9: "0%", 10: "0.00%"}
_NOT_CODE = re.compile(r'"[^"]*"|\\.|_.|\*.|\[(?!h+\]|m+\]|s+\])[^\]]*\]', re.IGNORECASE)
_DATE_CODE = re.compile(r"[dmyhs]", re.IGNORECASE)
_EPOCH, _EPOCH_1904 = datetime(1899, 12, 30), datetime(1904, 1, 1)


@dataclass(frozen=True, slots=True)
class Sheet:
    """A sheet of a workbook: its name, its rows' cells by column, {} for blank rows between, and if it is hidden."""

    name: str
    rows: list[dict[int, str]]
    hidden: bool


@dataclass(frozen=True, slots=True)
class _Book:
    """What the cells of all sheets refer to."""

    strings: list[str]
    formats: list[str]
    epoch: datetime


def sheets(archive: ZipFile) -> Iterator[Sheet]:
    """The sheets in order; those that hold only a chart have no rows. Raises ParseError E_TOO_BIG."""
    workbook = xml_tree(archive.read("xl/workbook.xml"))
    targets = {
        relation.get("Id"): posixpath.normpath(posixpath.join("/xl", relation.get("Target", ""))).lstrip("/")
        for relation in xml_tree(archive.read("xl/_rels/workbook.xml.rels"))
    }
    names = set(archive.namelist())
    is_1904 = any(each.get("date1904") in ("1", "true") for each in workbook.iter("{*}workbookPr"))
    strings = list(_shared_strings(archive)) if "xl/sharedStrings.xml" in names else []
    formats = _formats(archive) if "xl/styles.xml" in names else []
    book = _Book(strings, formats, _EPOCH_1904 if is_1904 else _EPOCH)
    for sheet in workbook.iter("{*}sheet"):
        id = next((value for key, value in sheet.attrib.items() if key.endswith("}id")), None)
        part = targets.get(id, "")
        if part not in names:
            raise ParseError("E_CORRUPT", f"its sheet {sheet.get('name', '')!r} is missing. Save it again.")
        rows = _rows(archive, part, book) if "worksheets" in part else []
        yield Sheet(sheet.get("name", ""), rows, sheet.get("state", "visible") != "visible")


def _rows(archive: ZipFile, part: str, book: _Book) -> list[dict[int, str]]:
    rows: dict[int, dict[int, str]] = {}
    merged: list[tuple[int, int, int, int]] = []
    number = cells = 0
    with archive.open(part) as file:
        for element in _ends(file, "row", "mergeCell"):
            if local_name(element) == "mergeCell":
                merged.extend(_range(element.get("ref", "")))
                continue
            number = int(element.get("r", number + 1))
            if row := _row(element, book):
                rows[number] = row
                cells += len(row)
            if cells > MOST_CELLS:
                raise ParseError("E_TOO_BIG", f"a sheet holds over {MOST_CELLS:,} cells. Split the file.")
    _drop_covered(rows, merged)
    return [row for number in sorted(rows) for row in (rows[number], *([] if number + 1 in rows else [{}]))]


def _row(element: etree._Element, book: _Book) -> dict[int, str]:
    row: dict[int, str] = {}
    column = -1
    for cell in element:
        reference = _REFERENCE.fullmatch(cell.get("r", ""))
        column = _column(reference[1]) if reference else column + 1
        if len(cell) and (text := _cell_text(cell, book)):
            row[column] = text
    return row


def _cell_text(cell: etree._Element, book: _Book) -> str:
    """The stored value as a person would read it; a formula that was never computed is its own text."""
    kind = cell.get("t", "n")
    value = formula = ""
    for child in cell:
        if child.tag.endswith("}v"):
            value = child.text or ""
        elif child.tag.endswith("}f"):
            formula = child.text or ""
        elif child.tag.endswith("}is"):
            return _string(child)
    if not value:
        return f"={formula}" if formula else ""
    if kind == "s":
        place = int(value)
        return book.strings[place] if place < len(book.strings) else ""
    if kind == "b":
        return "TRUE" if value == "1" else "FALSE"
    if kind == "n":
        style = int(cell.get("s", 0))
        return number_text(value, book.formats[style] if style < len(book.formats) else "", book.epoch)
    return value.removesuffix("T00:00:00") if kind == "d" else value


def number_text(value: str, code: str = "", epoch: datetime = _EPOCH) -> str:
    """A stored number in its format: an ISO date or time, a percentage, else the number without its rounding errors."""
    try:
        number = float(value)
        bare = "" if code in ("", "General") else _NOT_CODE.sub("", code.split(";")[0])
        if bare and _DATE_CODE.search(bare):
            return _date_text(number, bare, epoch)
    except (ValueError, OverflowError):
        return value
    if bare.endswith("%"):
        return f"{number:.{len(bare.partition('.')[2].rstrip('%'))}%}"
    return f"{number:.0f}" if number.is_integer() and abs(number) < 1e15 else f"{number:.15g}"


def _date_text(days: float, code: str, epoch: datetime) -> str:
    moment = epoch + timedelta(seconds=round(days * 86400))
    has_date, has_time = re.search(r"[dy]|mmm", code, re.IGNORECASE), re.search(r"[hs]", code, re.IGNORECASE)
    if not has_date and has_time:
        hours, seconds = divmod(round(days * 86400), 3600)
        return f"{hours:02}:{seconds // 60:02}" + (f":{seconds % 60:02}" if seconds % 60 else "")
    is_midnight = not (moment.hour or moment.minute or moment.second)
    return f"{moment:%Y-%m-%d}" if is_midnight or not has_time else f"{moment:%Y-%m-%d %H:%M}"


def _shared_strings(archive: ZipFile) -> Iterator[str]:
    with archive.open("xl/sharedStrings.xml") as file:
        for element in _ends(file, "si"):
            yield _string(element)


def _string(element: etree._Element) -> str:
    """A rich text's words, without its phonetic guides."""
    return "".join(each.text or "" for each in element.iter("{*}t") if local_name(each.getparent()) != "rPh")


def _formats(archive: ZipFile) -> list[str]:
    """The number format of every cell style."""
    styles = xml_tree(archive.read("xl/styles.xml"))
    codes = dict.fromkeys(_DATE_FORMATS, "yyyy-mm-dd") | {20: "h:mm", 21: "h:mm:ss", 22: "yyyy-mm-dd h:mm"}
    codes |= dict.fromkeys((18, 19, 45, 46, 47), "h:mm:ss") | _PERCENT_FORMATS
    for each in styles.iter("{*}numFmt"):
        codes[int(each.get("numFmtId", 0))] = each.get("formatCode", "")
    return [
        codes.get(int(style.get("numFmtId", 0)), "")
        for styles_used in styles.iter("{*}cellXfs")
        for style in styles_used
    ]


def _ends(file: IO[bytes], *names: str) -> Iterator[etree._Element]:
    """Each element of these names, once it is whole; then it is forgotten."""
    for _, element in etree.iterparse(file, tag=[f"{{*}}{name}" for name in names], **OPTIONS):
        yield element
        element.clear()
        while element.getprevious() is not None:
            del element.getparent()[0]


def _range(reference: str) -> Iterator[tuple[int, int, int, int]]:
    ends = _REFERENCE.findall(reference)
    if len(ends) == 2:
        (left, top), (right, bottom) = ends
        yield int(top), int(bottom), _column(left), _column(right)


def _drop_covered(rows: dict[int, dict[int, str]], merged: list[tuple[int, int, int, int]]) -> None:
    """Take away what stands under a merged cell, which shows its first cell only."""
    numbers = sorted(rows) if merged else []
    for top, bottom, left, right in merged:
        for number in numbers[bisect_left(numbers, top) : bisect_right(numbers, bottom)]:
            row = rows[number]
            for column in [each for each in row if left <= each <= right and (number, each) != (top, left)]:
                del row[column]


@cache
def _column(letters: str) -> int:
    """A column's number, from 0; a sheet has 16,384 at most."""
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - ord("A") + 1
    return number - 1
