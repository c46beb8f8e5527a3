"""How reading a file ends and that it harms nobody on the way; how a command refuses."""

from __future__ import annotations

import re
import resource
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

import pytest

from ingest.formats.parse_jsonl import LineFailure
from ingest.sandbox import Sandbox
from rag.command import run
from rag.errors import ParseError
from tests.odd_strings import OBEYED

OK = "ok"
MOST_GROWTH = 100 * 2**20  # bytes
_LONGEST = 35  # seconds: the sandbox's 30, and what starting it takes


@dataclass(frozen=True)
class Outcome:
    """How reading a file ended: "ok" or a code, the documents, and all that was said."""

    code: str
    texts: tuple[str, ...]
    messages: tuple[str, ...]


def outcome(sandbox: Sandbox, path: Path) -> Outcome:
    """Read a file; anything but documents or one ParseError is a failure of the test."""
    before, started = resident(), perf_counter()
    texts: list[str] = []
    messages: list[str] = []
    try:
        for parsed in sandbox.parse(path, path.name):
            if isinstance(parsed, LineFailure):
                messages.append(parsed.reason)
            else:
                texts.append(parsed.text)
                messages += parsed.warnings
    except ParseError as error:
        found = Outcome(error.code, (), (str(error),))
    else:
        found = Outcome(OK, tuple(texts), tuple(messages))
    assert perf_counter() - started <= _LONGEST
    assert resident() - before <= MOST_GROWTH
    return found


def resident() -> int:
    """The bytes of memory that this process takes."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


def is_plain(message: str) -> bool:
    """Whether a message is one line for people: no traceback, no control characters, no exception of a library's."""
    return (
        message == message.strip() != ""
        and not re.search(OBEYED, message)
        and not re.search(r"Traceback|its parser failed|object has no attribute", message)
    )


def shown_lines(capsys: pytest.CaptureFixture[str]) -> list[str]:
    """What a command printed for people, after a look that it holds nothing that a terminal would obey."""
    captured = capsys.readouterr()
    lines = (captured.out + captured.err).splitlines()
    assert [line for line in lines if re.search(OBEYED, line)] == []
    return lines


def refusal(main: Callable[[list[str]], int], *arguments: object, capsys: pytest.CaptureFixture[str]) -> str:
    """The one line with which a command refuses; its exit status is 2."""
    assert run(lambda: main([str(argument) for argument in arguments])) == 2
    shown = capsys.readouterr().err
    assert shown.startswith("error: ")
    assert shown.count("\n") == 1
    return shown
