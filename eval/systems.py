"""What is evaluated: an assistant or a retriever, as a function from a gold question to a response."""

from __future__ import annotations

from time import perf_counter
from typing import Literal

from eval.outcome import Response, System
from eval.types import GoldQuestion
from rag.assistant import Assistant
from rag.conversation import standalone
from rag.retrieve import Retriever

Form = Literal["history", "last-turn", "rewrite"]


def answering(assistant: Assistant, form: Form = "history") -> System:
    """An assistant as a system to evaluate. Of a refusal, it tells what would have been answered."""

    def ask(gold: GoldQuestion) -> Response:
        finding = assistant.find(asked(assistant, gold, form))
        question = _asked(gold, form)
        answer = assistant.conclude(question, finding)
        unrefused = assistant.conclude(question, finding, strictness=0) if answer.refused else None
        return Response(finding.question, answer.passages, answer, unrefused, answer.seconds)

    return ask


def retrieving(retriever: Retriever, passages: int | None = None, form: Form = "history") -> System:
    """A retriever as a system to evaluate."""

    def search(gold: GoldQuestion) -> Response:
        started = perf_counter()
        alone = standalone(_asked(gold, form), gold.history if form == "history" else ())
        found = retriever.retrieve(alone, passages)
        return Response(alone, found, seconds={"retrieve": perf_counter() - started})

    return search


def asked(assistant: Assistant, gold: GoldQuestion, form: Form) -> str:
    """A gold question as an assistant looks for it."""
    return assistant.standalone(_asked(gold, form), gold.history if form == "history" else ())


def _asked(gold: GoldQuestion, form: Form) -> str:
    return gold.rewrite or gold.question if form == "rewrite" else gold.question
