"""Answers and imports that are stopped in the page, and sentences that are struck out before its user's eyes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.chat_process import Server, ask, opened, served, view
from tests.scripted_model import dripping, saying, serving

QUESTION = "How many missiles were eliminated under the INF Treaty?"
TRUE = "A total of 2,692 missiles had been destroyed by the deadline of 1 June 1991 [1]."
FALSE = "It was signed in Paris by Elvis Presley [1]."


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, sample_folder: Path) -> Iterator[Server]:
    """The chat over the sample corpus, with a language model that drips, says two sentences, and drips again."""
    with serving(dripping(2000, 0.05), saying(f"{TRUE} {FALSE}"), dripping(2000, 0.05)) as model:
        environment = {"RAG_LLM": "openai", "RAG_LLM_URL": f"{model.url}/v1", "RAG_LLM_MODEL": "m"}
        folder = tmp_path_factory.mktemp("interrupted")
        with served(folder, filled=sample_folder, environment=environment) as running:
            yield running


def test_an_answer_is_stopped_and_the_next_is_checked_sentence_by_sentence(browser: Browser, server: Server) -> None:
    with opened(browser, server) as page:
        page.fill("#question textarea", QUESTION)
        page.keyboard.press("Enter")
        expect(page.locator("#chat .bot")).to_contain_text("well well")
        page.locator("#question .stop-button").click()
        expect(page.locator("#chat .bot")).to_contain_text("Stopped before it was checked.")
        expect(page.locator("#chat a[href^='#cite-']")).to_have_count(0)
        expect(page.locator("#question .submit-button")).to_be_visible()
        ask(page, QUESTION)
        expect(page.locator("#chat .bot")).to_have_count(1)
        expect(page.locator("#chat .bot p").first).to_contain_text("2,692 missiles")
        expect(page.locator("#chat .bot del")).to_have_text(re.compile("signed in Paris by Elvis"))
        expect(page.locator("#chat .bot em").last).to_contain_text("(")
        page.click("#chat a[href='#cite-0-0']")
        expect(page.locator("#cited")).to_be_in_viewport()
        page.fill("#question textarea", QUESTION)
        page.keyboard.press("Enter")
        expect(page.locator("#chat .bot").last).to_contain_text("well well")
        page.get_by_role("button", name="New conversation").click()
        expect(page.locator("#chat .bot")).to_have_count(0)
        expect(page.locator("#question .submit-button")).to_be_visible()
        page.wait_for_timeout(1000)
        expect(page.locator("#chat .bot")).to_have_count(0)


def test_an_import_is_seen_after_a_reload_stopped_and_gone_on_with(
    browser: Browser, server: Server, tmp_path: Path
) -> None:
    (tmp_path / "files").mkdir()
    files = [tmp_path / "files" / f"log {number}.txt" for number in range(8)]
    for number, path in enumerate(files):
        path.write_text(
            " ".join(f"In week {week} of log {number} the lamp burned {week} pints." for week in range(400))
        )
    with opened(browser, server) as page:
        view(page, "Documents")
        page.set_input_files("#upload input[type=file]", files)
        expect(page.locator("#documents-state [role=progressbar]")).to_be_visible()
        page.reload()
        view(page, "Documents")
        expect(page.locator("#documents-state .progress")).to_contain_text("left")
        page.get_by_role("button", name="Stop", exact=True).click()
        expect(page.locator("#documents-state")).to_contain_text("Stopped. What was read so far is kept")
        expect(page.locator("#stop-reading")).to_be_hidden()
        assert page.locator("#documents tbody tr", has_text="log").count() < 8
        page.get_by_role("button", name="Look for changes").click()
        expect(page.locator("#documents-state")).to_contain_text("added")
        expect(page.locator("#documents tbody tr", has_text="log")).to_have_count(8)
