"""What one browser tab holds: its conversation, the question under way, and the settings it asks with."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from uuid import uuid4

from rag.assistant import Wishes
from rag.page.conversation import Conversation
from rag.page.render import answer_markdown, plain
from rag.query import Filters, checked_date

Message = dict[str, str]


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
            shown += messages(exchange.answer.question, answer_markdown(exchange.answer, turn))
        return shown + messages(*self.pending) if self.pending else shown


def messages(question: str, reply: str) -> list[Message]:
    """A question as it was typed, and the reply's Markdown, as the chat shows them."""
    return [{"role": "user", "content": plain(question)}, {"role": "assistant", "content": reply}]


def read_wishes(
    collection: str,
    quoting: bool,
    strictness: float,
    k: float,
    sources: list[str] | None,
    after: str | None,
    before: str | None,
) -> tuple[str, Wishes]:
    """The collection and the wishes that the view's settings say. Raises QuestionError for what is no date."""
    dates = [checked_date((date or "").strip()) for date in (after, before)]
    filters = Filters(sources=tuple(sources or ()), after=dates[0], before=dates[1])
    return collection, Wishes(strictness, int(k), filters, quoting)
