"""The chat: ask, watch the answer appear, open a footnote and read the words it rests on.

`python app.py [--store DIR] [--port 7860]`. Formats and wires; what an answer is, is decided in `rag/`.
"""

from __future__ import annotations

import argparse
import os
import shutil
import socket
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from queue import SimpleQueue
from threading import Thread
from typing import Any

# Settled before Gradio is imported, which reads them then: nothing phones home, no variable opens what we closed.
for _name in ("SHARE", "MCP_SERVER", "VIBE_MODE", "ALLOWED_PATHS", "SERVER_NAME", "SSR_MODE"):
    os.environ.pop(f"GRADIO_{_name}", None)
_UPLOADS = Path(tempfile.mkdtemp(prefix="footnote-uploads-")).resolve()  # readable by this user alone
os.environ |= {
    "GRADIO_ANALYTICS_ENABLED": "False",
    "GRADIO_ANALYTICS_CACHE_FREQUENCY": "1000000000",
    "GRADIO_TEMP_DIR": str(_UPLOADS),
    "HF_HUB_OFFLINE": "1",
}

import gradio as gr  # noqa: E402
import uvicorn  # noqa: E402
from fastapi import FastAPI  # noqa: E402
from gradio import processing_utils  # noqa: E402
from rich.console import Console  # noqa: E402

import ingest  # noqa: E402
from ingest.parse import PARSERS  # noqa: E402
from ingest.progress import counts, with_progress  # noqa: E402
from ingest.report import Report  # noqa: E402
from ingest.sync import sync  # noqa: E402
from rag import page  # noqa: E402
from rag.assistant import Assistant  # noqa: E402
from rag.command import add_store_options, run, settings_from  # noqa: E402
from rag.errors import RagError, SettingsError  # noqa: E402
from rag.page.guard import Guard  # noqa: E402
from rag.page.render import (  # noqa: E402
    GONE,
    NO_PASSAGES,
    NO_SOURCE,
    answer_markdown,
    documents_html,
    passages_html,
    plain,
    source_html,
)
from rag.query import LONGEST_QUESTION  # noqa: E402
from rag.store import Store  # noqa: E402
from rag.types import Answer, Span, Turn  # noqa: E402

SAMPLE = Path(ingest.__file__).parent / "sample"
EXAMPLES = (
    "How many missiles were eliminated under the INF Treaty?",
    "When did Soviet forces leave Port Arthur?",
    "What was the value of trade between China and Russia in 2020?",
    "What is the population of Mongolia?",
)
_ASSETS = Path(page.__file__).parent
_THEME = gr.themes.Base(
    primary_hue=gr.themes.colors.teal,
    neutral_hue=gr.themes.colors.slate,
    font=[gr.themes.LocalFont("IBM Plex Sans", weights=(400, 700)), "Segoe UI", "Helvetica Neue", "sans-serif"],
    font_mono=[gr.themes.LocalFont("IBM Plex Mono", weights=(400, 700)), "Consolas", "monospace"],
)

Message = dict[str, str]


@dataclass
class Session:
    """One browser tab's conversation. Gradio copies it for every tab."""

    messages: list[Message] = field(default_factory=list)
    answers: list[Answer] = field(default_factory=list)


