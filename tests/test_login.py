"""Who may log in, for how long, and how often one may try."""

from __future__ import annotations

import json
import re
import shutil
import stat
import statistics
import time
from collections.abc import Iterator
from pathlib import Path
from threading import Thread

import pytest
from playwright.sync_api import Browser, expect

from rag.errors import SettingsError
from rag.page.login import COOKIE, MOST_WRONG, SESSION_SECONDS, WRONG_SECONDS, Attempts, Login
from rag.page.users import Users, add_user
from rag.settings import Settings
from tests.serving import Reply, Served, served

PASSWORD = "correct horse"


class Clock:
    """A clock that is set by hand."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture(scope="module")
def _two_users(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("users") / "users"
    add_user(path, "anna", PASSWORD)
    add_user(path, "ben", "another password")
    return path


@pytest.fixture
def users(tmp_path: Path, _two_users: Path) -> Path:
    """A file of two users."""
    return Path(shutil.copy(_two_users, tmp_path / "users"))


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def page(users: Path, clock: Clock) -> Iterator[Served]:
    with served(Settings(), login=Login(Users(users), clock=clock)) as running:
        yield running


def log_in(page: Served, name: str, password: str, **headers: str) -> Reply:
    given = {"Content-Type": "application/x-www-form-urlencoded"} | {k.replace("_", "-"): v for k, v in headers.items()}
    return page.send("POST", "/login", given, f"name={name}&password={password.replace(' ', '+')}".encode())


def begin(page: Served, name: str = "anna", password: str = PASSWORD) -> str:
    """Log in, and send the session's cookie from now on."""
    page.cookie = log_in(page, name, password).headers["set-cookie"].split(";")[0]
    return page.cookie


def test_a_users_file_holds_no_password_and_is_its_owners_alone(users: Path) -> None:
    lines = users.read_text().splitlines()
    assert [line.split(":")[0] for line in lines] == ["anna", "ben"]
    assert all(re.fullmatch(r"\w+:scrypt\$16384\$8\$5\$[\w+/=]+\$[\w+/=]{44}", line) for line in lines)
    assert PASSWORD not in users.read_text()
    assert stat.S_IMODE(users.stat().st_mode) == 0o600
    assert [path.name for path in users.parent.iterdir()] == ["users"]


def test_the_same_password_is_never_written_twice_alike(users: Path) -> None:
    before = users.read_text()
    add_user(users, "anna", PASSWORD)
    assert users.read_text() != before
    assert len(users.read_text().splitlines()) == 2
    assert Users(users).check("anna", PASSWORD)


@pytest.mark.parametrize("name", ["", "a b", "ä", "a:b", "a\nb", "a" * 65, "../a", "(program)"])
def test_a_name_that_cannot_be_one_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="cannot be a user's name"):
        add_user(tmp_path / "users", name, PASSWORD)


@pytest.mark.parametrize("password", ["", "seven c", "x" * 1025])
def test_a_password_that_cannot_be_one_is_refused_and_not_repeated(password: str, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=rf"has {len(password)} characters\. Choose one of 8 to 1,024") as refused:
        add_user(tmp_path / "users", "anna", password)
    assert not password or password not in str(refused.value)
    assert not (tmp_path / "users").exists()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "names no user"),
        ("anna\n", "line 1 is not NAME:scrypt"),
        ("anna:secret\n", "line 1 is not NAME:scrypt"),
        ("anna:scrypt$16384$8$5$AAAAAAAAAAAAAAAAAAAAAA==$short\n", "line 1 is not NAME:scrypt"),
        (f"anna:scrypt$524288$32$16${'A' * 22}==${'A' * 43}=\n", "line 1 is not NAME:scrypt"),
        (f"anna:scrypt$3$8$1${'A' * 22}==${'A' * 43}=\n", "line 1 is not NAME:scrypt"),
        (f"a b:scrypt$16384$8$5${'A' * 22}==${'A' * 43}=\n", "line 1 is not NAME:scrypt"),
        (f"a:scrypt$16384$8$5${'A' * 22}==${'A' * 43}=\n" * 2, "line 2 names 'a' twice"),
    ],
)
def test_a_users_file_that_is_none_is_refused_with_its_line(content: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "users"
    path.write_text(content)
    with pytest.raises(SettingsError, match=re.escape(str(path)) + ".*" + message):
        Users(path)


def test_a_users_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="absent cannot be read"):
        Users(tmp_path / "absent")
    with pytest.raises(SettingsError, match="cannot be written"):
        add_user(tmp_path / "no folder" / "users", "anna", PASSWORD)


