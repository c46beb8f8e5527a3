"""A collection's own gold questions and the runs over them, kept in its store's folder."""

from __future__ import annotations

import hashlib
import re
import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from threading import Lock
from urllib.parse import quote

from eval.compare import Comparison, compare
from eval.corpus import StoredDocuments
from eval.errors import GoldError
from eval.gold import add_question, load_gold, save_gold
from eval.measures import HEADLINES
from eval.run import Run, Track, evaluate, load_run
from eval.types import Evidence, GoldQuestion
from rag.query import checked_question
from rag.store import Store

_LONGEST_NAME = 180  # bytes; a file's name may have 255
_WRITING = Lock()  # of every workbook of this process: a gold file is read, checked and written as one step


class Workbook:
    """The gold questions of the collection that a store has open, and the runs over them."""

    def __init__(self, store: Store) -> None:
        self.store = store
        name = _file_name(store.collection)
        self.gold = store.path / "gold" / f"{name}.jsonl"
        self.folder = store.path / "gold" / "runs" / name

    def questions(self) -> tuple[GoldQuestion, ...]:
        """The gold questions; none if none were made. Raises GoldError, naming every fault of the file."""
        return load_gold(self.gold) if self.gold.exists() else ()

    def add(
        self, question: str, answers: Sequence[str], evidence: Sequence[Evidence], *, unanswerable: bool = False
    ) -> GoldQuestion:
        """Append a question under the next free id, its evidence looked up; the question as added.

        Raises GoldError, and changes nothing, if the file is faulty, if there is neither an accepted answer nor
        `unanswerable`, or both, or if the evidence is not in the documents; QuestionError as a question that is asked.
        """
        if unanswerable and (answers or evidence):
            raise GoldError("a question that the documents do not answer has no accepted answer and no place.")
        if not unanswerable and not answers:
            raise GoldError("write what it should have said, or say that the documents do not answer this.")
        with _WRITING:
            self.gold.parent.mkdir(mode=0o700, exist_ok=True)
            added = GoldQuestion(
                id=self._next_id(),
                question=checked_question(question),
                answers=tuple(answers),
                evidence=tuple(evidence) or None,
            )
            return add_question(self.gold, added, StoredDocuments(self.store))

    def _next_id(self) -> str:
        """One above the highest: ids stand in the order in which questions were added, whatever was removed."""
        numbers = (re.fullmatch(r"q(\d{1,9})", question.id) for question in self.questions())
        return f"q{max((int(number[1]) for number in numbers if number), default=0) + 1}"

    def remove(self, id: str) -> None:
        """Remove a question. Raises GoldError if there is none with this id, or if the file is faulty."""
        with _WRITING:
            questions = self.questions()
            left = tuple(question for question in questions if question.id != id)
            if len(left) == len(questions):
                raise GoldError(f"there is no question {id!r} any more.")
            self._write(left)

    def take_in(self, path: Path) -> int:
        """Add the questions of another gold file; how many it holds. A question known by its id and words is renewed.

        Raises GoldError, and changes nothing, for every fault of that file, every place that is not in the documents,
        and every id that stands for another question here.
        """
        with _WRITING:
            new = {question.id: question for question in load_gold(path, StoredDocuments(self.store))}
            known = {question.id: question for question in self.questions()}
            taken = [
                f"the id {id!r} stands for another question here: {known[id].question!r}. Rename it."
                for id in new
                if id in known and known[id].question != new[id].question
            ]
            if taken:
                raise GoldError(f"{path} has {len(taken)} fault(s):\n  " + "\n  ".join(taken))
            self.gold.parent.mkdir(mode=0o700, exist_ok=True)
            self._write(tuple((known | new).values()))
            return len(new)

    def _write(self, questions: Sequence[GoldQuestion]) -> None:
        if not questions:
            self.gold.unlink()
            return
        unfinished = self.gold.with_suffix(".tmp")
        save_gold(unfinished, questions)
        unfinished.replace(self.gold)

    def evaluate(self, track: Track) -> Run:
        """Ask every question; a run that was stopped is gone on with. Raises as `eval.run.evaluate` does."""
        if not self.gold.exists():
            raise GoldError("there are no gold questions yet. Add one first.")
        numbers = self._run_numbers()
        return evaluate(self.store, self.gold, name=_run_name(numbers[-1] + 1), out=self.folder, track=track)[0]

    def discard(self) -> None:
        """Delete the gold questions and the runs, which hold words of the documents."""
        self.gold.unlink(missing_ok=True)
        shutil.rmtree(self.folder, ignore_errors=True)

    def last_runs(self) -> tuple[Run, ...]:
        """The last two finished runs, the newer one last. Raises RunError if one cannot be read."""
        return tuple(load_run(self.folder / f"{_run_name(number)}.json") for number in self._run_numbers()[1:][-2:])

    def _run_numbers(self) -> list[int]:
        """0, then the numbers of the finished runs."""
        files = (re.fullmatch(r"run-(\d{1,9})", path.stem) for path in self.folder.glob("run-*.json"))
        return sorted([0, *(int(number[1]) for number in files if number)])


def comparison(before: Run, after: Run) -> Comparison:
    """What changed between two runs of a workbook. A question that was made anew under an old id is not compared.

    Raises RunError if they share no question.
    """
    asked = {outcome.gold.id: outcome.gold.question for outcome in after.outcomes}
    same = (one for one in before.outcomes if asked.get(one.gold.id, one.gold.question) == one.gold.question)
    return compare(replace(before, outcomes=tuple(same)), after, HEADLINES)


def _run_name(number: int) -> str:
    return f"run-{number}"


def _file_name(collection: str) -> str:
    """A name that every file system takes, and no folder's: a dot is written as %2E."""
    name = quote(collection, safe="").replace(".", "%2E")
    if len(name) <= _LONGEST_NAME:
        return name
    return f"{name[: _LONGEST_NAME - 17]}-{hashlib.sha256(collection.encode()).hexdigest()[:16]}"
