"""What came of asking a gold question, as it is kept in a run's file: places in sources, never whole texts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from eval.measures import cites_evidence, is_exact, is_right, measure, was_retrieved
from eval.types import GoldQuestion
from rag.types import Answer, Document, Passage, Rejection, Span


class Failure(StrEnum):
    """Where a question went wrong: the first stage that lost it."""

    NOT_RETRIEVED = "not retrieved"
    NOT_USED = "retrieved but not used"
    WRONG = "wrong"
    SHOULD_HAVE_REFUSED = "should have refused"
    REFUSED_WRONGLY = "refused wrongly"


@dataclass(frozen=True, slots=True)
class Response:
    """What a system gave for a question. `answer` is None when it only retrieves.

    `unrefused` is the answer that a refusal held back, for judging the confidence at every threshold.
    """

    asked: str
    passages: tuple[Passage, ...]
    answer: Answer | None = None
    unrefused: Answer | None = None
    seconds: dict[str, float] = field(default_factory=dict)


System = Callable[[GoldQuestion], Response]


@dataclass(frozen=True, slots=True)
class RetrievedPlace:
    """A passage: its place, its fused score, and its rank at each stage."""

    source: str
    span: Span
    score: float
    ranks: dict[str, int]


@dataclass(frozen=True, slots=True)
class CitedPlace:
    """A footnote: its mark, place and quote, and whether the quote is exactly the source's characters there."""

    mark: int
    source: str
    span: Span
    quote: str
    exact: bool


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer without its passages."""

    text: str
    short_answer: str | None
    refused: bool
    confidence: float
    generator: str
    citations: tuple[CitedPlace, ...]
    rejections: tuple[Rejection, ...]
    tokens: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Outcome:
    """A gold question, what the system gave, and how good that was; a measure that does not apply is None."""

    gold: GoldQuestion
    asked: str
    passages: tuple[RetrievedPlace, ...]
    reply: Reply | None
    unrefused: Reply | None
    measures: dict[str, float | None]
    right: bool | None
    right_unrefused: bool | None
    failure: Failure | None
    seconds: dict[str, float]

    @property
    def drafted(self) -> Reply | None:
        """The answer given, or the one that a refusal held back."""
        return self.unrefused or self.reply


def judge(gold: GoldQuestion, response: Response, documents: Mapping[str, Document]) -> Outcome:
    """Compare a response with its gold question, whose evidence has been looked up; `documents` by source."""
    answer, unrefused = response.answer, response.unrefused
    right = is_right(gold, answer) if answer else None
    return Outcome(
        gold=gold,
        asked=response.asked,
        passages=tuple(
            RetrievedPlace(passage.chunk.source, passage.chunk.span, passage.score, passage.ranks)
            for passage in response.passages
        ),
        reply=_reply(answer, documents) if answer else None,
        unrefused=_reply(unrefused, documents) if unrefused else None,
        measures=measure(gold, response.passages, answer, documents),
        right=right,
        right_unrefused=is_right(gold, unrefused) if unrefused else right,
        failure=_failure(gold, response, right),
        seconds=response.seconds,
    )


def _failure(gold: GoldQuestion, response: Response, right: bool | None) -> Failure | None:
    answer = response.answer
    if gold.answerable is False:
        return Failure.SHOULD_HAVE_REFUSED if answer and not answer.refused else None
    if right:
        return None
    if was_retrieved(gold, response.passages) is False:
        return Failure.NOT_RETRIEVED
    if answer is None or right is None:
        return None
    if answer.refused:
        return Failure.REFUSED_WRONGLY
    return Failure.NOT_USED if cites_evidence(gold, answer) is False else Failure.WRONG


def _reply(answer: Answer, documents: Mapping[str, Document]) -> Reply:
    return Reply(
        text=answer.text,
        short_answer=answer.short_answer,
        refused=answer.refused,
        confidence=answer.confidence,
        generator=answer.generator,
        citations=tuple(
            CitedPlace(citation.mark, citation.source, citation.span, citation.quote, is_exact(citation, documents))
            for citation in answer.citations
        ),
        rejections=answer.rejections,
        tokens=answer.tokens,
    )
