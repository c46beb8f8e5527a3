"""The chat's Evaluation view and feedback form in a real browser, behind the chat's own guard."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.conftest import ROOT

LIGHTHOUSE = "The lighthouse keeper of Skerryvore was called Angus Dunmore.\n\nHe left the island in 1954.\n"
HARBOUR = "The harbour of Talheim was dredged in 1962. The work took eleven months and forty men.\n"
# Every text of the view whose contrast with what lies behind it is below 4.5; computed colours may be in any notation.
CONTRASTS = """() => {
  const canvas = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
  const over = (colours) => {
    canvas.clearRect(0, 0, 1, 1);
    for (const colour of colours) { canvas.fillStyle = colour; canvas.fillRect(0, 0, 1, 1); }
    return [...canvas.getImageData(0, 0, 1, 1).data].slice(0, 3);
  };
  const luminance = (colour) => {
    const [r, g, b] = colour.map((c) => c / 255).map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  return [...document.querySelectorAll('#evaluation *')].flatMap((element) => {
    const texts = [...element.childNodes].filter((node) => node.nodeType === 3);
    const words = texts.map((node) => node.data.trim()).join('');
    if (!words || !element.getClientRects().length) return [];
    const grounds = [];
    for (let each = element; each; each = each.parentElement) grounds.unshift(getComputedStyle(each).backgroundColor);
    const [light, dark] = [over(grounds), over([...grounds, getComputedStyle(element).color])]
      .map(luminance).sort((a, b) => b - a);
    const contrast = (light + 0.05) / (dark + 0.05);
    return contrast < 4.5 ? [`${words.slice(0, 40)}: ${contrast.toFixed(2)}`] : [];
  });
}"""
HOSTILE = "Who <img src=x onerror=alert(1)> ${alert(1)} {{7*7}} was the keeper of Skerryvore?"


def serve(folder: Path, port: int) -> None:
    """A page with a feedback form, a source to select in, and the Evaluation view, over the documents of a folder."""
    os.environ |= {"GRADIO_ANALYTICS_ENABLED": "False", "GRADIO_ANALYTICS_CACHE_FREQUENCY": "1000000000"}
    import gradio as gr
    import uvicorn
    from fastapi import FastAPI

    import eval.page
    import rag.page
    from eval.page.evaluation import Evaluations
    from eval.page.feedback import feedback_form
    from eval.page.view import evaluation_view
    from ingest.sync import sync
    from rag.library import Library
    from rag.page.access import Access
    from rag.page.guard import Guard
    from rag.settings import Settings
    from rag.store import Store

    styles = [Path(eval.page.__file__).parent / "view.css"]
    styles.insert(0, Path(rag.page.__file__).parent / "style.css")
    evaluations: list[Evaluations] = []

    def application() -> FastAPI:
        access = Access(Library(store))
        with gr.Blocks(fill_width=True, analytics_enabled=False) as demo:
            collection = gr.Dropdown(["default"], value="default", visible="hidden")
            with gr.Tabs():
                with gr.Tab("Chat"):
                    asked = gr.Textbox(label="Asked", elem_id="asked")
                    wrong = gr.Button("Thumbs down", elem_id="thumbs-down")
                    chosen = gr.Textbox(label="Start and end", elem_id="chosen")
                    select = gr.Button("Use this selection", elem_id="select")
                    form = feedback_form(collection, access)
                with gr.Tab("Evaluation") as tab:
                    evaluations.append(evaluation_view(tab, collection, access))
            wrong.click(lambda question: form.open(store, question), asked, form.outputs)
            document = store.documents()[1].id
            select.click(lambda ends: form.select(store, document, *map(int, ends.split())), chosen, form.outputs)
        demo.queue(api_open=False)
        demo.has_launched = True
        app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
        app.add_middleware(Guard)
        style = "".join(path.read_text("utf-8") for path in styles)
        theme = gr.themes.Base(
            primary_hue=gr.themes.colors.teal,
            neutral_hue=gr.themes.colors.slate,
            font=["sans-serif"],
            font_mono=["mono"],
        )
        head = f"<meta name='color-scheme' content='light dark'><style>{style}</style>"
        gr.mount_gradio_app(app, demo, path="/", head=head, theme=theme, footer_links=[], allowed_paths=[])
        return app

    with Store(Settings(store=folder / "store"), create=True) as store:
        sync(store, [folder / "documents"])
        uvicorn.run(application, factory=True, port=port, log_level="warning", timeout_graceful_shutdown=2)
        for each in evaluations:
            each.close()


@dataclass(frozen=True)
class Server:
    url: str
    folder: Path

    @property
    def gold(self) -> Path:
        return self.folder / "store" / "gold" / "default.jsonl"


@pytest.fixture(scope="module")
def serving(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The page in a process of its own."""
    folder = tmp_path_factory.mktemp("evaluation")
    documents = folder / "documents"
    documents.mkdir()
    (documents / "harbour.txt").write_text(HARBOUR)
    (documents / "lighthouse.txt").write_text(LIGHTHOUSE)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [sys.executable, "-W", "error", "-m", "tests.test_evaluation_view", str(folder), str(port)]
    with (folder / "log").open("wb") as log:
        environment = {**os.environ, "GRADIO_TEMP_DIR": str(folder / "uploads"), "PYTHONPATH": str(ROOT)}
        process = subprocess.Popen(command, cwd=folder, stderr=log, stdout=log, env=environment)
    url = f"http://127.0.0.1:{port}"
    for _ in range(1200):
        try:
            urlopen(url, timeout=5).close()
            break
        except (URLError, ConnectionError):
            assert process.poll() is None, (folder / "log").read_text()
            time.sleep(0.1)
    yield Server(url, folder)
    process.send_signal(signal.SIGINT)
    process.wait(30)
    log_text = (folder / "log").read_text()
    assert "Traceback" not in log_text, log_text
    assert "Warning" not in log_text, log_text


@pytest.fixture
def server(serving: Server) -> Server:
    """The page, with no gold questions and no runs."""
    shutil.rmtree(serving.gold.parent, ignore_errors=True)
    return serving


@pytest.fixture
def page(server: Server, browser: Browser) -> Iterator[Page]:
    """The open page; no request of it may leave this machine, no script of it may fail."""
    opened = browser.new_page(viewport={"width": 1280, "height": 800})
    requested: list[str] = []
    errors: list[str] = []
    opened.on("request", lambda request: requested.append(request.url))
    opened.on("pageerror", lambda error: errors.append(str(error)))
    opened.goto(server.url)
    expect(opened.locator("#asked textarea")).to_be_visible()
    yield opened
    opened.close()
    assert [url for url in requested if not url.startswith((server.url, "data:", "blob:"))] == []
    assert errors == []


def add_question(page: Page, question: str, answer: str, selection: str = "") -> None:
    """Press thumbs down under a question, fill in the form, and add the gold question."""
    page.get_by_role("tab", name="Chat").click()
    page.fill("#asked textarea", question)
    page.click("#thumbs-down")
    expect(page.locator("#gold-question textarea")).to_have_value(question)
    expect(page.locator("#feedback .sheet")).to_be_visible()
    if selection:
        start = LIGHTHOUSE.index(selection)
        page.fill("#chosen textarea", f"{start} {start + len(selection)}")
        page.click("#select")
        expect(page.locator("#gold-quote textarea")).to_have_value(selection)
        expect(page.locator("#gold-source input")).to_have_value(re.compile(r"lighthouse\.txt"))
    if answer:
        page.fill("#gold-answers textarea", answer)
    else:
        page.get_by_label("The documents do not answer this").check()
        expect(page.locator("#gold-answers")).to_be_hidden()
    page.click("#add-gold")
    expect(page.locator("#feedback-status")).to_contain_text("Gold question q")


def open_evaluation(page: Page) -> Locator:
    page.get_by_role("tab", name="Evaluation").click()
    return page.locator("#evaluation-questions")


def upload(page: Page, path: Path) -> None:
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="Add a gold file").click()
    chooser.value.set_files(path)


