"""A collection's documents being read, beside the page: it can be watched from several pages, and stopped."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from threading import Event, Lock, Thread

from ingest.discover import Selection
from ingest.report import Report
from ingest.sync import sync
from rag.page.faults import sentence
from rag.store import Store

_LOOK = 0.2  # seconds


class _Stopped(Exception):
    """Ends a sync from inside its progress."""


class Reading:
    """One sync in a thread of its own, begun when `turn` is free.

    `report` is what it has done so far; `failure` a sentence, once it ended before its end.
    """

    def __init__(self, store: Store, paths: Sequence[Path], selection: Selection | None, turn: Lock) -> None:
        self.report: Report | None = None
        self.failure = ""
        self.stopped = False
        self._stopping = Event()
        self._thread = Thread(target=self._work, args=(store, paths, selection, turn), name="reading", daemon=True)
        self._thread.start()

    @property
    def running(self) -> bool:
        """Whether it still reads, or waits for its turn."""
        return self._thread.is_alive()

    @property
    def stopping(self) -> bool:
        """Whether it was told to stop."""
        return self._stopping.is_set()

    def stop(self) -> None:
        """Let it end soon; what was read stays."""
        self._stopping.set()

    def wait(self, seconds: float | None = None) -> None:
        """Return when it has ended, or after so many seconds."""
        self._thread.join(seconds)

    def _work(self, store: Store, paths: Sequence[Path], selection: Selection | None, turn: Lock) -> None:
        while not turn.acquire(timeout=_LOOK):
            if self.stopping:
                self.stopped = True
                return
        try:
            sync(store, paths, self._note, selection)
        except _Stopped:
            self.stopped = True
        except Exception as error:
            self.failure = sentence(error, hide_paths=False)
        finally:
            turn.release()

    def _note(self, report: Report) -> None:
        self.report = report
        if self.stopping and not report.finished:
            raise _Stopped
