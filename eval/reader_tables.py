"""Made tables and lists with questions about one row: in running text a reader never learns to hold apart what stands
in rows of one form, where only the name in the row tells which of them is meant.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

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
_ASKED_BACK = ("Which {key} has the {column} {value}?", "What {key} is listed with {column} {value}?")


@dataclass(frozen=True, slots=True)
class AskedTable:
    """A question about a table or list, and where its answer stands; nowhere, if it names what the table does not."""

    question: str
    passage: str
    answers: tuple[Span, ...]


def asked_tables(names: Sequence[str], count: int, chance: random.Random) -> Iterator[AskedTable]:
    """So many questions, about tables and lists of these names; every third without an answer."""
    for _ in range(count):
        yield _asked_list(chance) if chance.random() < 0.25 else _asked_table(names, chance)


def _asked_table(names: Sequence[str], chance: random.Random) -> AskedTable:
    key, (*columns, absent) = chance.choice(_KEYS), chance.sample(_COLUMNS, chance.randint(3, 5))
    *rows, strange = _row_names(names, chance)
    values = {(row, column): _value(names, chance) for row in rows for column in columns}
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


def _asked_list(chance: random.Random) -> AskedTable:
    thing, marks = chance.choice(_THINGS), chance.sample(_MARKS, 5)
    *purposes, strange = chance.sample(_PURPOSES, chance.randint(4, 6))
    passage = f"There are these {thing}s:\n"
    purpose = chance.choice(purposes)
    answers: tuple[Span, ...] = ()
    for mark, each in zip(marks, purposes, strict=False):
        if each == purpose:
            answers = (Span(len(passage) + 2, len(passage) + 2 + len(f"{mark} {thing}")),)
        passage += f"- {mark} {thing} for {each}\n"
    if chance.random() < 0.35:
        purpose, answers = strange, ()
    asked = ("What is the {thing} for {purpose} called?", "Which {thing} is for {purpose}?", "Where do {purpose} go?")
    return AskedTable(chance.choice(asked).format(thing=thing, purpose=purpose), passage.rstrip("\n"), answers)
