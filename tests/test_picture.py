"""The picture of a PDF's page: marks lie on the letters that are quoted, on every line of them, and on no others."""

import ctypes
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import astuple
from functools import cache
from io import BytesIO
from pathlib import Path

import pypdfium2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageChops, ImageDraw
from pypdfium2 import raw

from ingest.canonical import TextBuilder
from ingest.formats.draw_pdf import draw_page
from ingest.formats.parse_pdf import parse_pdf
from ingest.pdf.box import Box, Piece
from ingest.pdf.picture import Mark, Picture, digest_of
from ingest.pdf.places import places_of
from ingest.pdf.words import Vocabulary
from ingest.sandbox import Sandbox
from rag.errors import ParseError
from rag.types import Document, Span
from tests.bad_pdfs import active, flate_bomb, jbig2_bomb, page_pdf, stream, truncated
from tests.conftest import SAMPLE
from tests.test_pdf import LEFT, RIGHT, booklet, drawn, show

_MANY = 1_000_000  # pixels, on which a page is laid to measure on it finely


def columns(*, by_row: bool, matrix: str = "") -> bytes:
    pieces = [(side, row) for row in range(len(LEFT)) for side in (0, 1)]
    shown = [
        show((LEFT, RIGHT)[side][row], (50, 310)[side], 700 - 14 * row)
        for side, row in (pieces if by_row else sorted(pieces))
    ]
    return drawn(matrix, *shown)


def broken_words() -> bytes:
    """Words broken by hyphens, ligatures as one letter each, a footnote's raised mark, a table's row, a long name."""
    return drawn(
        show("It is a \\256ne and use-", y=730).replace("Tj", "Tj /F1 7 Tf 5 Ts (12) Tj 0 Ts"),
        show("The in\\257ux of infor-", y=700),
        show("mation reached the well-known", y=686),
        show("desks of the self-", y=672),
        show("governing town.", y=658),
        *(show(cell, 50 + 150 * number, 600) for number, cell in enumerate(("Year", "Ships", "1,200 tons"))),
        show("Donaudampfschifffahrtsgesellschaft", y=500),
    )


def sideways(data: bytes) -> bytes:
    return data.replace(b"/MediaBox", b"/Rotate 90 /MediaBox")


def turned(degrees: int) -> bytes:
    """Columns drawn turned, on a page that is turned back for its readers."""
    width, height, matrix = {
        90: (800, 600, "0 1 -1 0 800 0 cm "),
        180: (600, 800, "-1 0 0 -1 600 800 cm "),
        270: (800, 600, "0 -1 1 0 0 600 cm "),
    }[degrees]
    box = b"/Rotate %d /MediaBox [0 0 %d %d]" % (degrees, width, height)
    return columns(by_row=True, matrix=matrix).replace(b"/MediaBox [0 0 600 800]", box)


def cropped(data: bytes) -> bytes:
    return data.replace(b"/MediaBox [0 0 600 800]", b"/MediaBox [-20 -10 600 800] /CropBox [35 450 580 760]")


def noted() -> bytes:
    note = b"<< /Type /Annot /Subtype /FreeText /Rect [50 600 400 620] /F 4 /Contents (A note) /AP << /N 7 0 R >> >>"
    look = stream(
        b"BT /F1 12 Tf 0 5 Td (A note typed onto it) Tj ET",
        b"/Type /XObject /Subtype /Form /BBox [0 0 350 20] /Resources << /Font << /F1 5 0 R >> >>",
    )
    page = drawn(show("What stands above it."), show("Under it.", y=500), more=[note, look])
    return page.replace(b"/MediaBox", b"/Annots [6 0 R] /MediaBox")


FILES = {
    **{path.name: path.read_bytes() for path in SAMPLE.glob("*.pdf")},
    "columns": columns(by_row=False),
    "columns drawn by row": columns(by_row=True),
    "broken words": broken_words(),
    "annotation": noted(),
    "running lines": booklet(4, lambda number: f"Page {number} of 4"),
    **{f"turned by {degrees}": turned(degrees) for degrees in (90, 180, 270)},
    "cropped": cropped(columns(by_row=True)),
    "cropped and sideways": sideways(cropped(broken_words())),
}


@cache
def read(data: bytes) -> Document:
    (document,) = parse_pdf(BytesIO(data), "a.pdf")
    return document


