"""A small page behind the real Guard, login and endpoints, on a real server: what stands before any page of ours."""

from __future__ import annotations

import asyncio
import http.client
import os
import socket
import threading
import time
from collections.abc import Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

os.environ |= {"GRADIO_ANALYTICS_ENABLED": "False", "GRADIO_ANALYTICS_CACHE_FREQUENCY": "1000000000"}

import gradio as gr
import uvicorn
from fastapi import FastAPI

from rag.assistant import Assistant
from rag.page.endpoints import add_api, explain_wrong_arguments, require_mcp, serve_json
from rag.page.guard import Guard, user_of
from rag.page.login import Login
from rag.programs import Programs
from rag.settings import Settings
from rag.store import Store

CANARY = "CANARY-4417"  # no request may ever bring it out of a file
TOKEN = "a-token-of-thirty-two-characters"


class OneCollection:
    """A library of a single store."""

    def __init__(self, assistant: Assistant) -> None:
        self._assistant = assistant

    def names(self) -> tuple[str, ...]:
        return (self._assistant.store.collection,)

    def assistant(self, name: str) -> Assistant:
        assert name == self._assistant.store.collection
        return self._assistant

    def store(self, name: str) -> Store:
        return self.assistant(name).store


@dataclass(frozen=True)
class Reply:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode("utf-8", "replace")


@dataclass
class Served:
    """A running server, and the requests that are sent to it as they are written."""

    port: int
    app: FastAPI = field(default_factory=FastAPI)
    server: uvicorn.Server | None = None
    cookie: str = ""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def send(self, method: str, target: str, headers: dict[str, str] | None = None, body: bytes | None = None) -> Reply:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            given = {"Cookie": self.cookie} if self.cookie else {}
            connection.request(method, target, body, given | (headers or {}))
            with connection.getresponse() as response:
                return Reply(response.status, {k.lower(): v for k, v in response.getheaders()}, response.read())
        finally:
            connection.close()


def completed(coroutine: Coroutine[Any, Any, Any]) -> Any:
    """What a coroutine gives, in a thread of its own: in tests with a browser, this one has a running event loop."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, coroutine).result()


@contextmanager
def served(
    settings: Settings,
    *,
    login: Login | None = None,
    programs: Programs | None = None,
    api: bool = False,
    mcp: bool = False,
) -> Iterator[Served]:
    """The page, served until the block ends."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    running = Served(port)

    async def serve() -> None:
        # Built inside the running event loop: built outside it, Gradio leaves event loops open.
        running.app = _application(settings, login, programs, api, mcp)
        config = uvicorn.Config(running.app, port=port, log_level="error", timeout_graceful_shutdown=1)
        running.server = uvicorn.Server(config)
        await running.server.serve()

    thread = threading.Thread(target=lambda: asyncio.run(serve()), daemon=True)
    thread.start()
    while running.server is None or not running.server.started:
        assert thread.is_alive(), "the server did not start"
        time.sleep(0.02)
    yield running
    running.server.should_exit = True
    thread.join(30)


def _application(settings: Settings, login: Login | None, programs: Programs | None, api: bool, mcp: bool) -> FastAPI:
    with gr.Blocks(title="Small", analytics_enabled=False) as demo:
        said, shown, file = gr.Textbox(), gr.Textbox(), gr.File()
        said.submit(_whoami, said, shown, api_visibility="private", queue=False)
        file.upload(str, file, shown, api_visibility="private")
        if programs:
            add_api(programs, hide_paths=True)
    demo.queue(max_size=32, default_concurrency_limit=2, api_open=False)
    demo.has_launched = True
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    app.add_middleware(Guard, settings=settings, login=login, api=api, mcp=mcp)
    if mcp:
        require_mcp()
    gr.mount_gradio_app(
        app,
        demo,
        path="/",
        auth_dependency=user_of if login else None,
        footer_links=[],
        max_file_size="50mb",
        allowed_paths=[],
        show_error=False,
        run_history=False,
        enable_monitoring=False,
        mcp_server=mcp,
        ssr_mode=False,
        pwa=False,
    )
    if api:
        explain_wrong_arguments(app)
    if mcp:
        serve_json(demo)
    return app


def _whoami(said: str, request: gr.Request) -> str:
    return f"{said} from {request.username}"
