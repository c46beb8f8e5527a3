"""What happens beside the conversation: footnotes are opened, passages explained. Events return what is shown."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import gradio as gr

from rag.errors import RagError
from rag.explain import explain_source
from rag.page.access import Access
from rag.page.chart import NO_PASSAGES, passages_html, why_not_html
from rag.page.conversation import Conversation
from rag.page.session import Session, read_wishes
from rag.page.source import NO_SOURCE, Viewed, gone_html, view_html
from rag.recheck import recheck
from rag.store import Store
from rag.types import Document, Span


class Evidence:
    """The events. `picture` draws a document's page with a span marked, where that can be done."""

    def __init__(self, access: Access, picture: Callable[[Store, Document, Span], Any]) -> None:
        self._access = access
        self._picture = picture

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
            store = self._access.store(found.collection, request)
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
        collection, wishes = read_wishes(*wished)
        retriever = self._access.assistant(collection, request).retriever
        return why_not_html(explain_source(retriever, question, source, wishes.k), source)

    def sources(self, collection: str, request: gr.Request) -> Any:
        """The collection's documents, to choose from."""
        return gr.Dropdown(choices=[each.source for each in self._access.store(collection, request).documents()])


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
