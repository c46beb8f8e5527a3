"""What happens in the Ask view: questions, footnotes, past conversations. Every event returns what components show."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import gradio as gr
from gradio.components.chatbot import ExampleMessage

from rag.assistant import Assistant, Wishes
from rag.errors import QuestionError, RagError
from rag.examples import example_questions
from rag.explain import explain_source
from rag.page import export
from rag.page.access import Access
from rag.page.chart import NO_PASSAGES, passages_html, why_not_html
from rag.page.conversation import Conversation, Exchange, read_conversation
from rag.page.faults import sentence
from rag.page.render import answer_markdown, plain, unplain
from rag.page.source import NO_SOURCE, Viewed, gone_html, view_html
from rag.query import Filters, checked_date
from rag.recheck import recheck, text_digest
from rag.store import Store
from rag.types import Answer, Document, Span

Message = dict[str, str]
_EXPORTS: dict[str, tuple[Callable[[Conversation], str], str, str]] = {
    "markdown": (export.as_markdown, "md", "text/markdown"),
    "html": (export.as_html, "html", "text/html"),
    "json": (export.as_json, "json", "application/json"),
}


@dataclass
class Session:
    """One browser tab's conversation. Gradio copies it for every tab.

    `pending` is a question that is being answered, or could not be, and what is said to it so far. `opened` names the
    collection and the document that the source view shows.
    """

    conversation: Conversation = field(default_factory=lambda: Conversation(uuid4().hex))
    pending: tuple[str, str] | None = None
    opened: tuple[str, str] | None = None

    def back_to(self, turn: int) -> str:
        """Leave out a question and all that followed it; its words."""
        exchanges = self.conversation.exchanges
        question = exchanges[turn].answer.question if turn < len(exchanges) else (self.pending or ("",))[0]
        self.conversation = replace(self.conversation, exchanges=exchanges[:turn])
        self.pending = None
        return question

    def messages(self) -> list[Message]:
        """What the chat shows."""
        shown: list[Message] = []
        for turn, exchange in enumerate(self.conversation.exchanges):
            shown += _messages(plain(exchange.answer.question), answer_markdown(exchange.answer, turn))
        if self.pending:
            shown += _messages(plain(self.pending[0]), self.pending[1])
        return shown


class Chat:
    """The view's events. `picture` draws a document's page with a span marked, where that can be done."""

    def __init__(self, access: Access, picture: Callable[[Store, Document, Span], Any]) -> None:
        self.access = access
        self._picture = picture
        self._examples: dict[tuple[str, int], tuple[str, ...]] = {}  # by collection and its number of chunks

    def answer(self, question: str, session: Session, request: gr.Request, *wished: Any) -> Iterator[tuple[Any, ...]]:
        """Stream an answer; every sentence ends with a link to its footnote."""
        if not question.strip():
            yield session.messages(), session, gr.skip(), gr.skip(), gr.skip()
            return
        session.pending = (question.strip(), "")
        yield session.messages(), session, gr.Textbox(value="", submit_btn=False, stop_btn=True), gr.skip(), gr.skip()
        written, passages, record = "", gr.skip(), gr.skip()
        turn = len(session.conversation.exchanges)
        try:
            if session.conversation.is_full:
                raise QuestionError("this conversation is too long to be kept. Begin a new one.")
            collection, wishes = _read(*wished)
            assistant = self.access.assistant(collection, request)
            for piece in assistant.stream(question, session.conversation.turns(), wishes):
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
                    yield session.messages(), session, gr.skip(), gr.skip(), gr.skip()
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

    def stopped(self, session: Session) -> tuple[Any, ...]:
        """Say that an answer was stopped before it was checked."""
        if session.pending:
            question, written = session.pending
            session.pending = (question, f"{written}\n\n*Stopped before it was checked.*")
        return session.messages(), session, gr.Textbox(submit_btn=True, stop_btn=False)

    def begin(self) -> tuple[Any, ...]:
        """Begin another conversation."""
        return Session(), [], NO_SOURCE, NO_PASSAGES, "", ""

    def resume(self, event: gr.EventData, session: Session) -> tuple[Any, ...]:
        """Go on with a conversation that the browser kept."""
        conversation = read_conversation(str(getattr(event, "text", "")))
        resumed = Session(conversation)
        last = len(conversation.exchanges) - 1
        passages = passages_html(conversation.exchanges[last].answer.passages, last) if last >= 0 else NO_PASSAGES
        return resumed, resumed.messages(), NO_SOURCE, passages, "", _inert(conversation.to_json())

    def open(self, session: Session, event: gr.EventData, request: gr.Request) -> Iterator[tuple[Any, Any, Any]]:
        """Show the place that a footnote or passage link names, a PDF's first as text and then as a picture."""
        turn, number = getattr(event, "turn", None), getattr(event, "number", None)
        found = None
        if isinstance(turn, int) and isinstance(number, int):
            found = _place(session.conversation, str(getattr(event, "place", "")), turn, number)
        if found is None:
            yield NO_SOURCE, gr.Tabs(selected="source"), session
            return
        try:
            store = self.access.store(found.collection, request)
        except RagError as error:
            yield gone_html(str(error)), gr.Tabs(selected="source"), session
            return
        checked = recheck(found.source, found.document_id, found.span, found.quote, found.digest, store)
        document = store.document(found.document_id)
        if document is None:
            yield gone_html(checked.sentence), gr.Tabs(selected="source"), session
            return
        session.opened = (found.collection, document.id)
        viewed = Viewed(document, checked, found.span, found.label, found.quote)
        yield view_html(viewed), gr.Tabs(selected="source"), session
        if checked.span and document.pages and (drawn := self._picture(store, document, checked.span)):
            yield view_html(viewed, drawn), gr.skip(), gr.skip()

    def why(self, session: Session, event: gr.EventData) -> tuple[str, Any]:
        """Show the passages of the answer that a link names."""
        turn = getattr(event, "turn", None)
        exchanges = session.conversation.exchanges
        if not isinstance(turn, int) or not 0 <= turn < len(exchanges):
            return NO_PASSAGES, gr.skip()
        return passages_html(exchanges[turn].answer.passages, turn), gr.Tabs(selected="passages")

    def why_not(self, source: str | None, session: Session, request: gr.Request, *wished: Any) -> str:
        """Say how far a document got for the latest question."""
        if not source:
            return ""
        if not session.conversation.exchanges:
            return "<div class='empty'>Ask a question first.</div>"
        question = session.conversation.exchanges[-1].answer.standalone_question
        collection, wishes = _read(*wished)
        retriever = self.access.assistant(collection, request).retriever
        return why_not_html(explain_source(retriever, question, source, wishes.k), source)

    def export(self, session: Session, kind: str) -> str:
        """The conversation as a file, for the page to hand over: its name, type and text as JSON."""
        write, ending, media_type = _EXPORTS[kind]
        if not session.conversation.exchanges:
            raise QuestionError("There is nothing to export yet. Ask a question first.")
        name = f"footnote-{datetime.now(UTC):%Y-%m-%d-%H%M%S}.{ending}"
        return _inert(json.dumps({"name": name, "type": media_type, "text": write(session.conversation)}))

    def turned_to(self, collection: str, request: gr.Request) -> tuple[Any, Any, Any]:
        """Offer another collection's questions and documents."""
        assistant = self.access.assistant(collection, request)
        examples = [ExampleMessage(text=question) for question in self._examples_of(assistant)]
        return gr.Chatbot(examples=examples), gr.Dropdown(value=[]), gr.Dropdown(value=None)

    def _examples_of(self, assistant: Assistant) -> tuple[str, ...]:
        """Questions that the collection answers, found anew when its documents have changed."""
        store = assistant.store
        known = store.collection, store.statistics().chunks
        if known not in self._examples:
            self._examples[known] = example_questions(assistant)
        return self._examples[known]

    def sources(self, collection: str, request: gr.Request) -> Any:
        """The collection's documents, to choose from."""
        return gr.Dropdown(choices=[each.source for each in self.access.store(collection, request).documents()])


