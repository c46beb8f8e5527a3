"""The child that `ingest/sandbox.py` starts: reads requests on its standard input, a socket, until that closes.

A request is a JSON object with an open file beside it: to read its documents, or to draw a PDF's page. The replies are
messages of 8 bytes length and JSON. Nothing read here is believed by the parent, which runs no code of ours on it but
`json.loads`.
"""

from __future__ import annotations

import base64
import json
import os
import resource
import socket
import sys
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

import ingest.parse
from ingest.formats.parse_jsonl import LineFailure
from rag.errors import ParseError
from rag.types import Document, Span

_MEMORY = 1536 * 2**20  # bytes of address space
_CPU_SECONDS = 25  # for one document
_FORBIDDEN = (
    *("socket.connect", "socket.bind", "socket.getaddrinfo", "subprocess", "os.exec", "os.system", "os.fork"),
    *("os.posix_spawn", "os.remove", "os.rename", "os.mkdir", "os.link", "os.symlink", "shutil"),
)


def main() -> None:
    """Serve requests until the parent closes the socket."""
    _limit()
    sys.addaudithook(_refuse)
    with socket.socket(fileno=os.dup(0)) as channel:
        while True:
            request, descriptors, _, _ = socket.recv_fds(channel, 65536, 1)
            if not request:
                return
            with os.fdopen(descriptors[0], "rb") as file:
                for reply in _replies(file, json.loads(request)):
                    body = json.dumps(reply).encode()
                    channel.sendall(len(body).to_bytes(8, "big") + body)
                    _allow_cpu_time()


def _replies(file: Any, request: dict[str, Any]) -> Iterator[dict[str, Any]]:
    _allow_cpu_time()
    try:
        yield from _drawn(file, **request) if "page" in request else _parsed(file, **request)
    except ParseError as error:
        yield {"error": _plain(str(error)), "code": error.code}
    except MemoryError:
        yield {"error": f"reading it takes over {_MEMORY // 2**20} MB of memory.", "code": "E_BOMB"}
    except RecursionError:
        yield {"error": "it is nested too deeply to be read.", "code": "E_DEPTH"}
    except Exception as error:  # whatever a parser raises, the file is at fault
        reason = _plain(f"{type(error).__name__}: {error}")[:200]
        message = f"it is damaged in a way its reader does not know ({reason}). Save it again."
        yield {"error": message, "code": "E_CORRUPT"}
    else:
        yield {"end": True}


def _parsed(file: Any, name: str, size: int, source: str) -> Iterator[dict[str, Any]]:
    for parsed in ingest.parse.parse(file, name, source, size):
        match parsed:
            case Document():
                yield {"document": asdict(parsed), "read": _position(file, size)}
            case LineFailure():
                yield {"failure": asdict(parsed), "read": _position(file, size)}


def _drawn(file: Any, name: str, size: int, page: int, span: dict[str, int], digest: str) -> Iterator[dict[str, Any]]:
    from ingest.formats.draw_pdf import draw_page  # seldom needed

    ingest.parse.refuse_large(name, size)
    picture = asdict(draw_page(file, page, Span(**span), digest))
    yield {"picture": picture | {"png": base64.b64encode(picture["png"]).decode()}, "read": size}


def _plain(message: str) -> str:
    """One line without control characters, which damaged files bring into messages."""
    return " ".join("".join(character if character.isprintable() else " " for character in message).split())


def _position(file: Any, size: int) -> int:
    """How many of the file's bytes were read so far."""
    return size if file.closed else int(file.tell())


def _limit() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    os.nice(5)


def _allow_cpu_time() -> None:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    spent = int(usage.ru_utime + usage.ru_stime)
    resource.setrlimit(resource.RLIMIT_CPU, (spent + _CPU_SECONDS, resource.RLIM_INFINITY))


def _refuse(event: str, arguments: tuple[Any, ...]) -> None:
    """An audit hook: parsers read what they were given and nothing else. It cannot be taken off again."""
    if event.startswith(_FORBIDDEN):
        raise PermissionError(f"a parser may not do {event}")
    if event == "open" and len(arguments) == 3 and isinstance(arguments[2], int):
        written = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
        if arguments[2] & written:
            raise PermissionError(f"a parser may not write {arguments[0]!r}")
    return


if __name__ == "__main__":
    main()