def test_users_that_are_added_later_are_known_at_once_and_a_broken_file_locks_nobody_out(users: Path) -> None:
    known = Users(users)
    add_user(users, "carl", "yet another one")
    assert known.check("carl", "yet another one")
    users.write_text("nonsense\n")
    assert known.check("anna", PASSWORD)


def test_an_unknown_name_takes_as_long_as_a_wrong_password(users: Path) -> None:
    known = Users(users)

    def seconds(name: str) -> float:
        started = time.process_time()
        assert not known.check(name, "a wrong password")
        return time.process_time() - started

    times = {name: statistics.median(seconds(name) for _ in range(5)) for name in ("anna", "nobody")}
    assert 0.6 < times["nobody"] / times["anna"] < 1.7


def test_a_letter_written_in_two_ways_is_one_password(tmp_path: Path) -> None:
    add_user(tmp_path / "users", "anna", "caf\u00e9 au lait")
    assert Users(tmp_path / "users").check("anna", "cafe\u0301 au lait")


def test_who_is_not_logged_in_sees_the_form_alone(page: Served) -> None:
    led = page.send("GET", "/", {"Accept": "text/html,*/*"})
    assert (led.status, led.headers["location"]) == (303, "/login")
    form = page.send("GET", "/login")
    assert form.status == 200
    assert "<script" not in form.text
    assert not re.findall(r"(?:src|href|url)\W*[=(]", form.text)
    assert "prefers-color-scheme: dark" in form.text
    assert len(re.findall(r"--paper: #\w{6};", form.text)) == 2
    assert "default-src 'none'" in form.headers["content-security-policy"]
    assert form.headers["cache-control"] == "no-store"
    for path in ("/config", "/gradio_api/file=x", "/gradio_api/heartbeat/x", "/gradio_api/queue/data?session_hash=x"):
        assert page.send("GET", path).status == 401


def test_a_login_begins_a_session_whose_user_the_events_are_told(page: Served) -> None:
    answered = log_in(page, "anna", PASSWORD)
    assert (answered.status, answered.headers["location"]) == (303, "/")
    cookie = answered.headers["set-cookie"]
    assert cookie.startswith(f"{COOKIE}=")
    assert {"HttpOnly", "SameSite=strict", "Path=/", f"Max-Age={SESSION_SECONDS}"} <= set(cookie.split("; "))
    assert "Secure" not in cookie
    page.cookie = cookie.split(";")[0]
    assert page.send("GET", "/").status == 200
    assert page.send("GET", "/login").headers["location"] == "/"
    event = json.dumps({"data": ["hello"], "fn_index": 0, "session_hash": "x"}).encode()
    said = page.send("POST", "/gradio_api/run/predict", {"Content-Type": "application/json"}, event)
    assert json.loads(said.text)["data"] == ["hello from anna"]


def test_behind_https_the_cookie_is_for_https_alone(page: Served) -> None:
    assert "Secure" in log_in(page, "anna", PASSWORD, X_Forwarded_Proto="https").headers["set-cookie"]


@pytest.mark.parametrize(
    ("name", "password"),
    [("anna", "another password"), ("anna", ""), ("", ""), ("nobody", PASSWORD), ("ANNA", PASSWORD)],
)
def test_a_wrong_name_and_a_wrong_password_are_told_alike(page: Served, name: str, password: str) -> None:
    refused = log_in(page, name, password)
    assert refused.status == 401
    assert "This name and password do not belong together." in refused.text
    assert "set-cookie" not in refused.headers


@pytest.mark.parametrize("body", [b"", b"\xff\xfe", b"x" * 20_000, b"&".join([b"a=1"] * 50), b"{}"])
def test_a_form_that_is_none_is_a_wrong_login(page: Served, body: bytes) -> None:
    assert page.send("POST", "/login", {}, body).status == 401


