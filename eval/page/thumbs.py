"""A thumb under an answer opens the feedback form; words selected in a source go into it."""

from __future__ import annotations

from typing import Any

import gradio as gr

from eval.errors import GoldError
from eval.page.feedback import FeedbackForm, Updates
from rag.page.access import Access
from rag.page.ask import AskView
from rag.page.session import Session


def wire_thumbs(asking: AskView, form: FeedbackForm, access: Access, private: dict[str, Any]) -> None:
    """Wire the Ask view to the form. `private` goes to every event."""

    def judge(event: gr.LikeData, session: Session, collection: str, request: gr.Request) -> Updates:
        index = event.index if isinstance(event.index, int) else event.index[0]
        exchanges = session.conversation.exchanges
        if index // 2 >= len(exchanges) or exchanges[index // 2].collection != collection:
            raise GoldError("This is no answer from the chosen collection. Choose the one that was asked.")
        answer, store = exchanges[index // 2].answer, access.store(collection, request)
        shown = form.open(store, answer.standalone_question)
        if event.liked and answer.citations:
            cited = answer.citations[0]
            shown |= form.select(store, cited.document_id, cited.span.start, cited.span.end)
            shown |= {form.answers: answer.short_answer or ""}
        return shown

    def select(event: gr.EventData, session: Session, request: gr.Request) -> Updates:
        if session.opened is None:
            return {}
        collection, document_id = session.opened
        return form.select(
            access.store(collection, request), document_id, getattr(event, "start", None), getattr(event, "end", None)
        )

    asking.chatbot.like(judge, [asking.session, asking.collection], form.outputs, queue=False, **private)
    asking.source.select_words(select, asking.session, form.outputs, queue=False, **private)
