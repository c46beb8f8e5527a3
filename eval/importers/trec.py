"""TREC: a file of topics and a file of judgements; the documents are not part of it."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from eval.importers.imported import GOLD, Faults, Imported, counted, must_be_new, read_lines, read_text, save, stored
from eval.importers.judgements import graded
from eval.locate import short
from eval.types import GoldQuestion

_COLUMNS = ("topic", "iteration", "document", "grade")
_TOPIC = re.compile(r"<top\b[^>]*>(.*?)(?=<top\b|\Z)", re.DOTALL | re.IGNORECASE)
_FIELD = re.compile(
    r"<(num|title|desc|narr)>\s*(?:(?:number|topic|description|narrative)\s*:)?(.*?)(?=</?[a-z][^<>]*>|\Z)",
    re.DOTALL | re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class _Topic:
    """A topic as written, not yet checked."""

    line: int
    id: str
    question: str
    has_more: bool = False  # a description or a narrative that is no part of the question


def import_trec(topics: Path, qrels: Path, out: Path) -> Imported:
    """The topics of a TREC file (SGML, or lines of id, tab, question) that the qrels judge; no documents."""
    must_be_new(out / GOLD)
    asked = _topics(topics)
    judged = graded(qrels, _COLUMNS, ((place, line.split()) for place, line in read_lines(qrels)), asked)
    gold = [GoldQuestion(id, topic.question, relevant=judged[id]) for id, topic in asked.items() if id in judged]
    skipped = (
        *counted(len(asked) - len(gold), f"topics without judgements in {qrels.name}"),
        *counted(sum(topic.has_more for topic in asked.values()), "topics' descriptions and narratives"),
    )
    return save(out, gold, skipped)


def _topics(path: Path) -> dict[str, _Topic]:
    """The topics by id. Raises GoldError, for all faults."""
    text = read_text(path)
    faults = Faults(path)
    topics: dict[str, _Topic] = {}
    for topic in list(_in_tags(text)) or _in_lines(text):
        place = f"line {topic.line}"
        if not topic.id or not topic.question:
            faults.add(
                place,
                f"no id and question can be read here ({short(topic.id)}). Write a <num> and a <title> or <desc> in "
                "each <top>, or lines of an id, one tab and the question.",
            )
        elif topic.id in topics:
            faults.add(place, f"the topic {topic.id!r} stands further up too. Rename one.")
        topics[topic.id] = topic
    faults.raise_if_any()
    return topics


def _in_tags(text: str) -> Iterator[_Topic]:
    for top in _TOPIC.finditer(text):
        fields = {name.lower(): _one_line(html.unescape(value)) for name, value in _FIELD.findall(top.group(1))}
        title, description = fields.get("title", ""), fields.get("desc", "")
        has_more = bool((title and description) or fields.get("narr"))
        yield _Topic(text.count("\n", 0, top.start()) + 1, fields.get("num", ""), title or description, has_more)


def _in_lines(text: str) -> Iterator[_Topic]:
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            id, *cells = map(_one_line, line.split("\t"))
            yield _Topic(number, id, cells[0] if len(cells) == 1 else "")


def _one_line(text: str) -> str:
    return " ".join(stored(text).split())
