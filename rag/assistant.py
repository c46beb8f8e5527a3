"""`Assistant.ask`: retrieve -> draft -> check, in a few lines."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from time import perf_counter

import prompts
from rag.candidates import SentenceReader
from rag.cite import NOTHING, check
from rag.confidence import confidence
from rag.extract import GENERATOR, Extraction, extract
from rag.query import checked_question
from rag.retrieve import Retriever
from rag.standalone import standalone
from rag.store import Store
from rag.terms import QuestionTerms, stems, weigh
from rag.types import Answer, Passage, Turn


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found for a question before anything is decided: passages, and the best that can be quoted from them.

    `question` is what was searched for: without filters and quotation marks, and with misspelt names put right.
    """

    question: str
    passages: tuple[Passage, ...]
    terms: QuestionTerms
    extraction: Extraction
    seconds: dict[str, float]


class Assistant:
    """Answers questions from a store; every sentence of an answer carries a checked citation. Thread-safe."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.retriever = Retriever(store)
        self._reader = SentenceReader(self.retriever.embedder, store.settings.sentence_memory)

    def ask(self, question: str, history: Sequence[Turn] = ()) -> Answer:
        """The answer, or a refusal when the documents do not seem to hold one.

        `history` is the conversation so far, oldest turn first; a question that leans on it is completed from it.

        Raises QuestionError for an empty question or one over 4,000 characters.
        """
        question = checked_question(question)
        return self.conclude(question, self.find(standalone(question, history)))

    def conclude(self, question: str, finding: Finding, strictness: float | None = None) -> Answer:
        """The answer that a finding gives, at the settings' strictness unless told otherwise; at 0 none is refused."""
        started = perf_counter()
        if strictness is None:
            strictness = self.store.settings.strictness
        draft, evidence = finding.extraction.draft, finding.extraction.evidence
        certainty = confidence(evidence) if evidence else 0.0
        if draft is None or certainty < strictness:
            checked = NOTHING
        else:
            checked = check(draft, finding.passages, self.store.document)
        seconds = finding.seconds | {"check": perf_counter() - started}
        return Answer(
            question=question,
            standalone_question=finding.question,
            text=checked.text or refusal(finding.passages, finding.terms),
            short_answer=checked.short_answer,
            citations=checked.citations,
            rejections=checked.rejections,
            passages=finding.passages,
            refused=not checked.citations,
            confidence=certainty,
            generator=GENERATOR,
            seconds=seconds | {"total": sum(seconds.values())},
        )

    def find(self, question: str) -> Finding:
        """Retrieve and draft for a stand-alone question, without deciding whether the draft is good enough."""
        started = perf_counter()
        read = self.retriever.read(question)
        passages = self.retriever.search(read).passages
        text = read.query.text
        retrieved = perf_counter()
        terms = weigh(text, self.store.document_frequencies(stems(text)), self.store.statistics().chunks)
        extraction = extract(text, read.encoded.vector, passages, terms, self._reader)
        seconds = {"retrieve": retrieved - started, "draft": perf_counter() - retrieved}
        return Finding(text, passages, terms, extraction, seconds)

    def stream(self, question: str, history: Sequence[Turn] = ()) -> Iterator[str | Answer]:
        """The answer's text word by word, then the Answer itself."""
        answer = self.ask(question, history)
        yield from re.findall(r"\S+\s*", answer.text)
        yield answer


def refusal(passages: Sequence[Passage], terms: QuestionTerms) -> str:
    """What is said when the documents do not answer; names the words that they nowhere mention."""
    if not passages:
        return prompts.load("refusal_empty")
    if terms.unknown:
        return prompts.fill("refusal_unknown_words", words=", ".join(terms.unknown.values()))
    return prompts.load("refusal")
