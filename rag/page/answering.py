"""Answers under way, by browser tab: each is read beside the page, and can be stopped while its writer thinks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from queue import Empty, SimpleQueue
from threading import Event, Semaphore, Thread
from typing import TypeVar

from rag.page.session import Session

_LOOK = 0.1  # seconds

Piece = TypeVar("Piece")


class AnswerStopped(Exception):
    """The answer was stopped by who asked; `shown` is what is shown in its place, if another conversation is."""

    def __init__(self, shown: Session | None) -> None:
        self.shown = shown


@dataclass(slots=True)
class _Stop:
    event: Event = field(default_factory=Event)
    shown: Session | None = None


@dataclass(frozen=True, slots=True)
class _End:
    error: Exception | None = None


class Answering:
    """Thread-safe."""

    def __init__(self) -> None:
        self._stops: dict[str, _Stop] = {}
        self._jobs: SimpleQueue[Callable[[], None]] = SimpleQueue()
        self._idle = Semaphore(0)

    def pieces(self, tab: str, stream: Iterator[Piece]) -> Iterator[Piece]:
        """The pieces of a stream as they come. Raises what the stream raises, and AnswerStopped once it is stopped."""
        stop = self._stops[tab] = _Stop()
        read: SimpleQueue[Piece | _End] = SimpleQueue()
        self._do(partial(_read, stream, read, stop.event))
        try:
            while not stop.event.is_set():
                try:
                    piece = read.get(timeout=_LOOK)
                except Empty:
                    continue
                if not isinstance(piece, _End):
                    yield piece
                elif piece.error:
                    raise piece.error
                else:
                    return
            raise AnswerStopped(stop.shown)
        finally:
            stop.event.set()  # also where the tab was closed
            if self._stops.get(tab) is stop:
                del self._stops[tab]

    def stop(self, tab: str, shown: Session | None = None) -> None:
        """End the answer that a tab waits for, if it waits for one; `shown` is what the tab shows instead."""
        if stop := self._stops.get(tab):
            stop.shown = shown
            stop.event.set()

    def _do(self, job: Callable[[], None]) -> None:
        """In a thread that has nothing to do: it keeps a connection to the catalog, with what it has read of it.

        No pool of the library: it would wait at the end for a writer that is silent.
        """
        self._jobs.put(job)
        if not self._idle.acquire(blocking=False):
            Thread(target=self._work, name="answering", daemon=True).start()

    def _work(self) -> None:
        while True:
            self._jobs.get()()
            self._idle.release()


def _read(stream: Iterator[Piece], read: SimpleQueue[Piece | _End], stopping: Event) -> None:
    try:
        for piece in stream:
            read.put(piece)
            if stopping.is_set():
                return
        read.put(_End())
    except Exception as error:
        read.put(_End(error))