def run_evaluation(page: Page, name: str) -> None:
    page.get_by_role("button", name="Run evaluation").click()
    expect(page.locator("#last-run")).to_contain_text(name)
    expect(page.locator("#evaluation-status")).to_contain_text("finished")
    expect(page.get_by_role("button", name="Run evaluation")).to_be_enabled()


def write_gold(path: Path, lines: int) -> Path:
    rows = [
        {"id": f"g{number}", "question": f"Who was the keeper number {number} of Skerryvore?", "answers": []}
        for number in range(lines)
    ]
    path.write_text("\n".join(map(json.dumps, rows)))
    return path


def test_from_a_wrong_answer_to_a_number_and_what_changed(page: Page) -> None:
    expect(open_evaluation(page)).to_contain_text("No gold questions yet")
    expect(page.get_by_role("button", name="Run evaluation")).to_be_disabled()

    add_question(page, "Who was the keeper of Skerryvore?", "Angus Dunmore\nDunmore", "called Angus Dunmore")
    expect(page.locator("#feedback-status")).to_have_text(
        "Gold question q1 added. This collection has 1 now: run them under Evaluation."
    )
    expect(page.locator("#feedback .sheet")).to_be_hidden()
    add_question(page, "Who painted the ceiling of the station in Oslo?", "")
    rows = open_evaluation(page).locator("tbody tr")
    expect(rows).to_have_count(2)
    expect(rows.nth(0)).to_contain_text("Angus Dunmore or Dunmore")
    expect(rows.nth(0).locator("q")).to_have_text("called Angus Dunmore")
    expect(rows.nth(1)).to_contain_text("not answered by the documents")

    run_evaluation(page, "run-1")
    expect(page.locator(".cards li").first).to_contain_text("correct")
    expect(page.locator(".cards li").first).to_contain_text("n = 2")
    expect(page.locator("#compared")).to_have_count(0)

    page.get_by_role("button", name="Show the full report").click()
    report = page.frame_locator("iframe[title='Report of run-1']")
    expect(report.locator("h1")).to_have_text("run-1")
    report.locator("input[name=words]").fill("painted")
    expect(report.locator("output")).to_have_text("1 shown")
    for button, file in (("Download the report", "run-1.html"), ("Download the run", "run-1.json")):
        with page.expect_download() as download:
            page.get_by_role("button", name=button).click()
        assert download.value.suggested_filename == file
        text = download.value.path().read_text("utf-8")
        assert json.loads(text)["name"] == "run-1" if file.endswith("json") else text.startswith("<!doctype html>")

    run_evaluation(page, "run-2")
    expect(page.locator("#compared")).to_contain_text("Since run-1 2 questions asked in both runs")
    expect(page.locator("#evaluation-summary")).to_contain_text("What is different: nothing but the time.")
    expect(page.locator("iframe")).to_have_count(0)

    rows.nth(0).get_by_role("button", name="Delete q1").click()
    rows.nth(0).get_by_role("button", name="Really delete q1").click()
    expect(rows).to_have_count(1)
    expect(page.locator("#gold-questions")).to_be_focused()
    expect(rows.nth(0)).to_contain_text("q2")


