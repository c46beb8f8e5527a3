"""Every format the table of parsers knows, in files built here; and the shares reached on the benchmark of formats."""

import json
import zipfile
from collections import Counter
from collections.abc import Mapping
from datetime import date, datetime, time
from email.message import EmailMessage
from io import BytesIO
from pathlib import Path
from typing import Any

import docx
import openpyxl
import pytest
from docx.oxml import parse_xml
from pptx import Presentation
from pptx.chart.data import CategoryChartData
from pptx.enum.chart import XL_CHART_TYPE
from pptx.util import Inches

from eval.bench.parsing_sets import has_every_phrase, read_file, read_index
from ingest.parse import PARSERS
from ingest.sandbox import Sandbox
from rag.types import Document
from tests.conftest import ROOT
from tests.test_parse import failure, read, word

TABLE = [["Year", "Total"], ["2020", "107.8"], ["2021", "110.2"]]
LINES = "| Year: 2020 | Total: 107.8 |\n| Year: 2021 | Total: 110.2 |"
BENCHMARK = ROOT.parent / "shared" / "benchmarks" / "formats"
W = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"


def zipped(parts: Mapping[str, str | bytes]) -> bytes:
    file = BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in parts.items():
            archive.writestr(name, data)
    return file.getvalue()


def slides() -> bytes:
    deck = Presentation()
    first = deck.slides.add_slide(deck.slide_layouts[5])
    first.shapes.title.text = "Trade"
    table = first.shapes.add_table(3, 2, Inches(1), Inches(2), Inches(4), Inches(2)).table
    for row, cells in enumerate(TABLE):
        for column, words in enumerate(cells):
            table.cell(row, column).text = words
    second = deck.slides.add_slide(deck.slide_layouts[5])
    group = second.shapes.add_group_shape()
    group.shapes.add_textbox(0, 0, Inches(2), Inches(1)).text_frame.text = "In a group."
    second.shapes.title.text = "Growth"
    second.notes_slide.notes_text_frame.text = "Say it slowly."
    data = CategoryChartData()  # type: ignore[no-untyped-call]
    data.categories = ["Q1", "Q2"]
    data.add_series("Sales", (10, 12.5))  # type: ignore[no-untyped-call]
    second.shapes.add_chart(XL_CHART_TYPE.COLUMN_CLUSTERED, 0, 0, Inches(3), Inches(3), data)
    file = BytesIO()
    deck.save(file)
    return file.getvalue()


def workbook(*rows: list[Any], **cells: Any) -> bytes:
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = "Trade"
    for row in rows:
        sheet.append(row)
    for place, value in cells.items():
        sheet[place] = value
    file = BytesIO()
    book.save(file)
    return file.getvalue()


def book(**more: str) -> bytes:
    container = '<container><rootfiles><rootfile full-path="OPS/p.opf"/></rootfiles></container>'
    package = """<package xmlns:dc="http://purl.org/dc/elements/1.1/"><metadata><dc:title>The Book</dc:title></metadata>
        <manifest><item id="b" href="b.xhtml" media-type="application/xhtml+xml"/>
        <item id="a" href="a.xhtml" media-type="application/xhtml+xml"/></manifest>
        <spine><itemref idref="a"/><itemref idref="b"/></spine></package>"""
    chapters = {
        "OPS/a.xhtml": "<?xml version='1.0'?><html><body><h1>One</h1><p>First <b>wo</b>rds.</p></body></html>",
        "OPS/b.xhtml": "<html><body><h1>Two</h1><p>Last words.</p></body></html>",
    }
    files = {"mimetype": "application/epub+zip", "META-INF/container.xml": container, "OPS/p.opf": package}
    return zipped(files | chapters | more)


def letter(**more: str) -> EmailMessage:
    message = EmailMessage()
    for name, value in (
        {"Subject": "Treaty", "From": "a@b.org", "Date": "Tue, 01 Oct 2024 12:34:56 -0500"} | more
    ).items():
        message[name] = value
    message.set_content("It was signed.")
    message.add_alternative("<p>It was <b>signed</b>.</p>", subtype="html")
    return message


