"""The chat as a process of its own, and its page in a browser that watches what it asks for."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.request import urlopen

from playwright.sync_api import Browser, Page, expect

from tests.conftest import ROOT


@dataclass(frozen=True)
class Server:
    """A running `python app.py`: its address, the folder it runs in, and its process."""

    url: str
    folder: Path
    process: subprocess.Popen[bytes]

    @property
    def log(self) -> str:
        """What it has printed so far."""
        return (self.folder / "log").read_text()


@contextmanager
def served(
    folder: Path,
    *options: str,
    filled: Path | None = None,
    environment: Mapping[str, str] = {},
    attacked: bool = False,
    stop: signal.Signals = signal.SIGINT,
) -> Iterator[Server]:
    """`python app.py` on a store in the folder; afterwards its log holds no fault, and nothing uploaded is left over.

    The store is a copy of the one that is `filled`; without it, the sample corpus is ingested first. The log may hold
    anything if it was `attacked`: Gradio logs a traceback for each request that no page of its own would send.
    """
    temporary = folder / "temporary"
    temporary.mkdir()
    if filled:
        shutil.copytree(filled, folder / "store")
    variables = {**os.environ, "TMPDIR": str(temporary), **environment}
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [sys.executable, "-W", "error", str(ROOT / "app.py"), "--store", "store", "--port", str(port), *options]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, cwd=folder, stderr=log, stdout=log, env=variables)
    server = Server(f"http://127.0.0.1:{port}", folder, process)
    try:
        _wait_for(server)
        yield server
    finally:
        process.send_signal(stop)
        process.wait(30)
    assert process.returncode == 0, server.log
    assert list(temporary.glob("footnote-*")) == []
    assert attacked or "Traceback" not in server.log, server.log
    assert attacked or "ERROR" not in server.log, server.log
    assert "Warning" not in server.log, server.log


def _wait_for(server: Server) -> None:
    for _ in range(900):
        try:
            urlopen(server.url, timeout=5).close()
            return
        except HTTPError as error:
            error.close()
            return
        except (URLError, ConnectionError):
            assert server.process.poll() is None, server.log
            time.sleep(0.1)
    raise AssertionError(server.log)


@contextmanager
def opened(browser: Browser, server: Server, *, width: int = 1360, height: int = 850) -> Iterator[Page]:
    """The open page of a new user; no request of it may leave this machine, no script of it may fail."""
    context = browser.new_context(
        viewport={"width": width, "height": height}, permissions=["clipboard-read", "clipboard-write"]
    )
    page = context.new_page()
    requested: list[str] = []
    errors: list[str] = []
    page.on("request", lambda request: requested.append(request.url))
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(server.url)
    try:
        expect(page.locator("#question textarea")).to_be_visible()
        yield page
    finally:
        context.close()
    assert [url for url in requested if not url.startswith((server.url, "data:", "blob:"))] == []
    assert errors == []


def ask(page: Page, question: str, turn: int = 0) -> None:
    """Ask, and wait until the answer is checked."""
    page.fill("#question textarea", question)
    page.keyboard.press("Enter")
    expect(page.locator(f"#chat a[href='#why-{turn}']")).to_be_visible()


def view(page: Page, name: str) -> None:
    """Turn to one of the views."""
    page.locator("#views > .tab-wrapper").get_by_role("tab", name=name).click()
