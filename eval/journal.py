"""The outcomes of a run that goes on, on disk as soon as they are there, so that nothing is asked twice."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from eval.outcome import Outcome, System, judge
from eval.serial import from_json, to_json
from eval.types import GoldQuestion
from rag.types import Document


class Journal:
    """The outcomes so far: a line for the header's fingerprint, then a line each. A torn last line is forgotten."""

    def __init__(self, path: Path, fingerprint: str) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        first = json.dumps({"fingerprint": fingerprint}) + "\n"
        *lines, _ = path.read_text("utf-8").split("\n") if path.exists() else [""]
        resumed = bool(lines) and f"{lines[0]}\n" == first
        self._known: dict[str, Outcome] = {}
        if resumed:
            outcomes = (from_json(Outcome, line) for line in lines[1:])
            self._known = {outcome.gold.id: outcome for outcome in outcomes}
        self._file = path.open("r+" if resumed else "w", encoding="utf-8")
        if resumed:
            self._file.seek(sum(len(line.encode()) + 1 for line in lines))
            self._file.truncate()
        else:
            self._file.write(first)

    def __enter__(self) -> Journal:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def outcome(self, question: GoldQuestion, system: System, documents: Mapping[str, Document]) -> Outcome:
        """What came of a question: as the journal says, or by asking it now."""
        if question.id in self._known:
            return self._known[question.id]
        outcome = judge(question, system(question), documents)
        self._file.write(to_json(outcome) + "\n")
        self._file.flush()
        return outcome