def open_document() -> bytes:
    spaces = 'xmlns:office="o" xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0"'
    spaces += ' xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0"'
    cells = "".join(
        "<table:table-row>"
        + "".join(f"<table:table-cell><text:p>{words}</text:p></table:table-cell>" for words in row)
        + '<table:table-cell table:number-columns-repeated="999999999"/></table:table-row>'
        for row in TABLE
    )
    body = f"""<office:document-content {spaces}><office:body><office:text><text:tracked-changes><text:p>gone</text:p>
        </text:tracked-changes><text:h text:outline-level="2">Trade</text:h><text:p>It<text:s/>grew.</text:p>
        <table:table>{cells}</table:table></office:text></office:body></office:document-content>"""
    return zipped({"mimetype": "application/vnd.oasis.opendocument.text", "content.xml": body})


NOTEBOOK = json.dumps(
    {
        "cells": [
            {"cell_type": "markdown", "source": ["# Trade\n", "\n", "It grew."]},
            {
                "cell_type": "code",
                "source": "print(1)",
                "outputs": [{"text": ["1\n"]}, {"data": {"image/png": "iVBOR"}}],
            },
        ]
    }
).encode()

FILES: dict[str, bytes] = {
    "a.docx": word(),
    "a.pptx": slides(),
    "a.xlsx": workbook(*TABLE),
    "a.csv": b"Year;Total\n2020;107.8\n2021;110.2\n",
    "a.tsv": b"Year\tTotal\n2020\t107.8\n2021\t110.2\n",
    "a.odt": open_document(),
    "a.epub": book(),
    "a.eml": letter().as_bytes(),
    "a.json": b'{"trade": {"2020": 107.8, "grew": true}, "rows": [{"year": 2020, "total": 107.8}], "tags": ["a", "b"]}',
    "a.ipynb": NOTEBOOK,
    "a.xml": b"<t><r><year>2020</year><total>107.8</total></r><p>It <b>gr</b>ew.</p></t>",
    "a.svg": b"<svg xmlns='http://www.w3.org/2000/svg'><style>x{}</style><text>It grew.</text></svg>",
    "a.rst": b"=====\nTrade\n=====\n\nIt grew.\n\nFigures\n-------\n\nMore.\n",
    "a.org": b"#+TITLE: Report\n* Trade\nIt grew.\n** TODO Figures :tag:\n",
    "a.rtf": rb"{\rtf1\ansi It \b grew\b0 .\par\trowd\cell Year\cell}",
    "a.py": b"# It grew.\nx = 1\n",
}
TEXTS = {
    "a.xlsx": f"Trade\n\n{LINES}",
    "a.csv": LINES,
    "a.tsv": LINES,
    "a.odt": f"Trade\n\nIt grew.\n\n{LINES}",
    "a.epub": "One\n\nFirst words.\n\nTwo\n\nLast words.",
    "a.eml": "Treaty\n\nFrom: a@b.org\nDate: Tue, 01 Oct 2024 12:34:56 -0500\n\nIt was signed.",
    "a.json": "trade.2020: 107.8\ntrade.grew: true\nrows[0] | year: 2020 | total: 107.8 |\ntags: a, b",
    "a.ipynb": "# Trade\n\nIt grew.\n\n```\nprint(1)\n```\n\n```\n1\n\n```",
    "a.xml": "| year: 2020 | total: 107.8 |\nIt grew.",
    "a.svg": "It grew.",
}
HEADINGS = {
    "a.pptx": ["Trade", "Growth"],
    "a.xlsx": ["Trade"],
    "a.odt": ["Trade"],
    "a.epub": ["One", "Two"],
    "a.eml": ["Treaty"],
    "a.ipynb": ["Trade"],
    "a.rst": ["Trade", "Figures"],
    "a.org": ["Trade", "Figures"],
}
TITLES = {"a.pptx": "Trade", "a.epub": "The Book", "a.eml": "Treaty", "a.org": "Report", "a.py": "a.py", "a.csv": "a"}