def test_a_run_is_watched_stopped_and_gone_on_with(page: Page, server: Server, tmp_path: Path) -> None:
    questions = open_evaluation(page)
    upload(page, write_gold(tmp_path / "many.jsonl", 40))
    expect(page.locator("#evaluation-status")).to_have_text("40 gold questions of many.jsonl added.")
    expect(questions.locator("tbody tr")).to_have_count(40)
    page.get_by_role("button", name="Run evaluation").click()
    expect(page.get_by_role("button", name="Stop")).to_be_focused()
    bar = page.get_by_role("progressbar", name="Questions asked")
    expect(page.locator(".counted")).to_contain_text("of 40 questions")
    expect(page.locator(".last")).to_contain_text("Who was the keeper number")
    expect(page.locator("#evaluation-status")).to_contain_text("% of the questions are asked")
    page.get_by_role("button", name="Stop").click()
    expect(page.locator("#evaluation-status")).to_contain_text("Stopped.")
    expect(bar).to_have_count(0)
    journal = server.folder / "store" / "gold" / "runs" / "default" / "run-1.partial.jsonl"
    asked = len(journal.read_text().splitlines()) - 1
    assert 0 < asked < 40

    page.reload()
    open_evaluation(page)
    page.get_by_role("button", name="Run evaluation").click()
    expect(page.locator("#last-run")).to_contain_text("run-1 40 questions")
    run = json.loads((journal.parent / "run-1.json").read_text())
    assert len({outcome["gold"]["id"] for outcome in run["outcomes"]}) == 40
    assert not journal.exists()


