"""The collections of one store, opened when they are first asked for, each with what answers from it."""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock

from rag.assistant import Assistant
from rag.errors import StoreError
from rag.store import Store


class Library:
    """Everything a server needs of a store. Thread-safe; closing it leaves the store it was given open.

    `progress` is told what is done while a local language model is made ready.
    """

    def __init__(self, store: Store, progress: Callable[[str], None] = lambda _: None) -> None:
        self.first = store
        self._progress = progress
        self._opening = Lock()
        self._assistants = {store.collection: Assistant(store, progress)}

    def names(self) -> tuple[str, ...]:
        """The collections' names."""
        return self.first.collections()

    def assistant(self, name: str, *, create: bool = False) -> Assistant:
        """What answers from a collection. Raises StoreError if there is none (unless `create`), or as `beside`."""
        with self._opening:
            if name not in self._assistants:
                self._assistants[name] = self._open(self.first.beside(name, create=create))
            return self._assistants[name]

    def store(self, name: str) -> Store:
        """A collection. Raises as `assistant` does."""
        return self.assistant(name).store

    def create(self, name: str) -> Store:
        """A new, empty collection. Raises StoreError if the name is taken, SettingsError if it cannot be one."""
        with self._opening:
            if name in self.names():
                raise StoreError(f"there is a collection {name!r} already. Choose another name.")
            self._assistants[name] = self._open(self.first.beside(name, create=True))
            return self._assistants[name].store

    def drop(self, name: str) -> None:
        """Drop a collection, other than the first, with all it holds. Raises StoreBusy while it is written to."""
        store = self.store(name)
        with self._opening:
            store.drop()
            del self._assistants[name]
            store.close()

    def close(self) -> None:
        """Close every collection but the first."""
        for name, assistant in self._assistants.items():
            if name != self.first.collection:
                assistant.store.close()

    def _open(self, store: Store) -> Assistant:
        try:
            return Assistant(store, self._progress)
        except BaseException:
            store.close()
            raise
