"""Made tables and lists with questions about one row: in running text a reader never learns to hold apart what stands
in rows of one form, where only the name in the row tells which of them is meant.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from eval.metrics.text import normalise
from eval.reader_twists import holds_answer
from rag.sentences import sentence_spans
from rag.types import Span

_KEYS = (
    "Team, Company, City, Ship, Product, Station, Model, School, Country, Party, Bridge, River, Museum, Engine, Mine, "
    "Course, Employee, Supplier, Project, Vaccine, Airline, Reactor, Painter, Bank, Building, Port, Species, Award"
).split(", ")
_COLUMNS = (
    "Year, Founded, Capacity, Home arena, Owner, Director, Price, Length, Population, Height, Coach, Code, Status, "
    "Date, Region, Language, Budget, Staff, Weight, Rank, Score, Manager, Address, Material, Opened, Closed, Origin, "
    "Turnover, Deadline, Contact, Colour, Speed, Area, Votes, Seats, Dose, Duration, Builder, Destination, Grade"
).split(", ")
_THINGS = "dock, entrance, room, line, gate, desk, court, hall, fund, route, trail, pool, form, plan, team".split(", ")
_PURPOSES = (
    "timber, coal, visitors, staff, passengers, freight, deliveries, children, beginners, repairs, lectures, exams, "
    "storage, emergencies, members, guests, cyclists, express trains, small boats, new customers, claims, research"
).split(", ")
_MARKS = ("North", "South", "East", "West", "Upper", "Lower", "Old", "New", "Green", "Red", "Blue", "Main", "Second")
_ASKED = (
    "What is the {column} of the {name}?",
    "What is the {column} of {name}?",
    "What {column} does {name} have?",
    "{name}: which {column}?",
    "Tell me the {column} for {name}.",
)
_INTRODUCTIONS = (
    "There are these {thing}s:",
    "The {thing}s are:",
    "We have the following {thing}s:",
    "## {thing}s",
    "It has these {thing}s:",
)
_ITEMS = (
    "{name} for {purpose}",
    "{name} for {purpose}",
    "{name}: {purpose}",
    "{name} ({purpose})",
    "{name}, for {purpose}",
)
_ASKED_LISTS = (
    "What is the {thing} for {purpose} called?",
    "Which {thing} is for {purpose}?",
    "Where do {purpose} go?",
    "What is the name of the {thing} for {purpose}?",
)
_ASKED_BACK = ("Which {key} has the {column} {value}?", "What {key} is listed with {column} {value}?")
_LISTS = 0.3
_AMONG_TEXT = 0.5
_ALIKE = 0.2  # of the tables: rows whose names end alike say the same


@dataclass(frozen=True, slots=True)
class AskedTable:
    """A question about a table or list, and where its answer stands; nowhere, if it names what the table does not."""

    question: str
    passage: str
    answers: tuple[Span, ...]


def asked_tables(
    names: Sequence[str], passages: Sequence[str], count: int, chance: random.Random
) -> Iterator[AskedTable]:
    """So many questions, about tables and lists of these names, every second one between sentences of some passages;
    every third without an answer.
    """
    for _ in range(count):
        asked = _asked_list(names, chance) if chance.random() < _LISTS else _asked_table(names, chance)
        yield _among_text(asked, passages, chance) if chance.random() < _AMONG_TEXT else asked


def _among_text(asked: AskedTable, passages: Sequence[str], chance: random.Random) -> AskedTable:
    """The table with a sentence or two of some passages before it, after it, or both; a passage that holds words of the
    answer might answer, too, and is left out.
    """
    answers = [normalise(answer.of(asked.passage)) for answer in asked.answers]
    before, after = (_sentences(chance.choice(passages), chance) for _ in range(2))
    before, after = ("" if holds_answer(text, answers) else text for text in (before, after))
    if chance.random() < 0.25:
        before = ""
    elif chance.random() < 0.35:
        after = ""
    start = len(before) + 2 if before else 0
    passage = "\n\n".join(text for text in (before, asked.passage, after) if text)
    return AskedTable(asked.question, passage, tuple(Span(a.start + start, a.end + start) for a in asked.answers))


def _sentences(passage: str, chance: random.Random) -> str:
    spans = sentence_spans(passage)
    if not spans:
        return ""
    first = chance.randrange(len(spans))
    return passage[spans[first].start : spans[min(first + chance.randrange(3), len(spans) - 1)].end]


def _asked_table(names: Sequence[str], chance: random.Random) -> AskedTable:
    key, (*columns, absent) = chance.choice(_KEYS), chance.sample(_COLUMNS, chance.randint(3, 5))
    *rows, strange = _row_names(names, chance)
    said = [row.split()[-1] for row in rows] if chance.random() < _ALIKE else rows
    drawn = {(end, column): _value(names, chance) for end in dict.fromkeys(said) for column in columns}
    values = {(row, column): drawn[end, column] for row, end in zip(rows, said, strict=True) for column in columns}
    row, column = chance.choice(rows), chance.choice(columns)
    passage, places = _drawn(key, columns, rows, values, chance.random() < 0.6)
    if chance.random() < 0.35:
        row, column = chance.choice([(strange, column), (row, absent)])
        return AskedTable(chance.choice(_ASKED).format(name=row, column=column.lower()), passage, ())
    unique = list(values.values()).count(values[row, column]) == 1
    if unique and chance.random() < 0.3:
        question = chance.choice(_ASKED_BACK).format(key=key.lower(), column=column.lower(), value=values[row, column])
        return AskedTable(question, passage, (places[row, ""],))
    return AskedTable(chance.choice(_ASKED).format(name=row, column=column.lower()), passage, (places[row, column],))


def _row_names(names: Sequence[str], chance: random.Random) -> list[str]:
    """Names of rows, all different and some much alike."""
    bases = chance.sample(names, 3)
    numbers = chance.sample(range(1, 60), 4)
    shapes = (
        [f"{base} {number}" for base in bases for number in numbers],
        chance.sample(names, 12),
        [f"{base[:2].upper()}-{number}" for base in bases for number in numbers],
        [f"{base} {chance.choice(names)}" for base in bases for _ in range(4)],
    )
    found = sorted(set(chance.choice(shapes)))
    chance.shuffle(found)
    return found[: chance.randint(4, 9)]


def _value(names: Sequence[str], chance: random.Random) -> str:
    name = chance.choice(names)
    return chance.choice(
        (
            str(chance.randint(1700, 2025)),
            f"{chance.randint(1, 999):,}",
            f"{chance.randint(1, 999)},{chance.randint(0, 999):03d}",
            name,
            f"{name} {chance.randint(1, 40)}",
            f"${chance.randint(1, 900)}",
            f"{chance.randint(1, 99)} {chance.choice(('m', 'km', 'kg', 'days', '%'))}",
        )
    )


def _drawn(
    key: str, columns: Sequence[str], rows: Sequence[str], values: dict[tuple[str, str], str], named: bool
) -> tuple[str, dict[tuple[str, str], Span]]:
    """The table as text, the columns' names in every row or above them, and where each cell stands; "" is the key."""
    text = "" if named else f"| {key} | {' | '.join(columns)} |\n|{' --- |' * (len(columns) + 1)}\n"
    places: dict[tuple[str, str], Span] = {}
    for row in rows:
        for column, value in (("", row), *((column, values[row, column]) for column in columns)):
            text += f"| {column or key}: " if named else "| "
            places[row, column] = Span(len(text), len(text) + len(value))
            text += f"{value} "
        text += "|\n"
    return text.rstrip("\n"), places


