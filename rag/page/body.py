"""What a request may send: so many bytes and, in an upload, so many files. More is not read."""

from __future__ import annotations

import re

from starlette.datastructures import Headers
from starlette.types import Message, Receive

_BOUNDARY = re.compile(r'^multipart/form-data\b.*?;\s*boundary=(?:"([^"]{1,70})"|([^\s;,"]{1,70}))', re.IGNORECASE)


class Body:
    """A request's `receive`, which breaks off as soon as too much has come; `refusal` then says so."""

    def __init__(self, headers: Headers, receive: Receive, *, bytes: int, files: int | None = None) -> None:
        self._receive = receive
        self._bytes_left = bytes
        self._too_large = f"This is more than the {bytes / 1e6:,.0f} MB that can be sent at once."
        self._files_left = files
        self._too_many = f"These are more than the {files} files that can be sent at once."
        found = _BOUNDARY.match(headers.get("content-type", ""))
        # Each part begins with this line, and one more such line ends the last.
        self._boundary = b"--" + (found[1] or found[2]).encode("latin-1") if found and files is not None else b""
        self._parts = 0
        self._tail = b""
        length = headers.get("content-length", "")
        self.refusal = self._too_large if length.isdecimal() and int(length[:20]) > bytes else ""

    async def receive(self) -> Message:
        """The next message; a disconnection, if too much has come."""
        if not self.refusal:
            message = await self._receive()
            if message["type"] == "http.request":
                self._weigh(message.get("body", b""))
            if not self.refusal:
                return message
        return {"type": "http.disconnect"}

    def _weigh(self, piece: bytes) -> None:
        self._bytes_left -= len(piece)
        if self._bytes_left < 0:
            self.refusal = self._too_large
        elif self._boundary and self._files_left is not None:
            seen = self._tail + piece
            self._parts += seen.count(self._boundary)
            # Less than a boundary, so that none is counted twice.
            self._tail = seen[-(len(self._boundary) - 1) :]
            if self._parts - 1 > self._files_left:
                self.refusal = self._too_many
