"""BEIR: a folder of corpus.jsonl, queries.jsonl (or .jsonl.gz) and qrels/<split>.tsv."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from eval.errors import GoldError
from eval.importers.imported import (
    CORPUS,
    GOLD,
    Faults,
    Filled,
    Imported,
    Stored,
    counted,
    explain,
    must_be_new,
    read_lines,
    save,
)
from eval.importers.judgements import graded
from eval.types import GoldQuestion
from ingest.canonical import document_id
from rag.types import Document

_COLUMNS = ("query-id", "corpus-id", "score")


class _Row(BaseModel):
    model_config = ConfigDict(extra="allow", strict=True)

    id: Filled = Field(alias="_id")


class _QueryRow(_Row):
    text: Filled


class _DocumentRow(_Row):
    title: Stored | None = None
    text: Stored


_Kind = TypeVar("_Kind", bound=_Row)


def import_beir(folder: Path, out: Path, split: str = "test") -> Imported:
    """The queries of a BEIR folder that a split has judgements for, and all its documents."""
    must_be_new(out / GOLD, out / CORPUS)
    qrels = _qrels(folder, split)
    corpus, queries = _file(folder, "corpus"), _file(folder, "queries")
    unused: set[str] = set()
    has_text = {document.source: bool(document.text) for document in _documents(corpus, unused)}
    questions = {query.id: query.text for query in _rows(queries, _QueryRow, unused)}
    judged = graded(qrels, _COLUMNS, _judgements(qrels), questions, has_text)
    usable = {id: {source: grades[source] for source in grades if has_text[source]} for id, grades in judged.items()}
    gold = [GoldQuestion(id, text, relevant=usable[id]) for id, text in questions.items() if usable.get(id)]
    without_text = len(has_text) - sum(has_text.values())
    judgements_lost = sum(map(len, judged.values())) - sum(map(len, usable.values()))
    skipped = (
        *counted(len(questions) - len(gold), f"queries without judgements in {qrels.name}"),
        *counted(without_text, "documents with neither a title nor a text"),
        *counted(judgements_lost, "judgements of documents with neither a title nor a text"),
        *sorted(unused),
    )
    # Read a second time rather than kept: the largest of these corpora do not fit into memory.
    return save(out, gold, skipped, (document for document in _documents(corpus, set()) if document.text))


def _qrels(folder: Path, split: str) -> Path:
    path = folder / "qrels" / f"{split}.tsv"
    if path.exists():
        return path
    splits = ", ".join(sorted(other.stem for other in path.parent.glob("*.tsv")))
    advice = f"Choose one of: {splits}." if splits else "Give the folder of a BEIR set, with qrels/<split>.tsv."
    raise GoldError(f"{folder} has no split {split!r}. {advice}")


def _file(folder: Path, name: str) -> Path:
    for path in (folder / f"{name}.jsonl", folder / f"{name}.jsonl.gz"):
        if path.exists():
            return path
    raise GoldError(f"{folder} holds neither {name}.jsonl nor {name}.jsonl.gz. Give the folder of a BEIR set.")


def _documents(path: Path, unused: set[str]) -> Iterator[Document]:
    """Every document. A title without a text becomes the text; where there is neither, the text is empty."""
    for row in _rows(path, _DocumentRow, unused):
        title = (row.title or "").strip()
        has_text = bool(row.text.strip())
        yield Document(document_id(row.id), row.id, title if has_text else "", row.text if has_text else title)


def _rows(path: Path, kind: type[_Kind], unused: set[str]) -> Iterator[_Kind]:
    """Every row; `unused` gathers the fields that are not taken over. Raises GoldError at the end, for all faults."""
    faults = Faults(path)
    seen: set[str] = set()
    for place, line in read_lines(path):
        try:
            row = kind.model_validate_json(line)
        except ValidationError as error:
            faults.add(place, *explain(error))
            continue
        if row.id in seen:
            faults.add(place, f"the id {row.id!r} stands further up too. Rename one.")
        seen.add(row.id)
        unused |= {f"the field {name!r} of {path.name}" for name, value in (row.model_extra or {}).items() if value}
        yield row
    faults.raise_if_any()


def _judgements(path: Path) -> Iterator[tuple[str, list[str]]]:
    rows = ((place, line.split("\t")) for place, line in read_lines(path))
    place, header = next(rows, ("line 1", []))
    if tuple(cell.strip() for cell in header) != _COLUMNS:
        raise GoldError(f"{path}, {place}: the header is {header}, not {list(_COLUMNS)}. Correct or add it.")
    yield from rows
