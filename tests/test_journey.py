"""A new user's whole way through the page: a real browser, a real store, the real model."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from docx import Document as new_docx
from fpdf import FPDF
from playwright.sync_api import Browser, Page, expect

from rag.page.conversation import read_conversation
from tests.chat_process import Server, ask, opened, served, view
from tests.conftest import ROOT

pytestmark = pytest.mark.usefixtures("reading")

KEEPER = "The keeper of the Skerryvore lighthouse in 1868 was Angus Dunmore, who had served there for eleven years."
OTHER = "The keeper of the Bell Rock lighthouse in 1868 was Thomas Reid, a sailor from Arbroath."
LAMP = "The lamp of the Bell Rock lighthouse burned 340 gallons of oil a year."


def write_documents(folder: Path) -> list[Path]:
    pdf = FPDF()
    pdf.add_page()
    pdf.set_font("Helvetica", size=12)
    pdf.multi_cell(0, 8, f"Lights of the west coast\n\nThe tower is of granite. {KEEPER} Supplies came once a month.")
    pdf.output(str(folder / "west coast.pdf"))
    docx = new_docx()
    docx.add_heading("Lights of the east coast", 1)
    docx.add_paragraph(f"The rock is under water at high tide. {OTHER} {LAMP}")
    docx.save(str(folder / "east coast.docx"))
    return [folder / "west coast.pdf", folder / "east coast.docx"]


def test_from_the_first_upload_to_the_last_refusal(browser: Browser, tmp_path: Path, sample_folder: Path) -> None:
    (tmp_path / "files").mkdir()
    documents = write_documents(tmp_path / "files")
    with served(tmp_path, filled=sample_folder) as server, opened(browser, server) as page:
        upload(page, documents)
        view(page, "Ask")
        ask(page, "Who was the keeper of the Skerryvore lighthouse in 1868?")
        expect(page.locator("#chat .bot").last).to_contain_text("Angus Dunmore")
        ask(page, "And of the Bell Rock lighthouse?", turn=1)
        expect(page.locator("#chat .bot").last).to_contain_text("Thomas Reid")
        read_two_footnotes(page)
        make_a_gold_question(page)
        run_the_evaluation(page)
        export_and_check(page, server, tmp_path)
        delete(page, "east coast.docx")
        view(page, "Ask")
        page.get_by_role("button", name="New conversation").click()
        expect(page.locator("#chat .bot")).to_have_count(0)
        ask(page, "How many gallons of oil did the lamp of the Bell Rock lighthouse burn a year?")
        expect(page.locator("#chat .bot")).to_contain_text("The documents do not answer this")
        expect(page.locator("#chat a[href^='#cite-']")).to_have_count(0)
        return_to_the_first_conversation(page)


def upload(page: Page, documents: list[Path]) -> None:
    view(page, "Documents")
    page.set_input_files("#upload input[type=file]", documents)
    expect(page.locator("#documents-state")).to_contain_text("2 added")
    expect(page.locator("#documents tbody tr", has_text="west coast.pdf")).to_contain_text("PDF")


def read_two_footnotes(page: Page) -> None:
    page.click("#chat a[href='#cite-0-0']")
    expect(page.locator("#source header b")).to_have_text("west coast.pdf")
    expect(page.locator("#source figure.page img")).to_be_visible()
    expect(page.locator("#cited")).to_be_in_viewport()
    page.get_by_role("button", name="As text").click()
    assert " ".join(page.locator("#source .text mark").inner_text().split()) == KEEPER
    page.click("#chat a[href='#cite-1-0']")
    expect(page.locator("#source header b")).to_have_text("east coast.docx")
    assert page.locator("#cited").inner_text() == OTHER


def make_a_gold_question(page: Page) -> None:
    """By a thumb down, and the words that answer selected in the source with the mouse."""
    page.get_by_role("button", name="Dislike").last.click()
    expect(page.locator("#gold-question textarea")).to_have_value(re.compile("And of the Bell Rock lighthouse"))
    page.fill("#gold-question textarea", "Who was the keeper of the Bell Rock lighthouse in 1868?")
    page.get_by_label("Accepted answers, one a line").fill("Thomas Reid")
    drag_over(page, "#cited")
    expect(page.get_by_label("The words there")).to_have_value(OTHER)
    page.get_by_role("button", name="Add gold question").click()
    expect(page.locator("#feedback-status")).to_contain_text("Gold question q1 added")


def drag_over(page: Page, marked: str) -> None:
    """Select exactly the words of an element with the mouse."""
    first, last = page.locator(marked).evaluate(
        "element => { const all = [...element.getClientRects()]; return [all[0], all[all.length - 1]]; }"
    )
    page.mouse.move(first["left"] + 1, first["top"] + first["height"] / 2)
    page.mouse.down()
    page.mouse.move(last["right"] - 1, last["top"] + last["height"] / 2, steps=5)
    page.mouse.up()


def run_the_evaluation(page: Page) -> None:
    view(page, "Evaluation")
    expect(page.locator("#evaluation-questions")).to_contain_text("Thomas Reid")
    page.get_by_role("button", name="Run evaluation").click()
    expect(page.locator("#evaluation-status")).to_contain_text("The evaluation is finished")
    expect(page.locator("#evaluation-summary")).to_contain_text("1.000")


def export_and_check(page: Page, server: Server, folder: Path) -> None:
    view(page, "Ask")
    page.get_by_role("button", name="Export").click()
    texts = {}
    for kind, ending in (("Markdown", "md"), ("HTML", "html"), ("JSON", "json")):
        with page.expect_download() as download:
            page.get_by_role("button", name=kind, exact=True).click()
        assert download.value.suggested_filename.endswith(f".{ending}")
        download.value.save_as(folder / f"export.{ending}")
        texts[ending] = (folder / f"export.{ending}").read_text("utf-8")
    assert KEEPER.split(",")[0] in " ".join(texts["md"].split())
    assert OTHER in texts["html"]
    conversation = read_conversation(texts["json"])
    assert [one.answer.question for one in conversation.exchanges][1] == "And of the Bell Rock lighthouse?"
    command = [sys.executable, "-m", "rag", "check", str(folder / "export.json"), "--store", "store", "--json"]
    checked = subprocess.run(
        command, cwd=server.folder, capture_output=True, text=True, check=False, env={"PYTHONPATH": str(ROOT)}
    )
    assert checked.returncode == 0, checked.stderr
    assert {json.loads(line)["state"] for line in checked.stdout.splitlines()} == {"unchanged"}


def delete(page: Page, source: str) -> None:
    view(page, "Documents")
    row = page.locator("#documents tbody tr", has_text=source)
    row.get_by_role("button").click()
    row.get_by_role("button", name=f"Delete {source}").click()
    expect(page.locator("#documents-state")).to_contain_text(f"{source} was deleted")
    expect(page.locator("#documents tbody tr", has_text=source)).to_have_count(0)


def return_to_the_first_conversation(page: Page) -> None:
    """It is still there, and its footnote says that the document is not."""
    page.locator("#history .open").last.click()
    expect(page.locator("#chat .bot")).to_have_count(2)
    page.click("#chat a[href='#cite-1-0']")
    expect(page.locator("#source")).to_contain_text("east coast.docx is no longer in the collection.")