def _asked_list(names: Sequence[str], chance: random.Random) -> AskedTable:
    thing, items = chance.choice(_THINGS), chance.randint(3, 6)
    called = [f"{mark} {thing}" for mark in chance.sample(_MARKS, items)]
    if chance.random() < 0.4:
        called = [
            f"{chance.choice(('', mark + ' '))}{name} {thing}"
            for mark, name in zip(_MARKS, chance.sample(names, items), strict=False)
        ]
    *purposes, strange = chance.sample(_PURPOSES, items + 1)
    introduction, item = chance.choice(_INTRODUCTIONS), chance.choice(_ITEMS)
    mark, gap = chance.choice(("- ", "- ", "* ", "{}. ", "{}) ", "• ")), chance.choice(("\n", "\n\n"))
    passage = introduction.format(thing=thing) + gap
    purpose = chance.choice(purposes)
    answers: tuple[Span, ...] = ()
    for number, (name, each) in enumerate(zip(called, purposes, strict=True), 1):
        line = mark.format(number) + item.format(name=name, purpose=each)
        if each == purpose:
            start = len(passage) + line.index(name)
            answers = (Span(start, start + len(name)),)
        passage += line + "\n"
    if chance.random() < 0.35:
        purpose, answers = strange, ()
    return AskedTable(chance.choice(_ASKED_LISTS).format(thing=thing, purpose=purpose), passage.rstrip("\n"), answers)
