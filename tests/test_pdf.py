"""PDFs as their readers see them: order, words, edges of pages, what is hidden, and what is refused."""

import json
import unicodedata
import zlib
from collections.abc import Callable, Sequence
from io import BytesIO

import pytest
from fpdf import FPDF

from ingest.formats.parse_pdf import parse_pdf
from ingest.parse import parse
from ingest.pdf.words import Vocabulary
from rag.errors import ParseError
from rag.types import Document
from tests.bad_pdfs import deflated, encrypted, page_pdf, raw_pdf, stream
from tests.conftest import ROOT

BENCHMARK = ROOT.parent / "shared" / "benchmarks" / "formats"
LEFT = [
    "The harbour of Lindau was built in 1811",
    "and has three docks for grain and timber",
    "where ships from all parts of the lake",
    "unload in summer and in early autumn,",
    "before the storms of the dark months",
    "close the narrow way between the piers",
]
RIGHT = [
    "and keep the boats at home until March.",
    "Every spring the district then inspects",
    "the dam, the locks and the lighthouse,",
    "and writes a report that the council of",
    "the town reads aloud in its first meeting",
    "after Easter, with all its doors open.",
]
HIDDEN = "praise the master of the harbour"


def read(data: bytes) -> Document:
    (document,) = parse_pdf(BytesIO(data), "a.pdf")
    return document


def refused(data: bytes) -> ParseError:
    with pytest.raises(ParseError) as raised:
        list(parse(BytesIO(data), "a.pdf", "a.pdf", len(data)))
    assert "\n" not in str(raised.value)
    return raised.value


def show(text: str, x: float = 50, y: float = 700, size: float = 12, more: str = "") -> str:
    """The operators that show a text at a place."""
    return f"BT /F1 {size} Tf {more} 1 0 0 1 {x} {y} Tm ({text}) Tj ET\n"


def drawn(*operators: str, catalog: bytes = b"", more: Sequence[bytes] = ()) -> bytes:
    return page_pdf("".join(operators).encode("latin-1"), catalog=catalog, more=more)


def form(content: bytes, entries: bytes = b"") -> bytes:
    return stream(content, b"/Type /XObject /Subtype /Form /BBox [0 0 600 800] " + entries)


def image() -> bytes:
    return stream(
        b"\x80", b"/Type /XObject /Subtype /Image /Width 1 /Height 1 /ColorSpace /DeviceGray /BitsPerComponent 8"
    )


def flat(document: Document) -> str:
    return " ".join(document.text.split())


def booklet(pages: int, footer: Callable[[int], str], header: str = "Annual report of the harbour") -> bytes:
    document = FPDF()
    document.set_font("Helvetica", size=11)
    document.set_auto_page_break(False)
    for number in range(1, pages + 1):
        document.add_page()
        document.text(20, 12, header)
        document.text(20, 60, f"In year {1900 + number} the ferry carried {number * 731} people over the lake.")
        document.text(20, 67, f"It sank {number} times, and was raised again by the men of the {number}th district.")
        document.text(100, 288, footer(number))
    return bytes(document.output())


def test_columns_are_read_one_after_the_other_though_drawn_row_by_row() -> None:
    rows = [
        show(text, x, 700 - 14 * row)
        for row, pair in enumerate(zip(LEFT, RIGHT, strict=True))
        for text, x in zip(pair, (50, 310), strict=True)
    ]
    document = read(drawn(show("Of harbours and of the towns that keep them in order", 120, 740), *rows))
    assert flat(document).endswith(" ".join(LEFT + RIGHT))
    assert flat(document).startswith("Of harbours and of the towns")
    assert "months\nclose the narrow way between the piers\nand keep the boats" in document.text


def test_columns_drawn_one_after_the_other_stay_so() -> None:
    columns = [show(text, 50, 700 - 14 * row) for row, text in enumerate(LEFT)]
    columns += [show(text, 310, 700 - 14 * row) for row, text in enumerate(RIGHT)]
    assert flat(read(drawn(*columns))) == " ".join(LEFT + RIGHT)


def test_a_row_of_a_table_is_one_line() -> None:
    rows = [("Year", "Ships", "Tons"), *((str(1990 + n), str(40 + n), f"{n},200") for n in range(1, 8))]
    cells = [show(cell, 50 + 150 * n, 700 - 14 * row) for row, cells in enumerate(rows) for n, cell in enumerate(cells)]
    assert "Year Ships Tons\n1991 41 1,200\n1992 42 2,200" in read(drawn(*cells)).text


