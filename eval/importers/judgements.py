"""Relevance judgements (qrels): which source answers which question, and how well."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path

from eval.importers.imported import Faults, stored


def graded(
    path: Path,
    columns: Sequence[str],
    rows: Iterable[tuple[str, list[str]]],
    questions: Collection[str],
    sources: Collection[str] | None = None,
) -> dict[str, dict[str, int]]:
    """The grade of each judged source, by question; a grade below 0 is 0. Raises GoldError for unknown names."""
    faults = Faults(path)
    judged: dict[str, dict[str, int]] = {}
    for place, cells in rows:
        if len(cells) != len(columns) or not re.fullmatch(r"[-+]?\d+", cells[-1].strip()):
            faults.add(place, f"{cells} is not {' '.join(columns)}, with a whole number at the end.")
            continue
        question, source = stored(cells[0].strip()), stored(cells[-2].strip())
        if question not in questions:
            faults.add(place, f"there is no question {question!r}. Add it, or remove its judgements.")
        if sources is not None and source not in sources:
            faults.add(place, f"there is no document {source!r}. Add it, or remove its judgements.")
        grade = max(int(cells[-1]), 0)
        if judged.setdefault(question, {}).setdefault(source, grade) != grade:
            faults.add(place, f"{source!r} has another grade for question {question!r} further up. Remove one.")
    faults.raise_if_any()
    return judged