def picture(data: bytes, page: int, span: Span) -> Picture:
    return draw_page(BytesIO(data), page, span, digest_of(span.of(read(data).text)))


def under(data: bytes, number: int, marks: tuple[Mark, ...]) -> list[str]:
    """The letters that pdfium finds under the marks, a hair's breadth within their edges."""
    with pypdfium2.PdfDocument(data) as file:
        page = file[number - 1]
        if raw.FPDFPage_Flatten(page, raw.FLAT_NORMALDISPLAY) == 1:
            page = file[number - 1]
        text_page = page.get_textpage()
        return letters("".join(text_page.get_text_bounded(*_on_page(page, mark)) for mark in marks))


def _on_page(page: pypdfium2.PdfPage, mark: Mark) -> Box:
    corners = _point(page, mark.left, mark.top), _point(page, mark.left + mark.width, mark.top + mark.height)
    (left, right), (bottom, top) = (sorted(values) for values in zip(*corners, strict=True))
    sides = right - left, top - bottom
    across, up = (min(0.15 * side, 0.5) if side == max(sides) else 0.15 * side for side in sides)
    return Box(left + across, bottom + up, right - across, top - up)


def _point(page: pypdfium2.PdfPage, across: float, down: float) -> tuple[float, float]:
    x, y = ctypes.c_double(), ctypes.c_double()
    place = (round(across * _MANY), round(down * _MANY))
    assert raw.FPDF_DeviceToPage(page, 0, 0, _MANY, _MANY, 0, *place, x, y)
    return x.value, y.value


def letters(text: str) -> list[str]:
    return [letter for letter in unicodedata.normalize("NFKD", text) if letter.isalnum()]


def sentences(document: Document) -> Iterator[tuple[int, Span]]:
    """Every sentence or heading, with its page."""
    for page in document.pages:
        for found in re.finditer(r"\w(?:[^.\n]|\n(?!\n)|\.(?!\s))*", page.span.of(document.text)):
            yield page.number, Span(*found.span()).shifted(page.span.start)


@pytest.mark.parametrize("name", FILES)
def test_the_letters_of_every_sentence_are_under_its_marks_and_no_others(name: str) -> None:
    document = read(FILES[name])
    for page, span in sentences(document):
        quote = span.of(document.text)
        assert under(FILES[name], page, picture(FILES[name], page, span).marks) == letters(quote), quote


@pytest.mark.parametrize("name", ["columns", "columns drawn by row", "turned by 90", "cropped", "annotation"])
def test_there_is_a_mark_for_every_line(name: str) -> None:
    document = read(FILES[name])
    for start in range(0, len(document.text) - 120, 40):
        span = Span(start, start + 120)
        lines = [line for line in span.of(document.text).split("\n") if line.strip()]
        assert len(picture(FILES[name], 1, span).marks) == len(lines)


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(["broken words", "columns drawn by row", "cropped and sideways"]), st.data())
def test_any_words_are_marked_from_the_first_to_the_last(name: str, data: st.DataObject) -> None:
    document = read(FILES[name])
    words = [found.span() for found in re.finditer(r"\w+", document.text)]
    first, last = sorted(data.draw(st.tuples(*[st.integers(0, len(words) - 1)] * 2)))
    span = Span(words[first][0], words[last][1])
    assert under(FILES[name], 1, picture(FILES[name], 1, span).marks) == letters(span.of(document.text))


WRITTEN = st.text(st.sampled_from("abcdé ﬁﬄ-‐\u00ad1.\ufeffe\u0301\u0323가각אب字\u3000"), max_size=12)


@given(st.lists(WRITTEN, min_size=1, max_size=8))
def test_every_character_is_found_again_whatever_was_mended(lines: list[str]) -> None:
    """Each character's place on the page tells what it was drawn as."""
    drawn_as = "".join("".join(line.split()) for line in lines)
    places = iter([Box(number, 0, number + 1, 1) for number in range(len(drawn_as))])
    pieces = [Piece(line, Box(0, 0, 1, 1), 1, tuple(next(places) for _ in "".join(line.split()))) for line in lines]
    builder = TextBuilder()
    builder.add(Vocabulary([]).mended("\n".join(lines)))
    for index, character in enumerate(builder.text):
        for box in places_of(Span(index, index + 1), builder.text, pieces):
            found = drawn_as[int(box.left) : int(box.right)]
            assert set(letters(character)) <= set(letters(found))
        if character.isalnum():
            assert places_of(Span(index, index + 1), builder.text, pieces)