def test_sessions_end_by_logging_out_by_time_and_with_a_new_password(page: Served, users: Path, clock: Clock) -> None:
    begin(page)
    left = page.send("POST", "/logout")
    assert (left.status, left.headers["location"]) == (303, "/login")
    assert "Max-Age=0" in left.headers["set-cookie"]
    assert page.send("GET", "/config").status == 401

    begin(page)
    clock.now += SESSION_SECONDS - 1
    assert page.send("GET", "/config").status == 200
    clock.now += 1
    assert page.send("GET", "/config").status == 401

    begin(page)
    add_user(users, "anna", "a new password")
    assert page.send("GET", "/config").status == 401
    begin(page, password="a new password")
    assert page.send("GET", "/config").status == 200


@pytest.mark.parametrize("cookie", ["", "x", '"', "a" * 5000, "../../x", "%00"])
def test_an_invented_session_is_none(page: Served, cookie: str) -> None:
    page.cookie = f"{COOKIE}={cookie}"
    assert page.send("GET", "/config").status == 401


@pytest.mark.parametrize("path", ["/login", "/logout"])
def test_no_other_page_may_log_anybody_in_or_out(page: Served, path: str) -> None:
    begin(page)
    assert page.send("POST", path, {"Origin": "https://evil.example"}, b"name=anna").status == 403
    assert page.send("GET", "/logout").status == 405
    assert page.send("GET", "/config").status == 200


def test_after_ten_wrong_logins_an_address_must_wait_even_with_the_right_password(page: Served, clock: Clock) -> None:
    for _ in range(MOST_WRONG - 1):
        assert log_in(page, "anna", "wrong").status == 401
    assert log_in(page, "anna", PASSWORD).status == 303
    assert log_in(page, "ben", "wrong").status == 401
    refused = log_in(page, "anna", PASSWORD)
    assert (refused.status, refused.headers["retry-after"]) == (429, "300")
    assert "Too many wrong logins. Wait five minutes, then try again." in refused.text
    assert log_in(page, "anna", PASSWORD, X_Forwarded_For="192.0.2.7").status == 303
    clock.now += WRONG_SECONDS
    assert log_in(page, "anna", PASSWORD).status == 303


def test_many_logins_at_once_are_counted_as_they_begin(page: Served) -> None:
    statuses: list[int] = []
    threads = [Thread(target=lambda: statuses.append(log_in(page, "anna", "wrong").status)) for _ in range(30)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(statuses) == [401] * MOST_WRONG + [429] * 20


def test_addresses_are_counted_by_who_can_have_many_of_them(clock: Clock) -> None:
    wrong = Attempts(clock)
    for number in range(MOST_WRONG):
        assert wrong.begin(f"2001:db8::{number}")
    assert not wrong.begin("2001:db8::ffff")
    assert wrong.begin("2001:db8:0:1::1")
    assert wrong.begin("::ffff:192.0.2.1")
    assert wrong.begin("::ffff:192.0.2.2")
    for number in range(MOST_WRONG):
        assert wrong.begin("192.0.2.1") is (number < MOST_WRONG - 1)
    assert wrong.begin("192.0.2.2")


def test_in_a_browser_the_form_opens_the_page_which_finds_all_it_needs(
    page: Served, browser: Browser, tmp_path: Path
) -> None:
    opened = browser.new_page(color_scheme="dark")
    refused: list[tuple[int, str]] = []
    errors: list[str] = []
    opened.on("response", lambda response: refused.extend([(response.status, response.url)] * (response.status >= 400)))
    opened.on("pageerror", lambda error: errors.append(str(error)))
    opened.goto(page.url)
    assert opened.url == f"{page.url}/login"
    assert opened.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(15, 18, 23)"
    opened.get_by_label("Name").fill("anna")
    opened.get_by_label("Password").fill("wrong")
    opened.keyboard.press("Enter")
    expect(opened.get_by_role("alert")).to_have_text("This name and password do not belong together.")
    assert {status for status, _ in refused} == {401}
    refused.clear()
    opened.get_by_label("Name").fill("anna")
    opened.get_by_label("Password").fill(PASSWORD)
    opened.get_by_role("button", name="Log in").click()
    said = opened.locator("textarea, input[type=text]").first
    said.fill("hello")
    said.press("Enter")
    expect(opened.locator("textarea, input[type=text]").nth(1)).to_have_value("hello from anna")
    (tmp_path / "a.txt").write_text("a file")
    opened.set_input_files("input[type=file]", tmp_path / "a.txt")
    expect(opened.locator("textarea, input[type=text]").nth(1)).to_have_value(re.compile(r"a\.txt"))
    assert refused == []
    assert errors == []
    opened.close()
