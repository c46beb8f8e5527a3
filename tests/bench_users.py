"""`python -m tests.bench_users [CHUNKS]`: many users of one chat at a time, over a store of made-up text.

Each user is a browser's worth of requests: a session that joins the queue with a question and reads until the answer is
complete, several times. Prints the seconds a question takes, by number of users, and how soon a refused one is told so.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

import httpx
import numpy as np
from rich.console import Console
from rich.table import Table

from ingest.sync import sync
from rag.settings import Settings
from rag.store import Store
from tests.bench_ingest import made_up_lines, made_up_texts
from tests.chat_process import served
from tests.page_events import PATIENCE, PageEvents

_CROWDS = (1, 10, 30, 60)  # users at a time
_QUESTIONS = 4  # of each user, one after the other


@dataclass(frozen=True, slots=True)
class _Asked:
    """What came of a question, and after how many seconds."""

    outcome: str  # "answered", "refused" or an error
    seconds: float


def main() -> None:
    """Measure and print a table."""
    chunks = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    console = Console()
    with TemporaryDirectory() as temporary:
        folder = Path(temporary)
        texts = list(made_up_texts(chunks, seed=0))
        (folder / "texts.jsonl").write_text("\n".join(made_up_lines(0, texts)), "utf-8")
        with Store(Settings(store=folder / "store"), create=True) as store:
            sync(store, [folder / "texts.jsonl"])
        table = Table("users", "answered", "refused", "errors", "p50 s", "p95 s", "slowest refusal s")
        with served(folder) as server:
            with httpx.Client(base_url=server.url, timeout=PATIENCE) as client:
                events = PageEvents(client)
            for crowd in _CROWDS:
                with ThreadPoolExecutor(crowd) as users:
                    asked = [
                        one
                        for each in users.map(lambda user: list(_asked(events, server.url, user, texts)), range(crowd))
                        for one in each
                    ]
                table.add_row(str(crowd), *_row(asked))
        console.print(table)


def _asked(events: PageEvents, url: str, user: int, texts: list[str]) -> Iterator[_Asked]:
    """One user's questions, one after the other; a refused user stops."""
    question_box = events.of("question", "submit")
    with httpx.Client(base_url=url, timeout=PATIENCE) as client:
        for number in range(_QUESTIONS):
            question = f"What of {texts[(user * 37 + number * 11) % len(texts)][:60]}?"
            started = perf_counter()
            called = events.call(client, question_box, {"question": question})
            seconds = perf_counter() - started
            if called.status == 503:
                yield _Asked("refused", seconds)
                return
            yield _Asked("answered" if called.success else f"error {called.status} {called.text[-200:]}", seconds)


def _row(asked: list[_Asked]) -> list[str]:
    answered = [one.seconds for one in asked if one.outcome == "answered"]
    refused = [one.seconds for one in asked if one.outcome == "refused"]
    errors = {one.outcome for one in asked} - {"answered", "refused"}
    for error in errors:
        Console(stderr=True).print(error)
    p50, p95 = np.percentile(answered, (50, 95)) if answered else (0.0, 0.0)
    failed = len(asked) - len(answered) - len(refused)
    slowest = f"{max(refused):.2f}" if refused else "-"
    return [str(len(answered)), str(len(refused)), str(failed), f"{p50:.2f}", f"{p95:.2f}", slowest]


if __name__ == "__main__":
    main()
