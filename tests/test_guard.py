"""Which requests reach the page at all, and what every answer carries."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from fastapi.routing import APIRoute
from gradio.routes import App
from starlette.requests import HTTPConnection
from starlette.routing import Mount
from starlette.types import Message, Receive, Scope, Send

from rag.errors import SettingsError
from rag.page.guard import PROGRAM, Guard, checked_token, user_of
from rag.page.login import Login
from rag.page.users import Users, add_user
from rag.settings import Settings
from tests.payloads import FILE_REQUESTS, FileRequest
from tests.serving import CANARY, TOKEN, Served, completed, served

PASSWORD = "correct horse"
OPEN = {
    *("/", "/assets/x", "/config", "/config/", "/favicon.ico", "/robots.txt", "/static/x", "/theme.css"),
    *(
        f"/gradio_api/{name}"
        for name in (
            *("app_id", "app_id/", "cancel", "file=x", "heartbeat/x", "login_check", "login_check/", "queue/data"),
            *("queue/join", "reset", "reset/", "startup-events", "theme.css", "upload", "upload_progress"),
        )
    ),
}
CALLS = {f"/gradio_api/call/v2/{name}" for name in ("search", "ask", "get_document")}


@dataclass
class Application:
    """What stands behind the guard: it reads the whole request and notes who was let in."""

    reached: list[str] = field(default_factory=list)
    users: list[str | None] = field(default_factory=list)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        while (message := await receive()).get("more_body"):
            pass
        if message["type"] == "http.disconnect":
            raise ConnectionError("the rest of the request never came")
        self.reached.append(scope["path"])
        self.users.append(user_of(HTTPConnection(scope)))
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"reached"})


@dataclass(frozen=True)
class Answered:
    status: int
    headers: dict[str, str]
    text: str


def request(
    guard: Guard, path: str, body: Sequence[bytes] = (b"",), *, method: str = "GET", scheme: str = "http", **given: str
) -> Answered:
    """One request through the guard; `given` are its headers."""
    headers = {"host": "127.0.0.1:7860"} | {name.replace("_", "-"): value for name, value in given.items()}
    scope: Scope = {
        "type": "http",
        "method": method,
        "path": path,
        "query_string": b"",
        "scheme": scheme,
        "client": ("127.0.0.1", 1),
        "headers": [(name.encode(), value.encode("latin-1")) for name, value in headers.items()],
    }
    messages = [{"type": "http.request", "body": piece, "more_body": True} for piece in body]
    messages[-1]["more_body"] = False
    sent: list[Message] = []

    async def receive() -> Message:
        return messages.pop(0)

    async def send(message: Message) -> None:
        sent.append(message)

    completed(guard(scope, receive, send))
    assert [message["type"] for message in sent].count("http.response.start") == 1
    text = b"".join(message.get("body", b"") for message in sent[1:])
    return Answered(sent[0]["status"], {k.decode(): v.decode() for k, v in sent[0]["headers"]}, text.decode())


@pytest.fixture
def login(tmp_path: Path) -> Login:
    add_user(tmp_path / "users", "anna", PASSWORD)
    return Login(Users(tmp_path / "users"))


@pytest.fixture(scope="module")
def page() -> Iterator[Served]:
    with served(Settings()) as running:
        yield running


def gradio_routes(page: Served) -> set[str]:
    """Every path of Gradio's own routes, with x for what varies."""
    (mounted,) = [route for route in page.app.routes if isinstance(route, Mount) and isinstance(route.app, App)]
    assert isinstance(mounted.app, App)
    pending, paths = list(mounted.app.routes), set[str]()
    while pending:
        route = pending.pop()
        if isinstance(route, APIRoute):
            paths.add(re.sub(r"\{\w+(?::\w+)?\}", "x", route.path))
        pending += getattr(getattr(route, "original_router", None), "routes", [])
    return paths


def test_of_gradios_routes_only_those_that_the_page_needs_are_open(page: Served) -> None:
    routes = gradio_routes(page)
    assert len(routes) > 70
    application = Application()
    guard = Guard(application)
    statuses = {path: request(guard, path).status for path in routes}
    assert set(application.reached) == OPEN
    assert {status for path, status in statuses.items() if path not in OPEN} == {404}
    assert request(guard, "/gradio_api/run/predict").status == 200
    assert request(guard, "/gradio_api/run/search").status == 404


