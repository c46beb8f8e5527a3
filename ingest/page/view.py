"""The Documents view: collections, uploads with progress, the list, and what failed and why."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import gradio as gr

import ingest.page
from ingest.page.listing import listing_html, progress_html, report_html
from ingest.page.shelf import Shelf, Upload, place_of
from ingest.parse import PARSERS
from ingest.report import Report
from rag.errors import RagError, StoreError
from rag.page.access import Access
from rag.store import Store

_ASSETS = Path(ingest.page.__file__).parent
_BEGUN = "<div class='progress'><p role='status'>Reading the files…</p></div>"
_KEEP, _SURE = "Delete this collection", "Really delete it, with all its documents?"
_INGESTING = 1  # syncs at a time: each uses every core


class _Documents:
    """The view's events."""

    def __init__(self, access: Access, temporary: Path, dropping: Callable[[Store], None]) -> None:
        self._access = access
        self._temporary = temporary  # where Gradio puts what is uploaded
        self._dropping = dropping
        self.shelf = Shelf()

    def listing(self, collection: str, wanted: str, request: gr.Request) -> str:
        """The list of documents."""
        return _listing(self._access.store(collection, request), wanted)

    def add(self, files: list[dict[str, Any]], collection: str, request: gr.Request) -> Iterator[tuple[Any, ...]]:
        """Take uploaded files in, streaming the progress."""
        uploads = [Upload(Path(file["path"]).resolve(), file["orig_name"]) for file in files]
        if not all(upload.path.is_relative_to(self._temporary) for upload in uploads):
            raise StoreError("only files that were uploaded here are taken.")
        try:
            store = self._access.to_change(collection, request)
            self.shelf.keep(store, uploads)
        except RagError as error:
            for upload in uploads:
                upload.path.unlink(missing_ok=True)
            yield gr.skip(), report_html(error), gr.skip(), gr.File(value=None)
            return
        yield from self._shown(store, self.shelf.take_in(store))

    def look_again(self, collection: str, request: gr.Request) -> Iterator[tuple[Any, ...]]:
        """Read what has changed, streaming the progress."""
        try:
            store = self._access.to_change(collection, request)
        except RagError as error:
            yield gr.skip(), report_html(error), gr.skip(), gr.skip()
            return
        yield from self._shown(store, self.shelf.look_again(store))

    def _shown(self, store: Store, reports: Iterator[Report | RagError]) -> Iterator[tuple[Any, ...]]:
        """The listing, what is going on, the stop button, and the upload box for every report of a sync."""
        yield (
            gr.skip(),
            _BEGUN,
            gr.Button(visible=True),
            gr.skip(),
        )
        last: Report | RagError | None = None
        for last in reports:
            if isinstance(last, Report) and not last.finished:
                yield gr.skip(), progress_html(last), gr.skip(), gr.skip()
        note = ""
        if isinstance(last, Report) and not last.finished:
            last, note = None, "Stopped. What was read so far is kept; “Look for changes” goes on with the rest."
        yield _listing(store, ""), report_html(last, note), gr.Button(visible=False), gr.File(value=None)

    def stop(self, collection: str, request: gr.Request) -> None:
        """End what is going on in the collection."""
        with suppress(RagError):
            self.shelf.stop(self._access.to_change(collection, request))

    def create(self, name: str, request: gr.Request) -> tuple[Any, Any, Any]:
        """Make a collection and turn to it."""
        try:
            made = self._access.create(name, request)
        except RagError as error:
            return gr.skip(), gr.skip(), report_html(error)
        said = report_html(None, f"{made} was made. Add documents to it.")
        return gr.Dropdown(choices=self._access.names(request), value=made), "", said

    def drop(self, collection: str, label: str, request: gr.Request) -> tuple[Any, Any, Any]:
        """Drop a collection at the second press of its button."""
        if label != _SURE:
            return gr.skip(), gr.Button(_SURE), gr.skip()
        try:
            self._access.drop(collection, request, self._forget)
        except RagError as error:
            return gr.skip(), _KEEP, report_html(error)
        names = self._access.names(request)
        said = report_html(None, f"{collection} was deleted with all its documents.")
        return gr.Dropdown(choices=names, value=names[0]), _KEEP, said

    def _forget(self, store: Store) -> None:
        self._dropping(store)
        self.shelf.clear(store)

    def remove(self, collection: str, event: gr.EventData, request: gr.Request) -> tuple[Any, Any]:
        """Delete a file with its documents."""
        source = str(getattr(event, "source", ""))
        try:
            store = self._access.to_change(collection, request)
            self.shelf.delete(store, source)
        except RagError as error:
            return gr.skip(), report_html(error)
        return _listing(store, ""), report_html(None, f"{source} was deleted.")


