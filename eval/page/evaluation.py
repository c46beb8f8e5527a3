"""An evaluation that runs beside the chat: it can be watched from several pages, and stopped."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from time import monotonic

from eval.outcome import Outcome
from eval.page.workbook import Workbook
from rag.page.background import Background, Stopped
from rag.store import Store

_PACE = 20  # the time left is reckoned from as many questions; those that a journal remembers soon drop out
_LAST_QUESTION = 60  # seconds that are waited for at most when everything ends; a language model may be slow


@dataclass(frozen=True, slots=True)
class Progress:
    """How far an evaluation has come. `total` is 0, and `question` empty, before the first question is answered."""

    done: int = 0
    total: int = 0
    seconds_left: float | None = None
    question: str = ""


class Evaluation(Background):
    """One evaluation; it stops after the question that is being asked, and what was asked is kept."""

    def __init__(self, workbook: Workbook) -> None:
        self.progress = Progress()
        super().__init__("evaluation", lambda: workbook.evaluate(self._watched))

    def _watched(self, outcomes: Iterator[Outcome], total: int) -> Iterable[Outcome]:
        times = deque([monotonic()], maxlen=_PACE + 1)
        for done, outcome in enumerate(outcomes, start=1):
            times.append(monotonic())
            left = (times[-1] - times[0]) / (len(times) - 1) * (total - done)
            self.progress = Progress(done, total, left, outcome.gold.question)
            yield outcome
            if self.stopping and done < total:
                raise Stopped


class Evaluations:
    """The evaluations of a server, at most one at a time for each collection. Thread-safe."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._of: dict[Path, Evaluation] = {}

    def start(self, store: Store) -> Evaluation:
        """The evaluation of the store's collection that runs already, or a new one."""
        workbook = Workbook(store)
        with self._lock:
            if not (known := self._of.get(workbook.gold)) or not known.running:
                self._of[workbook.gold] = Evaluation(workbook)
            return self._of[workbook.gold]

    def of(self, store: Store) -> Evaluation | None:
        """The collection's evaluation that runs, or the last one that ended; None if there was none."""
        return self._of.get(Workbook(store).gold)

    def end(self, store: Store) -> None:
        """Stop the collection's evaluation and wait for its last question: before the collection is closed."""
        if (evaluation := self.of(store)) is not None:
            evaluation.stop()
            evaluation.wait(_LAST_QUESTION)

    def close(self) -> None:
        """Stop every evaluation and wait for its last question: before the store is closed."""
        for evaluation in self._of.values():
            evaluation.stop()
        for evaluation in self._of.values():
            evaluation.wait(_LAST_QUESTION)
