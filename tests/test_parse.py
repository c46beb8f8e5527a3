import gzip
import json
from io import BytesIO
from pathlib import Path

import docx
import pytest
from fpdf import FPDF

from ingest.formats.parse_jsonl import LineFailure, parse_jsonl, url_words
from ingest.parse import PARSERS, parse, suffix_of
from rag.errors import ParseError
from rag.types import Document


def read(data: bytes, name: str) -> Document:
    (parsed,) = parse(BytesIO(data), name, name, len(data))
    assert isinstance(parsed, Document)
    return parsed


def failure(data: bytes, name: str) -> ParseError:
    with pytest.raises(ParseError) as raised:
        list(parse(BytesIO(data), name, name, len(data)))
    return raised.value


def pdf(*pages: str, title: str = "") -> bytes:
    document = FPDF()
    document.set_font("Helvetica", size=12)
    if title:
        document.set_title(title)
    for page in pages:
        document.add_page()
        document.start_section(page.split(".")[0])
        document.multi_cell(0, 8, page)
    return bytes(document.output())


def word() -> bytes:
    document = docx.Document()
    document.add_heading("Trade", level=1)
    document.add_paragraph("It grew.")
    document.add_heading("Figures", level=2)
    table = document.add_table(rows=2, cols=2)
    for cell, text in zip(
        [*table.rows[0].cells, *table.rows[1].cells], ["Year", "Total", "2020", "107.8"], strict=True
    ):
        cell.text = text
    file = BytesIO()
    document.save(file)
    return file.getvalue()


def test_text_is_nfc_with_unix_line_ends() -> None:
    document = read("Cafe\u0301\r\nline two\rthree\x00\x07".encode(), "a.txt")
    assert document.text == "Café\nline two\nthree"
    assert document.warnings == ("2 unprintable characters removed",)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32"])
def test_a_byte_order_mark_names_the_encoding(encoding: str) -> None:
    assert read("Grüße, Мир".encode(encoding), "a.txt").text == "Grüße, Мир"


@pytest.mark.parametrize(
    ("text", "encoding"), [("Trade grew.", "utf-16-le"), ("Trade grew.", "utf-16-be"), ("髙橋淳です。", "cp932")]
)
def test_an_encoding_without_a_mark_is_recognised(text: str, encoding: str) -> None:
    document = read(text.encode(encoding) * 3, "a.txt")
    assert document.text == text * 3
    assert "a guess" in document.warnings[0]


def test_another_encoding_is_guessed_and_said() -> None:
    text = "Der Präsident reiste über München nach Zürich, um die Verträge zu prüfen. " * 5
    document = read(text.encode("cp1252"), "a.txt")
    assert "Präsident reiste über München" in document.text
    assert "a guess" in document.warnings[0]


def test_markdown_keeps_its_characters_and_finds_its_headings() -> None:
    source = "# Top\n\nSome *emphasis*.\n\n```\n# not a heading\n```\n\nSecond\n------\n\nMore.\n"
    document = read(source.encode(), "a.md")
    assert document.text == source
    assert [(heading.level, heading.title) for heading in document.headings] == [(1, "Top"), (2, "Second")]
    assert [document.text[heading.start :][:6] for heading in document.headings] == ["# Top\n", "Second"]
    assert document.title == "Top"


def test_html_keeps_the_article_and_drops_what_surrounds_it() -> None:
    page = """<html><head><title>T</title><script>evil()</script></head><body>
    <nav><a href="/">Home</a><a href="/a">About</a></nav>
    <article><h1>The visit</h1><p>The president came in February and stayed for a whole week of talks in the city.</p>
    <h2>Results</h2><p>Both sides signed a long statement that set out where they agreed and where not.</p>
    <ul><li>first point of the list</li><li>second point of the list</li></ul>
    <table><tr><th>Year</th><th>Total</th></tr><tr><td>2020</td><td>107.8</td></tr></table></article>
    <footer>All rights reserved</footer></body></html>"""
    document = read(page.encode(), "a.html")
    assert "All rights" not in document.text
    assert "evil" not in document.text
    assert "About" not in document.text
    assert "- first point of the list\n- second point" in document.text
    assert "| Year: 2020 | Total: 107.8 |" in document.text
    assert [heading.title for heading in document.headings] == ["The visit", "Results"]


def test_html_without_an_article_keeps_its_visible_text_and_says_so() -> None:
    document = read(b"<html><body><p>Hi.</p></body></html>", "a.html")
    assert "Hi." in document.text


