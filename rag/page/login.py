"""A login in front of the whole page: who is not logged in sees a form for name and password, and nothing else."""

from __future__ import annotations

import re
import secrets
from asyncio import to_thread
from collections.abc import Callable
from dataclasses import dataclass
from html import escape
from ipaddress import IPv6Address, ip_address
from pathlib import Path
from time import monotonic
from urllib.parse import parse_qs

from starlette.requests import ClientDisconnect, HTTPConnection, Request
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response
from starlette.types import Receive, Scope, Send

from rag.page.users import Users

PATHS = frozenset({"/login", "/logout"})
COOKIE = "footnote-session"
SESSION_SECONDS = 12 * 3600
MOST_WRONG = 10  # logins from one address
WRONG_SECONDS = 300  # within this time

_LARGEST_FORM = 16_384
_MOST_ADDRESSES = 10_000
_STYLE = (Path(__file__).parent / "style.css").read_text("utf-8")
_LIGHT, _DARK = (re.findall(rf"{name} \{{(.*?)\}}", _STYLE, re.DOTALL)[0] for name in (":root", r"\.dark"))
_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    ),
    "Cache-Control": "no-store",
}
_PAGE = f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Footnote: log in</title>
<meta name="viewport" content="width=device-width, initial-scale=1"><meta name="color-scheme" content="light dark">
<style>
:root {{{_LIGHT}}}
@media (prefers-color-scheme: dark) {{ :root {{{_DARK}}} }}
* {{ box-sizing: border-box; font: inherit; }}
body {{ margin: 0; min-height: 100dvh; display: grid; place-items: center; background: var(--desk); color: var(--ink);
  font: 16px/1.5 "IBM Plex Sans", "Segoe UI", "Helvetica Neue", sans-serif; }}
main {{ width: min(360px, calc(100% - 32px)); padding: 32px; border: 1px solid var(--rule); border-radius: 12px;
  background: var(--paper); }}
h1 {{ margin: 0; font-size: 22px; font-weight: 700; letter-spacing: -.01em; }}
p {{ margin: 4px 0 0; font-size: 14px; color: var(--quiet); }}
label {{ display: block; margin-top: 18px; font-size: 14px; font-weight: 700; }}
input {{ width: 100%; margin-top: 6px; padding: 9px 12px; border: 1px solid var(--rule); border-radius: 8px;
  background: var(--desk); color: var(--ink); font-weight: 400; }}
button {{ width: 100%; margin-top: 24px; padding: 10px; border: 0; border-radius: 8px; cursor: pointer;
  font-weight: 700; background: var(--link); color: var(--paper); }}
input:focus-visible, button:focus-visible {{ outline: 2px solid var(--link); outline-offset: 2px; }}
[role=alert] {{ margin-top: 18px; padding: 8px 12px; border-radius: 8px; background: var(--mark);
  color: var(--mark-ink); }}
