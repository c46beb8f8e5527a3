"""The chat in a real browser, and what its server must refuse."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest
from playwright.sync_api import Browser, Page, expect

from rag.assistant import Assistant
from rag.settings import Settings
from rag.store import Store
from tests.chat_process import Server, ask, opened, served, view
from tests.conftest import ROOT, SAMPLE

QUESTION = "How many missiles were eliminated under the INF Treaty?"
HOSTILE_ENVIRONMENT = {
    "GRADIO_SHARE": "true",
    "GRADIO_MCP_SERVER": "true",
    "GRADIO_VIBE_MODE": "true",
    "GRADIO_ALLOWED_PATHS": "/",
    "GRADIO_SERVER_NAME": "0.0.0.0",
    "GRADIO_SSR_MODE": "true",
    "GRADIO_ANALYTICS_ENABLED": "True",
}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, browser: Browser) -> Iterator[Server]:
    """`python app.py` on an empty store, with variables that would open it up.

    In the end it is stopped as services are, while a page is open.
    """
    with served(tmp_path_factory.mktemp("app"), environment=HOSTILE_ENVIRONMENT, stop=signal.SIGTERM) as running:
        yield running
        left_open = browser.new_page()
        left_open.goto(running.url)
        expect(left_open.locator("#question textarea")).to_be_visible()
    left_open.close()


@pytest.fixture
def page(server: Server, browser: Browser) -> Iterator[Page]:
    with opened(browser, server) as page:
        yield page


def test_a_footnote_opens_the_source_at_the_cited_words(page: Page) -> None:
    ask(page, QUESTION)
    expect(page.locator("#chat .bot").first).to_contain_text("2,692 missiles")
    page.click("#chat a[href='#cite-0-0']")
    expect(page.locator("#source header")).to_contain_text("arms-control-treaties.pdf")
    expect(page.locator("#source header")).to_contain_text("page 2")
    expect(page.locator("#source figure.page img")).to_be_visible()
    expect(page.locator("#cited")).to_be_in_viewport()
    assert page.locator("#source figure.page mark").count() == 2, "one for each line of the sentence"
    page.get_by_role("button", name="As text").click()
    mark = page.locator("#source .text mark")
    expect(mark).to_be_in_viewport()
    assert "a total of 2,692 missiles had been destroyed" in mark.inner_text()


def test_footnotes_work_with_the_keyboard_and_in_earlier_answers(page: Page) -> None:
    ask(page, QUESTION)
    ask(page, "When was the armistice in Korea signed?", turn=1)
    for turn, source in ((1, "korean-war-armistice.txt"), (0, "arms-control-treaties.pdf")):
        page.focus(f"#chat a[href='#cite-{turn}-0']")
        page.keyboard.press("Enter")
        expect(page.locator("#source header b")).to_have_text(source)
        expect(page.locator("#cited")).to_be_in_viewport()


# How many pixels of a table's cells lie beyond the right edge of their pane.
BEYOND = """pane => {
    const right = element => element.getBoundingClientRect().right;
    return Math.max(...[...pane.querySelectorAll(".passages td")].map(right)) - right(pane);
}"""


def test_the_passages_show_their_ranks_and_open_too(page: Page) -> None:
    ask(page, QUESTION)
    page.get_by_role("tab", name="Passages").click()
    rows = page.locator("#passages table.passages tbody tr")
    expect(rows).to_have_count(10)
    cells = rows.first.locator("td").all_inner_texts()
    assert cells[0] == "1"
    assert set(cells[2:6]) <= {str(rank) for rank in range(1, 101)} | {"–"}
    for width in (390, 1100, 1280):
        page.set_viewport_size({"width": width, "height": 800})
        assert page.locator("#passages").evaluate(BEYOND) <= 1, f"text is cut off in a window {width} pixels wide"
    rows.first.locator("a").click()
    expect(page.locator("#cited")).to_be_in_viewport()


def test_a_refusal_offers_the_closest_passages(page: Page) -> None:
    ask(page, "What is the population of Mongolia?")
    expect(page.locator("#chat .bot")).to_contain_text("The documents do not answer this.")
    page.locator("#chat a[href='#passage-0-0']").click()
    expect(page.locator("#cited")).to_be_in_viewport()


def test_an_example_asks_itself(page: Page) -> None:
    page.locator("#chat .example").first.click()
    expect(page.locator("#chat a[href='#cite-0-0']")).to_be_visible()


def test_a_question_is_shown_as_text(page: Page) -> None:
    ask(page, "<img src=x onerror=alert(1)> <b>Who</b> was [Mao](https://evil.example) www.evil.example?")
    assert page.locator("#chat .user img, #chat .user b, #chat .user a").count() == 0
    expect(page.locator("#chat .user").first).to_contain_text("[Mao](https://evil.example)")


def test_uploaded_documents_can_be_asked_about(page: Page, tmp_path: Path) -> None:
    view(page, "Documents")
    expect(page.locator("#documents tbody tr")).to_have_count(14)
    (tmp_path / "lighthouse.txt").write_text("The lighthouse keeper of Skerryvore was called Angus Dunmore.\n")
    (tmp_path / "broken.pdf").write_bytes(b"not a pdf")
    page.set_input_files("#upload input[type=file]", [tmp_path / "lighthouse.txt", tmp_path / "broken.pdf"])
    expect(page.locator("#documents-state")).to_contain_text("1 added, 1 failed")
    expect(page.locator("#documents-state .failed")).to_contain_text("broken.pdf Its content is not a PDF")
    expect(page.locator("#documents tbody tr")).to_have_count(15)
    page.reload()
    view(page, "Documents")
    expect(page.locator("#documents-state .failed")).to_contain_text("broken.pdf Its content is not a PDF")
    view(page, "Ask")
    ask(page, "Who was the lighthouse keeper of Skerryvore?")
    expect(page.locator("#chat .bot")).to_contain_text("Angus Dunmore")


def status(url: str, headers: dict[str, str] | None = None, data: bytes | None = None) -> int:
    try:
        with urlopen(Request(url, data, headers or {}), timeout=10) as response:
            return int(response.status)
    except HTTPError as error:
        with error:
            return error.code


CLOSED = (
    *("/gradio_api/info", "/openapi.json", "/gradio_api/openapi.json", "/docs", "/redoc", "/monitoring", "/login"),
    *("/gradio_api/runs", "/gradio_api/mcp", "/gradio_api/mcp/sse", "/gradio_api/vibe-edit", "/gradio_api/deep_link"),
    *("/gradio_api/proxy=http://127.0.0.1", "/gradio_api/component_server", "/gradio_api/call/v2/ask"),
)


def test_the_page_is_locked_down_whatever_the_environment_says(server: Server) -> None:
    with urlopen(server.url, timeout=10) as response:
        headers, body = response.headers, response.read().decode()
    with urlopen(f"{server.url}/config", timeout=10) as response:
        config = json.load(response)
    policy = dict(part.split(" ", 1) for part in headers["Content-Security-Policy"].split("; "))
    facts = {f"{path} is not there": status(server.url + path) == 404 for path in CLOSED} | {
        "scripts come from here": "http" not in policy["script-src"],
        "nothing else from elsewhere": policy["default-src"] == "'self'",
        "data goes nowhere else": policy["connect-src"] == "'self'",
        "forms go nowhere else": policy["form-action"] == "'self'",
        "nobody frames the page": policy["frame-ancestors"] == "'none'" and headers["X-Frame-Options"] == "DENY",
        "kinds of content are not guessed": headers["X-Content-Type-Options"] == "nosniff",
        "nothing is kept on the way": headers["Cache-Control"] == "no-store",
        "no other names are answered to": status(server.url, {"Host": "evil.example"}) == 403,
        "no other page may call": status(server.url, {"Origin": "https://evil.example"}) == 403,
        "no fonts from elsewhere": "fonts.googleapis.com" not in body and "fonts.gstatic.com" not in body,
        "no share link": not config.get("share_url") and "gradio.live" not in server.log,
        "no analytics": not config["analytics_enabled"],
        "errors are not shown as they are": not config["show_error"],
        "no events for programs": all(each["api_visibility"] == "private" for each in config["dependencies"]),
        "no vibe mode": not config.get("vibe_mode"),
        "no MCP": not config.get("mcp_server"),
        "this machine alone": f"Footnote is at {server.url}" in server.log,
        "no server name is told": "Server" not in headers,
    }
    assert len(facts) >= 25
    assert [fact for fact, holds in facts.items() if not holds] == []


def test_no_file_of_the_server_is_served(server: Server) -> None:
    canary = server.folder / "canary.txt"
    canary.write_text("CANARY-4417")
    for path in (canary, server.folder / "store" / "catalog.sqlite3", Path("/etc/passwd")):
        for prefix in ("/gradio_api/file=", "/file=", "/gradio_api/file=../../../../../.."):
            assert status(f"{server.url}{prefix}{path}") in (403, 404), path


def test_documents_of_the_sample_corpus_are_ingested_on_the_first_start(server: Server) -> None:
    assert "ingesting the sample corpus" in server.log
    assert (server.folder / "store" / "catalog.sqlite3").exists()
    assert len(list(SAMPLE.iterdir())) == 14


def test_collections_are_made_filled_asked_and_dropped_in_the_page(page: Page, tmp_path: Path) -> None:
    view(page, "Documents")
    page.fill("#new-collection :is(input, textarea)", "Lights")
    page.get_by_role("button", name="Create").click()
    expect(page.locator("#collection input")).to_have_value("Lights")
    expect(page.locator("#documents")).to_contain_text("No documents yet")
    (tmp_path / "lamp.txt").write_text("The lamp of the Bell Rock lighthouse burned 340 gallons of oil a year.\n")
    page.set_input_files("#upload input[type=file]", tmp_path / "lamp.txt")
    expect(page.locator("#documents tbody tr")).to_have_count(1)
    view(page, "Ask")
    ask(page, "How many gallons of oil did the lamp of the Bell Rock lighthouse burn a year?")
    expect(page.locator("#chat .bot")).to_contain_text("340")
    view(page, "Documents")
    drop = page.locator("#drop-collection")
    drop.click()
    expect(drop).to_contain_text("Really delete it")
    drop.click()
    expect(page.locator("#collection input")).to_have_value("default")
    expect(page.locator("#documents tbody tr").first).to_be_visible()


def test_one_browser_sees_nothing_of_anothers_conversations(server: Server, browser: Browser, page: Page) -> None:
    ask(page, QUESTION)
    expect(page.locator("#history .open")).to_have_count(1)
    with opened(browser, server) as other:
        expect(other.locator("#history .none")).to_be_visible()
        expect(other.locator("#chat .bot")).to_have_count(0)
    page.reload()
    page.locator("#history .open").click()
    expect(page.locator("#chat .bot")).to_contain_text("2,692 missiles")


def test_an_answer_is_copied_with_its_sources(page: Page) -> None:
    ask(page, QUESTION)
    page.get_by_role("link", name="Copy with sources").click()
    expect(page.get_by_role("link", name="Copied")).to_be_visible()
    copied = page.evaluate("navigator.clipboard.readText()")
    assert "[1] arms-control-treaties.pdf, page 2: “By the deadline of 1 June 1991" in copied


def test_the_quote_is_shown_over_a_footnote(page: Page) -> None:
    ask(page, QUESTION)
    page.hover("#chat a[href='#cite-0-0']")
    expect(page.locator("#quote")).to_contain_text("a total of 2,692 missiles had been destroyed")
    page.keyboard.press("Escape")
    expect(page.locator("#quote")).to_be_hidden()


def test_a_question_can_be_edited_and_asked_again(page: Page) -> None:
    ask(page, QUESTION)
    page.get_by_role("button", name="Edit").click()
    page.locator("#chat .user textarea").fill("When was the armistice in Korea signed?")
    page.get_by_role("button", name="Submit").click()
    expect(page.locator("#chat .bot")).to_contain_text("27 July")
    expect(page.locator("#chat .user")).to_have_count(1)


def test_the_page_and_python_find_the_same_passages(page: Page, server: Server) -> None:
    ask(page, QUESTION)
    shown = page.evaluate(
        "footnote.exchanges[0].answer.passages.map((one) => [one.chunk.source, one.chunk.span.start])"
    )
    with Store(Settings(store=server.folder / "store")) as store:
        found = [[one.chunk.source, one.chunk.span.start] for one in Assistant(store).ask(QUESTION).passages]
    assert shown == found


def test_another_machine_is_not_listened_to_without_a_login(tmp_path: Path) -> None:
    tried = [("--host", "0.0.0.0"), ("--host", "192.0.2.7"), ("--api",), ("--mcp",)]
    program = f"import app; print([app.run(lambda: app.main(['--store', 'store', *each])) for each in {tried}])"
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "TMPDIR": str(tmp_path)}
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.stdout == "[2, 2, 2, 2]\n", done.stderr
    first, second, *doors = done.stderr.splitlines()
    assert first.startswith("error: --host 0.0.0.0 can be reached from other machines")
    assert second.startswith("error: --host 192.0.2.7 can be reached from other machines")
    assert len(doors) == 2
    assert all("RAG_API_TOKEN has 0 characters" in door for door in doors)
    assert list(tmp_path.iterdir()) == []
