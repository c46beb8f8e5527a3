"""What happens in the Documents view: files come and go, collections too. Every event returns what components show."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr

from ingest.page.listing import listing_html, note_html, progress_html, report_html, trouble_html
from ingest.page.reading import Reading
from ingest.page.shelf import Shelf, Upload, place_of
from rag.errors import RagError, StoreError
from rag.page.access import Access
from rag.store import Store

KEEP = "Delete this collection"
_SURE = "Really delete it, with all its documents?"
_STOPPED = "Stopped. What was read so far is kept; “Look for changes” goes on with the rest."

Updates = dict[Any, Any]


@dataclass(frozen=True, slots=True)
class Parts:
    """The view's components that events change."""

    collection: gr.Dropdown
    upload: gr.File
    folder: gr.UploadButton
    stop: gr.Button
    state: gr.HTML  # what is going on, or what came of it
    name: gr.Textbox  # of a new collection
    drop: gr.Button
    listing: gr.HTML
    timer: gr.Timer


class Documents:
    """The view's events.

    `temporary` is the folder in which Gradio puts what is uploaded; `dropping` is told of a collection before it goes.
    """

    def __init__(self, parts: Parts, access: Access, temporary: Path, dropping: Callable[[Store], None]) -> None:
        self._parts = parts
        self._access = access
        self._temporary = temporary
        self._dropping = dropping
        self._shelf = Shelf()

    def show(self, collection: str, wanted: str, request: gr.Request) -> Updates:
        """The list of documents, and what is being read or was read last."""
        try:
            store = self._access.store(collection, request)
        except RagError as error:
            return self._trouble(error, request)
        reading = self._shelf.reading(store)
        return self._state(reading, request) | {self._parts.listing: _listing(store, wanted)}

    def find(self, collection: str, wanted: str, request: gr.Request) -> Updates:
        """The documents whose title or source holds some words."""
        return {self._parts.listing: _listing(self._access.store(collection, request), wanted)}

    def watch(self, collection: str, wanted: str, request: gr.Request) -> Updates:
        """How far the reading has come; once it has ended, what came of it, and the documents."""
        try:
            reading = self._shelf.reading(self._access.store(collection, request))
        except RagError as error:
            return self._at_rest() | self._trouble(error, request)
        return self._state(reading, request) if reading and reading.running else self.show(collection, wanted, request)

    def add(self, files: list[dict[str, Any]], collection: str, request: gr.Request) -> Updates:
        """Take uploaded files in."""
        uploads = [Upload(Path(file["path"]).resolve(), file["orig_name"]) for file in files]
        if not all(upload.path.is_relative_to(self._temporary) for upload in uploads):
            raise StoreError("only files that were uploaded here are taken.")
        emptied = {self._parts.upload: gr.File(value=None), self._parts.folder: gr.UploadButton(value=None)}
        try:
            store = self._access.to_change(collection, request)
            self._shelf.keep(store, uploads)
            return emptied | self._state(self._shelf.take_in(store), request)
        except RagError as error:
            for upload in uploads:
                upload.path.unlink(missing_ok=True)
            return emptied | self._trouble(error, request)

    def look_again(self, collection: str, request: gr.Request) -> Updates:
        """Read what has changed."""
        try:
            return self._state(self._shelf.look_again(self._access.to_change(collection, request)), request)
        except RagError as error:
            return self._trouble(error, request)

    def stop(self, collection: str, request: gr.Request) -> Updates:
        """End what is being read."""
        try:
            store = self._access.to_change(collection, request)
        except RagError as error:
            return self._trouble(error, request)
        self._shelf.stop(store)
        return self._state(self._shelf.reading(store), request)

    def remove(self, collection: str, event: gr.EventData, request: gr.Request) -> Updates:
        """Delete a file with its documents."""
        source = str(getattr(event, "source", ""))
        try:
            store = self._access.to_change(collection, request)
            self._shelf.delete(store, source)
        except RagError as error:
            return self._trouble(error, request)
        return {self._parts.listing: _listing(store, ""), self._parts.state: note_html(f"{source} was deleted.")}

    def create(self, name: str, request: gr.Request) -> Updates:
        """Make a collection and turn to it."""
        try:
            made = self._access.create(name, request)
        except RagError as error:
            return self._trouble(error, request)
        return {
            self._parts.collection: gr.Dropdown(choices=self._access.names(request), value=made),
            self._parts.name: "",
        }

    def drop(self, collection: str, label: str, request: gr.Request) -> Updates:
        """Drop a collection at the second press of its button."""
        if label != _SURE:
            return {self._parts.drop: gr.Button(_SURE)}
        try:
            self._access.drop(collection, request, self._forget)
        except RagError as error:
            return {self._parts.drop: KEEP} | self._trouble(error, request)
        names = self._access.names(request)
        return {self._parts.collection: gr.Dropdown(choices=names, value=names[0]), self._parts.drop: KEEP}

    def _forget(self, store: Store) -> None:
        self._dropping(store)
        self._shelf.clear(store)

    def _state(self, reading: Reading | None, request: gr.Request) -> Updates:
        if reading is None:
            return self._at_rest() | {self._parts.state: ""}
        if reading.running:
            return {
                self._parts.state: progress_html(reading.report, stopping=reading.stopping),
                self._parts.stop: gr.Button(visible=True, interactive=not reading.stopping),
                self._parts.timer: gr.Timer(active=True),
            }
        if reading.failure:
            shown = trouble_html(self._access.told(reading.failure, request))
        elif reading.report is None or (reading.stopped and not reading.report.failed):
            shown = note_html(_STOPPED)
        else:
            shown = report_html(reading.report, _STOPPED if reading.stopped else "")
        return self._at_rest() | {self._parts.state: shown}

    def _at_rest(self) -> Updates:
        return {self._parts.stop: gr.Button(visible=False), self._parts.timer: gr.Timer(active=False)}

    def _trouble(self, error: RagError, request: gr.Request) -> Updates:
        return {self._parts.state: trouble_html(self._access.told(error, request))}


def _listing(store: Store, wanted: str) -> str:
    files, sizes = store.files(), {}
    for source, record in files.items():
        with suppress(OSError):
            sizes[source] = place_of(record).stat().st_size
    return listing_html(store.documents(), files, store.document_files(), sizes, wanted)