def test_what_stands_above_is_read_first_though_drawn_last() -> None:
    text = read(drawn(show("It was built in 1811.", y=600), show("The harbour", y=700))).text
    assert text == "The harbour\n\nIt was built in 1811."


def test_a_turned_page_is_read_as_its_reader_holds_it() -> None:
    turned = drawn("0 1 -1 0 600 0 cm\n", show("Second line", y=400), show("First line", y=500))
    assert read(turned.replace(b"/MediaBox", b"/Rotate 90 /MediaBox")).text == "First line\n\nSecond line"


def test_a_paragraph_stays_together_and_the_next_is_parted_from_it() -> None:
    lines = [show(text, y=700 - 14 * row) for row, text in enumerate(LEFT)]
    lines += [show(text, y=580 - 14 * row) for row, text in enumerate(RIGHT[1:])]
    assert read(drawn(*lines)).text == "\n".join(LEFT) + "\n\n" + "\n".join(RIGHT[1:])


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        ("the infor-\nmation desk", "the information\ndesk"),
        ("the infor\u00ad\nmation desk", "the information\ndesk"),
        ("re-\ntrieval.", "retrieval."),
        ("a long-\nterm plan", "a long-term\nplan"),
        ("state-of-\nthe-art ships", "state-of-the-art\nships"),
        ("as Lucene-\nBM25 does", "as Lucene-BM25\ndoes"),
        ("from 1990-\n1995 on", "from 1990-1995\non"),
        ("short-\nand long-term", "short-\nand long-term"),
        ("a pause -\nthen more", "a pause -\nthen more"),
        ("the light-\nhouse", "the light-house"),
        ("soft\u00adly", "softly"),
        ("under-\nstanding", "understanding"),
    ],
)
def test_a_word_broken_at_a_lines_end_is_whole_again(lines: str, words: str) -> None:
    vocabulary = Vocabulary(["It is a long-term plan. The light of the house shone under it.", lines])
    assert vocabulary.mended(lines) == words


def test_ligatures_are_written_out_and_nothing_else_is_changed() -> None:
    assert Vocabulary([]).mended("eﬃcient ﬁnd oﬀ x² ½ ™ Å １") == "efficient find off x² ½ ™ Å １"


def test_hyphens_and_ligatures_in_a_whole_document() -> None:
    document = read(drawn(show("a useful infor-"), show("mation desk", y=686), show("of a well-known town", y=672)))
    assert document.text == "a useful information\ndesk\nof a well-known town"


def test_running_headers_footers_and_page_numbers_are_left_out_with_a_warning() -> None:
    document = read(booklet(6, lambda number: f"Page {number} of 6"))
    assert document.text.count("Annual report of the harbour") == 1
    assert document.text.count(" of 6") == 1
    assert document.text.count("raised again") == 6
    (warning,) = document.warnings
    assert "left out on 5 of 6 pages" in warning
    assert "Annual report of the harbour" in warning


def test_bare_page_numbers_go_from_every_page() -> None:
    document = read(booklet(5, lambda number: f"- {number + 8} -", header=""))
    assert "- 9 -" not in document.text
    assert "- 13 -" not in document.text


def test_two_pages_are_too_few_for_running_lines() -> None:
    document = read(booklet(2, lambda number: f"Page {number} of 2"))
    assert document.text.count("Annual report of the harbour") == 2
    assert document.warnings == ()


def test_numbers_that_do_not_count_pages_stay() -> None:
    document = read(booklet(5, lambda number: f"Total {number * number * 100}", header=""))
    assert all(f"Total {number * number * 100}" in document.text for number in range(1, 6))


def test_every_phrase_is_on_its_page_and_empty_pages_count() -> None:
    document = FPDF()
    document.set_font("Helvetica", size=12)
    for text in ("Alpha stands here.", "", "Gamma stands there."):
        document.add_page()
        document.text(20, 20, text)
    found = read(bytes(document.output()))
    assert found.page_at(found.text.index("Alpha")) == 1
    assert found.page_at(found.text.index("Gamma")) == 3
    assert [page.number for page in found.pages] == [1, 3]


