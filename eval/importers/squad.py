"""SQuAD 1.1 and 2.0: one JSON file of articles, with the questions on each of their paragraphs."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BaseModel, Field, ValidationError

from eval.importers.imported import (
    CORPUS,
    GOLD,
    Faults,
    Filled,
    Imported,
    counted,
    explain,
    filled,
    must_be_new,
    read_text,
    save,
    stored,
)
from eval.locate import short
from eval.types import Evidence, GoldQuestion
from ingest.canonical import document_id
from rag.types import Document, Span


class _Answer(BaseModel):
    text: str
    answer_start: int = Field(ge=0)


class _Question(BaseModel):
    id: Filled
    question: Filled
    answers: list[_Answer] = []
    is_impossible: bool | None = None
    plausible_answers: list[_Answer] = []


class _Paragraph(BaseModel):
    context: Annotated[str, AfterValidator(filled)]  # not yet as stored: the answers' offsets count its characters
    qas: list[_Question] = []


class _Article(BaseModel):
    title: Filled
    paragraphs: list[_Paragraph]


class _Squad(BaseModel):
    data: list[_Article]


def import_squad(path: Path, out: Path) -> Imported:
    """The questions of a SQuAD 1.1 or 2.0 file with their spans; each paragraph is a document."""
    must_be_new(out / GOLD, out / CORPUS)
    faults = Faults(path)
    documents: list[Document] = []
    gold: dict[str, GoldQuestion] = {}
    paragraphs = Counter[str]()
    plausible = 0
    for article in _articles(path, faults):
        title = article.title.replace("_", " ").strip()
        for paragraph in article.paragraphs:
            source = f"{article.title}/{paragraphs[article.title]:02}"
            paragraphs[article.title] += 1
            documents.append(Document(document_id(source), source, title, stored(paragraph.context)))
            for entry in paragraph.qas:
                if entry.id in gold:
                    faults.add(source, f"the id {entry.id!r} is an earlier question's too. Rename one.")
                gold[entry.id] = _question(entry, article.title, source, paragraph.context, faults)
                plausible += len(entry.plausible_answers)
    faults.raise_if_any()
    return save(out, list(gold.values()), counted(plausible, "plausible answers, which answer nothing"), documents)


def _articles(path: Path, faults: Faults) -> list[_Article]:
    try:
        return _Squad.model_validate_json(read_text(path)).data
    except ValidationError as error:
        faults.add(path.name, *explain(error))
        return []


def _question(entry: _Question, title: str, source: str, context: str, faults: Faults) -> GoldQuestion:
    impossible = not entry.answers if entry.is_impossible is None else entry.is_impossible
    place = f"{source}, question {entry.id!r}"
    if impossible == bool(entry.answers):
        faults.add(place, f"it has {len(entry.answers)} answers, but is_impossible is {impossible}. Correct one.")
    found = [_evidence(source, context, answer, place, faults) for answer in entry.answers]
    evidence = tuple(dict.fromkeys(piece for piece in found if piece))
    return GoldQuestion(
        entry.id,
        entry.question,
        answers=tuple(dict.fromkeys(piece.quote for piece in evidence)),
        evidence=evidence,
        relevant=None if impossible else {source: 1},
        tags=(title, "unanswerable" if impossible else "answerable"),
    )


def _evidence(source: str, context: str, answer: _Answer, place: str, faults: Faults) -> Evidence | None:
    """The answer as a span of the paragraph as it is stored."""
    start, end = answer.answer_start, answer.answer_start + len(answer.text)
    stored_start, stored_end = len(stored(context[:start])), len(stored(context[:end]))
    quote = stored(answer.text)
    if quote.strip() and context[start:end] == answer.text and stored(context)[stored_start:stored_end] == quote:
        return Evidence(source, quote, Span(stored_start, stored_end))
    found = short(context[start:end])
    faults.add(place, f"its answer {short(answer.text)} is not at {start}, but {found}. Correct answer_start.")
    return None
