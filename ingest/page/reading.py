"""A collection's documents being read, beside the page."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from threading import Lock

from ingest.discover import Selection
from ingest.report import Report
from ingest.sync import sync
from rag.page.background import Background, Stopped
from rag.store import Store

_LOOK = 0.2  # seconds


class Reading(Background):
    """One sync, begun when `turn` is free; `report` is what it has done so far. What was read before a stop stays."""

    def __init__(self, store: Store, paths: Sequence[Path], selection: Selection | None, turn: Lock) -> None:
        self.report: Report | None = None
        super().__init__("reading", partial(self._read, store, paths, selection, turn))

    def _read(self, store: Store, paths: Sequence[Path], selection: Selection | None, turn: Lock) -> None:
        while not turn.acquire(timeout=_LOOK):
            if self.stopping:
                raise Stopped
        try:
            sync(store, paths, self._note, selection)
        finally:
            turn.release()

    def _note(self, report: Report) -> None:
        self.report = report
        if self.stopping and not report.finished:
            raise Stopped
