"""The report is read in a real browser; what it says is checked against the run."""

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import ir_measures
import pytest
from playwright.sync_api import Browser, Page, expect

from eval.compare import compare
from eval.excerpts import Excerpt, Excerpts
from eval.exporters import ragas_rows, trec_run
from eval.outcome import Failure, Reply
from eval.report.charts import charts
from eval.report.markdown import comparison_markdown, run_markdown
from eval.report.page import report_html, stretches
from eval.run import Run, evaluate
from rag.store import Store
from rag.types import Span
from tests.conftest import SAMPLE_GOLD


@pytest.fixture(scope="module")
def short_run(sample_store: Store, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """The sample questions with too few passages, so that every kind of failure occurs."""
    with Store(sample_store.settings.changed(k=1)) as store:
        return evaluate(store, SAMPLE_GOLD, name="one passage", out=tmp_path_factory.mktemp("k1"))[0]


@pytest.fixture(scope="module")
def html(short_run: Run) -> str:
    return report_html(short_run)


@pytest.fixture
def page(html: str, browser: Browser, tmp_path: Path) -> Iterator[Page]:
    """The open report; it may ask for nothing but itself, and no script of it may fail."""
    (tmp_path / "report.html").write_text(html, "utf-8")
    opened = browser.new_page(viewport={"width": 1240, "height": 900})
    requested: list[str] = []
    errors: list[str] = []
    opened.on("request", lambda request: requested.append(request.url))
    opened.on("pageerror", lambda error: errors.append(str(error)))
    opened.on("console", lambda message: errors.append(message.text))
    opened.goto((tmp_path / "report.html").as_uri())
    yield opened
    opened.close()
    assert [url for url in requested if not url.endswith("/report.html")] == []
    assert errors == []


def shown(page: Page) -> int:
    return page.locator(".question:not([hidden])").count()


def test_all_five_kinds_of_failure_occur_and_can_be_filtered(short_run: Run, page: Page) -> None:
    assert {outcome.failure for outcome in short_run.outcomes} == {None, *Failure}
    for kind in Failure:
        wanted = sum(outcome.failure is kind for outcome in short_run.outcomes)
        page.select_option("select[name=failure]", kind.value)
        assert shown(page) == wanted > 0
        expect(page.locator("output")).to_have_text(f"{wanted} shown")
    page.select_option("select[name=failure]", "any")
    assert shown(page) == sum(outcome.failure is not None for outcome in short_run.outcomes)


def test_tags_and_words_narrow_the_table(short_run: Run, page: Page) -> None:
    page.select_option("select[name=tag]", "yes-no")
    assert shown(page) == sum("yes-no" in outcome.gold.tags for outcome in short_run.outcomes)
    page.select_option("select[name=tag]", "")
    page.fill("input[name=words]", "pandas musk")
    assert shown(page) == 1
    page.fill("input[name=words]", "")
    assert shown(page) == len(short_run.outcomes)


def test_a_question_opens_to_the_answer_beside_its_source_in_two_colours(short_run: Run, page: Page) -> None:
    outcome = next(outcome for outcome in short_run.outcomes if outcome.gold.id == "g04")
    assert outcome.right
    question = page.locator(".question", has_text=outcome.gold.question)
    expect(question.locator(".sides")).to_be_hidden()
    question.locator("summary").click()
    expect(question.locator(".answer")).to_contain_text("Beijing airport")
    (evidence,) = outcome.gold.evidence or ()
    gold = question.locator("mark.gold").all_text_contents()
    assert evidence.quote == "".join(gold)
    colours = page.evaluate(
        "[...document.querySelectorAll('.legend mark')].map((mark) => getComputedStyle(mark).backgroundColor)"
    )
    assert colours[0] != colours[1]
    answer, source = question.locator(".answer").bounding_box(), question.locator(".sources").bounding_box()
    assert answer
    assert source
    assert answer["x"] + answer["width"] <= source["x"]


def test_it_has_the_headlines_with_intervals_and_the_charts(short_run: Run, page: Page) -> None:
    cards = page.locator(".cards li").all_text_contents()
    (correct,) = (card for card in cards if "correct" in card)
    assert re.search(r"0\.\d{3}\s+\[0\.\d{3}, 0\.\d{3}\] n = 48", correct)
    assert page.locator("figure h2").all_text_contents() == [
        *("What came of the questions", "Risk and coverage", "Reliability of the confidence"),
        *("Confidence, answerable or not", "Latency by stage"),
    ]
    for box in (figure.bounding_box() for figure in page.locator("figure svg").all()):
        assert box
        assert box["width"] > 200
        assert box["height"] > 100


def test_recall_is_drawn_over_the_number_of_passages(sample_run: Run) -> None:
    titles = [chart.title for chart in charts(sample_run.outcomes)]
    assert titles[:2] == ["What came of the questions", "Recall by k"]


def test_nothing_scrolls_sideways_on_a_phone(page: Page) -> None:
    page.set_viewport_size({"width": 390, "height": 800})
    page.locator(".question summary").first.click()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_words_of_documents_and_questions_are_never_markup(sample_run: Run, browser: Browser, tmp_path: Path) -> None:
    evil = "<script>window.run = 1</script><img src=x onerror='window.run = 1'>\"'"
    first = sample_run.outcomes[0]
    assert first.reply
    spoilt = replace(
        first,
        gold=replace(first.gold, question=evil, answers=(evil,), tags=(evil,)),
        reply=replace(first.reply, text=evil, short_answer=evil),
    )
    excerpts: Excerpts = {source: (Excerpt(0, evil * 200),) for source in sample_run.excerpts}
    run = replace(sample_run, name=evil, outcomes=(spoilt, *sample_run.outcomes[1:]), excerpts=excerpts)
    (tmp_path / "report.html").write_text(report_html(run), "utf-8")
    page = browser.new_page()
    page.goto((tmp_path / "report.html").as_uri())
    page.locator(".question summary").first.click()
    assert page.evaluate("window.run") is None
    assert page.locator("img, .sources script").count() == 0
    page.select_option("select[name=tag]", evil)
    assert shown(page) == 1
    page.close()


def test_equal_runs_give_equal_reports(short_run: Run, html: str) -> None:
    assert report_html(short_run) == html


def test_a_source_is_cut_where_evidence_and_citations_begin_and_end() -> None:
    found = list(stretches(Excerpt(10, "0123456789"), [Span(12, 16)], [Span(14, 30)]))
    assert [(one.text, one.gold, one.cited) for one in found] == [
        *(("01", False, False), ("23", True, False), ("45", True, True), ("6789", False, True)),
    ]


def test_a_run_as_markdown(sample_run: Run) -> None:
    text = run_markdown(sample_run)
    assert re.search(r"\| correct \| 0\.\d{3} \| \[0\.\d{3}, 0\.\d{3}\] \| 48 \|", text)
    assert "quotations are exactly their source's characters." in text
    assert "| retrieved but not used |" in text


def test_a_comparison_as_markdown(sample_run: Run, short_run: Run) -> None:
    text = comparison_markdown(compare(sample_run, short_run, ["evidence recall@10", "exactness", "ROUGE-L"]))
    assert "### sample → one passage, 48 questions" in text
    assert re.search(r"\| evidence recall@10 \| 1\.000 \| 0\.\d{3} \| -0\.\d{3} \|.*\*\*loss\*\*", text)
    assert "Not measured in both runs: ROUGE-L." in text


def test_an_exported_trec_run_scores_the_same_there(sample_run: Run) -> None:
    lines = "\n".join(trec_run(sample_run))
    judged = [outcome for outcome in sample_run.outcomes if outcome.gold.relevance]
    qrels = [
        ir_measures.Qrel(outcome.gold.id, source, grade)
        for outcome in judged
        for source, grade in outcome.gold.relevance.items()
    ]
    found = ir_measures.calc_aggregate([ir_measures.nDCG @ 10], qrels, ir_measures.read_trec_run(lines))  # type: ignore[no-untyped-call]
    ours = [outcome.measures["nDCG@10"] or 0.0 for outcome in judged]
    assert found[ir_measures.nDCG @ 10] == pytest.approx(sum(ours) / len(ours), abs=1e-9)


def test_exported_ragas_rows_hold_question_contexts_answer_and_reference(sample_run: Run) -> None:
    rows = [json.loads(line) for line in ragas_rows(sample_run)]
    assert len(rows) == 48
    first, reply = rows[0], sample_run.outcomes[0].reply
    assert isinstance(reply, Reply)
    assert (first["response"], first["reference"]) == (reply.text, "300 million dollars")
    assert len(first["retrieved_contexts"]) == 10
    assert any("The Soviet Union lent China 300 million dollars" in text for text in first["retrieved_contexts"])
    assert rows[-1]["reference"] is None
