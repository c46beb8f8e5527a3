"""What happens in a conversation: questions, answers, past conversations. Every event returns what components show."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import gradio as gr
from gradio.components.chatbot import ExampleMessage

from rag.assistant import Assistant
from rag.errors import QuestionError
from rag.examples import example_questions
from rag.page import export
from rag.page.access import Access
from rag.page.answering import Answering, AnswerStopped
from rag.page.chart import NO_PASSAGES, passages_html
from rag.page.conversation import Conversation, Exchange, read_conversation
from rag.page.faults import sentence
from rag.page.render import plain, unplain
from rag.page.session import Session, messages, read_wishes
from rag.page.source import NO_SOURCE
from rag.recheck import text_digest
from rag.store import Store
from rag.types import Answer

_EXPORTS: dict[str, tuple[Callable[[Conversation], str], str, str]] = {
    "markdown": (export.as_markdown, "md", "text/markdown"),
    "html": (export.as_html, "html", "text/html"),
    "json": (export.as_json, "json", "application/json"),
}


class Chat:
    """The events."""

    def __init__(self, access: Access) -> None:
        self._access = access
        self._answering = Answering()
        self._examples: dict[tuple[str, int], tuple[str, ...]] = {}  # by collection and its number of chunks

    def answer(self, question: str, session: Session, request: gr.Request, *wished: Any) -> Iterator[tuple[Any, ...]]:
        """Stream an answer; every sentence ends with a link to its footnote."""
        if not question.strip():
            yield session.messages(), session, gr.skip(), gr.skip(), gr.skip()
            return
        session.pending = None
        earlier = session.messages()
        session.pending = (question.strip(), "")
        yield session.messages(), session, gr.Textbox(value="", submit_btn=False, stop_btn=True), gr.skip(), gr.skip()
        written, passages, record = "", gr.skip(), gr.skip()
        turn = len(session.conversation.exchanges)
        try:
            if session.conversation.is_full:
                raise QuestionError("this conversation is too long to be kept. Begin a new one.")
            collection, wishes = read_wishes(*wished)
            assistant = self._access.assistant(collection, request)
            stream = assistant.stream(question, session.conversation.turns(), wishes)
            for piece in self._answering.pieces(str(request.session_hash), stream):
                if isinstance(piece, Answer):
                    exchange = _exchange(piece, collection, assistant.store)
                    exchanges = (*session.conversation.exchanges, exchange)
                    session.conversation = replace(session.conversation, exchanges=exchanges)
                    session.pending = None
                    passages = passages_html(piece.passages, turn)
                    record = _inert(session.conversation.to_json())
                else:
                    written += piece
                    session.pending = (question.strip(), plain(written))
                    yield [*earlier, *messages(*session.pending)], session, gr.skip(), gr.skip(), gr.skip()
        except AnswerStopped as stopped:
            if stopped.shown:  # said here once more: a piece of this answer may still be on its way
                session = stopped.shown
            else:
                session.pending = (question.strip(), f"{plain(written)}\n\n*Stopped before it was checked.*")
        except Exception as error:
            told = sentence(error, hide_paths=request.username is not None)
            session.pending = (question.strip(), plain(f"That did not work: {told}"))
        yield session.messages(), session, gr.Textbox(submit_btn=True, stop_btn=False), passages, record

    def answer_example(
        self, event: gr.SelectData, session: Session, request: gr.Request, *wished: Any
    ) -> Iterator[tuple[Any, ...]]:
        """Ask one of the example questions."""
        yield from self.answer(str(event.value["text"]), session, request, *wished)

    def answer_again(
        self, event: gr.RetryData, session: Session, request: gr.Request, *wished: Any
    ) -> Iterator[tuple[Any, ...]]:
        """Ask a question again, with the settings as they are now; what followed it is left."""
        question = session.back_to(_turn(event))
        yield from self.answer(question, session, request, *wished)

    def answer_edited(
        self, event: gr.EditData, session: Session, request: gr.Request, *wished: Any
    ) -> Iterator[tuple[Any, ...]]:
        """Ask a question in other words; what followed it is left."""
        session.back_to(_turn(event))
        yield from self.answer(unplain(str(event.value)), session, request, *wished)

    def stop(self, request: gr.Request) -> None:
        """End the answer that this tab waits for; what was written of it stays."""
        self._answering.stop(str(request.session_hash))

    def begin(self, request: gr.Request) -> tuple[Any, ...]:
        """Begin another conversation."""
        fresh = Session()
        self._answering.stop(str(request.session_hash), fresh)
        return fresh, [], NO_SOURCE, NO_PASSAGES, "", ""

    def resume(self, event: gr.EventData, request: gr.Request) -> tuple[Any, ...]:
        """Go on with a conversation that the browser kept."""
        conversation = read_conversation(str(getattr(event, "text", "")))
        resumed = Session(conversation)
        self._answering.stop(str(request.session_hash), resumed)
        last = len(conversation.exchanges) - 1
        passages = passages_html(conversation.exchanges[last].answer.passages, last) if last >= 0 else NO_PASSAGES
        return resumed, resumed.messages(), NO_SOURCE, passages, "", _inert(conversation.to_json())

    def export(self, session: Session, kind: str) -> str:
        """The conversation as a file, for the page to hand over: its name, type and text as JSON."""
        write, ending, media_type = _EXPORTS[kind]
        if not session.conversation.exchanges:
            raise QuestionError("There is nothing to export yet. Ask a question first.")
        name = f"footnote-{datetime.now(UTC):%Y-%m-%d-%H%M%S}.{ending}"
        return _inert(json.dumps({"name": name, "type": media_type, "text": write(session.conversation)}))

    def turned_to(self, collection: str, request: gr.Request) -> tuple[Any, Any, Any]:
        """Offer another collection's questions and documents."""
        assistant = self._access.assistant(collection, request)
        examples = [ExampleMessage(text=question) for question in self._examples_of(assistant)]
        return gr.Chatbot(examples=examples), gr.Dropdown(value=[]), gr.Dropdown(value=None)

    def _examples_of(self, assistant: Assistant) -> tuple[str, ...]:
        """Questions that the collection answers, found anew when its documents have changed."""
        store = assistant.store
        known = store.collection, store.statistics().chunks
        if known not in self._examples:
            self._examples[known] = example_questions(assistant)
        return self._examples[known]


def _inert(data: str) -> str:
    """JSON that says the same, and in which nobody can take anything for a tag."""
    return data.replace("<", "\\u003c")


def _turn(event: gr.RetryData | gr.EditData) -> int:
    index = event.index if isinstance(event.index, int) else event.index[0]
    return index // 2


def _exchange(answer: Answer, collection: str, store: Store) -> Exchange:
    documents = {id: store.document(id) for id in {citation.document_id for citation in answer.citations}}
    digests = {id: text_digest(document.text) for id, document in documents.items() if document}
    return Exchange(answer, collection, digests, datetime.now(UTC).isoformat(timespec="seconds"))
