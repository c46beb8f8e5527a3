"""`Assistant.ask`: retrieve -> draft -> check, in a few lines."""

from __future__ import annotations

import re
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass, replace
from time import perf_counter

import prompts
from rag.candidates import SentenceReader
from rag.cite import NOTHING, check
from rag.comments import under_comments
from rag.confidence import confidence
from rag.conversation import courtesy, leans, standalone
from rag.errors import LanguageModelError
from rag.extract import GENERATOR, Extraction, extract
from rag.generate import prompt, rewritten, write
from rag.language_model import load_language_model
from rag.lists import asks_for_a_list
from rag.mentions import Mentions, asked_for, find_mentions
from rag.parts import parts
from rag.query import checked_question
from rag.retrieve import ReadQuestion, Retriever
from rag.store import Store
from rag.support import SupportJudge
from rag.terms import QuestionTerms, stems, weigh
from rag.types import Answer, Citation, Claim, Draft, Passage, Span, Turn

COURTESY = "courtesy"


@dataclass(frozen=True, slots=True)
class Part:
    """One of the questions that a question asks, and the best that can be quoted for it.

    `certainty` is the probability that the documents answer it.
    """

    question: str
    terms: QuestionTerms
    extraction: Extraction
    certainty: float


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found for a question before anything is decided: passages, and what can be quoted for each part of it.

    `question` is what was searched for: without filters and quotation marks, and with misspelt names put right. `scan`
    is what reading every document gave, for a question about the collection as a whole.
    """

    question: str
    passages: tuple[Passage, ...]
    parts: tuple[Part, ...]
    seconds: dict[str, float]
    scan: Mentions | None = None

    @property
    def certainty(self) -> float:
        """The probability that the documents answer at least one part."""
        if self.scan:
            return float(self.scan.draft is not None)
        return max((part.certainty for part in self.parts), default=0.0)


class Assistant:
    """Answers questions from a store; every sentence of an answer carries a checked citation. Thread-safe.

    `progress` is told what is done while a local language model is made ready.

    Raises ModelError, LanguageModelError or SettingsError if the language model of the settings cannot be used.
    """

    def __init__(self, store: Store, progress: Callable[[str], None] = lambda _: None) -> None:
        self.store = store
        self.retriever = Retriever(store)
        memory = store.settings.sentence_memory
        self._reader = SentenceReader(self.retriever.embedder, memory)
        self._judge = SupportJudge(self.retriever.embedder, memory)
        self._model = load_language_model(store.settings, progress)

    def ask(self, question: str, history: Sequence[Turn] = ()) -> Answer:
        """The answer, or a refusal when the documents do not seem to hold one.

        `history` is the conversation so far, oldest turn first; a question that leans on it is completed from it.

        Raises QuestionError for an empty question or one over 4,000 characters.
        """
        return _last(self.stream(question, history))

    def stream(self, question: str, history: Sequence[Turn] = ()) -> Iterator[str | Answer]:
        """The text piece by piece as it is written, not yet checked, then the checked Answer. Raises as `ask`."""
        question = checked_question(question)
        if polite := courtesy(question):
            yield _courtesy(question, polite)
            return
        yield from self._concluded(question, self.find(self.standalone(question, history)), None)

    def standalone(self, question: str, history: Sequence[Turn]) -> str:
        """The question as it can be understood alone; by the language model, where there is one and it is needed."""
        if self._model and leans(question, history):
            try:
                return rewritten(question, history, self._model)
            except LanguageModelError:
                pass  # the answer that follows meets the same failure and tells of it
        return standalone(question, history)

    def find(self, question: str) -> Finding:
        """Retrieve and draft for a stand-alone question, without deciding whether the draft is good enough."""
        started = perf_counter()
        if words := asked_for(question):
            scan = find_mentions(words, self.store)
            return Finding(question, scan.passages, (), {"retrieve": perf_counter() - started, "draft": 0.0}, scan)
        asked = self.retriever.read(question)
        pieces = parts(asked.query.text)
        read = [self._read_part(piece, asked) for piece in pieces] if len(pieces) > 1 else [asked]
        found = [self.retriever.search(each).passages for each in read]
        passages = found[0] if len(found) == 1 else _in_turn(found)
        retrieved = perf_counter()
        drafted = tuple(self._part(each, passages) for each in read)
        seconds = {"retrieve": retrieved - started, "draft": perf_counter() - retrieved}
        return Finding(asked.query.text, passages, drafted, seconds)

    def _read_part(self, piece: str, whole: ReadQuestion) -> ReadQuestion:
        """A part of a question, looked for where the whole is."""
        read = self.retriever.read(piece)
        return replace(read, query=replace(read.query, filters=whole.query.filters))

    def _part(self, read: ReadQuestion, passages: Sequence[Passage]) -> Part:
        text = read.query.text
        terms = weigh(text, self.store.document_frequencies(stems(text)), self.store.statistics().chunks)
        extraction = extract(text, read.encoded, passages, terms, self._reader)
        evidence, weights = extraction.evidence, self.store.settings.confidence
        return Part(text, terms, extraction, confidence(evidence, weights) if evidence else 0.0)

    def conclude(self, question: str, finding: Finding, strictness: float | None = None) -> Answer:
        """The answer that a finding gives, at the settings' strictness unless told otherwise; at 0 none is refused."""
        return _last(self._concluded(question, finding, strictness))

    def _concluded(self, question: str, finding: Finding, strictness: float | None) -> Iterator[str | Answer]:
        if strictness is None:
            strictness = self.store.settings.strictness
        certainty = finding.certainty
        seconds = dict(finding.seconds)
        draft = _quotes(finding, strictness)
        notes = _notes(finding, strictness, self.store.statistics().chunks)
        if draft and self._model and not finding.scan:
            started = perf_counter()
            written, told = yield from self._written(finding)
            draft, notes = (written, told) if written else (draft, notes + told)
            seconds["draft"] += perf_counter() - started
        started = perf_counter()
        checked = check(draft, finding.passages, self.store.document, self._judge) if draft else NOTHING
        notes += _readers(checked.citations, finding.passages)
        seconds["check"] = perf_counter() - started
        answer = Answer(
            question=question,
            standalone_question=finding.question,
            text=checked.text or refusal(finding),
            short_answer=checked.short_answer,
            citations=checked.citations,
            rejections=checked.rejections,
            passages=finding.passages,
            refused=not checked.citations,
            confidence=certainty,
            generator=draft.generator if draft else self._generator,
            seconds=seconds | {"total": sum(seconds.values())},
            tokens=draft.tokens if draft else {},
            notes=notes,
        )
        if not self._model:
            yield from re.findall(r"\S+\s*", answer.text)
        yield answer

    def _written(self, finding: Finding) -> Generator[str, None, tuple[Draft | None, tuple[str, ...]]]:
        """Stream the language model's draft; return it, or None if the model failed, and what is to be told."""
        assert self._model is not None
        shown = finding.passages[: self.store.settings.llm_passages]
        asked = prompt(finding.question, shown, self._model, self.retriever.embedder.count_tokens)
        notes = _left_out(asked.left_out, self._model.window)
        draft: Draft | None = None
        try:
            for piece in write(asked, self._model):
                if isinstance(piece, Draft):
                    draft = piece
                else:
                    yield piece
        except LanguageModelError as error:
            notes += (f"{error} Sentences of the documents are quoted instead.",)
        return draft, notes

    @property
    def _generator(self) -> str:
        return self._model.name if self._model else GENERATOR