def test_without_a_session_every_route_is_closed_and_the_page_leads_to_the_login(page: Served, login: Login) -> None:
    application = Application()
    guard = Guard(application, login=login)
    statuses = {path: request(guard, path).status for path in gradio_routes(page) | CALLS | {"/anything", "//login"}}
    assert statuses.pop("/login") == 200
    assert statuses.pop("/logout") == 405
    statuses = {path: status for path, status in statuses.items() if path not in {"/login/"}}
    assert set(statuses.values()) == {401}
    led = request(guard, "/", accept="text/html")
    assert (led.status, led.headers["location"]) == (303, "/login")
    assert application.reached == []


def test_users_in_the_settings_are_enough_to_close_it(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="cannot be read"):
        Guard(Application(), Settings(users=tmp_path / "users"))
    add_user(tmp_path / "users", "anna", PASSWORD)
    assert request(Guard(Application(), Settings(users=tmp_path / "users")), "/config").status == 401


@pytest.mark.parametrize("path", ["/gradio_api/info", "/gradio_api/mcp", *sorted(CALLS)])
def test_programs_are_let_in_by_the_whole_token_alone(path: str) -> None:
    application = Application()
    settings = Settings(api_token=TOKEN)
    assert request(Guard(application, settings), path, authorization=f"Bearer {TOKEN}").status == 404
    guard = Guard(application, settings, api=True, mcp=True)
    for wrong in ("", "Bearer", "Bearer ", f"Basic {TOKEN}", f"Bearer {TOKEN[:-1]}", f"Bearer {TOKEN}x", TOKEN):
        assert request(guard, path, authorization=wrong).status == 401, wrong
    assert request(guard, path, authorization="Bearer \xff").status == 401
    assert application.reached == []
    assert request(guard, path, authorization=f"Bearer {TOKEN}").text == "reached"
    assert application.users == [PROGRAM]


def test_the_token_opens_the_calls_alone_and_only_those_that_were_asked_for(login: Login) -> None:
    application = Application()
    settings = Settings(api_token=TOKEN)
    guard = Guard(application, settings, login=login, api=True)
    for path in OPEN | {"/gradio_api/mcp", "/gradio_api/run/predict"}:
        assert request(guard, path, authorization=f"Bearer {TOKEN}").status == 401, path
    tools = Guard(application, settings, mcp=True)
    assert request(tools, "/gradio_api/call/v2/search", authorization=f"Bearer {TOKEN}").status == 404
    for path in ("sse", "schema", "messages/", "http", "../mcp"):
        assert request(tools, f"/gradio_api/mcp/{path}", authorization=f"Bearer {TOKEN}").status == 404
    assert application.reached == []


@pytest.mark.parametrize("token", ["", "short", "x" * 19, "twenty characters but spaces", "ä" * 20])
def test_a_token_that_is_none_is_refused_before_anything_is_served(token: str) -> None:
    settings = Settings(api_token=token)
    with pytest.raises(SettingsError, match=rf"RAG_API_TOKEN has {len(token)} characters.*at least 20"):
        checked_token(settings)
    with pytest.raises(SettingsError):
        Guard(Application(), settings, mcp=True)
    Guard(Application(), settings)


@pytest.mark.parametrize(
    ("host", "allowed"),
    [
        *(
            (name, True)
            for name in ("localhost", "localhost:7860", "127.0.0.1:1", "[::1]", "[::1]:7860", "LOCALHOST:1")
        ),
        *((name, True) for name in ("notes.example", "notes.example:443")),
        *((name, False) for name in ("", "evil.example", "localhost.evil.example", "evil.example:localhost")),
        *(
            (name, False)
            for name in ("localhost:7860:1", "127.0.0.1.nip.io", "notes.example.", "0.0.0.0", "user@localhost")
        ),
    ],
)
def test_only_this_machines_and_the_configured_names_are_answered_to(host: str, allowed: bool) -> None:
    guard = Guard(Application(), Settings(host_names=("notes.example",)))
    assert request(guard, "/config", host=host).status == (200 if allowed else 403)


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"origin": "http://127.0.0.1:7860"}, 200),
        ({"origin": "http://127.0.0.1:7861"}, 403),
        ({"origin": "https://127.0.0.1:7860"}, 403),
        ({"origin": "http://localhost:7860"}, 403),
        ({"origin": "https://evil.example"}, 403),
        ({"origin": "null"}, 403),
        ({"sec-fetch-site": "same-origin"}, 200),
        ({"sec-fetch-site": "none", "sec-fetch-mode": "navigate"}, 200),
        ({"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate"}, 200),
        ({"sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors"}, 403),
        ({"sec-fetch-site": "same-site", "sec-fetch-mode": "cors"}, 403),
    ],
)
def test_no_other_origin_may_call(headers: dict[str, str], status: int) -> None:
    assert request(Guard(Application()), "/config", [b""], **headers).status == status


