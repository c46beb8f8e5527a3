"""axe over every view of the page, in light and dark and on a phone: no serious fault."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.chat_process import Server, ask, opened, served, view

AXE = (files("axe_playwright_python") / "axe.min.js").read_text("utf-8")
QUESTION = "How many missiles were eliminated under the INF Treaty?"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, sample_folder: Path) -> Iterator[Server]:
    with served(tmp_path_factory.mktemp("accessible"), filled=sample_folder) as running:
        yield running


def first_page(page: Page) -> None:
    expect(page.locator("#chat .example").first).to_be_visible()


def settings(page: Page) -> None:
    page.get_by_role("button", name="Settings").click()
    page.get_by_role("button", name="Export").click()
    expect(page.get_by_label("Written after")).to_be_visible()


def answer_beside_its_page(page: Page) -> None:
    ask(page, QUESTION)
    page.click("#chat a[href='#cite-0-0']")
    expect(page.locator("#source figure.page img")).to_be_visible()


def source_as_text(page: Page) -> None:
    page.get_by_role("button", name="As text").click()
    page.focus("#chat a[href='#cite-0-0']")
    expect(page.locator("#quote")).to_be_visible()


def passages(page: Page) -> None:
    page.click("#chat a[href='#why-0']")
    page.locator("#absent input").click()
    page.get_by_role("option", name="nixon-1972-visit.md").click()
    expect(page.locator("#fate .why-not")).to_be_visible()


def form(page: Page) -> None:
    page.get_by_role("button", name="Dislike").last.click()
    expect(page.locator("#gold-question textarea")).to_be_visible()


def documents(page: Page) -> None:
    view(page, "Documents")
    expect(page.locator("#documents tbody tr").first).to_be_visible()


def evaluation(page: Page) -> None:
    view(page, "Evaluation")
    expect(page.get_by_role("button", name="Add a gold file")).to_be_visible()


STATES = (first_page, settings, answer_beside_its_page, source_as_text, passages, form, documents, evaluation)


@pytest.mark.parametrize("looks", ["light", "dark", "phone"])
def test_axe_finds_no_serious_fault_and_nothing_overflows(browser: Browser, server: Server, looks: str) -> None:
    size = {"width": 390, "height": 844} if looks == "phone" else {}
    faults: list[str] = []
    with opened(browser, server, **size) as page:
        page.add_style_tag(content="* { transition: none !important; animation: none !important }")
        if looks == "dark":
            page.get_by_role("button", name="Switch to dark").click()
        page.evaluate(AXE)
        for state in STATES:
            state(page)
            found = page.evaluate("axe.run(document, { resultTypes: ['violations'] })")
            assert found["passes"], "axe looked at nothing"
            faults += [
                f"{state.__name__}: {violation['id']}: {node['failureSummary']} {node['html'][:300]}"
                for violation in found["violations"]
                if violation["impact"] in ("serious", "critical")
                for node in violation["nodes"]
            ]
            if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
                faults.append(f"{state.__name__}: the page scrolls sideways")
    assert faults == [], "\n".join(faults)
