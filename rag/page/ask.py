"""The Ask view: past conversations, the conversation, the evidence beside it. Lays out and wires."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr

from rag import page
from rag.page.access import Access
from rag.page.chart import NO_PASSAGES
from rag.page.chat import Chat
from rag.page.evidence import Evidence
from rag.page.session import Session
from rag.page.source import NO_SOURCE
from rag.query import LONGEST_QUESTION
from rag.store import Store
from rag.types import Document, Span

_ASSETS = Path(page.__file__).parent
_ANSWERING = 2  # questions at a time; more would only wait for each other's cores
_WELCOME = "## Ask your documents\nEvery sentence of an answer links to the words it rests on."


@dataclass(frozen=True, slots=True)
class AskView:
    """The components that other views react to."""

    session: gr.State
    collection: gr.Dropdown
    chatbot: gr.Chatbot
    source: gr.HTML
    aside: gr.Column  # above the evidence, for a form


def ask_view(
    demo: gr.Blocks,
    collection: gr.Dropdown,
    access: Access,
    picture: Callable[[Store, Document, Span], Any],
    private: dict[str, Any],
) -> AskView:
    """Build the view where it is called, over the collection that the box names. `private` goes to every event.

    `picture` is as `Evidence` takes it.
    """
    chat, evidence = Chat(access), Evidence(access, picture)
    settings = access.library.first.settings
    session = gr.State(Session())
    with gr.Row(elem_id="workspace", equal_height=True):
        with gr.Column(elem_id="past", min_width=200, scale=0):
            new = gr.Button("New conversation", elem_id="new-conversation", size="sm")
            script = (_ASSETS / "history.js").read_text("utf-8")
            record = gr.HTML("", html_template=_PAST, js_on_load=script, elem_id="history")
            with gr.Accordion("Export", open=False, elem_id="export"):
                exports = {
                    kind: gr.Button(label, size="sm", elem_id=f"export-{kind}")
                    for kind, label in (("markdown", "Markdown"), ("html", "HTML"), ("json", "JSON"))
                }
                file = gr.HTML("", html_template="", js_on_load=_DOWNLOAD, elem_id="exported")
            with gr.Accordion("Settings", open=False, elem_id="settings"):
                answerer = gr.Radio(
                    [("Language model", False), ("Quotations only", True)],
                    value=False,
                    label="Answers by",
                    visible=access.library.assistant(settings.collection).model is not None,
                )
                strictness = gr.Slider(
                    0, 1, settings.strictness, step=0.05, label="Strictness", info="Below this confidence: no answer"
                )
                k = gr.Slider(1, 50, settings.k, step=1, label="Passages", info="Read for each question")
                sources = gr.Dropdown([], multiselect=True, label="Only in these documents", elem_id="only-in")
                after = gr.Textbox(label="Written after", placeholder="YYYY-MM-DD", max_length=10, value="")
                before = gr.Textbox(label="Written before", placeholder="YYYY-MM-DD", max_length=10, value="")
        with gr.Column(elem_id="conversation", min_width=320):
            chatbot = gr.Chatbot(
                show_label=False,
                label="Conversation",
                container=False,
                layout="panel",
                height="100%",
                elem_id="chat",
                sanitize_html=True,
                render_markdown=True,
                allow_tags=False,
                latex_delimiters=[],
                editable="user",
                buttons=[],
                feedback_options=("Like", "Dislike"),
                placeholder=_WELCOME,
            )
            question = gr.Textbox(
                label="Question",
                show_label=False,
                container=False,
                elem_id="question",
                lines=1,
                max_lines=6,
                max_length=LONGEST_QUESTION,
                autofocus=True,
                placeholder="Ask a question",
                submit_btn=True,
            )
        with gr.Column(elem_id="evidence", min_width=320):
            aside = gr.Column(elem_id="aside")
            with gr.Tabs(selected="source") as tabs:
                with gr.Tab("Source", id="source", render_children=True):
                    bridge = (_ASSETS / "bridge.js").read_text("utf-8")
                    source = gr.HTML(NO_SOURCE, elem_id="source", js_on_load=bridge)
                with gr.Tab("Passages", id="passages", render_children=True):
                    with gr.Row(elem_id="why-not"):
                        absent = gr.Dropdown(
                            [], label="Why not this document?", elem_id="absent", filterable=True, value=None
                        )
                    fate = gr.HTML(elem_id="fate")
                    passages = gr.HTML(NO_PASSAGES, elem_id="passages")

    at_once: dict[str, Any] = private | {"queue": False}
    answering: dict[str, Any] = private | {"concurrency_limit": _ANSWERING, "concurrency_id": "answer"}
    wishes = [collection, answerer, strictness, k, sources, after, before]
    outputs = [chatbot, session, question, passages, record]
    asked: list[Any] = [question.submit(chat.answer, [question, session, *wishes], outputs, **answering)]
    asked.append(chatbot.example_select(chat.answer_example, [session, *wishes], outputs, **answering))
    asked.append(chatbot.retry(chat.answer_again, [session, *wishes], outputs, **answering))
    asked.append(chatbot.edit(chat.answer_edited, [session, *wishes], outputs, **answering))
    for event in asked:
        event.failure(_ready, None, question, **at_once)
    question.stop(chat.stop, None, None, **at_once)

    fresh = [session, chatbot, source, passages, fate, record]
    for begin in (new.click, chatbot.clear, record.begin):
        begin(chat.begin, None, fresh, **at_once)
    record.resume(chat.resume, None, fresh, **at_once)
    source.open(evidence.open, session, [source, tabs, session], trigger_mode="multiple", **private)
    source.why(evidence.why, session, [passages, tabs], **at_once)
    absent.input(evidence.why_not, [absent, session, *wishes], fate, **private)
    for kind, button in exports.items():
        button.click(_exporter(chat, kind), session, file, **at_once)
    for listing in (absent, sources):
        listing.focus(evidence.sources, collection, listing, **at_once)
    for turn in (collection.change, demo.load):
        turn(chat.turned_to, collection, [chatbot, sources, absent], **private)
    return AskView(session, collection, chatbot, source, aside)


_PAST = "<nav aria-label='Conversations'><ul></ul></nav>"
_DOWNLOAD = """
watch('value', () => {
  const file = JSON.parse(props.value || 'null');
  if (!file) return;
  const link = document.createElement('a');
  link.href = URL.createObjectURL(new Blob([file.text], { type: file.type }));
  link.download = file.name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
});
"""


def _exporter(chat: Chat, kind: str) -> Any:
    def export(session: Session) -> str:
        return chat.export(session, kind)

    return export


def _ready() -> Any:
    return gr.Textbox(submit_btn=True, stop_btn=False)