def test_nothing_is_upgraded_to_a_websocket() -> None:
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    async def receive() -> Message:
        return {"type": "websocket.connect"}

    application = Application()
    completed(Guard(application)({"type": "websocket", "path": "/", "headers": []}, receive, send))
    assert sent == [{"type": "websocket.close"}]
    assert application.reached == []


@pytest.mark.parametrize("path", ["/", "/config", "/assets/a.js", "/docs", "/gradio_api/file=a"])
def test_every_answer_carries_the_headers(path: str) -> None:
    headers = request(Guard(Application()), path).headers
    for wanted in ("default-src 'self'", "frame-ancestors 'none'", "object-src 'none'", "form-action 'self'"):
        assert wanted in headers["content-security-policy"]
    assert headers["x-frame-options"] == "DENY"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cross-origin-opener-policy"] == headers["cross-origin-resource-policy"] == "same-origin"
    assert "camera=()" in headers["permissions-policy"]
    assert headers.get("cache-control") == (None if path.startswith("/assets/") else "no-store")


MEGABYTE = b"x" * 1_000_000


@pytest.mark.parametrize(
    ("path", "body", "headers", "status"),
    [
        ("/gradio_api/queue/join", [MEGABYTE] * 10, {}, 200),
        ("/gradio_api/queue/join", [MEGABYTE] * 11, {}, 413),
        ("/gradio_api/queue/join", [b""], {"content-length": "10000001"}, 413),
        ("/gradio_api/queue/join", [b""], {"content-length": "9" * 5000}, 413),
        ("/gradio_api/upload", [MEGABYTE] * 20, {}, 200),
        ("/gradio_api/upload", [MEGABYTE] * 21, {}, 413),
        ("/gradio_api/upload", [b""], {"content-length": "20100001"}, 413),
    ],
)
def test_too_large_a_request_is_refused_in_one_sentence(
    path: str, body: list[bytes], headers: dict[str, str], status: int
) -> None:
    application = Application()
    answered = request(Guard(application, Settings(upload_megabytes=20)), path, body, method="POST", **headers)
    assert answered.status == status
    if status == 413:
        assert re.fullmatch(r"This is more than the [12]0 MB that can be sent at once\.", answered.text)
        assert application.reached == []


@pytest.mark.parametrize("size", [1, 7, 64, 100_000])
@pytest.mark.parametrize(("files", "status"), [(3, 200), (4, 413)])
def test_too_many_files_are_refused_however_the_pieces_fall(files: int, status: int, size: int) -> None:
    part = b'--Line\r\nContent-Disposition: form-data; name="files"; filename="a"\r\n\r\n--Lin -Line\r\n'
    whole = part * files + b"--Line--\r\n"
    pieces = [whole[at : at + size] for at in range(0, len(whole), size)]
    guard = Guard(Application(), Settings(upload_files=3))
    answered = request(
        guard, "/gradio_api/upload", pieces, method="POST", content_type='multipart/form-data; boundary="Line"'
    )
    assert answered.status == status
    assert status == 200 or answered.text == "These are more than the 3 files that can be sent at once."


def test_a_large_upload_is_refused_over_the_network_too() -> None:
    with served(Settings(upload_megabytes=1)) as page:
        refused = page.send("POST", "/gradio_api/upload", {"Content-Length": "5000000"}, b"")
        assert (refused.status, refused.text) == (413, "This is more than the 1 MB that can be sent at once.")
        parts = b'--L\r\nContent-Disposition: form-data; name="files"; filename="a.txt"\r\n\r\nhello\r\n--L--\r\n'
        kept = page.send("POST", "/gradio_api/upload", {"Content-Type": "multipart/form-data; boundary=L"}, parts)
        assert kept.status == 200


@pytest.mark.parametrize("sent", FILE_REQUESTS, ids=lambda sent: sent.name)
def test_no_request_brings_a_file_of_the_server_out(sent: FileRequest, page: Served, tmp_path: Path) -> None:
    planted = tmp_path / "canary.txt"
    planted.write_text(CANARY)
    reply = page.send(sent.method, sent.target(planted), dict(sent.headers), sent.sent(planted))
    assert CANARY not in reply.text
    assert "root:x:0" not in reply.text
    # Gradio answers an event that it refuses by 500 and no words.
    assert reply.status < 500 or reply.text == '{"error":null}'
