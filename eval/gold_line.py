"""A line of a gold file <-> a gold question."""

from __future__ import annotations

import json
import re
from difflib import get_close_matches
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from eval.errors import FaultyQuestion
from eval.types import Evidence, GoldQuestion
from rag.types import Span, Turn


def read_line(line: str) -> GoldQuestion:
    """The question on a line, its evidence as given. Raises FaultyQuestion, with every reason at once."""
    try:
        row = _Row.model_validate(json.loads(line))
        evidence = None if row.evidence is None else tuple(map(_evidence, row.evidence))
    except (json.JSONDecodeError, RecursionError) as error:
        raise FaultyQuestion(f"it is not JSON ({error}).") from None
    except ValidationError as error:
        raise FaultyQuestion(*(_explain(fault) for fault in error.errors())) from None
    return GoldQuestion(
        id=row.id,
        question=row.question,
        answers=None if row.answers is None else tuple(row.answers),
        evidence=evidence,
        relevant=row.relevant,
        history=tuple(Turn(turn.role, turn.content) for turn in row.history),
        rewrite=row.rewrite,
        tags=tuple(row.tags),
    )


def _evidence(row: _EvidenceRow) -> Evidence:
    if (row.start is None) != (row.end is None):
        raise FaultyQuestion(f"evidence in {row.source!r} has only one of start and end. Give both, or a quote alone.")
    if row.start is None or row.end is None:
        if not row.quote and row.page is None:
            raise FaultyQuestion(f"evidence in {row.source!r} names no place. Give a quote, start and end, or a page.")
        return Evidence(row.source, row.quote, None, row.page)
    try:
        return Evidence(row.source, row.quote, Span(row.start, row.end), row.page)
    except ValueError as error:
        raise FaultyQuestion(f"evidence in {row.source!r}: {error}.") from None


def write_line(question: GoldQuestion) -> str:
    """A question as a line of a gold file; one line for every reader, whatever it takes for a line break."""
    line = json.dumps(question.as_json(), ensure_ascii=False)
    return re.sub("[\u2028\u2029\x85]", lambda found: f"\\u{ord(found.group()):04x}", line) + "\n"


class _Row(BaseModel):
    """A line of a gold file. The last three fields are a benchmark's own and mean nothing here."""

    model_config = ConfigDict(extra="forbid", strict=True)

    id: str = Field(pattern=r"\S")
    question: str = Field(pattern=r"\S")
    answers: list[str] | None = None
    evidence: list[_EvidenceRow] | None = None
    relevant: dict[str, int] | None = None
    history: list[_TurnRow] = []
    rewrite: str | None = None
    tags: list[str] = []
    passage: str | None = None
    conversation: str | None = None
    turn: int | None = None


class _EvidenceRow(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    source: str
    quote: str = ""
    start: int | None = None
    end: int | None = None
    page: int | None = None


class _TurnRow(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    role: Literal["user", "assistant"]
    content: str


def _explain(fault: Any) -> str:
    place = ".".join(str(part) for part in fault["loc"])
    match fault["type"]:
        case "missing":
            return f"the field {place!r} is missing."
        case "extra_forbidden":
            near = get_close_matches(place, _Row.model_fields, n=1)
            hint = f"Did you mean {near[0]!r}?" if near else f"Known: {', '.join(_Row.model_fields)}."
            return f"the field {place!r} is unknown. {hint}"
        case "string_pattern_mismatch":
            return f"the field {place!r} is empty."
        case "model_type":
            return 'it is not an object like {"id": ..., "question": ...}.'
        case _:
            return f"the field {place!r} has the value {fault['input']!r}: {fault['msg'].lower()}."
