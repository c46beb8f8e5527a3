"""Gold questions: a question, its accepted answers, and where in the source text the answer stands.

One JSON object a line. `id` and `question` are required. `answers: []` means that the corpus does not answer it; a
field that is absent was not judged. Evidence is a place in a source's text (start and end, a quote that is looked up
there, or a page), never a chunk, so that chunking may change without labelling anew.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from eval.errors import FaultyQuestion, GoldError
from eval.gold_line import read_line, write_line
from eval.locate import resolve
from eval.types import GoldQuestion
from rag.types import Document


def load_gold(path: Path, documents: Mapping[str, Document] | None = None) -> tuple[GoldQuestion, ...]:
    """The questions of a gold file, their evidence looked up in `documents` (by source) if these are given.

    Raises GoldError, naming at once every line that is faulty, and every place and source that is not there.
    """
    try:
        lines = path.read_text("utf-8").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise GoldError(f"{path} cannot be read ({error}).") from None
    questions: list[GoldQuestion] = []
    faults: list[str] = []
    seen: dict[str, int] = {}
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            question = read_line(line)
        except FaultyQuestion as fault:
            faults += [f"line {number}: {reason}" for reason in fault.reasons]
            continue
        if question.id in seen:
            faults.append(f"line {number}: the id {question.id!r} stands on line {seen[question.id]} too. Rename one.")
        seen.setdefault(question.id, number)
        if documents is not None:
            try:
                question = resolve(question, documents)
            except FaultyQuestion as fault:
                faults += [f"line {number}: {reason}" for reason in fault.reasons]
        questions.append(question)
    if not faults and not questions:
        faults.append("it holds no questions. Write one JSON object a line.")
    if faults:
        raise GoldError(f"{path} has {len(faults)} fault(s):\n  " + "\n  ".join(faults))
    return tuple(questions)


def save_gold(path: Path, questions: Iterable[GoldQuestion]) -> None:
    """Write a gold file."""
    path.write_text("".join(map(write_line, questions)), "utf-8")


def add_question(path: Path, question: GoldQuestion, documents: Mapping[str, Document]) -> GoldQuestion:
    """Append a question to a gold file, which may be new, with its evidence looked up; the question as added.

    Raises GoldError, leaving the file as it is, if the file is faulty, holds the id already, or if the evidence is
    not in the documents.
    """
    known = {other.id for other in load_gold(path)} if path.exists() else set()
    if question.id in known:
        raise GoldError(f"{path} holds a question with the id {question.id!r} already. Choose another --id.")
    if not question.question.strip():
        raise GoldError("the question is empty. Type one.")
    try:
        question = resolve(question, documents)
    except FaultyQuestion as fault:
        raise GoldError("\n".join(fault.reasons)) from None
    before = path.read_text("utf-8") if path.exists() else ""
    with path.open("a", encoding="utf-8") as file:
        file.write(("\n" if before and not before.endswith("\n") else "") + write_line(question))
    return question
