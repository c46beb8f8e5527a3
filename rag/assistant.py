"""`Assistant.ask`: retrieve -> draft -> check, in a few lines."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from time import perf_counter

import prompts
from rag.cite import Checked, check
from rag.confidence import confidence
from rag.extract import GENERATOR, QuestionTerms, extract, weigh
from rag.retrieve import Retriever, checked_question
from rag.store import Store
from rag.terms import stems
from rag.types import Answer, Passage, Turn


class Assistant:
    """Answers questions from a store; every sentence of an answer carries a checked citation. Thread-safe."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.retriever = Retriever(store)

    def ask(self, question: str, history: Sequence[Turn] = ()) -> Answer:
        """The answer, or a refusal when the documents do not seem to hold one.

        Raises QuestionError for an empty question or one over 4,000 characters.
        """
        started = perf_counter()
        question = checked_question(question)
        vector = self.retriever.embedder.encode([question])[0]
        passages = self.retriever.retrieve_by(question, vector)
        retrieved = perf_counter()
        frequencies = self.store.document_frequencies(stems(question))
        terms = weigh(question, frequencies, self.store.chunk_count())
        extraction = extract(question, vector, passages, terms, self.retriever.embedder)
        certainty = confidence(extraction.evidence) if extraction.evidence else 0.0
        drafted = perf_counter()
        if extraction.draft and certainty >= self.store.settings.strictness:
            checked = check(extraction.draft, passages, self.store.document)
        else:
            checked = Checked(refusal(passages, terms), (), (), None)
        seconds = {
            "retrieve": retrieved - started,
            "draft": drafted - retrieved,
            "check": perf_counter() - drafted,
            "total": perf_counter() - started,
        }
        return Answer(
            question=question,
            standalone_question=question,
            text=checked.text or refusal(passages, terms),
            short_answer=checked.short_answer,
            citations=checked.citations,
            rejections=checked.rejections,
            passages=passages,
            refused=not checked.citations,
            confidence=certainty,
            generator=GENERATOR,
            seconds=seconds,
        )

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
