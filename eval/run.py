"""Gold questions -> outcomes: every question asked once, its answer compared with the gold."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from eval.gold import GoldQuestion, evidence_spans
from eval.metrics import contains_answer, overlap
from rag.assistant import Assistant
from rag.types import Answer, Document, Span


@dataclass(frozen=True, slots=True)
class Outcome:
    """A gold question, its answer, and what came of it; None where a measure does not apply."""

    question: GoldQuestion
    answer: Answer
    answer_found: bool | None  # the text holds an accepted answer
    evidence_cited: bool | None  # a citation overlaps the gold evidence
    exact: bool  # every quote is exactly the stored characters

    @property
    def correct(self) -> bool | None:
        """Answered with evidence where the corpus answers, refused where it does not; None if that was not judged."""
        match self.question.answerable:
            case None:
                return None
            case False:
                return self.answer.refused
            case True:
                return bool(self.answer_found) and self.evidence_cited is not False


def ask_all(questions: Iterable[GoldQuestion], assistant: Assistant) -> Iterator[Outcome]:
    """The outcome of each question, in order."""
    by_source = {summary.source: summary.id for summary in assistant.store.documents()}

    def document(source: str) -> Document | None:
        return assistant.store.document(by_source[source]) if source in by_source else None

    for question in questions:
        yield outcome(question, assistant.ask(question.question, question.history), document)


def outcome(question: GoldQuestion, answer: Answer, document: Callable[[str], Document | None]) -> Outcome:
    """Compare an answer with its gold question; `document` looks a stored document up by source."""
    gold = evidence_spans(question, document)
    cited: dict[str, list[Span]] = {}
    exact = True
    for citation in answer.citations:
        cited.setdefault(citation.source, []).append(citation.span)
        stored = document(citation.source)
        exact = exact and stored is not None and citation.span.of(stored.text) == citation.quote
    return Outcome(
        question=question,
        answer=answer,
        answer_found=contains_answer(answer.text, question.answers) if question.answers else None,
        evidence_cited=overlap(gold, cited) > 0 if gold else None,
        exact=exact,
    )
