"""What every import does alike: read a file, gather its faults, write the gold file and the corpus."""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, ValidationError

from eval.errors import GoldError
from eval.gold import save_gold
from eval.locate import short
from eval.types import GoldQuestion
from ingest.canonical import canonical
from rag.types import Document

GOLD = "gold.jsonl"
CORPUS = "corpus.jsonl.gz"


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import wrote, and in words everything that it left out."""

    gold: Path
    corpus: Path | None
    questions: int
    documents: int
    skipped: tuple[str, ...]


class Faults:
    """What is wrong with a file, to be said all at once; a fault that recurs is said once, with all its places."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._places: dict[str, list[str]] = {}

    def add(self, place: str, *reasons: str) -> None:
        """Note what is wrong at a place."""
        for reason in reasons:
            self._places.setdefault(reason, []).append(place)

    def raise_if_any(self) -> None:
        """Raise GoldError, which lists all of them, if there are any."""
        if self._places:
            count = sum(map(len, self._places.values()))
            lines = (f"\n  {', '.join(places)}: {reason}" for reason, places in self._places.items())
            raise GoldError(f"{self._path} has {count} fault(s):{''.join(lines)}")


def must_be_new(*paths: Path) -> None:
    """Raise GoldError if one of the files exists: an import overwrites nothing."""
    for path in paths:
        if path.exists():
            raise GoldError(f"{path} exists already. Choose another folder, or move the file away.")


def save(
    out: Path, questions: Sequence[GoldQuestion], skipped: Iterable[str], documents: Iterable[Document] | None = None
) -> Imported:
    """Write the corpus, if there is one, and last the gold file: where that stands, the import was completed."""
    left_out = tuple(skipped)
    if not questions:
        found = f"left out: {'; '.join(left_out)}" if left_out else "the set is empty"
        raise GoldError(f"there is no question for {out / GOLD} ({found}). Choose another set, or another split.")
    try:
        out.mkdir(parents=True, exist_ok=True)
        count = 0 if documents is None else _save_corpus(out / CORPUS, documents)
        save_gold(out / GOLD, questions)
    except OSError as error:
        raise GoldError(f"{out} cannot be written ({error}). Choose another folder.") from None
    return Imported(out / GOLD, None if documents is None else out / CORPUS, len(questions), count, left_out)


def _save_corpus(path: Path, documents: Iterable[Document]) -> int:
    """Write the documents, the same ones always as the same bytes; how many there are."""
    count = 0
    unfinished = path.with_suffix(".part")
    with unfinished.open("wb") as file, gzip.GzipFile("", "wb", fileobj=file, mtime=0) as lines:
        for document in documents:
            title = {"title": document.title} if document.title else {}
            row = {"source": document.source, **title, "text": document.text}
            lines.write(json.dumps(row, ensure_ascii=False).encode() + b"\n")
            count += 1
    unfinished.replace(path)
    return count


def read_text(path: Path) -> str:
    """The text of a file. Raises GoldError if it cannot be read."""
    try:
        return path.read_bytes().decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise GoldError(f"{path} cannot be read ({error}). Give an existing file in UTF-8.") from None


def read_lines(path: Path) -> Iterator[tuple[str, str]]:
    """The place and the text of each line that is not blank, of a plain or a gzip-compressed file."""
    try:
        with (gzip.open if path.suffix == ".gz" else open)(path, "rt", encoding="utf-8-sig") as lines:
            for number, line in enumerate(lines, start=1):
                if line.strip():
                    yield f"line {number}", line.rstrip("\n")
    except (OSError, EOFError, UnicodeDecodeError, zlib.error) as error:
        raise GoldError(f"{path} cannot be read ({error}). Give an existing, whole file in UTF-8.") from None


def stored(text: str) -> str:
    """The text as ingest stores it."""
    return canonical(text)[0]


def counted(count: int, what: str) -> tuple[str, ...]:
    """How many of something were left out, in words; nothing if there are none."""
    return (f"{what}: {count}",) if count else ()


def filled(text: str) -> str:
    """The text itself. Raises ValueError if it is blank."""
    if not text.strip():
        raise ValueError("it is empty")
    return text


Stored = Annotated[str, AfterValidator(stored)]
Filled = Annotated[str, AfterValidator(stored), AfterValidator(filled)]


def explain(error: ValidationError) -> Iterator[str]:
    """What is wrong with a row, in words, each fault on its own."""
    for fault in error.errors():
        place = ".".join(map(str, fault["loc"]))
        match fault["type"]:
            case "json_invalid":
                yield f"it is not JSON ({fault['ctx']['error']})."
            case "missing":
                yield f"the field {place!r} is missing."
            case "model_type":
                yield f"{repr(place) if place else 'it'} is no JSON object."
            case _:
                message = fault["msg"].removeprefix("Value error, ").lower()
                yield f"the field {place!r} has the value {short(str(fault['input']))}: {message}."
