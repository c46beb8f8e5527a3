"""Who may use a store: any number of readers, or one writer. A flock, so a dead process holds nothing."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from threading import Lock
from time import monotonic, sleep
from typing import Any

from rag.errors import StoreBusy

_PATIENCE, _LOOK_AGAIN = 10.0, 0.02  # seconds


class OwnerLock:
    """Shared while a store is open, exclusive while it is written to.

    With `readers_stay` the vectors are on a server, which bears a writer beside readers: then only writers exclude each
    other, and an embedded use of the same store.
    """

    def __init__(self, store: Path, *, readers_stay: bool = False) -> None:
        self._store = store
        self._writing = Lock()
        self._files: list[int] = []
        self._readers = self._open("lock")
        self._writers = self._open("lock.writer") if readers_stay else self._readers
        self._take(self._readers, fcntl.LOCK_SH)
        os.truncate(self._readers, 0)  # nobody writes now: what a writer that was killed wrote of itself is out of date

    def _open(self, name: str) -> int:
        self._files.append(os.open(self._store / name, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
        return self._files[-1]

    def release(self) -> None:
        """Let other processes have the store."""
        while self._files:
            os.close(self._files.pop())

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Hold the lock exclusively. Raises StoreBusy if another process, or another thread of this one, is at it."""
        if not self._writing.acquire(blocking=False):
            raise StoreBusy(f"documents are being added to the store at {self._store}. Wait for that to end.")
        try:
            self._take(self._writers, fcntl.LOCK_EX)
            owner = {"pid": os.getpid(), "since": datetime.now(UTC).isoformat(timespec="seconds")}
            os.truncate(self._writers, 0)
            os.pwrite(self._writers, json.dumps(owner).encode(), 0)
            try:
                yield
            finally:
                os.truncate(self._writers, 0)
                self._give_back()
        finally:
            self._writing.release()

    def _give_back(self) -> None:
        """What this process held before it wrote: its share among the readers."""
        fcntl.flock(self._writers, fcntl.LOCK_SH if self._writers == self._readers else fcntl.LOCK_UN)

    def _take(self, file: int, kind: int) -> None:
        until = monotonic() + _PATIENCE
        while not _locked(file, kind):
            if monotonic() > until or not self._is_left_behind(file):
                owner = self._owner(file)
                if kind == fcntl.LOCK_SH:
                    self.release()
                else:
                    self._give_back()  # a refused upgrade gives the shared lock up
                raise StoreBusy(f"the store at {self._store} is in use by {owner}. Try again when it has ended.")
            sleep(_LOOK_AGAIN)

    def _is_left_behind(self, file: int) -> bool:
        """Whether the writer is dead: then a child that it was about to start holds its lock, for another moment."""
        written = self._written(file)
        if written:
            try:
                os.kill(written["pid"], 0)
            except ProcessLookupError:
                return True
            except PermissionError:
                return False  # it lives, and is somebody else's
        return False

    def _owner(self, file: int) -> str:
        written = self._written(file)
        if not written:
            return "another process that reads it"
        return f"process {written['pid']}, which has been writing since {written['since']}"

    def _written(self, file: int) -> dict[str, Any]:
        """What the writer wrote of itself; nothing if there is none."""
        try:
            written: dict[str, Any] = json.loads(os.pread(file, 1000, 0))
        except ValueError:
            return {}
        return written


def _locked(file: int, kind: int) -> bool:
    try:
        fcntl.flock(file, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
