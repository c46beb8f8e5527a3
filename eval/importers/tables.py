"""CSV and TSV: a header and a question a row, as spreadsheets and other evaluation tools write them."""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping, Sequence
from io import StringIO
from pathlib import Path

from eval.errors import GoldError
from eval.importers.imported import GOLD, Faults, Imported, must_be_new, read_text, save, stored
from eval.locate import short
from eval.types import Evidence, GoldQuestion

_FIELDS = {
    "id": "id",
    "question": "question",
    "query": "question",
    "user_input": "question",
    "prompt": "question",
    "answers": "answers",
    "answer": "answers",
    "reference": "answers",
    "ground_truth": "answers",
    "source": "source",
    "quote": "quote",
    "tags": "tags",
}


def import_csv(path: Path, out: Path) -> Imported:
    """The questions of a CSV or TSV file, one a row; no documents.

    Accepted answers are separated by "|"; an empty cell was not judged, "-" is what the corpus does not answer. A
    source with a quote is evidence, a source alone a relevant document.
    """
    must_be_new(out / GOLD)
    faults = Faults(path)
    (header_place, header), *rows = _rows(path)
    columns = _columns(header_place, header, faults)
    faults.raise_if_any()
    gold: dict[str, GoldQuestion] = {}
    for number, (place, cells) in enumerate(rows, start=1):
        if any(cells[len(header) :]):
            faults.add(
                place, f"it has more cells than the header ({len(header)}). Quote a cell that holds a delimiter."
            )
            continue
        row = {field: cells[index] for field, index in columns.items() if index < len(cells)}
        question = _question(row, row.get("id") or f"q{number}", place, faults)
        if question.id in gold:
            faults.add(place, f"the id {question.id!r} is an earlier row's too. Rename one.")
        gold[question.id] = question
    faults.raise_if_any()
    unused = [index for index in range(len(header)) if index not in columns.values()]
    skipped = [f"the column {header[index] or f'number {index + 1}, which has no name'}" for index in unused]
    return save(out, list(gold.values()), skipped)


def _rows(path: Path) -> list[tuple[str, list[str]]]:
    """The header and the rows, without blank ones, each with its place."""
    text = read_text(path)
    reader = csv.reader(StringIO(text, newline=""), delimiter=_delimiter(text), strict=True)
    rows: list[tuple[str, list[str]]] = []
    start = 1
    try:
        for cells in reader:
            if any(map(str.strip, cells)):
                rows.append((f"line {start}", [stored(cell).strip() for cell in cells]))
            start = reader.line_num + 1
    except csv.Error as error:
        raise GoldError(
            f'{path}, line {start}: {error}. Correct the row; inside a quoted cell, double each ".'
        ) from None
    if not rows:
        raise GoldError(f"{path} is empty. Write a header row with the column question, then a row for each question.")
    return rows


def _delimiter(text: str) -> str:
    """The one by which most columns of the header are known."""
    header = text.lstrip("\r\n").split("\n", 1)[0]
    return max(",;\t", key=lambda delimiter: sum(bool(_field(column)) for column in header.split(delimiter)))


def _field(column: str) -> str:
    """The field that a column is known to hold, or an empty string."""
    return _FIELDS.get(column.strip(' "\r').lower().replace(" ", "_"), "")


def _columns(place: str, header: Sequence[str], faults: Faults) -> dict[str, int]:
    """Which column holds each field."""
    columns: dict[str, int] = {}
    for index, name in enumerate(header):
        field = _field(name)
        if field in columns:
            faults.add(place, f"{header[columns[field]]!r} and {name!r} both name the {field}. Rename or remove one.")
        elif field:
            columns[field] = index
    if "question" not in columns:
        faults.add(place, f"none of the columns {header} is named question, query, user_input or prompt. Rename one.")
    return columns


def _question(row: Mapping[str, str], id: str, place: str, faults: Faults) -> GoldQuestion:
    question, cell, source, quote = (row.get(name, "") for name in ("question", "answers", "source", "quote"))
    answers = _parts("[|]", cell) if cell != "-" else ()
    if not question:
        faults.add(place, "its question is empty. Write one, or remove the row.")
    if cell and cell != "-" and not answers:
        faults.add(place, f"its answers {cell!r} hold none. Write '-' if there is none, nothing if it was not judged.")
    if quote and not source:
        faults.add(place, f"the quote {short(quote)} has no source. Name its document in the column source.")
    return GoldQuestion(
        id,
        question,
        answers=answers if cell else None,
        evidence=(Evidence(source, quote),) if quote else None,
        relevant={source: 1} if source and not quote else None,
        tags=_parts("[|,]", row.get("tags", "")),
    )


def _parts(separator: str, cell: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(part.strip() for part in re.split(separator, cell) if part.strip()))
