"""What a user is told when something fails, and what the log has of it."""

from __future__ import annotations

import asyncio
import json
import re
import sqlite3
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from rag.errors import (
    LanguageModelError,
    ModelError,
    ParseError,
    QuestionError,
    RagError,
    SettingsError,
    StoreBusy,
    StoreDamaged,
    StoreUnwritable,
)
from rag.page.faults import names_only, sentence

SECRET = "sk-live-4417"
PLACE = "/srv/footnote/store/catalog.sqlite3"
TOLD = re.compile(r"Something went wrong \(error ([0-9a-f]{6})\)\. The details are in the server's log\.")


def _raising(error: Exception) -> Callable[[], object]:
    def raising() -> object:
        raise error

    return raising


def _recursive() -> object:
    return _recursive()


def _chained() -> object:
    try:
        return json.loads(SECRET)
    except ValueError as error:
        raise RuntimeError(f"{PLACE} {SECRET}") from error


def _grouped() -> object:
    raise ExceptionGroup(SECRET, [OSError(5, SECRET, PLACE), ValueError(SECRET)])


class _Unprintable(Exception):
    def __str__(self) -> str:
        raise ValueError(SECRET)


INJECTED: dict[str, Callable[[], object]] = {
    "value": _raising(ValueError(f"{SECRET} in {PLACE}")),
    "type": _raising(TypeError(SECRET)),
    "key": _raising(KeyError(SECRET)),
    "index": lambda: [SECRET][1],
    "attribute": lambda: SECRET.nothing,  # type: ignore[attr-defined]
    "name": _raising(NameError(SECRET)),
    "division": lambda: 1 / 0,
    "overflow": lambda: 10.0**400,
    "memory": _raising(MemoryError(SECRET)),
    "recursion": _recursive,
    "assertion": _raising(AssertionError(SECRET)),
    "not implemented": _raising(NotImplementedError(PLACE)),
    "missing file": lambda: Path(PLACE).read_text(),
    "permission": _raising(PermissionError(13, "Permission denied", PLACE)),
    "disk full": _raising(OSError(28, "No space left on device", PLACE)),
    "connection": _raising(ConnectionError(f"http://{SECRET}@10.0.0.7:8000/v1")),
    "timeout": _raising(TimeoutError(SECRET)),
    "broken pipe": _raising(BrokenPipeError(32, SECRET)),
    "unicode": lambda: b"\xff".decode("ascii"),
    "json": lambda: json.loads("{" + SECRET),
    "database": lambda: sqlite3.connect(":memory:").execute(f"SELECT '{SECRET}' FROM nothing"),
    "damaged database": _raising(sqlite3.DatabaseError(f"file is not a database: {PLACE}")),
    "child process": _raising(subprocess.CalledProcessError(1, ["parse", PLACE, SECRET])),
    "cancelled": _raising(asyncio.InvalidStateError(SECRET)),
    "stopped": _raising(StopIteration(SECRET)),
    "several lines": _raising(RuntimeError(f"first\nerror 123456| forged\r\n\x1b[31m{SECRET}")),
    "html": _raising(RuntimeError(f"<script>{SECRET}</script>")),
    "chained": _chained,
    "group": _grouped,
    "no words": _raising(RuntimeError()),
    "unprintable": _raising(_Unprintable()),
    "very long": _raising(RuntimeError(SECRET * 100_000)),
}


@pytest.mark.parametrize("cause", INJECTED)
@pytest.mark.parametrize("hide_paths", [True, False])
def test_a_bug_is_one_plain_sentence_and_all_of_it_in_the_log(
    cause: str, hide_paths: bool, caplog: pytest.LogCaptureFixture
) -> None:
    try:
        INJECTED[cause]()
    except Exception as error:
        told, kind = sentence(error, hide_paths=hide_paths), type(error).__name__
    found = TOLD.fullmatch(told)
    assert found
    (record,) = caplog.records
    assert (record.name, record.levelname) == ("footnote", "ERROR")
    lines = record.getMessage().split("\n")
    assert all(line.startswith(f"error {found[1]}| ") for line in lines)
    assert any("Traceback (most recent call last)" in line for line in lines)
    assert any(kind in line for line in lines)
    assert "\x1b" not in record.getMessage()


def test_every_bug_has_a_number_of_its_own() -> None:
    assert len({sentence(ValueError(), hide_paths=True) for _ in range(50)}) == 50


@pytest.mark.parametrize(
    ("message", "told"),
    [
        ("no store at /srv/papers/store. Build one.", "no store at store. Build one."),
        ("the store at /store is in use.", "the store at store is in use."),
        ("'/srv/my papers/a.txt' cannot be read", None),
        ("run: python -m ingest --store=/srv/papers/store", "run: python -m ingest --store=store"),
        ("(/var/lib/footnote/catalog.sqlite3)", "(catalog.sqlite3)"),
        ("/a/b and /c/d; /e/f.", "b and d; f."),
        ("~/papers/store is full", "store is full"),
        ("3/4 of and/or 1/2", "3/4 of and/or 1/2"),
        ("http://127.0.0.1:8000/v1/models does not answer", "http://127.0.0.1:8000/v1/models does not answer"),
        ("contracts/2024/a.pdf has no text", "contracts/2024/a.pdf has no text"),
        ("k is 0; it must be 1 to 100", "k is 0; it must be 1 to 100"),
        ("", ""),
    ],
)
def test_names_stand_for_paths(message: str, told: str | None) -> None:
    if told is not None:
        assert names_only(message) == told
    assert "/srv/" not in names_only(message)


def test_a_folder_with_spaces_is_cut_where_it_is_known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "my own papers"
    folder.mkdir()
    monkeypatch.chdir(folder)
    assert names_only(f"{folder}/a file.txt cannot be read") == "a file.txt cannot be read"


@pytest.mark.parametrize(
    "error",
    [
        QuestionError("the question is empty. Type one."),
        StoreBusy(f"the store at {PLACE} is in use."),
        StoreDamaged(f"{PLACE} cannot be read."),
        StoreUnwritable(f"{PLACE}: the disk is full."),
        ModelError(f"reranker {PLACE} is not a folder."),
        LanguageModelError("http://127.0.0.1:8000/v1 does not answer."),
        ParseError("E_CORRUPT", "a.pdf: not a readable PDF."),
        SettingsError(f"users file {PLACE} names no user."),
    ],
)
def test_an_expected_failure_keeps_its_words_but_for_paths_that_are_hidden(
    error: RagError, caplog: pytest.LogCaptureFixture
) -> None:
    assert sentence(error, hide_paths=False) == str(error)
    assert sentence(error, hide_paths=True) == str(error).replace(PLACE, "catalog.sqlite3")
    assert caplog.records == []
