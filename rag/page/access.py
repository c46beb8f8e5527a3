"""Who may see and change which collections.

Where nobody logs in, the page is one person's, who may do everything. Where people log in, they see what was ingested
for all, and may change only collections of their own, which nobody else sees.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gradio as gr

from rag.assistant import Assistant
from rag.errors import RagError, StoreError
from rag.library import Library
from rag.page.faults import names_only
from rag.store import Store

_OWN = "@"  # before a user's name, at the beginning of the names of collections of their own


class Access:
    """The collections of a library, as far as each request may go. Every collection a browser names passes here."""

    def __init__(self, library: Library) -> None:
        self.library = library

    def names(self, request: gr.Request) -> list[str]:
        """The collections that may be seen, one's own among them even before it holds anything."""
        user = request.username
        names = [name for name in self.library.names() if _is_visible(name, user)]
        return [*names, own] if user and (own := _OWN + user) not in names else names

    def choices(self, request: gr.Request) -> Any:
        """The box of collections, for who has opened the page."""
        return gr.Dropdown(choices=self.names(request))

    def assistant(self, name: str, request: gr.Request) -> Assistant:
        """What answers from a collection. Raises StoreError if there is none of this name to be seen."""
        user = request.username
        if (held := name in self.library.names()) and _is_visible(name, user):
            return self.library.assistant(name)
        if held or not user or name != _OWN + user:
            raise StoreError(f"there is no collection {name!r}. Choose another one.")
        return self.library.assistant(name, create=True)

    def store(self, name: str, request: gr.Request) -> Store:
        """A collection to be read. Raises StoreError as `assistant` does."""
        return self.assistant(name, request).store

    def to_change(self, name: str, request: gr.Request) -> Store:
        """A collection to be changed. Raises StoreError, too, for one that is everybody's where people log in."""
        store = self.store(name, request)
        if request.username and not _is_own(name, request.username):
            raise StoreError(f"{name!r} is everybody's and cannot be changed here. Choose {_OWN + request.username!r}.")
        return store

    def create(self, name: str, request: gr.Request) -> str:
        """Make an empty collection, one's own where people log in; its name. Raises StoreError if it is taken."""
        full = f"{_OWN}{request.username}/{name.strip()}" if request.username else name.strip()
        if not name.strip() or (full.startswith(_OWN) and not request.username):
            raise StoreError(f"{name!r} cannot be a collection's name. Choose one that does not begin with {_OWN}.")
        self.library.create(full)
        return full

    def drop(self, name: str, request: gr.Request, dropping: Callable[[Store], None]) -> None:
        """Drop a collection with all its documents, after `dropping` was told of it.

        Raises StoreError as `to_change` does, and for the one that Footnote was started with.
        """
        store = self.to_change(name, request)
        if store is self.library.first:
            raise StoreError(f"Footnote was started with {name!r}. Delete its documents instead.")
        dropping(store)
        self.library.drop(name)

    def told(self, failure: RagError | str, request: gr.Request) -> str:
        """What a user is told of a failure: where people log in, without the paths of this machine."""
        return names_only(str(failure)) if request.username else str(failure)

    def shared(self) -> Shared:
        """What programs may see, which show a token but are nobody's."""
        return Shared(self.library)


class Shared:
    """The collections that are nobody's own."""

    def __init__(self, library: Library) -> None:
        self._library = library
        self.assistant = library.assistant
        self.store = library.store

    def names(self) -> tuple[str, ...]:
        """The collections' names; what is not among them is not asked for."""
        return tuple(name for name in self._library.names() if not name.startswith(_OWN))


def _is_own(name: str, user: str) -> bool:
    return name == _OWN + user or name.startswith(f"{_OWN}{user}/")


def _is_visible(name: str, user: str | None) -> bool:
    return user is None or not name.startswith(_OWN) or _is_own(name, user)
