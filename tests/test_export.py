import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
from markdown_it import MarkdownIt

import rag.__main__
from rag.assistant import Assistant
from rag.command import run
from rag.page.conversation import Conversation, Exchange, read_conversation
from rag.page.export import as_html, as_json, as_markdown
from rag.recheck import text_digest
from rag.settings import Settings
from rag.store import Store
from rag.types import Answer, Citation, Document, Rejection, Span
from tests.answers import answer
from tests.conftest import ingest
from tests.hostile import HOSTILE, Looked

SENTENCE = "The treaty was signed in Vienna in 1815."


def conversation(*answers: Answer) -> Conversation:
    return Conversation("talk", tuple(Exchange(each, "default", {}, "2026-11-26T10:00:00+00:00") for each in answers))


def full(text: str) -> Conversation:
    """A conversation with this text in every place that holds text."""
    quoted = Citation(1, text, text, Span(0, len(text)), text, 3, text)
    cited = answer(f"{text} [1]", [quoted])
    cited = replace(cited, question=text, generator=text, rejections=(Rejection(1, text, text),), notes=(text,))
    return conversation(cited, replace(answer(text, refused=True), question=text, standalone_question=text + "?"))


@pytest.mark.parametrize("text", HOSTILE)
def test_the_html_shows_everything_as_written_and_runs_nothing(text: str) -> None:
    html = as_html(full(text))
    looked = Looked(html)
    assert looked.tags - {"html", "head", "meta", "title", "style", "body", "main", "footer", "code"} == {
        *("article", "h1", "h2", "p", "sup", "a", "del", "span", "ol", "li", "b", "figure", "blockquote", "figcaption")
    }
    assert looked.dangers == []
    assert len(looked.ids) == len(set(looked.ids))
    assert looked.text.count(text) >= 10
    assert "url(" not in html
    assert "@import" not in html


@pytest.mark.parametrize("text", HOSTILE)
def test_the_markdown_shows_everything_as_written(text: str) -> None:
    markdown = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
    looked = Looked(markdown.render(as_markdown(full(text))))
    assert looked.tags == {"h1", "h2", "p", "em", "s", "blockquote"}
    assert looked.dangers == []
    assert looked.text.count(text.split("\n")[0]) >= 10


def test_a_quote_stands_under_its_answer_with_source_page_and_characters() -> None:
    talk = conversation(answer(f"{SENTENCE} [1]", [Citation(1, "a.pdf", "a", Span(3, 43), SENTENCE, 2, "quoted")]))
    assert f"\\[1\\] a.pdf, page 2, characters 3-43\n\n> {SENTENCE}" in as_markdown(talk)
    html = as_html(talk)
    assert "<sup><a href='#note-1-1'>1</a></sup>" in html
    assert f"<li id='note-1-1'><b>1</b><figure><blockquote>{SENTENCE}</blockquote>" in html
    assert "<figcaption>a.pdf, page 2, characters 3-43</figcaption>" in html


def test_refusals_and_struck_sentences_are_said() -> None:
    refused = replace(
        answer("The documents do not answer this.", refused=True), rejections=(Rejection(1, "It snowed.", "not said"),)
    )
    markdown, html = as_markdown(conversation(refused)), as_html(conversation(refused))
    assert "*Refused:* The documents do not answer this." in markdown
    assert "~~It snowed.~~ *(not said)*" in markdown
    assert "<p class='refused'>The documents do not answer this.</p>" in html
    assert "<del>It snowed.</del> <span class='quiet'>(not said)</span>" in html
    assert "2026-11-26 10:00 UTC, collection default, refused, generator by hand" in html


def test_rows_of_a_table_stay_rows_in_markdown() -> None:
    quote = "Year  Sum\n    1815    12\n\n# 3"
    talk = conversation(answer("It was so. [1]", [Citation(1, "a", "a", Span(0, len(quote)), quote, None, "quoted")]))
    looked = Looked(MarkdownIt("commonmark").render(as_markdown(talk)))
    assert "Year  Sum\n1815    12\n# 3" in looked.text
    assert "code" not in looked.tags


@pytest.fixture
def exported(settings: Settings, folder: Path, tmp_path: Path) -> Path:
    """An exported conversation of one answer with one footnote."""
    (folder / "a.txt").write_text(f"It rained. {SENTENCE}")
    ingest(settings, folder)
    with Store(settings) as store:
        asked = Assistant(store).ask("When was the treaty signed in Vienna?")
        documents = {one.document_id: store.document(one.document_id) for one in asked.citations}
    digests = {id: text_digest(document.text) for id, document in documents.items() if isinstance(document, Document)}
    exchange = Exchange(asked, "default", digests, "2026-11-26T10:00:00+00:00")
    path = tmp_path / "export.json"
    path.write_text(as_json(Conversation("talk", (exchange,))), "utf-8")
    return path


def check(exported: Path, settings: Settings, *more: str) -> int:
    return run(lambda: rag.__main__.main(["check", str(exported), "--store", str(settings.store), *more]))


def test_exported_json_can_be_read_and_checked_again(
    exported: Path, settings: Settings, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (exchange,) = read_conversation(exported.read_text("utf-8")).exchanges
    (citation,) = exchange.answer.citations
    assert check(exported, settings) == 0
    shown = capsys.readouterr().out
    assert f"answer 1 [1] unchanged: a.txt, characters {citation.span.start}-{citation.span.end}" in shown
    assert "1 of 1 quotations stand in the documents." in shown

    (folder / "a.txt").write_text(f"It snowed, and it rained. {SENTENCE}")
    ingest(settings, folder)
    assert check(exported, settings, "--json") == 0
    moved = json.loads(capsys.readouterr().out)
    assert moved["state"] == "moved"
    assert (moved["answer"], moved["mark"], moved["source"]) == (1, 1, "a.txt")
    assert moved["now"]["start"] > moved["start"]

    (folder / "a.txt").write_text(f"It rained. {SENTENCE.replace('1815', '1816')}")
    ingest(settings, folder)
    assert check(exported, settings) == 1
    assert "answer 1 [1] changed: a.txt" in capsys.readouterr().out

    (folder / "a.txt").unlink()
    ingest(settings, folder)
    assert check(exported, settings) == 1
    shown = capsys.readouterr().out
    assert "gone" in shown
    assert "0 of 1 quotations stand in the documents." in shown


def test_an_answer_is_checked_in_the_collection_that_was_asked(
    exported: Path, settings: Settings, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    birds = settings.changed(collection="birds")
    ingest(birds, folder)
    saved = json.loads(exported.read_text("utf-8"))
    saved["exchanges"][0]["collection"] = "birds"
    exported.write_text(json.dumps(saved), "utf-8")
    assert check(exported, settings) == 0
    saved["exchanges"][0]["collection"] = "fish"
    exported.write_text(json.dumps(saved), "utf-8")
    assert check(exported, settings) == 2
    assert "no collection 'fish'" in capsys.readouterr().err
    assert check(exported, settings, "--collection", "default") == 0


def test_a_wrong_export_is_refused_in_one_line(
    settings: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Store(settings, create=True).close()
    (tmp_path / "no.json").write_text("{}")
    assert check(tmp_path / "no.json", settings) == 2
    assert check(tmp_path / "absent.json", settings) == 2
    assert re.fullmatch(
        r"error: this is no saved conversation .*\nerror: .*absent.json cannot be read.*\n", capsys.readouterr().err
    )
