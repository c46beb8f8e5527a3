"""`python -m tests.bench_users [CHUNKS]`: many users of one chat at a time, over a store of made-up text.

Each user is a browser's worth of requests: a session that joins the queue with a question and reads until the answer is
complete, several times. Prints the seconds a question takes, by number of users, and how soon a refused one is told so.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any
from uuid import uuid4

import httpx
import numpy as np
from rich.console import Console
from rich.table import Table

from ingest.sync import sync
from rag.settings import Settings
from rag.store import Store
from tests.bench_ingest import made_up_lines, made_up_texts
from tests.chat_process import served

_CROWDS = (1, 10, 30, 60)  # users at a time
_QUESTIONS = 4  # of each user, one after the other
_PATIENCE = httpx.Timeout(180, connect=30)


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
            form = _Form(server.url)
            for crowd in _CROWDS:
                with ThreadPoolExecutor(crowd) as users:
                    asked = [
                        one
                        for each in users.map(lambda user: list(form.asked(user, texts)), range(crowd))
                        for one in each
                    ]
                table.add_row(str(crowd), *_row(asked))
        console.print(table)


class _Form:
    """The question box, as a browser finds it in the page's configuration."""

    def __init__(self, url: str) -> None:
        self._url = url
        config = httpx.get(f"{url}/config", timeout=_PATIENCE).json()
        by_name = {each["props"].get("elem_id"): each["id"] for each in config["components"]}
        values = {each["id"]: each["props"].get("value") for each in config["components"]}
        box = by_name["question"]
        self._event = next(each for each in config["dependencies"] if [box, "submit"] in each["targets"])
        self._inputs = [values.get(id) for id in self._event["inputs"]]
        self._place = self._event["inputs"].index(box)

    def asked(self, user: int, texts: list[str]) -> Iterator[_Asked]:
        """Ask one question after the other as one user; a refused user stops."""
        with httpx.Client(timeout=_PATIENCE) as client:
            for number in range(_QUESTIONS):
                asked = self._ask(client, f"What of {texts[(user * 37 + number * 11) % len(texts)][:60]}?")
                yield asked
                if asked.outcome != "answered":
                    return

    def _ask(self, client: httpx.Client, question: str) -> _Asked:
        data = [question if place == self._place else value for place, value in enumerate(self._inputs)]
        session = uuid4().hex
        started = perf_counter()
        body = {"data": data, "fn_index": self._event["id"], "session_hash": session}
        joined = client.post(f"{self._url}/gradio_api/queue/join", json=body)
        if joined.status_code == 503:
            return _Asked("refused", perf_counter() - started)
        if joined.status_code != 200:
            return _Asked(f"{joined.status_code} {joined.text[:200]}", perf_counter() - started)
        with client.stream("GET", f"{self._url}/gradio_api/queue/data", params={"session_hash": session}) as events:
            for message in _messages(events):
                if message["msg"] == "process_completed":
                    outcome = "answered" if message["success"] else f"error {message['output']}"
                    return _Asked(outcome, perf_counter() - started)
        return _Asked("the stream ended", perf_counter() - started)


def _messages(events: httpx.Response) -> Iterator[dict[str, Any]]:
    for line in events.iter_lines():
        if line.startswith("data:"):
            yield json.loads(line.removeprefix("data:"))


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