</style></head><body><main><h1>Footnote</h1><p>Answers from your documents, each sentence checked.</p>
<!--said--><form method="post" action="/login">
<label>Name
<input name="name" autocomplete="username" autocapitalize="none" spellcheck="false" required autofocus></label>
<label>Password
<input name="password" type="password" autocomplete="current-password" required></label>
<button>Log in</button></form></main></body></html>
"""


@dataclass(frozen=True, slots=True)
class _Session:
    name: str
    record: str
    ends: float


class Login:
    """The pages /login and /logout, and the sessions they begin and end. Sessions end with the server, too.

    A session lasts 12 hours, or until its user's password changes or the user is removed.
    """

    def __init__(self, users: Users, *, clock: Callable[[], float] = monotonic) -> None:
        self._users = users
        self._clock = clock
        self._sessions: dict[str, _Session] = {}
        self._wrong = Attempts(clock)

    def user(self, connection: HTTPConnection) -> str | None:
        """The name of the user whose session a request belongs to; None if there is none."""
        session = self._sessions.get(connection.cookies.get(COOKIE, ""))
        if session and self._clock() < session.ends and self._users.record(session.name) == session.record:
            return session.name
        return None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request for one of PATHS."""
        request = Request(scope, receive)
        try:
            response = await self._answered(request)
        except ClientDisconnect:
            return
        await response(scope, receive, send)

    async def _answered(self, request: Request) -> Response:
        match request.scope["path"], request.method:
            case "/login", "GET" | "HEAD":
                return RedirectResponse("/", 303) if self.user(request) else _page("", 200)
            case "/login", "POST":
                return await self._logged_in(request)
            case "/logout", "POST":
                return self._logged_out(request)
        return PlainTextResponse("Method Not Allowed", 405)

    async def _logged_in(self, request: Request) -> Response:
        name, password = await _form(request)
        address = request.client.host if request.client else ""
        if not self._wrong.begin(address):
            return _page("Too many wrong logins. Wait five minutes, then try again.", 429)
        if not await to_thread(self._users.check, name, password):
            return _page("This name and password do not belong together.", 401)
        self._wrong.forgive(address)
        response = RedirectResponse("/", 303)
        response.set_cookie(
            COOKIE,
            self._begin(name),
            max_age=SESSION_SECONDS,
            httponly=True,
            samesite="strict",
            secure=request.url.scheme == "https",
        )
        return response

    def _begin(self, name: str) -> str:
        now = self._clock()
        self._sessions = {token: session for token, session in self._sessions.items() if now < session.ends}
        token = secrets.token_urlsafe(32)
        self._sessions[token] = _Session(name, self._users.record(name) or "", now + SESSION_SECONDS)
        return token

    def _logged_out(self, request: Request) -> Response:
        self._sessions.pop(request.cookies.get(COOKIE, ""), None)
        response = RedirectResponse("/login", 303)
        response.delete_cookie(COOKIE, httponly=True, samesite="strict", secure=request.url.scheme == "https")
        return response


class Attempts:
    """How many logins of an address went wrong of late. One counts from its begin on, so many at once are no way in."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._begun: dict[str, list[float]] = {}

    def begin(self, address: str) -> bool:
        """Count a login as wrong until it is forgiven; False if there were too many, and it must not be tried."""
        since = self._clock() - WRONG_SECONDS
        if len(self._begun) >= _MOST_ADDRESSES:
            self._begun = {one: times for one, times in self._begun.items() if times[-1] > since}
        times = [time for time in self._begun.pop(_network(address), []) if time > since]
        allowed = len(times) < MOST_WRONG
        self._begun[_network(address)] = [*times, self._clock()] if allowed else times
        return allowed

    def forgive(self, address: str) -> None:
        """Take the last login back: it was right."""
        if times := self._begun.get(_network(address)):
            times.pop()
        if not times:
            self._begun.pop(_network(address), None)


def _network(address: str) -> str:
    """What one household or machine has to itself: an IPv4 address, or the first half of an IPv6 one."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, IPv6Address):
        return str(parsed.ipv4_mapped or parsed.exploded[:19])
    return address


async def _form(request: Request) -> tuple[str, str]:
    """The name and password of a form; empty where it has none, or is larger than a form can be."""
    body = b""
    async for piece in request.stream():
        body += piece
        if len(body) > _LARGEST_FORM:
            return "", ""
    try:
        fields = parse_qs(body.decode("utf-8", "replace"), max_num_fields=10)
    except ValueError:
        return "", ""
    return fields.get("name", [""])[0].strip(), fields.get("password", [""])[0]


def _page(said: str, status: int) -> Response:
    alert = f"<p role='alert'>{escape(said)}</p>" if said else ""
    wait = {"Retry-After": str(WRONG_SECONDS)} if status == 429 else {}
    return HTMLResponse(_PAGE.replace("<!--said-->", alert), status, _HEADERS | wait)
