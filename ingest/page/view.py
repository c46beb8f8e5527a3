"""The Documents view: collections, uploads with progress, the list, and what failed and why. Lays out and wires."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import gradio as gr

import ingest.page
from ingest.page.documents import KEEP, Documents, Parts
from ingest.parse import PARSERS
from rag.page.access import Access
from rag.store import Store

_ASSETS = Path(ingest.page.__file__).parent
_TICK = 0.5  # seconds


def documents_view(
    tab: gr.Tab,
    collection: gr.Dropdown,
    access: Access,
    temporary: Path,
    dropping: Callable[[Store], None],
    private: dict[str, Any],
) -> None:
    """Build the view inside a tab, over the collection that the box names. `private` goes to every event.

    `temporary` and `dropping` are as `Documents` takes them.
    """
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
                drop = gr.Button(KEEP, size="sm", elem_id="drop-collection")
        listing = gr.HTML(elem_id="documents", js_on_load=(_ASSETS / "documents.js").read_text("utf-8"))
        timer = gr.Timer(_TICK, active=False)
    parts = Parts(collection, upload, folder, stop, state, name, drop, listing, timer)
    documents = Documents(parts, access, temporary, dropping)
    shown: dict[str, Any] = {"outputs": [state, stop, timer, listing, upload, folder]}
    named: dict[str, Any] = {"outputs": [collection, name, drop, state]}
    at_once: dict[str, Any] = private | {"queue": False}
    # Without preprocessing Gradio still checks the paths, but hands over the original names as well.
    upload.upload(documents.add, [upload, collection], preprocess=False, **private, **shown)
    folder.upload(documents.add, [folder, collection], preprocess=False, **private, **shown)
    again.click(documents.look_again, collection, **private, **shown)
    stop.click(documents.stop, collection, **at_once, **shown)
    timer.tick(documents.watch, [collection, wanted], **at_once, **shown)
    listing.remove(documents.remove, collection, **private, **shown)
    wanted.change(documents.find, [collection, wanted], trigger_mode="always_last", **at_once, **shown)
    for turned in (collection.change, tab.select):
        turned(documents.show, [collection, wanted], **at_once, **shown)
    for made in (create.click, name.submit):
        made(documents.create, name, **at_once, **named)
    drop.click(documents.drop, [collection, drop], **private, **named)