def _listing(store: Store, wanted: str) -> str:
    files, sizes = store.files(), {}
    for source, record in files.items():
        with suppress(OSError):
            sizes[source] = place_of(record).stat().st_size
    return listing_html(store.documents(), files, store.document_files(), sizes, wanted)


def documents_view(
    tab: gr.Tab,
    collection: gr.Dropdown,
    access: Access,
    temporary: Path,
    dropping: Callable[[Store], None],
    private: dict[str, Any],
) -> None:
    """Build the view inside a tab, over the collection that the box names. `private` goes to every event.

    `temporary` is the folder in which Gradio puts what is uploaded; `dropping` is told of a collection before it goes.
    """
    documents = _Documents(access, temporary, dropping)
    script = (_ASSETS / "documents.js").read_text("utf-8")
    with gr.Column(elem_id="documents-view"):
        with gr.Row(elem_id="uploads"):
            upload = gr.File(
                label="Add documents",
                file_count="multiple",
                height=132,
                elem_id="upload",
                file_types=sorted(PARSERS),
            )
            with gr.Column(min_width=180, scale=0, elem_id="shelf-buttons"):
                folder = gr.UploadButton(
                    "Add a folder", file_count="directory", size="sm", variant="secondary", elem_id="upload-folder"
                )
                again = gr.Button("Look for changes", size="sm", elem_id="look-again")
                stop = gr.Button("Stop", size="sm", variant="stop", visible=False, elem_id="stop-reading")
        state = gr.HTML(elem_id="documents-state")
        with gr.Row(elem_id="finding"):
            wanted = gr.Textbox(
                show_label=False,
                label="Find a document",
                placeholder="Find a document by title or name",
                container=False,
                elem_id="find-document",
            )
            with gr.Row(elem_id="collections"):
                name = gr.Textbox(
                    show_label=False,
                    label="Name of a new collection",
                    placeholder="New collection",
                    container=False,
                    max_length=100,
                    elem_id="new-collection",
                )
                create = gr.Button("Create", size="sm", elem_id="create-collection")
                drop = gr.Button("Delete this collection", size="sm", elem_id="drop-collection")
        listing = gr.HTML(elem_id="documents", js_on_load=script)
    outputs = [listing, state, stop, upload]
    reading: dict[str, Any] = private | {
        "concurrency_limit": _INGESTING,
        "concurrency_id": "ingest",
        "outputs": outputs,
    }
    at_once: dict[str, Any] = private | {"queue": False}
    # Without preprocessing Gradio still checks the paths, but hands over the original names as well.
    upload.upload(documents.add, [upload, collection], preprocess=False, **reading)
    folder.upload(documents.add, [folder, collection], preprocess=False, **reading)
    again.click(documents.look_again, collection, **reading)
    stop.click(documents.stop, collection, None, **at_once)
    listing.remove(documents.remove, collection, [listing, state], **private)
    for made in (create.click, name.submit):
        made(documents.create, name, [collection, name, state], **at_once)
    drop.click(documents.drop, [collection, drop], [collection, drop, state], **private)
    wanted.change(documents.listing, [collection, wanted], listing, trigger_mode="always_last", **at_once)
    for shown in (collection.change, tab.select):
        shown(documents.listing, [collection, wanted], listing, **at_once)