@pytest.fixture(scope="module")
def parsed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Document]:
    """Every file, read in the child process that may do nothing else."""
    folder = tmp_path_factory.mktemp("formats")
    documents = {}
    with Sandbox() as sandbox:
        for name, data in FILES.items():
            (folder / name).write_bytes(data)
            (documents[name],) = sandbox.parse(folder / name, name)
    return {name: document for name, document in documents.items() if isinstance(document, Document)}


@pytest.mark.parametrize("name", FILES)
def test_headings_and_pages_point_into_the_text(parsed: dict[str, Document], name: str) -> None:
    document = parsed[name]
    assert document.title
    assert not document.warnings
    for heading in document.headings:
        line = document.text[heading.start :].split("\n\n")[0]
        assert heading.title in line
    for page in document.pages:
        assert page.span.end <= len(document.text)


@pytest.mark.parametrize("name", TEXTS)
def test_the_text_of_each_format(parsed: dict[str, Document], name: str) -> None:
    assert parsed[name].text == TEXTS[name]


@pytest.mark.parametrize("name", HEADINGS)
def test_the_headings_of_each_format(parsed: dict[str, Document], name: str) -> None:
    assert [heading.title for heading in parsed[name].headings] == HEADINGS[name]


@pytest.mark.parametrize("name", TITLES)
def test_the_title_of_each_format(parsed: dict[str, Document], name: str) -> None:
    assert parsed[name].title == TITLES[name]


def test_an_email_has_a_date(parsed: dict[str, Document]) -> None:
    assert parsed["a.eml"].date == "2024-10-01"


def test_each_slide_is_a_page_with_tables_groups_charts_and_notes(parsed: dict[str, Document]) -> None:
    document = parsed["a.pptx"]
    assert document.text.startswith(f"Trade\n\n{LINES}\n\nGrowth\n\nIn a group.")
    assert "| Q1 | Sales: 10 |\n| Q2 | Sales: 12.5 |" in document.text
    assert document.text.endswith("Notes: Say it slowly.")
    assert [page.number for page in document.pages] == [1, 2]
    assert document.page_at(document.text.index("Growth")) == 2


def test_text_boxes_content_controls_and_merged_cells_of_word_documents_are_read() -> None:
    document = docx.Document()
    control = (
        f'<w:sdt xmlns:w="{W}"><w:sdtContent><w:p><w:r><w:t>In a control.</w:t></w:r></w:p></w:sdtContent></w:sdt>'
    )
    box = f"""<w:p xmlns:w="{W}"><w:r><w:t>Anchor.</w:t></w:r><w:r><w:pict><w:txbxContent><w:p><w:r><w:t>In a box.</w:t>
        </w:r></w:p></w:txbxContent></w:pict></w:r><w:del><w:r><w:delText>Gone.</w:delText></w:r></w:del></w:p>"""
    for element in (control, box):
        document.element.body.insert(0, parse_xml(element))
    table = document.add_table(rows=3, cols=3)
    for row, words in zip(table.rows, ("Name Born Died", "Ann 1900 1980", "Bo 1910 1990"), strict=True):
        for cell, text in zip(row.cells, words.split(), strict=True):
            cell.text = text
    table.cell(2, 1).merge(table.cell(2, 2)).text = "1910 to 1990"
    file = BytesIO()
    document.save(file)
    text = read(file.getvalue(), "a.docx").text
    assert text.startswith("Anchor.\n\nIn a box.\n\nIn a control.")
    assert "| Name: Ann | Born: 1900 | Died: 1980 |\n| Name: Bo | Born: 1910 to 1990 |" in text


def test_numbers_dates_and_formulas_of_a_sheet_are_as_a_person_reads_them() -> None:
    data = workbook(
        [2020.0, 0.1 + 0.2, date(2024, 5, 1), datetime(2024, 5, 1, 9, 30), time(9, 30), True, "=SUM(A1:B1)"], A3="x  y"
    )
    text = read(data, "a.xlsx").text
    assert "| 2020 | 0.3 | 2024-05-01 | 2024-05-01 09:30 | 09:30 | TRUE | =SUM(A1:B1) |" in text
    assert text.endswith("x y")


