"""`Assistant.ask`: retrieve -> draft -> check, in a few lines."""

from __future__ import annotations

import re
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass, field, replace
from time import perf_counter

import prompts
from rag.candidates import Sentences
from rag.cite import NOTHING, Checked, check
from rag.confidence import confidence, weights_of
from rag.conversation import courtesy, standalone
from rag.errors import LanguageModelError
from rag.extract import GENERATOR, extract
from rag.finding import Finding, Part, in_turn, of_readers, quotes, refusal, told_with
from rag.generate import prompt, rewritten, write
from rag.language_model import LanguageModel, load_language_model
from rag.mentions import asked_for, find_mentions
from rag.parts import parts
from rag.query import Filters, checked_question
from rag.reader import load_reader
from rag.retrieve import ReadQuestion, Retriever
from rag.store import Store
from rag.support import SupportJudge
from rag.terms import content_words, weigh
from rag.types import Answer, Draft, Passage, Turn

COURTESY = "courtesy"
_WORDS_AT_ONCE = 5  # of a quotation that is streamed; one at a time would keep a page's server busy


@dataclass(frozen=True, slots=True)
class Wishes:
    """How one question is to be answered; None: as the settings say.

    `filters` hold where the question itself names none. `quoting`: quote, even where there is a language model.
    """

    strictness: float | None = None
    k: int | None = None
    filters: Filters = field(default_factory=Filters)
    quoting: bool = False


AS_SET = Wishes()


