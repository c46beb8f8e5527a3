"""ASGI middleware: who may send what to which routes, and the headers that every response carries.

In order: only this server's own page, called by a name it has; programs, where they are let in at all, by their token;
users by their session, where there are users; then only the routes that the page needs, and only so much at once.
"""

from __future__ import annotations

import hmac
import re

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import HTTPConnection
from starlette.responses import PlainTextResponse, RedirectResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from rag.errors import SettingsError
from rag.page.body import Body
from rag.page.login import PATHS, Login
from rag.page.users import Users
from rag.settings import Settings

PROGRAM = "(program)"  # stands where a user's name does; no user can have it
SHORTEST_TOKEN = 20

_OPEN = re.compile(
    r"/|/config/?|/favicon\.ico|/robots\.txt|/theme\.css|/(assets|static)/.+"
    r"|/gradio_api/(theme\.css|app_id/?|login_check/?|startup-events|run/predict/?|queue/(join|data)|cancel|reset/?"
    r"|heartbeat/[\w-]{1,64}|upload|upload_progress|file=.+)"
)
_API = re.compile(
    r"/gradio_api/(info/?|call/v2/(search|ask|get_document)(/?|/[\w-]{1,64}))"  # what `add_api` registers
)
_MCP = re.compile(r"/gradio_api/mcp/?")
_UPLOAD = "/gradio_api/upload"
_KEPT = re.compile(r"/(assets|static)/.+|/favicon\.ico|(/gradio_api)?/theme\.css")  # the same for everybody
_LARGEST = 10_000_000  # bytes of a request that uploads nothing
_FORM = 100_000  # bytes that an upload takes besides its files
_LOOPBACK = frozenset({"127.0.0.1", "localhost", "[::1]"})
_HEADERS = {
    # Gradio's own page needs inline scripts and eval; nothing may come from, or be sent to, another origin.
    "Content-Security-Policy": (
        "default-src 'self'; img-src 'self' data: blob:; connect-src 'self'; "
        "script-src 'self' 'unsafe-inline' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; "
        "font-src 'self' data:; form-action 'self'; frame-ancestors 'none'; base-uri 'self'; object-src 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    # Not "no-referrer": browsers would then send "Origin: null" with the login's own form.
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}


def user_of(connection: HTTPConnection) -> str | None:
    """The user whom Guard let in; PROGRAM for a program with the token; None where nobody needs to log in."""
    name: str | None = getattr(connection.state, "user", None)
    return name


def checked_token(settings: Settings) -> str:
    """The programs' token. Raises SettingsError if it is too short to be one, or cannot stand in a header."""
    token = settings.api_token.get_secret_value()
    if len(token) < SHORTEST_TOKEN or not re.fullmatch(r"[!-~]+", token):
        raise SettingsError(
            f"RAG_API_TOKEN has {len(token)} characters; --api and --mcp need at least {SHORTEST_TOKEN}, none of them "
            "a space. Make one: python -c 'import secrets; print(secrets.token_urlsafe(32))'"
        )
    return token


class Guard:
    """Wraps the whole application. `api` and `mcp` let programs in that show the settings' token.

    `login` is one over the settings' users, unless another is given. Raises SettingsError as Users does, and as
    `checked_token` does if programs are to be let in.
    """

    def __init__(
        self,
        app: ASGIApp,
        settings: Settings | None = None,
        *,
        login: Login | None = None,
        api: bool = False,
        mcp: bool = False,
    ) -> None:
        self._app = app
        self._settings = settings or Settings()
        users = self._settings.users
        self._login = login or (Login(Users(users)) if users else None)
        self._doors = [door for door, wanted in ((_API, api), (_MCP, mcp)) if wanted]
        self._token = checked_token(self._settings).encode() if self._doors else b""
        self._hosts = _LOOPBACK | set(self._settings.host_names)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, refuse or pass one request on."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
        elif scope["type"] == "http":
            await self._guarded(scope, receive, _with_headers(scope["path"], send))
        else:
            await send({"type": "websocket.close"})  # the page has none

    async def _guarded(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope.setdefault("state", {})["user"] = None
        if refusal := self._refusal(scope):
            await refusal(scope, receive, send)
        else:
            await self._limited(scope, receive, send)

    def _refusal(self, scope: Scope) -> ASGIApp | None:
        """What answers a request instead of the page; None, with the user noted, if it may go on."""
        path, headers = scope["path"], Headers(scope=scope)
        if not self._is_own(scope, headers):
            return PlainTextResponse("Forbidden", 403)
        if any(door.fullmatch(path) for door in self._doors):
            if not self._shows_token(headers):
                return PlainTextResponse("Send the header Authorization: Bearer TOKEN.", 401)
            scope["state"]["user"] = PROGRAM
            return None
        if self._login:
            if path in PATHS:
                return self._login
            user = self._login.user(HTTPConnection(scope))
            if user is None:
                asks_for_page = path == "/" and "text/html" in headers.get("accept", "")
                return RedirectResponse("/login", 303) if asks_for_page else PlainTextResponse("Log in first.", 401)
            scope["state"]["user"] = user
        return None if _OPEN.fullmatch(path) else PlainTextResponse("Not Found", 404)

    def _is_own(self, scope: Scope, headers: Headers) -> bool:
        """Whether the page itself, or something that is no browser, calls this server by one of its names."""
        host, origin = headers.get("host", ""), headers.get("origin")
        foreign = headers.get("sec-fetch-site") in {"cross-site", "same-site"}
        return (
            re.sub(r":\d{1,5}$", "", host).lower() in self._hosts
            and origin in (None, f"{scope['scheme']}://{host}")
            and (not foreign or headers.get("sec-fetch-mode") == "navigate")
        )

    def _shows_token(self, headers: Headers) -> bool:
        scheme, _, token = headers.get("authorization", "").partition(" ")
        return hmac.compare_digest(token.strip().encode("latin-1"), self._token) and scheme.lower() == "bearer"

    async def _limited(self, scope: Scope, receive: Receive, send: Send) -> None:
        most: dict[str, int] = {"bytes": _LARGEST}
        if scope["path"] == _UPLOAD:
            most = {"bytes": self._settings.upload_megabytes * 1_000_000 + _FORM, "files": self._settings.upload_files}
        body = Body(Headers(scope=scope), receive, **most)
        started = False

        async def send_unless_refused(message: Message) -> None:
            nonlocal started
            if started or not body.refusal:
                started = True
                await send(message)

        if not body.refusal:
            try:
                await self._app(scope, body.receive, send_unless_refused)
            except Exception:
                if not body.refusal:
                    raise
        if body.refusal and not started:
            await PlainTextResponse(body.refusal, 413, {"Connection": "close"})(scope, receive, send)


def _with_headers(path: str, send: Send) -> Send:
    async def send_with_headers(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in _HEADERS.items():
                headers.setdefault(name, value)
            if not _KEPT.fullmatch(path):
                headers["Cache-Control"] = "no-store"
        await send(message)

    return send_with_headers