def test_a_percentage_reads_as_one() -> None:
    book = openpyxl.Workbook()
    book.active["A1"] = 0.125
    book.active["A1"].number_format = "0.0%"
    file = BytesIO()
    book.save(file)
    assert read(file.getvalue(), "a.xlsx").text == "Sheet\n\n12.5%"


def test_the_furthest_cell_of_a_sheet_costs_nothing() -> None:
    assert read(workbook(A1="first", XFD1048576="last"), "a.xlsx").text == "Trade\n\nfirst\nlast"


def test_macros_are_named_and_never_run() -> None:
    data = BytesIO(workbook(*TABLE))
    with zipfile.ZipFile(data, "a") as archive:
        archive.writestr("xl/vbaProject.bin", b"x")
    document = read(data.getvalue(), "a.xlsm")
    assert document.warnings == ("it holds macros, which are never run",)
    assert LINES in document.text


def test_a_word_document_with_macros_is_read_without_them() -> None:
    with zipfile.ZipFile(BytesIO(word())) as archive:
        parts: dict[str, bytes] = {name: archive.read(name) for name in archive.namelist()}
    plain = b"application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"
    types = parts["[Content_Types].xml"].replace(plain, b"application/vnd.ms-word.document.macroEnabled.main+xml")
    document = read(zipped(parts | {"[Content_Types].xml": types, "word/vbaProject.bin": b"x"}), "a.docm")
    assert document.warnings == ("it holds macros, which are never run",)
    assert document.text == read(word(), "a.docx").text


@pytest.mark.parametrize(
    ("data", "name", "suffix"),
    [(word(), "a.doc", ".docx"), (slides(), "a.ppt", ".pptx"), (workbook(*TABLE), "a.xls", ".xlsx"),
     (word(), "a.md", ".docx"), (book(), "a.txt", ".epub"), (FILES["a.rtf"], "a.doc", ".rtf"),
     (b"<html><body><p>It grew.</p></body></html>", "a.xls", ".html")],
)  # fmt: skip
def test_a_file_is_read_as_what_it_is(data: bytes, name: str, suffix: str) -> None:
    assert read(data, name).warnings[0] == f"its content is {suffix}, not {Path(name).suffix}, and was read as that"


def test_attachments_are_named_not_read() -> None:
    message = letter()
    message.add_attachment("secret", filename="notes.txt")
    document = read(message.as_bytes(), "a.eml")
    assert document.warnings == ("attachments were not read: notes.txt",)
    assert "secret" not in document.text


def test_the_layout_of_html_is_kept() -> None:
    page = """<p>un<b>broken</b> word</p><ul><li>a<ul><li>b</li></ul></li></ul><table><tr><th>Year<th>Total
        <tr><td rowspan=2>2020<td>1<tr><td>2</table>after"""
    text = read(page.encode(), "a.html").text
    assert text == "unbroken word\n\n- a\n  - b\n\n| Year: 2020 | Total: 1 |\n| Total: 2 |\n\nafter"


OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
BILLION = b'<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><x>&b;</x>'


