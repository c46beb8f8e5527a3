"""Text that readers of a page or a document do not see."""

import gzip
from io import BytesIO

import docx
import pytest
from docx.shared import Pt, RGBColor

from ingest.parse import parse
from rag.types import Document
from tests.conftest import ROOT, SAMPLE

ARTICLES = ROOT.parent / "shared" / "benchmarks" / "html_articles" / "corpus"
HIDDEN = "the secret word of the harbour is zebra"
PAGE = (
    "<html><head><title>Harbour</title><style>{css}</style></head><body><article><h1>The harbour of Lindau</h1>"
    "<p>The harbour of Lindau was built in 1811 and has three docks for grain, timber and passengers.</p>{hidden}"
    "<p>Every spring the district inspects the dam, and in winter the docks are closed for two months.</p>"
    "</article></body></html>"
)


def parsed(data: bytes, name: str) -> Document:
    (document,) = parse(BytesIO(data), name, name, len(data))
    assert isinstance(document, Document)
    return document


@pytest.mark.parametrize(
    ("hidden", "css"),
    [
        (f'<p style="font-size:0">{HIDDEN}</p>', ""),
        (f'<p style="font-size: 0px; margin: 1em">{HIDDEN}</p>', ""),
        (f'<p style="font-size:1px">{HIDDEN}</p>', ""),
        (f'<p style="opacity:0">{HIDDEN}</p>', ""),
        (f'<p style="opacity: 0.0;">{HIDDEN}</p>', ""),
        (f'<p style="color:white">{HIDDEN}</p>', ""),
        (f'<p style="color: #ffffff">{HIDDEN}</p>', ""),
        (f'<p style="color:rgb(255, 255, 255)">{HIDDEN}</p>', ""),
        (f'<p style="color:transparent">{HIDDEN}</p>', ""),
        (f'<p style="position:absolute; left:-9999px">{HIDDEN}</p>', ""),
        (f'<p style="text-indent:-5000px">{HIDDEN}</p>', ""),
        (f'<p style="height:0; overflow:hidden">{HIDDEN}</p>', ""),
        (f'<p style="clip: rect(0,0,0,0)">{HIDDEN}</p>', ""),
        (f"<p><span style='opacity:0'>{HIDDEN}</span></p>", ""),
    ],
)
def test_text_that_nothing_could_show_is_left_out_with_a_warning(hidden: str, css: str) -> None:
    document = parsed(PAGE.format(hidden=hidden, css=css).encode(), "page.html")
    assert "zebra" not in document.text
    assert "closed for two months" in document.text
    assert any("cannot see" in warning and "zebra" in warning for warning in document.warnings)


@pytest.mark.parametrize(
    ("hidden", "css"),
    [
        (f'<p style="display:none">{HIDDEN}</p>', ""),
        (f'<p style="visibility: hidden">{HIDDEN}</p>', ""),
        (f"<p hidden>{HIDDEN}</p>", ""),
        (f'<p class="x">{HIDDEN}</p>', ".x{display:none}"),
        (f'<p class="x">{HIDDEN}</p>', ".x{font-size:0}"),
        (f'<p class="a x">{HIDDEN}</p>', "p.x, .y { opacity: 0 }"),
        (f'<p id="x">{HIDDEN}</p>', "#x{position:absolute;left:-999px}"),
        (f"<!-- {HIDDEN} -->", ""),
        (f'<img src="x.png" alt="{HIDDEN}">', ""),
    ],
)
def test_folded_text_is_left_out_or_told_of(hidden: str, css: str) -> None:
    document = parsed(PAGE.format(hidden=hidden, css=css).encode(), "page.html")
    assert "zebra" not in document.text or any("does not show at first" in warning for warning in document.warnings)


@pytest.mark.parametrize(
    ("shown", "css"),
    [
        (f'<p style="color:white; background:black">{HIDDEN}</p>', ""),
        (f'<div style="background-color:#000"><p style="color:white">{HIDDEN}</p></div>', ""),
        (f'<p class="banner" style="color:#fff">{HIDDEN}</p>', ".banner{background:#123}"),
        (f'<p style="font-size:10px">{HIDDEN}</p>', ""),
        (f'<p style="opacity:0.9">{HIDDEN}</p>', ""),
        (f'<p style="margin-left:-20px">{HIDDEN}</p>', ""),
    ],
)
def test_text_that_is_seen_stays_without_a_warning(shown: str, css: str) -> None:
    document = parsed(PAGE.format(hidden=shown, css=css).encode(), "page.html")
    assert "zebra" in document.text
    assert document.warnings == ()


def test_hidden_white_and_tiny_runs_of_a_word_document_are_left_out() -> None:
    word = docx.Document()
    paragraph = word.add_paragraph("The harbour was built in 1811. ")
    for number, change in enumerate(("hidden", "white", "tiny")):
        run = paragraph.add_run(f"zebra {number} ")
        if change == "hidden":
            run.font.hidden = True
        elif change == "white":
            run.font.color.rgb = RGBColor(255, 255, 255)
        else:
            run.font.size = Pt(1)
    paragraph.add_run("It has three docks.")
    file = BytesIO()
    word.save(file)
    document = parsed(file.getvalue(), "harbour.docx")
    assert document.text == "The harbour was built in 1811. It has three docks."
    assert document.warnings == ("hidden, white or tiny text was left out: “zebra 0” and 2 more",)


def test_honest_pages_carry_no_such_warning() -> None:
    for path in (*SAMPLE.glob("*.html"), *SAMPLE.glob("*.docx")):
        assert parsed(path.read_bytes(), path.name).warnings == ()


@pytest.mark.skipif(not ARTICLES.exists(), reason=f"NOT TESTED on real pages: there is no {ARTICLES}")
def test_few_honest_pages_are_said_to_hide_text() -> None:
    pages = [path for path in sorted(ARTICLES.iterdir()) if path.is_file()]
    warned = 0
    for path in pages:
        data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
        warned += any(
            "cannot see" in warning or "at first" in warning for warning in parsed(data, "page.html").warnings
        )
    assert warned <= 0.04 * len(pages)