def test_pdf_knows_the_page_of_every_character() -> None:
    document = read(pdf("Alpha stands here. One.", "Beta stands there. Two.", title="Letters"), "a.pdf")
    assert document.title == "Letters"
    assert document.page_at(document.text.index("Alpha")) == 1
    assert document.page_at(document.text.index("Beta")) == 2
    assert [heading.title for heading in document.headings] == ["Alpha stands here", "Beta stands there"]


def test_word_documents_keep_headings_and_table_rows() -> None:
    document = read(word(), "a.docx")
    assert document.text == "Trade\n\nIt grew.\n\nFigures\n\n| Year: 2020 | Total: 107.8 |"
    assert [(heading.level, heading.title) for heading in document.headings] == [(1, "Trade"), (2, "Figures")]


@pytest.mark.parametrize("compress", [False, True])
def test_bulk_import_gives_a_document_a_line(compress: bool) -> None:
    lines = "\n".join(json.dumps({"source": f"s{n}", "title": "T", "text": f"Text {n}."}) for n in range(3)).encode()
    name = "a.jsonl.gz" if compress else "a.jsonl"
    data = gzip.compress(lines) if compress else lines
    parsed = list(parse(BytesIO(data), name, name, len(data)))
    assert [document.source for document in parsed] == ["s0", "s1", "s2"]


def test_a_bad_line_of_a_bulk_import_harms_no_other() -> None:
    good = json.dumps({"source": "a", "text": "Text."})
    data = "\n".join([good, "{", '{"text": "x"}', '["a"]', good, '{"source": "b", "text": " "}']).encode()
    parsed = list(parse(BytesIO(data), "a.jsonl", "a.jsonl", len(data)))
    assert isinstance(parsed[0], Document)
    codes = [failed.code for failed in parsed[1:] if isinstance(failed, LineFailure)]
    assert codes == ["E_JSON", "E_FIELD", "E_JSON", "E_DUPLICATE", "E_NO_TEXT"]


@pytest.mark.parametrize(
    ("data", "name", "code"),
    [
        (b"", "a.txt", "E_EMPTY"),
        (b" \n\xef\xbb\xbf", "a.txt", "E_NO_TEXT"),
        (bytes(range(256)) * 40, "a.txt", "E_TYPE"),
        (b"<html>", "a.pdf", "E_TYPE"),
        (b"%PDF-1.7 nonsense", "a.pdf", "E_CORRUPT"),
        (b"PK nonsense", "a.docx", "E_CORRUPT"),
        (b"\xd0\xcf\x11\xe0 old", "a.docx", "E_ENCRYPTED"),
        (b"x", "a.xyz", "E_UNSUPPORTED"),
        (b"\x1f\x8bnot gzip", "a.jsonl.gz", "E_CORRUPT"),
        (pdf(""), "a.pdf", "E_NO_TEXT"),
        (word()[:2000], "a.docx", "E_CORRUPT"),
    ],
)
def test_an_unreadable_file_gives_one_typed_error(data: bytes, name: str, code: str) -> None:
    error = failure(data, name)
    assert error.code == code
    assert "\n" not in str(error)


def test_the_longest_ending_counts() -> None:
    assert suffix_of("A.JSONL.GZ") == ".jsonl.gz"
    assert suffix_of("a.png") is None


def test_every_kind_of_the_sample_corpus_parses() -> None:
    kinds = set()
    for path in sorted((Path(__file__).parent.parent / "ingest" / "sample").iterdir()):
        document = read(path.read_bytes(), path.name)
        assert document.title
        assert document.headings or path.suffix == ".txt"
        kinds.add(path.suffix)
    assert kinds <= PARSERS.keys()
    assert kinds == {".md", ".txt", ".html", ".pdf", ".docx"}


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("https://a.org/docs/KeyProtect?topic=KeyProtect-restore-keys", "docs Key Protect restore keys"),
        ("https://a.org/v1.2/Caf%C3%A9_menu#top", "v1.2 Café menu"),
        ("https://a.org", ""),
    ],
)
def test_the_words_of_an_address_stand_in_for_a_title(url: str, words: str) -> None:
    assert url_words(url) == words
    line = json.dumps({"source": "a", "text": "Text.", "url": url}).encode()
    assert [document.title for document in parse_jsonl(BytesIO(line), "f") if isinstance(document, Document)] == [words]


def test_a_line_may_have_a_date_and_a_wrong_one_is_named() -> None:
    lines = [{"source": "a", "text": "A.", "date": "2024-05-01T10:00"}, {"source": "b", "text": "B.", "date": "May"}]
    found = list(parse_jsonl(BytesIO(b"\n".join(json.dumps(line).encode() for line in lines)), "f"))
    assert isinstance(found[0], Document)
    assert found[0].date == "2024-05-01"
    assert isinstance(found[1], LineFailure)
    assert found[1].reason == "its field 'date' is 'May', not YYYY-MM-DD."