class Assistant:
    """Answers questions from a store; every sentence of an answer carries a checked citation. Thread-safe.

    `progress` is told what is done while a local language model is made ready.

    Raises ModelError, LanguageModelError or SettingsError if the reader or the language model of the settings cannot be
    used.
    """

    def __init__(self, store: Store, progress: Callable[[str], None] = lambda _: None) -> None:
        self.store = store
        self.retriever = Retriever(store)
        memory = store.settings.sentence_memory
        self._sentences = Sentences(self.retriever.embedder, memory)
        self._reader = load_reader(store.settings)
        self._judge = SupportJudge(self.retriever.embedder, memory, self._reader)
        self._model = load_language_model(store.settings, progress)

    def ask(self, question: str, history: Sequence[Turn] = (), wishes: Wishes = AS_SET) -> Answer:
        """The answer, or a refusal when the documents do not seem to hold one.

        `history` is the conversation so far, oldest turn first; a question that leans on it is completed from it.

        Raises QuestionError for an empty question or one over 4,000 characters.
        """
        return _last(self.stream(question, history, wishes))

    def stream(self, question: str, history: Sequence[Turn] = (), wishes: Wishes = AS_SET) -> Iterator[str | Answer]:
        """The text piece by piece as it is written, not yet checked, then the checked Answer. Raises as `ask`."""
        question = checked_question(question)
        if polite := courtesy(question):
            yield _courtesy(question, polite)
            return
        finding = self.find(self.standalone(question, history, wishes), wishes)
        yield from self._concluded(question, finding, wishes)

    def standalone(self, question: str, history: Sequence[Turn], wishes: Wishes = AS_SET) -> str:
        """The question as it can be understood alone; by the language model, where there is one and it is needed."""
        completed = standalone(question, history)
        if self._model and not wishes.quoting and completed != question:
            try:
                return rewritten(question, history, self._model)
            except LanguageModelError:
                pass  # the answer that follows meets the same failure and tells of it
        return completed

    def find(self, question: str, wishes: Wishes = AS_SET) -> Finding:
        """Retrieve and draft for a stand-alone question, without deciding whether the draft is good enough."""
        started = perf_counter()
        if words := asked_for(question):
            scan = find_mentions(words, self.store)
            return Finding(question, scan.passages, (), {"retrieve": perf_counter() - started, "draft": 0.0}, scan)
        asked = self.retriever.read(question).within(wishes.filters)
        pieces = parts(asked.query.text)
        read = [asked]
        if len(pieces) > 1:
            read = [self.retriever.read(piece).within(asked.query.filters) for piece in pieces]
        found = [self.retriever.search(each, wishes.k).passages for each in read]
        passages = in_turn(found)
        retrieved = perf_counter()
        drafted = tuple(self._part(each, passages) for each in read)
        if len(drafted) > 1 and max(part.certainty for part in drafted) < self._strictness(wishes):
            # Words that stand in one part may be what the other needs.
            drafted = max(drafted, (self._part(asked, passages),), key=lambda parts: max(p.certainty for p in parts))
        seconds = {"retrieve": retrieved - started, "draft": perf_counter() - retrieved}
        return Finding(asked.query.text, passages, drafted, seconds)

    def _part(self, read: ReadQuestion, passages: Sequence[Passage]) -> Part:
        text = read.query.text
        terms = weigh(text, self.store.document_frequencies(content_words(text)), self.store.statistics().chunks)
        readings = self._reader.read(text, [passage.chunk for passage in passages]) if self._reader else ()
        extraction = extract(text, read.encoded, passages, terms, self._sentences, readings)
        evidence, weights = extraction.evidence, weights_of(self.store.settings)
        return Part(text, terms, extraction, confidence(evidence, weights) if evidence else 0.0)

    def conclude(self, question: str, finding: Finding, strictness: float | None = None) -> Answer:
        """The answer that a finding gives, at the settings' strictness unless told otherwise; at 0 none is refused."""
        return _last(self._concluded(question, finding, Wishes(strictness)))

    def _strictness(self, wishes: Wishes) -> float:
        return self.store.settings.strictness if wishes.strictness is None else wishes.strictness

    def _concluded(self, question: str, finding: Finding, wishes: Wishes) -> Iterator[str | Answer]:
        strictness, model = self._strictness(wishes), None if wishes.quoting else self._model
        certainty = finding.certainty
        seconds = dict(finding.seconds)
        draft = quoted = quotes(finding, strictness)
        notes = told_with(finding, strictness, self.store.statistics().chunks)
        if draft and model and not finding.scan:
            started = perf_counter()
            written, told = yield from self._written(finding, model)
            draft, notes = written or draft, notes + told
            seconds["draft"] += perf_counter() - started
        started = perf_counter()
        checked = self._checked(draft, finding)
        if quoted and draft is not quoted and checked.rejections and not checked.citations:
            # What was written is worth nothing, but the quotations may be.
            draft, checked = quoted, replace(self._checked(quoted, finding), rejections=checked.rejections)
            notes += ("The documents support nothing of what the language model wrote; they are quoted instead.",)
        notes += of_readers(checked.citations, finding.passages)
        seconds["check"] = perf_counter() - started
        answer = Answer(
            question=question,
            standalone_question=finding.question,
            text=checked.text or refusal(finding, question),
            short_answer=checked.short_answer,
            citations=checked.citations,
            rejections=checked.rejections,
            passages=finding.passages,
            refused=not checked.citations,
            confidence=certainty,
            generator=draft.generator if draft else model.name if model else GENERATOR,
            seconds=seconds | {"total": sum(seconds.values())},
            tokens=draft.tokens if draft else {},
            notes=notes,
        )
        if not model:
            yield from re.findall(rf"(?:\S+\s*){{1,{_WORDS_AT_ONCE}}}", answer.text)
        yield answer

    def _checked(self, draft: Draft | None, finding: Finding) -> Checked:
        return check(draft, finding.passages, self.store.document, self._judge) if draft else NOTHING

    def _written(
        self, finding: Finding, model: LanguageModel
    ) -> Generator[str, None, tuple[Draft | None, tuple[str, ...]]]:
        """Stream the language model's draft; return it, or None if the model failed, and what is to be told."""
        shown = finding.passages[: self.store.settings.llm_passages]
        asked = prompt(finding.question, shown, model, self.retriever.embedder.count_tokens)
        notes = _left_out(asked.left_out, model.window)
        draft: Draft | None = None
        try:
            for piece in write(asked, model):
                if isinstance(piece, Draft):
                    draft = piece
                else:
                    yield piece
        except LanguageModelError as error:
            notes += (f"{error} Sentences of the documents are quoted instead.",)
        return draft, notes

    @property
    def model(self) -> str | None:
        """The name of the language model that writes answers, if one does."""
        return self._model.name if self._model else None


def _courtesy(said: str, name: str) -> Answer:
    """A reply to a greeting or thanks: it claims nothing, so it cites nothing."""
    return Answer(said, said, prompts.load(name), None, (), (), (), False, 1.0, COURTESY, {"total": 0.0})


def _left_out(numbers: Sequence[int], window: int) -> tuple[str, ...]:
    if not numbers:
        return ()
    named = ", ".join(map(str, numbers))
    return (
        f"Passage {named} did not fit into the language model's window of {window:,} tokens and was left out. "
        "RAG_LLM_WINDOW allows more, RAG_LLM_PASSAGES asks for fewer.",
    )


def _last(pieces: Iterator[str | Answer]) -> Answer:
    answer = next((piece for piece in pieces if isinstance(piece, Answer)), None)
    assert answer is not None, "a stream ends with its Answer"
    return answer
