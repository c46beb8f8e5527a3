"""An iterator that runs in a thread of its own, a few items ahead of whoever reads it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from queue import Empty, Full, Queue
from threading import Event, Thread
from typing import TypeVar

Item = TypeVar("Item")

_END = object()
_LOOK_UP = 0.1  # seconds between looks at whether to stop


@contextmanager
def ahead(items: Iterator[Item], limit: int, interrupt: Callable[[], None]) -> Iterator[Iterator[Item]]:
    """The same items, at most `limit` of them fetched before they are asked for.

    What `items` raises is raised where they are read. Left early, `interrupt` is called, and again until the thread has
    ended: it should make `items` end.
    """
    fetched: Queue[object] = Queue(limit)
    stopped = Event()

    def offer(item: object) -> None:
        while not stopped.is_set():
            with suppress(Full):
                fetched.put(item, timeout=_LOOK_UP)
                return

    def fetch() -> None:
        try:
            for item in items:
                offer(item)
                if stopped.is_set():
                    return
            offer(_END)
        except BaseException as error:
            offer(_Raised(error))

    def read() -> Iterator[Item]:
        while True:
            try:
                item = fetched.get(timeout=_LOOK_UP)  # not for ever: Ctrl-C is noticed only in between
            except Empty:
                continue
            if item is _END:
                return
            if isinstance(item, _Raised):
                raise item.error
            yield item  # type: ignore[misc]  # only items are put besides

    thread = Thread(target=fetch, name="read-ahead")
    thread.start()
    try:
        yield read()
    finally:
        stopped.set()
        while thread.is_alive():
            interrupt()
            thread.join(_LOOK_UP)


class _Raised:
    def __init__(self, error: BaseException) -> None:
        self.error = error