class Chat:
    """The page's events. Each returns what its components show."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.assistant = Assistant(store, Console(stderr=True, highlight=False).print)
        self.uploads = store.path / "uploads"

    def answer(self, question: str, session: Session) -> Iterator[tuple[list[Message], Session, Any, Any]]:
        """Stream an answer; every sentence ends with a link to its footnote."""
        if not question.strip():
            yield session.messages, session, gr.skip(), gr.skip()
            return
        history = [turn for answer in session.answers for turn in _turns(answer)]
        session.messages += [
            {"role": "user", "content": plain(question.strip())},
            {"role": "assistant", "content": ""},
        ]
        reply = session.messages[-1]
        yield session.messages, session, gr.Textbox(value="", submit_btn=False, stop_btn=True), gr.skip()
        written, passages = "", NO_PASSAGES
        try:
            for piece in self.assistant.stream(question, history):
                if isinstance(piece, Answer):
                    reply["content"] = answer_markdown(piece, len(session.answers))
                    passages = passages_html(piece.passages, len(session.answers))
                    session.answers.append(piece)
                else:
                    written += piece
                    reply["content"] = plain(written)
                    yield session.messages, session, gr.skip(), gr.skip()
        except RagError as error:
            reply["content"] = plain(f"That did not work: {error}")
        yield session.messages, session, gr.Textbox(submit_btn=True, stop_btn=False), passages

    def open(self, session: Session, event: gr.EventData) -> tuple[str, Any]:
        """Show the place a footnote or passage link names; the page says which, all else is looked up here."""
        turn, number = getattr(event, "turn", None), getattr(event, "number", None)
        shown = NO_SOURCE
        if isinstance(turn, int) and 0 <= turn < len(session.answers) and isinstance(number, int) and number >= 0:
            shown = self._place(session.answers[turn], getattr(event, "place", ""), number, turn)
        return shown, gr.Tabs(selected="source")

    def _place(self, answer: Answer, kind: str, number: int, turn: int) -> str:
        document_id: str
        span: Span
        if kind == "cite" and number < len(answer.citations):
            citation = answer.citations[number]
            document_id, span, label, leaf = citation.document_id, citation.span, "footnote", citation.page
        elif kind == "passage" and number < len(answer.passages):
            chunk = answer.passages[number].chunk
            document_id, span, label, leaf = chunk.document_id, chunk.span, "passage", chunk.page
        else:
            return NO_SOURCE
        document = self.store.document(document_id)
        if document is None or span.end > len(document.text):
            return GONE
        return source_html(document, span, f"Answer {turn + 1}, {label} {number + 1}", leaf)

    def documents(self) -> str:
        """The list of documents."""
        return documents_html(self.store.documents())

    def add(self, files: list[dict[str, Any]]) -> Iterator[tuple[str, Any]]:
        """Ingest uploaded files, streaming the progress."""
        self.uploads.mkdir(mode=0o700, exist_ok=True)
        for file in files:
            path = Path(file["path"]).resolve()
            if path.is_relative_to(_UPLOADS):
                # A leading dot would hide the file from the ingestion, and ".." is a place of its own.
                shutil.move(path, self.uploads / (Path(file["orig_name"]).name.lstrip(".") or "document.txt"))
        for status in self._sync_in_background():
            yield documents_html(self.store.documents(), status), gr.skip()
        yield gr.skip(), gr.File(value=None)

    def _sync_in_background(self) -> Iterator[str]:
        reports: SimpleQueue[Report | RagError | None] = SimpleQueue()

        def work() -> None:
            try:
                sync(self.store, [self.uploads], reports.put)
            except RagError as error:
                reports.put(error)
            finally:
                reports.put(None)

        yield "Reading the files…"
        Thread(target=work, daemon=True).start()
        while (report := reports.get()) is not None:
            if isinstance(report, RagError):
                yield f"That did not work: {report}"
            else:
                yield _progress(report)


def _turns(answer: Answer) -> tuple[Turn, Turn]:
    return Turn("user", answer.question), Turn("assistant", answer.text)


def _progress(report: Report) -> str:
    if not report.finished:
        left = report.seconds_left
        return f"{counts(report)}" + (f" · about {left:.0f} seconds left…" if left is not None else "…")
    outcome = f"{len(report.added)} added, {len(report.updated)} updated, {len(report.failed)} failed."
    reasons = " ".join(f"{failure.source}: {failure.reason}" for failure in report.failed)
    return f"{outcome} {reasons}"


def build(store: Store, examples: Sequence[str]) -> gr.Blocks:
    """The page over a store."""
    chat = Chat(store)
    demo = gr.Blocks(
        title="Footnote", fill_height=True, fill_width=True, delete_cache=(600, 3600), analytics_enabled=False
    )
    with demo:
        session = gr.State(Session())
        gr.HTML("<h1>Footnote</h1><p>Answers from your documents, each sentence checked.</p>", elem_id="masthead")
        with gr.Row(elem_id="workspace", equal_height=True):
            with gr.Column(elem_id="conversation", min_width=320):
                chatbot = gr.Chatbot(
                    show_label=False,
                    container=False,
                    layout="panel",
                    height="100%",
                    elem_id="chat",
                    sanitize_html=True,
                    render_markdown=True,
                    allow_tags=False,
                    latex_delimiters=[],
                    buttons=["copy"],
                    placeholder="## Ask your documents\nEvery sentence of an answer links to the words it rests on.",
                    examples=[{"text": example} for example in examples],
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
            with gr.Column(elem_id="evidence", min_width=320), gr.Tabs(selected="source") as tabs:
                with gr.Tab("Source", id="source", render_children=True):
                    script = (_ASSETS / "bridge.js").read_text("utf-8")
                    source = gr.HTML(NO_SOURCE, elem_id="source", js_on_load=script)
                with gr.Tab("Passages", id="passages"):
                    passages = gr.HTML(NO_PASSAGES, elem_id="passages")
                with gr.Tab("Documents", id="documents"):
                    documents = gr.HTML(elem_id="documents")
                    upload = gr.File(
                        label="Add documents",
                        file_count="multiple",
                        height=150,
                        elem_id="upload",
                        file_types=sorted(PARSERS),
                    )

        private: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
        answering: dict[str, Any] = private | {"concurrency_limit": 2, "concurrency_id": "answer"}
        at_once: dict[str, Any] = private | {"queue": False}
        ask: dict[str, Any] = {"inputs": [question, session], "outputs": [chatbot, session, question, passages]}
        demo.load(chat.documents, None, documents, **at_once)
        running = [
            question.submit(chat.answer, **ask, **answering),
            chatbot.example_select(_picked, None, question, **at_once).then(chat.answer, **ask, **answering),
        ]
        for event in running:
            event.failure(_ready, None, question, **at_once)
        question.stop(_ready, None, question, cancels=running, **at_once)
        chatbot.clear(_cleared, None, [session, source, passages], **at_once)
        source.open(chat.open, session, [source, tabs], trigger_mode="multiple", **at_once)
        # Without preprocessing Gradio still checks the paths, but hands over the original names as well.
        upload.upload(
            chat.add,
            upload,
            [documents, upload],
            preprocess=False,
            concurrency_limit=1,
            concurrency_id="ingest",
            **private,
        )
    demo.queue(max_size=32, default_concurrency_limit=2, api_open=False)
    # Only launch() sets this; without it a mounted page would accept any path of the server as an uploaded file.
    demo.has_launched = True
    return demo


def _ready() -> Any:
    return gr.Textbox(submit_btn=True, stop_btn=False)


def _cleared() -> tuple[Session, str, str]:
    return Session(), NO_SOURCE, NO_PASSAGES


def _picked(event: gr.SelectData) -> str:
    return str(event.value["text"])


async def _fetch_nothing(url: str, cache_dir: str) -> str:
    raise ValueError("Only files uploaded here are accepted.")


def create_app(store: Store, examples: Sequence[str] = ()) -> FastAPI:
    """The page as an ASGI application, locked down: no API pages, no other origins, no files but uploads."""
    # Gradio would download any address that a client names as an uploaded file.
    processing_utils.async_ssrf_protected_download = _fetch_nothing
    style = (_ASSETS / "style.css").read_text("utf-8")
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    app.add_middleware(Guard)
    gr.mount_gradio_app(
        app,
        build(store, examples),
        path="/",
        theme=_THEME,
        footer_links=[],
        max_file_size="50mb",
        allowed_paths=[],
        head=f'<meta name="color-scheme" content="light dark"><style>{style}</style>',
        show_error=False,
        run_history=False,
        enable_monitoring=False,
        mcp_server=False,
        ssr_mode=False,
        pwa=False,
    )
    return app


def _refuse_unusable(port: int) -> None:
    """Before the store is opened: raise SettingsError for a port that is taken, reserved or none."""
    try:
        socket.create_server(("127.0.0.1", port)).close()
    except (OSError, OverflowError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise SettingsError(f"port {port} cannot be used ({reason}). Choose another with --port.") from None


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve the chat until it is stopped."""
    parser = argparse.ArgumentParser(prog="python app.py", description="Chat with your documents in a browser.")
    add_store_options(parser)
    parser.add_argument("--port", type=int, default=7860, help="port on this machine (default: 7860)")
    options = parser.parse_args(arguments)
    console = Console(stderr=True, highlight=False)
    _refuse_unusable(options.port)
    with Store(settings_from(options), create=True) as store:
        if not store.documents():
            console.print(f"The store is empty: ingesting the sample corpus from {SAMPLE} …")
            with_progress(lambda show: sync(store, [SAMPLE], show), console)
        examples = EXAMPLES if "arms-control-treaties.pdf" in store.files() else ()
        console.print(f"Footnote is at http://127.0.0.1:{options.port} (stop it with Ctrl-C)")
        # Built inside the running event loop: built outside it, Gradio leaves event loops open.
        uvicorn.run(
            lambda: create_app(store, examples),
            factory=True,
            host="127.0.0.1",
            port=options.port,
            log_level="warning",
            server_header=False,
            timeout_graceful_shutdown=2,
        )
    shutil.rmtree(_UPLOADS, ignore_errors=True)
    return 0


if __name__ == "__main__":
    sys.exit(run(main))