@pytest.mark.parametrize(
    ("data", "name", "code"),
    [
        (OLE, "a.doc", "E_UNSUPPORTED"),
        (OLE, "a.msg", "E_UNSUPPORTED"),
        (OLE, "a.xlsx", "E_ENCRYPTED"),
        (OLE + "EncryptedPackage".encode("utf-16-le"), "a.xls", "E_ENCRYPTED"),
        (BILLION, "a.xml", "E_ENTITY"),
        (zipped({"mimetype": "application/epub+zip", "META-INF/container.xml": BILLION}), "a.epub", "E_ENTITY"),
        (b"<x>" * 5_000 + b"</x>" * 5_000, "a.xml", "E_DEPTH"),
        (b"<div>" * 5_000, "a.html", "E_DEPTH"),
        (b"[" * 100_000, "a.json", "E_DEPTH"),
        (b"<x>", "a.xml", "E_CORRUPT"),
        (b"{", "a.json", "E_CORRUPT"),
        (b"[]", "a.ipynb", "E_CORRUPT"),
        (b"no rtf", "a.rtf", "E_TYPE"),
        (zipped({"a": "b"}), "a.pptx", "E_CORRUPT"),
        (zipped({"a": "b"}), "a.xlsx", "E_CORRUPT"),
        (slides()[:-100], "a.pptx", "E_CORRUPT"),
        (open_document()[:300], "a.odt", "E_CORRUPT"),
        (zipped({"../a": "b"}), "a.docx", "E_PATH"),
        (zipped({"a.xml": b" " * (101 * 2**20)}), "a.docx", "E_BOMB"),
        (letter().as_bytes().replace(b"It was signed", b"-----BEGIN PGP MESSAGE-----"), "a.eml", "E_ENCRYPTED"),
        (b"Subject: x\n\n \n", "a.eml", "E_NO_TEXT"),
        (workbook(), "a.xlsx", "E_NO_TEXT"),
        (b"\n".join([b"1,2"] * 500_001), "a.csv", "E_TOO_BIG"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_gives_one_typed_error(data: bytes, name: str, code: str) -> None:
    error = failure(data, name)
    assert error.code == code
    assert "\n" not in str(error)


def test_a_locked_book_is_told_from_one_with_scrambled_fonts() -> None:
    lock = '<e><CipherData><CipherReference URI="{}"/></CipherData></e>'
    assert read(book(**{"META-INF/encryption.xml": lock.format("OPS/font.otf")}), "a.epub").text
    assert failure(book(**{"META-INF/encryption.xml": lock.format("OPS/a.xhtml")}), "a.epub").code == "E_ENCRYPTED"


def test_archives_with_links_passwords_or_overlapping_parts_are_refused() -> None:
    link = zipfile.ZipInfo("a")
    link.external_attr = 0o120777 << 16
    file = BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr(link, "/etc/passwd")
    assert failure(file.getvalue(), "a.docx").code == "E_PATH"
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("a", "b")
        with pytest.warns(UserWarning, match="Duplicate name"):
            archive.writestr("a", "c")
    assert failure(file.getvalue(), "a.docx").code == "E_CORRUPT"
    plain = zipped({"a": "b", "c": "d"})
    directory = plain.index(b"PK\x01\x02")
    locked = bytearray(plain)
    locked[directory + 8] |= 1
    assert failure(bytes(locked), "a.docx").code == "E_ENCRYPTED"
    second = plain.index(b"PK\x01\x02", directory + 1)
    overlapping = bytearray(plain)
    overlapping[second + 42 : second + 46] = bytes(4)
    assert failure(bytes(overlapping), "a.docx").code == "E_BOMB"


def test_every_ending_has_a_parser_that_is_tried_here_or_beside() -> None:
    tried = {Path(name).suffix for name in FILES} | {".txt", ".md", ".html", ".pdf", ".jsonl", ".doc"}
    assert {PARSERS[suffix] for suffix in tried} | {PARSERS[".jsonl.gz"]} == set(PARSERS.values())


@pytest.mark.skipif(not BENCHMARK.is_dir(), reason="the benchmark of formats is not on this machine")
def test_the_benchmark_of_formats_is_read_as_well_as_before() -> None:
    missed: Counter[tuple[str, bool]] = Counter()
    with Sandbox() as sandbox:
        for row in read_index(BENCHMARK):
            if row["kind"] != "pdf" and row["expect"] == "text":
                text, _ = read_file(sandbox, BENCHMARK / "corpus" / row["file"])
                missed[row["level"], has_every_phrase(text, row)] += 1
    assert missed["core", False] <= 1  # a caption that the recognition of articles drops
    assert missed["extra", False] <= 5  # formats of before 2007
