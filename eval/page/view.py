"""The chat's Evaluation view: the gold questions of a collection, a run over them, its numbers and its report."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gradio as gr

from eval import page
from eval.errors import GoldError
from eval.page.evaluation import Evaluation, Evaluations
from eval.page.render import (
    announcement,
    progress_html,
    questions_html,
    report_frame_html,
    status_html,
    summary_html,
)
from eval.page.workbook import Workbook, comparison
from rag.errors import RagError
from rag.page.access import Access
from rag.store import Store

_ASSETS = Path(page.__file__).parent
_TICK = 0.5  # seconds
_HEAD = (
    "<h2>Evaluation</h2><p>Asks every gold question of this collection and compares the answers with what they "
    "should be.</p>"
)
# The button that had the focus is hidden now.
_FOCUS_STOP = "() => { requestAnimationFrame(() => document.querySelector('#stop-evaluation')?.focus()); }"

Updates = dict[Any, Any]


def evaluation_view(tab: gr.Tab, collection: gr.Dropdown, access: Access) -> Evaluations:
    """Build the view inside a tab and wire it: it shows the chosen collection whenever the tab is opened.

    What is returned must be closed before the stores are.
    """
    view = _View(access)
    view.wire(tab, collection)
    return view.evaluations


class _View:
    """The components, and the events on them; each returns what the components show."""

    def __init__(self, access: Access) -> None:
        self._access = access
        self.evaluations = Evaluations()
        with gr.Column(elem_id="evaluation"):
            gr.HTML(_HEAD, elem_classes="head")
            with gr.Row(elem_classes="actions"):
                self._run = gr.Button("Run evaluation", variant="primary", interactive=False, elem_id="run-evaluation")
                self._stop = gr.Button("Stop", visible=False, elem_id="stop-evaluation")
                self._upload = gr.UploadButton("Add a gold file", file_types=[".jsonl"], elem_id="upload-gold")
            self._status = gr.HTML(js_on_load="element.setAttribute('role', 'status')", elem_id="evaluation-status")
            self._progress = gr.HTML(elem_id="evaluation-progress")
            self._summary = gr.HTML(elem_id="evaluation-summary")
            self._open = gr.Button("Show the full report", visible=False, elem_id="open-report")
            self._report = gr.HTML(elem_id="evaluation-report", js_on_load=(_ASSETS / "download.js").read_text("utf-8"))
            self._questions = gr.HTML(
                elem_id="evaluation-questions", js_on_load=(_ASSETS / "remove.js").read_text("utf-8")
            )
            self._timer = gr.Timer(_TICK, active=False)

    def wire(self, tab: gr.Tab, collection: gr.Dropdown) -> None:
        """Wire the events."""
        everything = [
            *(self._run, self._stop, self._upload, self._status, self._progress, self._summary),
            *(self._open, self._report, self._questions, self._timer),
        ]
        private: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
        at_once: dict[str, Any] = private | {"queue": False, "outputs": everything}
        tab.select(self.show, collection, **at_once)
        collection.change(self.show, collection, **at_once)
        self._run.click(self.run, collection, **at_once).then(None, js=_FOCUS_STOP, **private)
        self._stop.click(self.stop, collection, **at_once)
        self._timer.tick(self.watch, collection, **at_once)
        self._questions.remove(self.remove, collection, **at_once)
        self._upload.upload(self.take_in, [self._upload, collection], preprocess=False, **at_once)
        self._open.click(
            self.report,
            collection,
            [self._open, self._report, self._status],
            concurrency_limit=1,
            concurrency_id="report",
            **private | {"show_progress": "minimal"},
        )

    def show(self, collection: str, request: gr.Request) -> Updates:
        """The whole view."""
        try:
            store = self._access.store(collection, request)
        except RagError as error:
            return {self._status: self._wrong(error, request)}
        evaluation = self.evaluations.of(store)
        progress = self._moved(evaluation) if evaluation and evaluation.running else self._at_rest()
        return {self._status: ""} | progress | self._results(store, request) | self._list(store, request)

    def run(self, collection: str, request: gr.Request) -> Updates:
        """Start an evaluation, or watch the one that runs."""
        try:
            return self._moved(self.evaluations.start(self._access.store(collection, request)))
        except RagError as error:
            return {self._status: self._wrong(error, request)}

    def stop(self, collection: str, request: gr.Request) -> Updates:
        """Tell the evaluation to end after the question that is being asked."""
        try:
            evaluation = self.evaluations.of(self._access.store(collection, request))
        except RagError as error:
            return {self._status: self._wrong(error, request)}
        if evaluation is None or not evaluation.running:
            return self.show(collection, request)
        evaluation.stop()
        return self._moved(evaluation)

    def watch(self, collection: str, request: gr.Request) -> Updates:
        """How far the evaluation has come; once it has ended, what came of it."""
        try:
            evaluation = self.evaluations.of(self._access.store(collection, request))
        except RagError as error:
            return self._at_rest() | {self._status: self._wrong(error, request)}
        if evaluation and evaluation.running:
            return self._moved(evaluation)
        ended = "The evaluation is finished."
        if evaluation and evaluation.stopped:
            ended = "Stopped. Run the evaluation again to go on where it stopped."
        failed = evaluation.failure if evaluation else ""
        said = self._wrong(failed, request) if failed else status_html(ended)
        return self.show(collection, request) | {self._status: said}

    def remove(self, collection: str, event: gr.EventData, request: gr.Request) -> Updates:
        """Delete a gold question."""
        try:
            store = self._access.to_change(collection, request)
            Workbook(store).remove(str(getattr(event, "id", "")))
        except RagError as error:
            return {self._status: self._wrong(error, request)}
        return {self._status: status_html("Deleted.")} | self._list(store, request)

    def take_in(self, file: dict[str, Any], collection: str, request: gr.Request) -> Updates:
        """Add the questions of an uploaded gold file."""
        path = Path(file["path"])
        emptied = {self._upload: gr.UploadButton(value=None)}
        try:
            store = self._access.to_change(collection, request)
            count = Workbook(store).take_in(path)
        except RagError as error:
            # Its own name says more to the user than that of the copy on the server.
            named = str(error).replace(str(path), str(file["orig_name"]))
            return emptied | {self._status: self._wrong(named, request)}
        finally:
            path.unlink(missing_ok=True)
        taken = status_html(f"{count:,} gold question{'s' if count != 1 else ''} of {file['orig_name']} added.")
        return emptied | {self._status: taken} | self._list(store, request)

    def report(self, collection: str, request: gr.Request) -> Updates:
        """The report of the last run, in a frame."""
        try:
            runs = Workbook(self._access.store(collection, request)).last_runs()
        except RagError as error:
            return {self._status: self._wrong(error, request)}
        return {self._open: gr.Button(visible=False), self._report: report_frame_html(runs[-1]) if runs else ""}

    def _moved(self, evaluation: Evaluation) -> Updates:
        progress = evaluation.progress
        return {
            self._status: status_html(announcement(progress), "unseen"),
            self._progress: progress_html(progress, stopping=evaluation.stopping),
            self._run: gr.Button(visible=False),
            self._stop: gr.Button(visible=True, interactive=not evaluation.stopping),
            self._timer: gr.Timer(active=True),
        }

    def _at_rest(self) -> Updates:
        return {
            self._progress: "",
            self._run: gr.Button(visible=True),
            self._stop: gr.Button(visible=False),
            self._timer: gr.Timer(active=False),
        }

    def _results(self, store: Store, request: gr.Request) -> Updates:
        shown: Updates = {self._summary: "", self._open: gr.Button(visible=False), self._report: ""}
        try:
            *before, last = Workbook(store).last_runs() or (None,)
            if last is None:
                return shown
            compared = comparison(before[0], last) if before and before[0] else None
            shown[self._summary] = summary_html(last, compared, before[0] if before else None)
        except RagError as error:
            shown[self._summary] = self._wrong(error, request)
        return shown | {self._open: gr.Button(visible=True)}

    def _list(self, store: Store, request: gr.Request) -> Updates:
        """The gold questions, and whether there are any to ask."""
        evaluation = self.evaluations.of(store)
        at_rest = evaluation is None or not evaluation.running
        try:
            questions = Workbook(store).questions()
        except GoldError as error:
            again = self._wrong(f"{error}\nCorrect this file, then open Evaluation again.", request)
            return {self._questions: again, self._run: gr.Button(interactive=False, visible=at_rest)}
        usable = gr.Button(interactive=bool(questions), visible=at_rest)
        return {self._questions: questions_html(questions), self._run: usable}

    def _wrong(self, reason: RagError | str, request: gr.Request) -> str:
        return status_html(self._access.told(reason, request), "wrong")