def _read(
    collection: str,
    quoting: bool,
    strictness: float,
    k: float,
    sources: list[str] | None,
    after: str | None,
    before: str | None,
) -> tuple[str, Wishes]:
    dates = [checked_date((date or "").strip()) for date in (after, before)]
    filters = Filters(sources=tuple(sources or ()), after=dates[0], before=dates[1])
    return collection, Wishes(strictness, int(k), filters, quoting)


def _inert(data: str) -> str:
    """JSON that says the same, and in which nobody can take anything for a tag."""
    return data.replace("<", "\\u003c")


def _messages(question: str, reply: str) -> list[Message]:
    return [{"role": "user", "content": question}, {"role": "assistant", "content": reply}]


def _turn(event: gr.RetryData | gr.EditData) -> int:
    index = event.index if isinstance(event.index, int) else event.index[0]
    return index // 2


def _exchange(answer: Answer, collection: str, store: Store) -> Exchange:
    documents = {id: store.document(id) for id in {citation.document_id for citation in answer.citations}}
    digests = {id: text_digest(document.text) for id, document in documents.items() if document}
    return Exchange(answer, collection, digests, datetime.now(UTC).isoformat(timespec="seconds"))


@dataclass(frozen=True, slots=True)
class _Place:
    collection: str
    source: str
    document_id: str
    span: Span
    quote: str
    digest: str | None
    label: str


def _place(conversation: Conversation, kind: str, turn: int, number: int) -> _Place | None:
    """What a link of an answer points at, looked up here: the page only says which."""
    if not 0 <= turn < len(conversation.exchanges) or number < 0:
        return None
    exchange = conversation.exchanges[turn]
    answer, collection = exchange.answer, exchange.collection
    if kind == "cite" and number < len(answer.citations):
        one = answer.citations[number]
        digest, label = exchange.documents.get(one.document_id), f"Answer {turn + 1}, footnote {number + 1}"
        return _Place(collection, one.source, one.document_id, one.span, one.quote, digest, label)
    if kind == "passage" and number < len(answer.passages):
        chunk = answer.passages[number].chunk
        label = f"Answer {turn + 1}, passage {number + 1}"
        return _Place(collection, chunk.source, chunk.document_id, chunk.span, chunk.text, None, label)
    return None
