"""A language model that says what a test tells it to, behind a real HTTP server that speaks three protocols."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

Reply = Callable[[BaseHTTPRequestHandler], None]


@dataclass
class ScriptedModel:
    """What the server does with each request in turn, the last thing for all that follow; and what it was asked."""

    replies: list[Reply]
    requests: list[dict[str, Any]] = field(default_factory=list)
    url: str = ""

    def next(self) -> Reply:
        return self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]

    @property
    def last_prompt(self) -> str:
        """The text of the last request's messages, the system prompt included."""
        asked = self.requests[-1]
        return "\n".join([str(asked.get("system", "")), *(str(each["content"]) for each in asked["messages"])])


@contextmanager
def serving(*replies: Reply) -> Iterator[ScriptedModel]:
    model = ScriptedModel(list(replies))

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            model.requests.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            model.next()(self)

        def log_message(self, format: str, *arguments: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    model.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield model
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def saying(text: str, finish: str = "stop") -> Reply:
    """Stream a text word by word as an OpenAI-compatible server does, with its token counts."""

    def reply(handler: BaseHTTPRequestHandler) -> None:
        _start(handler, "text/event-stream")
        for piece in _pieces(text):
            _event(handler, _chunk({"delta": {"role": "assistant", "content": piece}, "finish_reason": None}))
        _event(handler, _chunk({"delta": {}, "finish_reason": finish}))
        _event(handler, _chunk(None) | {"usage": {"prompt_tokens": 70, "completion_tokens": 7, "total_tokens": 77}})
        handler.wfile.write(b"data: [DONE]\n\n")

    return reply


def saying_as_ollama(text: str) -> Reply:
    def reply(handler: BaseHTTPRequestHandler) -> None:
        _start(handler, "application/x-ndjson")
        for piece in _pieces(text):
            _line(handler, {"model": "m", "message": {"role": "assistant", "content": piece}, "done": False})
        ended = {"done": True, "done_reason": "stop", "prompt_eval_count": 70, "eval_count": 7}
        _line(handler, {"model": "m", "message": {"role": "assistant", "content": ""}} | ended)

    return reply


def saying_as_anthropic(text: str) -> Reply:
    def reply(handler: BaseHTTPRequestHandler) -> None:
        _start(handler, "text/event-stream")
        message: dict[str, Any] = {
            "id": "m",
            "type": "message",
            "role": "assistant",
            "model": "m",
            "content": [],
            "stop_reason": None,
        }
        message |= {"stop_sequence": None, "usage": {"input_tokens": 70, "output_tokens": 1}}
        _named(handler, "message_start", {"message": message})
        _named(handler, "content_block_start", {"index": 0, "content_block": {"type": "text", "text": ""}})
        for piece in _pieces(text):
            _named(handler, "content_block_delta", {"index": 0, "delta": {"type": "text_delta", "text": piece}})
        _named(handler, "content_block_stop", {"index": 0})
        ended = {"delta": {"stop_reason": "end_turn", "stop_sequence": None}, "usage": {"output_tokens": 7}}
        _named(handler, "message_delta", ended)
        _named(handler, "message_stop", {})

    return reply


def failing(status: int, message: str = "no") -> Reply:
    def reply(handler: BaseHTTPRequestHandler) -> None:
        body = json.dumps({"error": {"message": message, "type": "error"}}).encode()
        handler.send_response(status)
        handler.send_header("Content-Type", "application/json")
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    return reply


def sending(body: bytes, content_type: str) -> Reply:
    """A body that is no answer, with status 200."""

    def reply(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Type", content_type)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    return reply


def dropping(text: str) -> Reply:
    """Say a text, promise more, and close the connection."""

    def reply(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Type", "text/event-stream")
        handler.send_header("Content-Length", "1000000")
        handler.end_headers()
        for piece in _pieces(text):
            _event(handler, _chunk({"delta": {"content": piece}, "finish_reason": None}))
        handler.wfile.flush()
        handler.connection.close()

    return reply


def ending_early(text: str) -> Reply:
    """Say a text and end the stream in good order, but without saying why."""

    def reply(handler: BaseHTTPRequestHandler) -> None:
        _start(handler, "text/event-stream")
        for piece in _pieces(text):
            _event(handler, _chunk({"delta": {"content": piece}, "finish_reason": None}))

    return reply


def silent(seconds: float) -> Reply:
    """Send nothing for so long."""

    def reply(handler: BaseHTTPRequestHandler) -> None:
        _start(handler, "text/event-stream")
        handler.wfile.flush()
        time.sleep(seconds)

    return reply


def dripping(pieces: int, pause: float) -> Reply:
    """Say a word again and again, never pausing long, and never ending."""

    def reply(handler: BaseHTTPRequestHandler) -> None:
        _start(handler, "text/event-stream")
        try:
            for _ in range(pieces):
                _event(handler, _chunk({"delta": {"content": "well "}, "finish_reason": None}))
                time.sleep(pause)
        except OSError:
            pass

    return reply


def _start(handler: BaseHTTPRequestHandler, content_type: str) -> None:
    handler.send_response(200)
    handler.send_header("Content-Type", content_type)
    handler.send_header("Connection", "close")
    handler.end_headers()


def _pieces(text: str) -> list[str]:
    return [word + " " for word in text.split(" ")]


def _chunk(choice: dict[str, Any] | None) -> dict[str, Any]:
    choices = [] if choice is None else [{"index": 0} | choice]
    return {"id": "c", "object": "chat.completion.chunk", "created": 0, "model": "m", "choices": choices}


def _event(handler: BaseHTTPRequestHandler, data: dict[str, Any]) -> None:
    handler.wfile.write(f"data: {json.dumps(data)}\n\n".encode())


def _named(handler: BaseHTTPRequestHandler, name: str, data: dict[str, Any]) -> None:
    handler.wfile.write(f"event: {name}\ndata: {json.dumps({'type': name} | data)}\n\n".encode())


def _line(handler: BaseHTTPRequestHandler, data: dict[str, Any]) -> None:
    handler.wfile.write(json.dumps(data).encode() + b"\n")
