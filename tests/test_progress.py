"""What is shown of long work: a bar that goes away on a terminal, a line now and then in a file."""

from io import StringIO

import pytest
from rich.console import Console

import rag.progress
from rag.progress import asking, duration, showing


class Clock:
    """A clock that a test turns."""

    def __init__(self) -> None:
        self.seconds = 100.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(rag.progress, "monotonic", clock)
    return clock


def test_in_a_file_a_line_a_minute_says_how_far_it_has_come_and_the_time_left(clock: Clock) -> None:
    file = StringIO()
    seen = []
    for item in asking(Console(file=file), "[SciFact], the reader", range(400), 400):
        seen.append(item)
        clock.seconds += 0 if item < 100 else 1  # the first hundred are remembered
    assert seen == list(range(400))
    assert file.getvalue().splitlines() == [
        "[SciFact], the reader: 160 of 400 questions, about 2 minutes left",
        "[SciFact], the reader: 220 of 400 questions, about 3 minutes left",
        "[SciFact], the reader: 280 of 400 questions, about 2 minutes left",
        "[SciFact], the reader: 340 of 400 questions, about 60 seconds left",
    ]


def test_while_nothing_is_known_no_time_is_told(clock: Clock) -> None:
    file = StringIO()
    with showing(Console(file=file), "Ingesting") as show:
        for seconds, total in ((70, 0), (70, 900), (70, 900)):
            clock.seconds += seconds
            show(0, total, "0 of 3 files")
    assert file.getvalue() == 3 * "Ingesting: 0 of 3 files\n"


def test_what_is_soon_done_writes_no_line() -> None:
    file = StringIO()
    assert list(asking(Console(file=file), "Asking", "abc", 3)) == ["a", "b", "c"]
    assert file.getvalue() == ""


def test_on_a_terminal_a_bar_moves_and_goes_away() -> None:
    file = StringIO()
    console = Console(file=file, force_terminal=True, width=100)
    for item in asking(console, "Asking", "abc", 3):
        assert item in "abc"
        console.print(f"answer {item}")
    shown = file.getvalue()
    assert "100%" in shown
    assert "3 of 3 questions" in shown
    assert shown.endswith("\x1b[2K")  # the line is wiped


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.2, "1 second"),
        (1.4, "1 second"),
        (89, "89 seconds"),
        (90, "2 minutes"),
        (5399, "90 minutes"),
        (9000, "2.5 hours"),
    ],
)
def test_durations_read_as_one_would_say_them(seconds: float, words: str) -> None:
    assert duration(seconds) == words
