"""Example questions out of the documents themselves. Each was asked, and is answered from the sentence it came from."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from rag.assistant import Assistant, Wishes
from rag.catalog import DocumentSummary
from rag.sentences import sentence_spans
from rag.store import Store

_DOCUMENTS = 40  # read, spread over the collection
_CHARACTERS = 20_000  # read of each
_TRIES = 16  # questions asked to find the few that are shown

_SUBJECT = r"(?P<subject>(?:The |A |An )?(?:[\w’'-]+ ){0,5}?[\w’'-]+)"
_ROLES = (
    "president|minister|leader|general|king|queen|emperor|diplomat|scientist|author|writer|engineer|architect|painter"
    "|philosopher|founder"
)
_NOT_A_SUBJECT = re.compile(
    r"^(?:it|he|she|they|we|you|i|this|that|these|those|there|here|what|who|which|when|where|one|some|many|most|all|both"
    r"|if|as|in|on|at|by|for|from|with|after|before|during|since|while|although|because|and|but|or|so|his|her|its|their)\b",
    re.IGNORECASE,
)
# A sentence that says when, how many or by whom, and the question that it answers.
_SHAPES: tuple[tuple[re.Pattern[str], str], ...] = (
    (
        re.compile(
            rf"^{_SUBJECT} (?P<aux>was|were) (?P<verb>\w{{2,}}ed|built|begun|held|written|set up|sent|made)\b"
            r"[^.;:]*?\b(?:in|on) (?:\w+ ){0,2}(?P<answer>[12]\d{3})\b"
        ),
        "When {aux} {subject} {verb}?",
    ),
    (
        re.compile(rf"^{_SUBJECT} had (?:about |around |over )?(?P<answer>\d[\d,.]*) (?P<noun>[a-z]{{3,}}s)\b"),
        "How many {noun} did {subject} have?",
    ),
    (
        re.compile(rf"^{_SUBJECT} has (?:about |around |over )?(?P<answer>\d[\d,.]*) (?P<noun>[a-z]{{3,}}s)\b"),
        "How many {noun} does {subject} have?",
    ),
    (
        re.compile(
            rf"^{_SUBJECT} (?:was|were) (?P<verb>founded|designed|invented|discovered|built|led|signed|opened) by "
            r"(?P<answer>[A-Z][\w’'-]+(?: [A-Z][\w’'-]+)*)"
        ),
        "Who {verb} {subject}?",
    ),
    (
        re.compile(rf"^{_SUBJECT} (?P<aux>is|was) (?:a|an|the) (?P<answer>(?:[\w’'-]+ ){{0,3}}(?:{_ROLES}))\b"),
        "Who {aux} {subject}?",
    ),
    (
        re.compile(r"^(?P<subject>The (?:[A-Z0-9][\w’'-]* ?)+|[A-Z]{2,}) (?P<aux>is|was) an? (?P<answer>\w+)"),
        "What {aux} {subject}?",
    ),
)


def example_questions(assistant: Assistant, count: int = 4) -> tuple[str, ...]:
    """At most `count` questions that the collection answers, from as many documents; none from documents without any.

    Takes about a second, once.
    """
    found: dict[str, str] = {}  # by the document that answers
    for tried, (question, wanted, document_id) in enumerate(_candidates(assistant.store)):
        if tried == _TRIES or len(found) == count:
            break
        if document_id in found:
            continue
        answer = assistant.ask(question, wishes=Wishes(quoting=True))
        cited = [citation for citation in answer.citations if citation.document_id == document_id]
        if any(wanted in citation.quote for citation in cited):
            found[document_id] = question
    return tuple(found.values())


def _candidates(store: Store) -> Iterator[tuple[str, str, str]]:
    """Questions with the words that answer them and the document that does, of each document one in turn."""
    by_document = [_questions_of(store, document.id) for document in _spread(store.documents())]
    while by_document:
        for questions in list(by_document):
            if (candidate := next(questions, None)) is None:
                by_document.remove(questions)
            else:
                yield candidate


def _spread(documents: Sequence[DocumentSummary]) -> Sequence[DocumentSummary]:
    return documents[:: max(1, len(documents) // _DOCUMENTS)]


def _questions_of(store: Store, document_id: str) -> Iterator[tuple[str, str, str]]:
    document = store.document(document_id)
    text = document.text[:_CHARACTERS] if document else ""
    for span in sentence_spans(text):
        if asked := question_from(" ".join(span.of(text).split())):
            yield *asked, document_id


def question_from(sentence: str) -> tuple[str, str] | None:
    """A question that the sentence answers, and the words in it that do; None for one that gives no good question."""
    for shape, form in _SHAPES:
        if (match := shape.match(sentence)) and not _NOT_A_SUBJECT.match(subject := match["subject"]):
            first, *rest = subject.split()
            if not any(word[0].isupper() or word[0].isdigit() for word in rest or [first]):
                continue  # "the first" or "a charter" is clear in its place only
            if first in ("The", "A", "An"):
                subject = " ".join((first.lower(), *rest))
            return form.format(**(match.groupdict() | {"subject": subject})), match["answer"]
    return None