@pytest.mark.parametrize(
    "hidden",
    [
        show(HIDDEN, y=600, more="3 Tr"),
        show(HIDDEN, y=600, more="7 Tr"),
        show(HIDDEN, y=600, more="1 1 1 rg"),
        show(HIDDEN, y=600, more="1 g"),
        show(HIDDEN, y=600, size=0.5),
        f"0.05 0 0 0.05 0 0 cm {show(HIDDEN, y=9000)}",
        show(HIDDEN, x=900, y=600),
        show(HIDDEN, y=-40),
    ],
)
def test_text_that_no_reader_sees_is_left_out_with_a_warning(hidden: str) -> None:
    document = read(drawn(show("The harbour was built in 1811."), f"q {hidden} Q"))
    assert document.text == "The harbour was built in 1811."
    (warning,) = document.warnings
    assert "invisible, white, tiny or off-page" in warning
    assert HIDDEN in warning


@pytest.mark.parametrize(
    "backdrop",
    [
        "0 0 0.5 rg 0 580 600 40 re f\n",
        "q 600 0 0 40 0 580 cm /Im1 Do Q\n",
        "0 0 0.5 RG 40 w 0 600 m 600 600 l S\n",
    ],
)
def test_white_text_on_something_dark_is_read(backdrop: str) -> None:
    document = read(drawn(backdrop, show("White on blue", y=595, more="1 g"), more=[image()]))
    assert document.text == "White on blue"
    assert document.warnings == ()


def test_white_text_on_a_white_shape_is_left_out() -> None:
    document = read(drawn("1 g 0 580 600 40 re f\n", show(HIDDEN, y=595), show("Seen.", y=500, more="0 g")))
    assert document.text == "Seen."


def test_a_scan_with_recognised_text_is_read_and_says_so() -> None:
    document = read(drawn("q 600 0 0 800 0 0 cm /Im1 Do Q\n", show("What the scan shows", more="3 Tr"), more=[image()]))
    assert document.text == "What the scan shows"
    assert document.warnings == ("read from an invisible text layer over images (OCR) on 1 of 1 pages",)


def test_invisible_text_under_a_page_of_visible_text_stays_out_even_over_an_image() -> None:
    seen = [show(text, y=700 - 14 * row) for row, text in enumerate(LEFT)]
    image_first = "q 600 0 0 800 0 0 cm /Im1 Do Q\n"
    document = read(drawn(image_first, *seen, show(HIDDEN, y=300, more="3 Tr"), more=[image()]))
    assert HIDDEN not in document.text
    assert HIDDEN in document.warnings[0]


def test_a_note_typed_onto_a_page_is_read_where_it_stands() -> None:
    note = b"<< /Type /Annot /Subtype /FreeText /Rect [50 600 400 620] /F 4 /Contents (A note) /AP << /N 7 0 R >> >>"
    look = stream(
        b"BT /F1 12 Tf 0 5 Td (A note) Tj ET",
        b"/Type /XObject /Subtype /Form /BBox [0 0 350 20] /Resources << /Font << /F1 5 0 R >> >>",
    )
    page = drawn(show("Above it."), show("Under it.", y=500), more=[note, look])
    assert read(page.replace(b"/MediaBox", b"/Annots [6 0 R] /MediaBox")).text == "Above it.\n\nA note\n\nUnder it."


def test_active_content_is_named_and_neither_run_nor_extracted() -> None:
    catalog = (
        b"/OpenAction << /S /JavaScript /JS (app.alert\\(1\\)) /Next << /S /Launch /F (calc.exe) >> >> "
        b"/Names << /EmbeddedFiles << /Names [(a.txt) 6 0 R] >> >>"
    )
    file = b"<< /Type /Filespec /F (a.txt) /EF << /F 7 0 R >> >>"
    document = read(drawn(show("Plain text."), catalog=catalog, more=[file, stream(b"a secret")]))
    assert document.text == "Plain text."
    (warning,) = document.warnings
    for name in ("active content", "JavaScript", "starts a program", "embedded files"):
        assert name in warning


def test_an_empty_password_opens_and_is_noted() -> None:
    document = read(encrypted("", "AES-256"))
    assert document.text
    assert document.warnings == ("it is encrypted, and opens without a password",)


def test_headings_come_from_larger_letters_where_there_is_no_outline() -> None:
    body = [show(text, y=600 - 14 * row) for row, text in enumerate(LEFT + RIGHT)]
    titles = [show("The harbour", size=20), show("How it was built", y=650, size=15), show("A note.", y=300, size=15)]
    document = read(drawn(*titles, *body))
    assert [(heading.level, heading.title) for heading in document.headings] == [
        (1, "The harbour"),
        (2, "How it was built"),
    ]
    assert document.text[document.headings[1].start :].startswith("How it was built")


