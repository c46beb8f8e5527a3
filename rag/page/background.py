"""Work that goes on beside the page, in a thread of its own: it can be watched from several pages, and stopped."""

from __future__ import annotations

from collections.abc import Callable
from threading import Event, Thread

from rag.page.faults import sentence


class Stopped(Exception):
    """Raised by work that was told to stop, before its end; what it has done is kept."""


class Background:
    """Work that begins when this is made. `failure` is a sentence, once it ended by an error."""

    def __init__(self, name: str, work: Callable[[], object]) -> None:
        self.failure = ""
        self.stopped = False
        self._stopping = Event()
        self._thread = Thread(target=self._run, args=(work,), name=name, daemon=True)
        self._thread.start()

    @property
    def running(self) -> bool:
        """Whether it has not ended yet."""
        return self._thread.is_alive()

    @property
    def stopping(self) -> bool:
        """Whether it was told to stop."""
        return self._stopping.is_set()

    def stop(self) -> None:
        """Let it end soon."""
        self._stopping.set()

    def wait(self, seconds: float | None = None) -> None:
        """Return when it has ended, or after so many seconds."""
        self._thread.join(seconds)

    def _run(self, work: Callable[[], object]) -> None:
        try:
            work()
        except Stopped:
            self.stopped = True
        except Exception as error:
            self.failure = sentence(error, hide_paths=False)