def test_a_faulty_gold_file_is_told_line_by_line(page: Page, server: Server, tmp_path: Path) -> None:
    questions = open_evaluation(page)
    faulty = tmp_path / "faulty.jsonl"
    place = {"source": "lighthouse.txt", "quote": "Bruce"}
    rows = [{"id": "a", "question": "Who?", "answers": ["Bruce"], "evidence": [place]}, {"id": "b", "answer": "x"}]
    faulty.write_text("\n".join(map(json.dumps, rows)))
    upload(page, faulty)
    status = page.locator("#evaluation-status")
    expect(status).to_contain_text("faulty.jsonl has 3 fault(s):")
    expect(status).to_contain_text("line 1: evidence 1: the quote 'Bruce' is not in 'lighthouse.txt'")
    expect(status).to_contain_text("line 2: the field 'answer' is unknown. Did you mean 'answers'?")
    assert str(server.folder) not in status.inner_text()
    assert not server.gold.exists()
    expect(questions).to_contain_text("No gold questions yet")
    assert list((server.folder / "uploads").rglob("*.jsonl")) == []


def test_the_form_says_what_is_missing_and_keeps_what_was_typed(page: Page) -> None:
    page.fill("#asked textarea", "Who was the keeper?")
    page.click("#thumbs-down")
    status = page.locator("#feedback-status")
    page.click("#add-gold")
    expect(status).to_contain_text("Write what it should have said")
    page.fill("#gold-answers textarea", "Angus Dunmore")
    page.fill("#gold-quote textarea", "Angus Bruce")
    page.click("#add-gold")
    expect(status).to_contain_text("Choose the document")
    page.get_by_role("combobox", name="Document in which it stands").fill("light")
    page.get_by_role("option", name="lighthouse.txt").click()
    page.click("#add-gold")
    expect(status).to_contain_text("is not in 'lighthouse.txt'")
    expect(page.locator("#gold-answers textarea")).to_have_value("Angus Dunmore")
    page.fill("#chosen textarea", "0 0")
    page.click("#select")
    expect(status).to_contain_text("Nothing is selected.")
    page.fill("#gold-quote textarea", "Angus Dunmore")
    page.click("#add-gold")
    expect(status).to_contain_text("Gold question q1 added.")
    page.click("#thumbs-down")
    expect(page.locator("#gold-answers textarea")).to_have_value("")
    page.get_by_role("button", name="Cancel").click()
    expect(page.locator("#feedback .sheet")).to_be_hidden()


def test_everything_of_a_question_is_shown_as_text(page: Page) -> None:
    add_question(page, HOSTILE, "<b>Angus</b> ${alert(1)}")
    row = open_evaluation(page).locator("tbody tr")
    expect(row.locator(".asked")).to_have_text(HOSTILE)
    expect(row.locator(".expected")).to_have_text("<b>Angus</b> ${alert(1)}")
    run_evaluation(page, "run-1")
    expect(page.locator(".failures .asked")).to_have_text(HOSTILE)
    page.get_by_role("button", name="Show the full report").click()
    expect(page.frame_locator("iframe").locator(".asked")).to_have_text(HOSTILE)
    assert page.locator("#evaluation img").count() == 0


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_text_stands_out_from_its_ground(browser: Browser, server: Server, theme: str) -> None:
    with browser.new_page(viewport={"width": 390, "height": 844}) as page:
        page.goto(f"{server.url}?__theme={theme}")
        add_question(page, "Who was the keeper of Skerryvore?", "Bruce", "called Angus Dunmore")
        open_evaluation(page)
        run_evaluation(page, "run-1")
        assert page.evaluate(CONTRASTS) == []
        page.get_by_role("button", name="Show the full report").click()
        report = page.frame_locator("iframe").locator("body")
        expect(report).to_have_css("background-color", ground_of(page))
        assert page.evaluate("document.documentElement.scrollWidth") == 390
        page.evaluate("document.body.classList.toggle('dark')")
        expect(report).to_have_css("background-color", ground_of(page))


def ground_of(page: Page) -> str:
    return str(page.locator(".gradio-container").evaluate("one => getComputedStyle(one).backgroundColor"))


if __name__ == "__main__":
    serve(Path(sys.argv[1]), int(sys.argv[2]))