@pytest.mark.parametrize("name", ["columns", "cropped", "cropped and sideways", "turned by 90", "turned by 270"])
def test_all_that_is_printed_on_the_picture_is_under_the_marks_of_all_text(name: str) -> None:
    data = FILES[name]
    found = picture(data, 1, Span(0, len(read(data).text)))
    image = Image.open(BytesIO(found.png)).convert("L")
    assert image.size == (found.width, found.height)
    assert ImageChops.invert(image).getbbox() is not None
    for left, top, width, height in map(astuple, found.marks):
        start = (left * image.width - 1, top * image.height - 1)
        end = ((left + width) * image.width + 1, (top + height) * image.height + 1)
        ImageDraw.Draw(image).rectangle((start, end), fill=255)
    assert ImageChops.invert(image).getbbox() is None


def test_only_what_stands_on_the_page_is_marked() -> None:
    data = FILES["running lines"]
    document = read(data)
    span = Span(document.text.index("It sank 2 times"), document.text.index("It sank 3 times"))
    assert [len(picture(data, page, span).marks) for page in (1, 2, 3)] == [0, 1, 1]


@pytest.mark.parametrize(("width", "height"), [(600, 800), (14400, 3), (3, 14400), (14400, 14400), (0.001, 800)])
def test_a_picture_is_about_1000_pixels_wide_and_never_over_4_megapixels(width: float, height: float) -> None:
    data = page_pdf(show("a", x=0, y=0).encode()).replace(b"[0 0 600 800]", b"[0 0 %g %g]" % (width, height))
    found = draw_page(BytesIO(data), 1, Span(0, 1), "")
    assert Image.open(BytesIO(found.png)).size == (found.width, found.height)
    assert found.width <= 1001
    assert found.height <= 4001


def test_another_quote_than_what_stands_there_gets_no_marks(tmp_path: Path) -> None:
    path = tmp_path / "a.pdf"
    path.write_bytes(drawn(show("The harbour was built in 1811.")))
    with Sandbox() as sandbox:
        (document,) = sandbox.parse(path, "a.pdf")
        span = Span(4, 11)
        assert len(sandbox.picture(path, 1, span, "harbour").marks) == 1
        assert sandbox.picture(path, 1, span, "harbor.").marks == ()
        assert sandbox.picture(path, 1, Span(4, 10**9), "harbour").marks == ()
        assert list(sandbox.parse(path, "a.pdf")) == [document]


@pytest.mark.parametrize("data", [jbig2_bomb(), active("http://127.0.0.1:9/", "/etc/passwd")])
def test_what_is_hostile_on_a_page_is_not_drawn_and_its_text_is_marked(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "a.pdf"
    path.write_bytes(data)
    with Sandbox() as sandbox:
        assert len(sandbox.picture(path, 1, Span(0, 20), read(data).text[:20]).marks) == 1


@pytest.mark.parametrize(
    ("data", "page", "code"),
    [
        (drawn(show("Text.")), 2, "E_PAGES"),
        (drawn(show("Text.")), 0, "E_PAGES"),
        (truncated(), 1, "E_CORRUPT"),
        (flate_bomb(), 1, "E_BOMB"),
        (b"", 1, "E_TYPE"),
        (drawn(show("Text.")).replace(b"/MediaBox", b"/CropBox [900 900 910 910] /MediaBox"), 1, "E_CORRUPT"),
    ],
)
def test_what_cannot_be_drawn_is_refused_in_one_sentence(tmp_path: Path, data: bytes, page: int, code: str) -> None:
    path = tmp_path / "a.pdf"
    path.write_bytes(data)
    with Sandbox() as sandbox:
        with pytest.raises(ParseError) as raised:
            sandbox.picture(path, page, Span(0, 4), "Text")
        assert raised.value.code == code
        assert "\n" not in str(raised.value)
        path.write_bytes(drawn(show("Text.")))
        assert len(sandbox.picture(path, 1, Span(0, 4), "Text").marks) == 1
