"""Where people log in: each has collections of their own, and nobody sees anything of anybody else's."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from rag.page.users import add_user
from tests.chat_process import Server, ask, served, view
from tests.page_events import PATIENCE, PageEvents

ANNA, BEN = ("anna", "correct horse"), ("ben", "another password")
SECRET = "The lamp of the Fairweather lighthouse burned 4417 gallons of oil from Nantucket a year."
FILE = "fairweather-log.txt"
QUESTION = "How many gallons of oil did the lamp of the Fairweather lighthouse burn a year?"

# What may be tried in place of "@anna" by who is not Anna.
NAMES: list[Any] = [
    *("@anna", "@anna/", "@anna/papers", " @anna", "@anna ", "@ANNA", "@ann\u0430", "@anna\x00", "anna", "%40anna"),
    *("@ben/../@anna", "default/../@anna", "./@anna", "@ben@anna", "@anna' OR '1'='1", "@anna\n", "@*", "@"),
    *(["@anna"], {"value": "@anna"}, None, True, 0),
]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, sample_folder: Path) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("own")
    for user in (ANNA, BEN):
        add_user(folder / "users", *user)
    with served(folder, filled=sample_folder, environment={"RAG_USERS": "users"}, attacked=True) as running:
        yield running


def log_in(page: Page, server: Server, user: tuple[str, str]) -> None:
    page.goto(server.url)
    page.fill("input[name=name]", user[0])
    page.fill("input[name=password]", user[1])
    page.get_by_role("button", name="Log in").click()
    expect(page.locator("#question textarea")).to_be_visible()


def choose(page: Page, collection: str) -> None:
    page.locator("#collection input").click()
    page.get_by_role("option", name=collection).click()
    expect(page.locator("#collection input")).to_have_value(collection)


@pytest.fixture(scope="module")
def annas_page(server: Server, browser: Browser) -> Iterator[Page]:
    """Anna's browser, after she put a document into her own collection."""
    page = browser.new_context(viewport={"width": 1360, "height": 850}).new_page()
    log_in(page, server, ANNA)
    choose(page, "@anna")
    view(page, "Documents")
    expect(page.locator("#documents")).to_contain_text("No documents yet")
    page.set_input_files(
        "#upload input[type=file]", {"name": FILE, "mimeType": "text/plain", "buffer": SECRET.encode()}
    )
    expect(page.locator("#documents tbody tr", has_text=FILE)).to_be_visible()
    yield page
    page.context.close()


@pytest.fixture
def ben(server: Server) -> Iterator[httpx.Client]:
    """Ben, logged in, without a browser."""
    with httpx.Client(base_url=server.url, timeout=PATIENCE) as client:
        assert client.post("/login", data=dict(zip(("name", "password"), BEN, strict=True))).status_code == 303
        yield client


def test_what_is_everybodys_is_read_by_all_and_changed_by_none(annas_page: Page) -> None:
    page = annas_page
    view(page, "Ask")
    ask(page, QUESTION)
    expect(page.locator("#chat .bot")).to_contain_text("4417 gallons")
    page.click("#chat a[href='#cite-0-0']")
    expect(page.locator("#source mark")).to_have_text(SECRET)
    choose(page, "default")
    ask(page, "When was the armistice in Korea signed?", turn=1)
    expect(page.locator("#chat .bot").last).to_contain_text("27 July")
    view(page, "Documents")
    row = page.locator("#documents tbody tr", has_text="korean-war-armistice.txt")
    row.get_by_role("button").click()
    row.get_by_role("button", name="Delete korean-war-armistice.txt").click()
    expect(page.locator("#documents-state")).to_contain_text("is everybody's and cannot be changed here")
    expect(row).to_be_visible()
    choose(page, "@anna")


def test_nobody_else_sees_a_collection_of_ones_own_in_the_page(
    annas_page: Page, server: Server, browser: Browser
) -> None:
    page = browser.new_context().new_page()
    log_in(page, server, BEN)
    page.locator("#collection input").click()
    expect(page.get_by_role("option")).to_have_count(2)
    assert [text.split()[-1] for text in page.get_by_role("option").all_inner_texts()] == ["default", "@ben"]
    page.get_by_role("option", name="@ben").click()
    page.fill("#question textarea", QUESTION)
    page.keyboard.press("Enter")
    expect(page.locator("#chat .bot")).to_contain_text("There are no documents in this collection yet")
    assert "Nantucket" not in page.content()
    assert FILE not in page.content()
    page.get_by_role("button", name="Log out").click()
    expect(page.locator("input[name=password]")).to_be_visible()
    page.context.close()


def _told(answers: list[str], *sent: str) -> list[str]:
    """The answers that tell of Anna's document, beyond what was sent and is named in an error."""
    for words in sent:
        answers = [answer.replace(words, "") for answer in answers]
    found = [re.search(rf".{{,100}}(?:Nantucket|{re.escape(FILE)}).{{,100}}", answer) for answer in answers]
    return [match.group() for match in found if match]


def test_whatever_ben_sends_he_is_told_nothing_of_annas_documents(annas_page: Page, ben: httpx.Client) -> None:
    """Every event that takes a collection's name, with every name that might pass for hers."""
    events = PageEvents(ben)
    taking = events.taking("collection")
    tried = [
        events.call(ben, event, {"collection": name, "question": QUESTION, "absent": FILE}, data=_data()).text
        for event in taking
        for name in NAMES
    ]
    assert len(tried) >= 200
    assert _told(tried, QUESTION, f"Value: {FILE}") == []
    view(annas_page, "Documents")
    expect(annas_page.locator("#documents tbody tr", has_text=FILE)).to_be_visible()


def test_the_same_calls_tell_anna_herself(annas_page: Page, server: Server) -> None:
    """Or else that Ben was told nothing would show nothing."""
    with httpx.Client(base_url=server.url, timeout=PATIENCE) as client:
        assert client.post("/login", data=dict(zip(("name", "password"), ANNA, strict=True))).status_code == 303
        events = PageEvents(client)
        question = {"collection": "@anna", "question": QUESTION, "find-document": ""}
        for component, name in (("question", "submit"), ("find-document", "change"), ("absent", "focus")):
            session = uuid4().hex
            for first in events.at_first("collection"):
                events.call(client, first, {}, session=session)
            called = events.call(client, events.of(component, name), question, data=_data(), session=session)
            assert _told([called.text], QUESTION), (component, called)


def _data() -> dict[str, Any]:
    """What the page sends with events of its own, as far as anybody could make it up."""
    made_up = {"source": FILE, "id": "q1", "turn": 0, "number": 0, "place": "cite", "start": 0, "end": 20}
    return made_up | {"index": 0, "value": {"text": QUESTION}, "text": json.dumps({"format": 1})}
