"""ASGI middleware: routes that stay closed, requests from this machine's own page only, security headers."""

from __future__ import annotations

import re

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_CLOSED = re.compile(
    r"/(monitoring|manifest\.json|pwa_icon|login|logout|svelte)(/.*)?$|.*/openapi\.json$"
    r"|/gradio_api/(info|runs|run-history|deep_link|proxy=.*|vibe-.*|process_recording|profiling|mcp)(/.*)?$"
)
_HOSTS = frozenset({"127.0.0.1", "localhost"})
_HEADERS = {
    # Gradio's own page needs inline scripts and eval; nothing may come from, or be sent to, another origin.
    "Content-Security-Policy": (
        "default-src 'self'; img-src 'self' data: blob:; connect-src 'self'; "
        "script-src 'self' 'unsafe-inline' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; "
        "font-src 'self' data:; form-action 'self'; frame-ancestors 'none'; base-uri 'self'; object-src 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}


class Guard:
    """Wraps an ASGI application that is reached on the loopback interface."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, refuse or pass one request on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(_HEADERS)
            await send(message)

        headers = Headers(scope=scope)
        host, origin = headers.get("host", ""), headers.get("origin")
        if host.rsplit(":", 1)[0] not in _HOSTS or origin not in (None, f"{scope['scheme']}://{host}"):
            await PlainTextResponse("Forbidden", 403)(scope, receive, send_with_headers)
        elif _CLOSED.fullmatch(scope["path"]):
            await PlainTextResponse("Not Found", 404)(scope, receive, send_with_headers)
        else:
            await self._app(scope, receive, send_with_headers)
