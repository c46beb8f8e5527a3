"""Gold questions -> a run: every question asked once, every outcome kept, written to one file.

A run's file is JSON. While the run goes on, its outcomes stand in a journal beside it (`NAME.partial.jsonl`), from
which the same command goes on after a crash.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter
from typing import Any

from pydantic import ValidationError

from eval.corpus import StoredDocuments
from eval.errors import RunError
from eval.excerpts import Excerpts, excerpts
from eval.gold import load_gold
from eval.journal import Journal
from eval.outcome import Outcome, System
from eval.provenance import Code, Machine, code, machine
from eval.serial import from_json, to_json
from eval.systems import Form, answering, retrieving
from eval.types import GoldQuestion
from rag.assistant import Assistant
from rag.models import embedder_identity, load_embedder
from rag.retrieve import Retriever
from rag.settings import Settings
from rag.store import Store
from rag.types import Document

FORMAT_VERSION = 1

Track = Callable[[Iterator[Outcome], int], Iterable[Outcome]]


@dataclass(frozen=True, slots=True)
class Protocol:
    """How questions are asked.

    `answers` False only retrieves `passages` passages; else the settings' k is retrieved and the question answered.
    `form`: follow-up questions with their history, the last turn alone, or the rewrite that the gold set gives.
    """

    answers: bool = True
    passages: int | None = None
    form: Form = "history"


@dataclass(frozen=True, slots=True)
class Header:
    """Everything that decides what a run's outcomes are. Runs with equal headers are equal but for times."""

    format: int
    code: Code
    settings: dict[str, Any]
    models: dict[str, str]
    protocol: Protocol
    gold: str
    gold_sha256: str
    corpus_documents: int
    corpus_sha256: str
    machine: Machine

    @property
    def fingerprint(self) -> str:
        """Twelve hexadecimal digits that differ when anything in the header does."""
        return hashlib.sha256(to_json(self).encode()).hexdigest()[:12]


@dataclass(frozen=True, slots=True)
class Times:
    """When a run was made, and for how many seconds questions were asked (of the last part, if it was resumed)."""

    started: str
    finished: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Run:
    """A header, the outcomes in the order of the gold set, and the words of the sources that they point at."""

    name: str
    header: Header
    outcomes: tuple[Outcome, ...]
    excerpts: Excerpts
    times: Times

    def without_times(self) -> Run:
        """This run with every time set to nothing: two runs of the same settings are then equal."""
        outcomes = tuple(replace(outcome, seconds={}) for outcome in self.outcomes)
        return replace(self, outcomes=outcomes, times=Times("", "", 0.0))

    def to_json(self) -> str:
        """The content of the run's file."""
        return to_json(self, indent=1) + "\n"

    def save(self, path: Path) -> None:
        """Write the run's file, whole or not at all."""
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished = path.with_suffix(".tmp")
        unfinished.write_text(self.to_json(), "utf-8")
        unfinished.replace(path)


def load_run(path: Path) -> Run:
    """A run from its file. Raises RunError if it is not one, or of another format."""
    try:
        content = path.read_text("utf-8")
        found = json.loads(content)["header"]["format"]
        if found != FORMAT_VERSION:
            raise RunError(f"{path} has run format {found}, this version reads {FORMAT_VERSION}. Run it again.")
        return from_json(Run, content)
    except OSError as error:
        raise RunError(f"{path} cannot be read ({error}).") from None
    except (ValueError, KeyError, TypeError, ValidationError) as error:
        reason = str(error).splitlines()[0]
        raise RunError(f"{path} is not a run ({reason}). Make one: python -m eval run GOLD.jsonl") from None


def evaluate(
    store: Store,
    gold: Path,
    protocol: Protocol = Protocol(),
    *,
    name: str | None = None,
    out: Path = Path("runs"),
    keep: bool = False,
    track: Track = lambda outcomes, total: outcomes,
) -> tuple[Run, Path]:
    """Ask the questions of a gold file of a store, and write the run to `out`/`name`.json; the run and that file.

    The name is the gold file's with the header's fingerprint unless one is given. `keep`: a finished
    run with the same name and header is not made again. `track` may watch the outcomes go by.
    With the setting `exact_search`, equal settings give equal runs; the approximate index may find others each time.
    Raises GoldError for a faulty gold file. Stopped at any moment, the same call goes on where it stopped.
    """
    documents = StoredDocuments(store)
    questions = load_gold(gold, documents)
    header = make_header(store.settings, protocol, gold, documents)
    name = name or f"{gold.stem}-{header.fingerprint[:8]}"
    path = out / f"{name}.json"
    if keep and path.exists() and (finished := load_run(path)).header == header:
        return finished, path
    if protocol.answers:
        system = answering(Assistant(store), protocol.form)
    else:
        system = retrieving(Retriever(store), protocol.passages, protocol.form)
    journal = out / f"{name}.partial.jsonl"
    result = ask_all(name, questions, system, documents, header, journal, track)
    result.save(path)
    journal.unlink()
    return result, path


def make_header(settings: Settings, protocol: Protocol, gold: Path, documents: StoredDocuments) -> Header:
    """The header of a run over a gold file and a store's documents."""
    embedder = load_embedder(settings)
    return Header(
        format=FORMAT_VERSION,
        code=code(),
        settings=json.loads(settings.model_dump_json(exclude={"store"})),
        models=embedder_identity(settings) | {"embedder_dtype": embedder.dtype},
        protocol=protocol,
        gold=gold.name,
        gold_sha256=hashlib.sha256(gold.read_bytes()).hexdigest(),
        corpus_documents=len(documents),
        corpus_sha256=documents.sha256,
        machine=machine(),
    )


def ask_all(
    name: str,
    questions: Sequence[GoldQuestion],
    system: System,
    documents: Mapping[str, Document],
    header: Header,
    journal: Path,
    track: Track = lambda outcomes, total: outcomes,
) -> Run:
    """Ask every question and judge what comes of it; `track` may watch the outcomes go by.

    Stopped at any moment, the same call goes on after the last outcome in the journal, if the header is the same.
    """
    started, clock = datetime.now(UTC), perf_counter()
    outcomes: list[Outcome] = []
    with Journal(journal, header.fingerprint) as kept:
        asked = (kept.outcome(question, system, documents) for question in questions)
        outcomes.extend(track(asked, len(questions)))
    finished = datetime.now(UTC)
    times = Times(started.isoformat(timespec="seconds"), finished.isoformat(timespec="seconds"), perf_counter() - clock)
    return Run(name, header, tuple(outcomes), excerpts(outcomes, documents), times)
