"""The form under an answer that was wrong: what it should have said, and where that stands, become a gold question."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import gradio as gr

from eval.errors import GoldError
from eval.page.render import status_html
from eval.page.workbook import Workbook
from eval.types import Evidence
from rag.errors import RagError
from rag.page.access import Access
from rag.query import LONGEST_QUESTION
from rag.store import Store
from rag.types import Span

LONGEST_SELECTION = 2000  # characters; evidence is the words that answer, not a chapter

Updates = dict[Any, Any]


def place(store: Store, document_id: object, start: object, end: object) -> Evidence:
    """The characters selected in a document, as evidence, without the white space around them.

    Raises GoldError, in a sentence for the user, if there are none, too many, or no such document.
    """
    document = store.document(document_id) if isinstance(document_id, str) else None
    if document is None:
        raise GoldError("That document is no longer in the collection. Open the source again.")
    if type(start) is not int or type(end) is not int or not 0 <= start < end <= len(document.text):
        raise GoldError("Nothing is selected. Select the words that answer the question in the source.")
    selected = document.text[start:end]
    quote = selected.strip()
    if not quote:
        raise GoldError("Only white space is selected. Select the words that answer the question.")
    if len(quote) > LONGEST_SELECTION:
        raise GoldError(
            f"{len(quote):,} characters are selected; at most {LONGEST_SELECTION:,} are allowed. "
            "Select only the words that answer the question."
        )
    start += len(selected) - len(selected.lstrip())
    return Evidence(document.source, quote, Span(start, start + len(quote)))


@dataclass(frozen=True, slots=True)
class FeedbackForm:
    """The form's components, and what they show when something happens."""

    panel: gr.Column
    question: gr.Textbox
    answers: gr.Textbox
    unanswerable: gr.Checkbox
    where: gr.Column
    source: gr.Dropdown
    quote: gr.Textbox
    selected: gr.State
    status: gr.HTML

    @property
    def outputs(self) -> list[Any]:
        """The components that `open`, `select` and `close` return updates of."""
        return [
            *(self.panel, self.question, self.answers, self.unanswerable, self.where),
            *(self.source, self.quote, self.selected, self.status),
        ]

    def open(self, store: Store, question: str) -> Updates:
        """Show the form, empty, for a question."""
        return self.close() | {
            self.panel: gr.Column(visible=True),
            self.question: question,
            self.source: gr.Dropdown(choices=_documents(store), value=None),
        }

    def close(self, message: str = "") -> Updates:
        """Hide the form and empty it; the message stays."""
        return {
            self.panel: gr.Column(visible=False),
            self.question: "",
            self.answers: "",
            self.unanswerable: False,
            self.where: gr.Column(visible=True),
            self.source: None,
            self.quote: "",
            self.selected: None,
            self.status: status_html(message),
        }

    def select(self, store: Store, document_id: object, start: object, end: object) -> Updates:
        """Take over what was selected in a source, or say in a sentence why it cannot be."""
        try:
            found = place(store, document_id, start, end)
        except GoldError as error:
            return {self.status: status_html(str(error), "wrong")}
        return {
            self.source: gr.Dropdown(choices=_documents(store), value=found.source),
            self.quote: found.quote,
            self.selected: found,
            self.status: "",
        }

    def submit(
        self,
        store: Store,
        question: str,
        answers: str,
        unanswerable: bool,
        evidence: tuple[str | None, str, Evidence | None],
    ) -> Updates:
        """Append the gold question, and close the form.

        `evidence`: the document, the words, and what was selected last. Raises as `Workbook.add` does.
        """
        accepted = [line.strip() for line in answers.splitlines() if line.strip()]
        workbook = Workbook(store)
        if unanswerable:
            added = workbook.add(question, (), (), unanswerable=True)
        else:
            added = workbook.add(question, accepted, _evidence(*evidence))
        count = len(workbook.questions())
        return self.close(
            f"Gold question {added.id} added. This collection has {count:,} now: run them under Evaluation."
        )


def feedback_form(collection: gr.Dropdown, access: Access) -> FeedbackForm:
    """Build the form, hidden, and wire its own buttons."""
    with gr.Column(elem_id="feedback"):
        with gr.Column(visible=False, elem_classes="sheet") as panel:
            gr.HTML("<h3>What should it have said?</h3>")
            question = gr.Textbox(label="Question", max_lines=4, max_length=LONGEST_QUESTION, elem_id="gold-question")
            unanswerable = gr.Checkbox(label="The documents do not answer this", elem_id="gold-unanswerable")
            with gr.Column(elem_classes="where") as where:
                answers = gr.Textbox(
                    label="Accepted answers, one a line",
                    lines=2,
                    max_lines=6,
                    max_length=LONGEST_QUESTION,
                    elem_id="gold-answers",
                )
                source = gr.Dropdown(
                    [], label="Document in which it stands", filterable=True, value=None, elem_id="gold-source"
                )
                quote = gr.Textbox(
                    label="The words there",
                    info="Select them in the source, or paste them.",
                    lines=2,
                    max_lines=8,
                    max_length=LONGEST_SELECTION,
                    elem_id="gold-quote",
                )
            with gr.Row(elem_classes="actions"):
                add = gr.Button("Add gold question", variant="primary", elem_id="add-gold")
                cancel = gr.Button("Cancel", elem_id="cancel-gold")
        status = gr.HTML(js_on_load="element.setAttribute('role', 'status')", elem_id="feedback-status")
        selected = gr.State(None)
    form = FeedbackForm(panel, question, answers, unanswerable, where, source, quote, selected, status)

    def submit(
        name: str, asked: str, accepted: str, not_answered: bool, request: gr.Request, *evidence: Any
    ) -> Updates:
        try:
            return form.submit(access.store(name, request), asked, accepted, not_answered, evidence)
        except RagError as error:
            return {status: status_html(access.told(error, request), "wrong")}

    private: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden", "queue": False}
    filled = [collection, question, answers, unanswerable, source, quote, selected]
    add.click(submit, filled, form.outputs, **private)
    cancel.click(form.close, None, form.outputs, **private)
    unanswerable.change(lambda ticked: gr.Column(visible=not ticked), unanswerable, where, **private)
    return form


def _documents(store: Store) -> list[tuple[str, str]]:
    """What the documents are chosen by, and their sources."""
    return [
        (f"{document.title} ({document.source})" if document.title else document.source, document.source)
        for document in store.documents()
    ]


def _evidence(source: str | None, quote: str, selected: Evidence | None) -> tuple[Evidence, ...]:
    """The place as selected; as typed, where the words or the document were changed since. Raises GoldError."""
    quote = quote.strip()
    if not source and not quote:
        return ()
    if not source:
        raise GoldError("Choose the document in which these words stand.")
    if not quote:
        raise GoldError("Select the words in the source, or clear the document.")
    if selected and (selected.source, selected.quote) == (source, quote):
        return (selected,)
    return (Evidence(source, quote),)