def refusal(finding: Finding) -> str:
    """What is said when the documents do not answer; names the words that they nowhere mention."""
    if not finding.passages and not finding.scan:
        return prompts.load("refusal_empty")
    unknown = dict.fromkeys(word for part in finding.parts for word in part.terms.unknown.values())
    if unknown:
        return prompts.fill("refusal_unknown_words", words=", ".join(unknown))
    return prompts.load("refusal")


def _quotes(finding: Finding, strictness: float) -> Draft | None:
    """The quotations for the parts that are certain enough; the first short answer among them."""
    if finding.scan:
        return finding.scan.draft
    drafts = [part.extraction.draft for part in finding.parts if part.certainty >= strictness]
    claims: dict[Span | None, Claim] = {}
    for claim in (claim for draft in drafts if draft for claim in draft.claims):
        claims.setdefault(claim.quote, claim)
    return Draft(tuple(claims.values()), GENERATOR) if claims else None


def _notes(finding: Finding, strictness: float, chunks: int) -> tuple[str, ...]:
    """What is told beside quotations: whether they are all there is, what was not found, where documents disagree."""
    if finding.scan:
        return (finding.scan.note,)
    answered = [part for part in finding.parts if part.certainty >= strictness and part.extraction.draft]
    missing = [part.question for part in finding.parts if part not in answered] if answered else []
    notes = [f"Nothing was found for “{question}”" for question in missing]
    for part in answered:
        if part.extraction.opposed:
            said = ", ".join(f"{source} says “{words}”" for source, words in part.extraction.opposed)
            notes.append(f"The documents disagree: {said}.")
    if answered and asks_for_a_list(finding.question) and chunks > len(finding.passages):
        seen = len(finding.passages)
        were = "was" if seen == 1 else "were"
        notes.append(f"This may not be all: {seen} of the collection's {chunks:,} passages {were} looked at.")
    return tuple(notes)


def _readers(citations: Sequence[Citation], passages: Sequence[Passage]) -> tuple[str, ...]:
    """Which footnotes point at a reader's comment instead of at what the document itself says."""
    comments = [passage.chunk for passage in passages if under_comments(passage.chunk.heading)]
    marks = [
        f"[{citation.mark}]"
        for citation in citations
        if any(chunk.source == citation.source and chunk.span.overlap(citation.span) for chunk in comments)
    ]
    if not marks:
        return ()
    are = "is a reader's comment" if len(marks) == 1 else "are readers' comments"
    return (f"{', '.join(marks)} {are}, not what the document itself says.",)


def _in_turn(lists: Sequence[tuple[Passage, ...]]) -> tuple[Passage, ...]:
    """The passages of several searches, the best of each first, none twice."""
    longest = max(map(len, lists))
    turns = (passages[place] for place in range(longest) for passages in lists if place < len(passages))
    return tuple({passage.chunk.id: passage for passage in reversed(list(turns))}.values())[::-1]


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