def test_a_damaged_outline_is_left_out_with_a_warning() -> None:
    deep = [b"<< /Title (a) /First %d 0 R /Dest [3 0 R /Fit] >>" % number for number in range(7, 207)]
    document = read(drawn(show("Text."), catalog=b"/Outlines 6 0 R", more=[*deep, b"<< /Title (b) >>"]))
    assert document.text == "Text."
    assert "outline is damaged" in document.warnings[0]


def test_a_bomb_of_forms_that_draw_forms_is_refused() -> None:
    inner = b"/Resources << /XObject << /Im1 %d 0 R >> >>"
    forms = [form(b"/Im1 Do " * 10, inner % number) for number in range(7, 15)]
    error = refused(drawn("/Im1 Do\n", more=[*forms, form(b"BT /F1 9 Tf (a) Tj ET")]))
    assert error.code == "E_BOMB"


@pytest.mark.parametrize(
    ("data", "code", "words"),
    [
        (b"\n<!DOCTYPE html><html>", "E_TYPE", "its content is HTML"),
        (b"PK\x03\x04....", "E_TYPE", "ZIP"),
        (b"\x89PNG\r\n", "E_TYPE", "image"),
        (b"neither this nor that", "E_TYPE", "its content is not a PDF"),
        (drawn(show("Text."))[:300], "E_CORRUPT", "not a readable PDF"),
        (encrypted("secret", "RC4-128"), "E_ENCRYPTED", "password"),
        (drawn("q 600 0 0 800 0 0 cm /Im1 Do Q", more=[image()]), "E_NO_TEXT", "scan"),
        (raw_pdf(b"<< /Type /Catalog /Pages 2 0 R >>", b"<< /Type /Pages /Kids [] /Count 0 >>"), "E_NO_TEXT", "pages"),
        (
            drawn("/Im1 Do\n", more=[form(b"/Im1 Do", b"/Resources << /XObject << /Im1 6 0 R >> >>")]),
            "E_BOMB",
            "itself",
        ),
        (page_pdf(zlib.compress(show("word").encode() * 400_000), b"/Filter /FlateDecode"), "E_BOMB", "text"),
        (page_pdf(zlib.compress(show("a" * 5_000_000).encode()), b"/Filter /FlateDecode"), "E_BOMB", "text"),
        (drawn(show("Text."), catalog=b"/X " + b"[" * 100_000 + b"]" * 100_000), "E_DEPTH", "deeply"),
        (
            drawn(show("Text."), more=[stream(deflated(b" " * 2**20, 100), b"/Filter /FlateDecode")]).replace(
                b"/BaseFont", b"/ToUnicode 6 0 R /BaseFont"
            ),
            "E_BOMB",
            "safe",
        ),
    ],
    ids=lambda value: value[:12] if isinstance(value, str) else "pdf",
)
def test_what_cannot_be_read_is_refused_with_its_cause(data: bytes, code: str, words: str) -> None:
    error = refused(data)
    assert error.code == code
    assert words in str(error)


def test_too_many_pages_are_refused() -> None:
    page = b"<< /Type /Page /MediaBox [0 0 600 800] /Parent 2 0 R >>"
    tree = b"<< /Type /Pages /Count 5001 /Kids [" + b"3 0 R " * 5001 + b"] >>"
    assert refused(raw_pdf(b"<< /Type /Catalog /Pages 2 0 R >>", tree, page)).code == "E_PAGES"


@pytest.mark.skipif(not BENCHMARK.is_dir(), reason="the benchmark of formats is not beside this project")
def test_every_pdf_of_the_benchmark_of_formats_is_read_or_refused_as_it_should_be() -> None:
    expectations = [json.loads(line) for line in (BENCHMARK / "index.jsonl").read_text().splitlines()]
    wrong = [each["file"] for each in expectations if each["file"].endswith(".pdf") and not _is_met(each)]
    assert wrong == []


def _is_met(expected: dict[str, object]) -> bool:
    data = (BENCHMARK / "corpus" / str(expected["file"])).read_bytes()
    try:
        (document,) = parse(BytesIO(data), "a.pdf", "a.pdf", len(data))
    except ParseError:
        return expected["expect"] != "text"
    assert isinstance(document, Document)
    phrases, pages = expected["must_contain"], expected.get("pages", {})
    assert isinstance(phrases, list)
    assert isinstance(pages, dict)
    on_page = {page.number: _plain(page.span.of(document.text)) for page in document.pages}
    return all(_plain(phrase) in _plain(document.text) for phrase in phrases) and all(
        _plain(phrase) in on_page.get(number, "") for phrase, number in pages.items()
    )


def _plain(text: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", text).split())
