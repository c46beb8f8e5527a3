"""Runs every parser in a killable child process with memory, time and output limits (`ingest/parser_process.py`)."""

from __future__ import annotations

import base64
import json
import os
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Generator, Iterator
from contextlib import closing
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ingest.formats.parse_jsonl import LineFailure
from ingest.pdf.picture import Mark, Picture, digest_of
from rag.errors import ParseError
from rag.types import Document, Heading, Page, Span

SECONDS = 30  # without a document arriving
_FILES_PER_CHILD = 500  # then a fresh one, so that what a parser leaks stays bounded
_LARGEST_MESSAGE = 200 * 2**20  # bytes


class Sandbox:
    """A warm child that reads one file at a time. Close it when done."""

    def __init__(self) -> None:
        self._child: subprocess.Popen[bytes] | None = None
        self._socket: socket.socket | None = None
        self._parsed = 0
        self.read = 0  # bytes of the file being parsed that were read so far

    def __enter__(self) -> Sandbox:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the child."""
        if self._child is not None and self._socket is not None:
            self._socket.close()
            self._child.kill()
            self._child.wait()
        self._child = self._socket = None
        self._parsed = 0

    def parse(self, path: Path, source: str) -> Iterator[Document | LineFailure]:
        """The documents of one file. Raises ParseError if it cannot be read, or took too long or too much memory."""
        with closing(self._replies(path, {"source": source})) as replies:
            for message in replies:
                yield LineFailure(**message["failure"]) if "failure" in message else _document(message["document"])

    def picture(self, path: Path, page: int, span: Span, quote: str) -> Picture:
        """A PDF's page, from 1, about 1,000 pixels wide, with a mark on each line of what of the span stands on it.

        The span counts in the document's text, where its characters were `quote`; there are no marks if the file as it
        is now has others there. It takes as long as reading the whole file. Raises ParseError as `parse` does, and
        E_PAGES if the page is not there.
        """
        request = {"page": page, "span": asdict(span), "digest": digest_of(quote)}
        (message,) = self._replies(path, request)
        return _picture(message["picture"])

    def _replies(self, path: Path, request: dict[str, Any]) -> Generator[dict[str, Any], None, None]:
        with os.fdopen(open_regular(path), "rb") as file:
            if self._parsed >= _FILES_PER_CHILD:
                self.close()
            self._parsed += 1
            request = {"name": path.name, "size": os.fstat(file.fileno()).st_size, **request}
            finished = False
            try:
                channel = self._start()
                socket.send_fds(channel, [json.dumps(request).encode()], [file.fileno()])
                while (message := self._receive(channel)) != {"end": True}:
                    if "error" in message:
                        finished = True
                        raise ParseError(message["code"], message["error"])
                    self.read = message["read"]
                    yield message
                finished = True
            finally:
                if not finished:
                    self.close()  # what the child still holds belongs to this file

    def _start(self) -> socket.socket:
        if self._child is not None and self._child.poll() is not None:
            self.close()  # it died between two files, of which neither is at fault
        if self._socket is None:
            ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
            with theirs:
                self._child = subprocess.Popen(
                    [sys.executable, "-I", "-B", "-m", "ingest.parser_process"],
                    stdin=theirs.fileno(),
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                    env={"LANG": "C.UTF-8", "OMP_NUM_THREADS": "1"},
                    start_new_session=True,
                )
            ours.settimeout(SECONDS)
            self._socket = ours
        return self._socket

    def _receive(self, channel: socket.socket) -> dict[str, Any]:
        try:
            size = int.from_bytes(_exactly(channel, 8), "big")
            if size > _LARGEST_MESSAGE:
                raise ParseError("E_TOO_BIG", f"its text takes {size / 2**20:.0f} MB. Split the file.")
            message: dict[str, Any] = json.loads(_exactly(channel, size))
            return message
        except TimeoutError:
            raise ParseError("E_TIMEOUT", f"reading it took over {SECONDS} seconds; it was stopped.") from None
        except (EOFError, ConnectionError):
            raise ParseError(*self._cause_of_death()) from None

    def _cause_of_death(self) -> tuple[str, str]:
        assert self._child is not None
        code = self._child.wait(timeout=5)
        if code == -signal.SIGXCPU:
            return "E_TIMEOUT", "reading it took too much processor time; it was stopped."
        return "E_CRASH", "its parser crashed or ran out of memory; the file is damaged or hostile."


def open_regular(path: Path) -> int:
    """A descriptor of a regular file, never of a link, a device or a pipe."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise ParseError("E_ACCESS", f"it cannot be opened ({error.strerror}).") from None
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise ParseError("E_SPECIAL", "it is not a regular file.")
    return descriptor


def _exactly(channel: socket.socket, size: int) -> bytes:
    parts = bytearray()
    while len(parts) < size:
        part = channel.recv(min(size - len(parts), 1 << 20))
        if not part:
            raise EOFError
        parts += part
    return bytes(parts)


def _picture(message: dict[str, Any]) -> Picture:
    png = base64.b64decode(message["png"])
    marks = tuple(Mark(**mark) for mark in message["marks"])
    return Picture(png, message["width"], message["height"], marks)


def _document(message: dict[str, Any]) -> Document:
    return Document(
        id=message["id"],
        source=message["source"],
        title=message["title"],
        text=message["text"],
        pages=tuple(Page(page["number"], Span(**page["span"])) for page in message["pages"]),
        headings=tuple(Heading(**heading) for heading in message["headings"]),
        media_type=message["media_type"],
        warnings=tuple(message["warnings"]),
        date=message["date"],
    )
