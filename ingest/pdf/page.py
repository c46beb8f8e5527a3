"""A PDF's page -> the pieces of text its readers see, each with its place."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

import pypdfium2
from pypdfium2 import raw

from ingest.pdf.box import Box, Piece
from ingest.pdf.letters import Word, words_of
from ingest.pdf.sight import Sight, image_share

_WIDE_GAP = 1.3  # of the letters' height: no space between two words is so wide, what is between columns is
_STEP_ASIDE = 0.5  # of the height, where the next letter is raised or lowered too
_SCAN = 0.5  # the share of a page that images cover, from which on it may be a scan


@dataclass(frozen=True, slots=True)
class PageText:
    """What stands on a page, in the order in which it was drawn."""

    pieces: tuple[Piece, ...]
    paper: Box
    hidden: str = ""
    is_recognised: bool = False  # read from an invisible text layer over images
    unknown: int = 0  # letters of which the file does not say what they are


def open_page(document: pypdfium2.PdfDocument, number: int) -> pypdfium2.PdfPage:
    """A page, counted from 1, with what its annotations show made a part of it. Close it when done."""
    page = document[number - 1]
    if raw.FPDFPage_GetAnnotCount(page) and raw.FPDFPage_Flatten(page, raw.FLAT_NORMALDISPLAY) == 1:
        page.close()
        page = document[number - 1]
    return page


def paper_of(page: pypdfium2.PdfPage) -> Box:
    """What is seen of a page, as its reader holds it."""
    return Box(*page.get_bbox()).turned(page.get_rotation() // 90)


def read_page(page: pypdfium2.PdfPage, *, with_places: bool = False) -> PageText:
    """The page's text, told apart by whether it is seen; if asked, with the place of each character.

    Raises ParseError past a bound.
    """
    text_page = page.get_textpage()
    try:
        words = list(words_of(page, text_page, with_places=with_places))
    finally:
        text_page.close()
    found: dict[Sight, list[Piece]] = {sight: [] for sight in Sight}
    for piece, sight in _pieces([word for word in words if word.sight is not Sight.UNKNOWN]):
        if piece.text:
            found[sight].append(piece)
    seen, unpainted, hidden = found[Sight.SEEN], found[Sight.UNPAINTED], found[Sight.HIDDEN]
    is_scan = _length(unpainted) > _length(seen) and image_share(page) >= _SCAN
    return PageText(
        pieces=tuple(seen + unpainted if is_scan else seen),
        paper=paper_of(page),
        hidden=" ".join(piece.text for piece in (hidden if is_scan else unpainted + hidden)),
        is_recognised=is_scan,
        unknown=sum(word.sight is Sight.UNKNOWN for word in words),
    )


def _length(pieces: list[Piece]) -> int:
    return sum(len(piece.text) for piece in pieces)


def _pieces(words: list[Word]) -> Iterator[tuple[Piece, Sight]]:
    """Words put together until a line ends, a wide gap comes, or they are no longer seen alike."""
    text, around, last, size = "", None, None, 0.0
    places: list[Box] = []
    for word in words:
        if last is not None and around is not None:
            if word.box is None:
                text += word.text
                places.extend(word.places)
            if word.text == " ":
                continue
            if word.box is None or word.sight is not last.sight or _is_far(last.box, word.box):
                yield Piece(text.strip(), around, size, tuple(places)), last.sight
                text, places, around = "", [], None
        if word.box is not None:
            text = _with(text, word, last)
            places.extend(word.places)
            size = size if around else word.size
            around, last = around.joined(word.box) if around else word.box, word
    if last is not None and around is not None:
        yield Piece(text.strip(), around, size, tuple(places)), last.sight


def _with(text: str, word: Word, last: Word | None) -> str:
    """The text and what comes next. pdfium turns round the letters of a ligature, where one writes leftwards."""
    is_same_glyph = last is not None and last.box == word.box and text.endswith(last.text)
    if is_same_glyph and unicodedata.bidirectional(word.text) in ("R", "AL"):
        return text[:-1] + word.text + text[-1]
    return text + word.text


def _is_far(previous: Box | None, box: Box) -> bool:
    """Whether a word stands beyond a wide gap, or on another line that pdfium did not tell from this one."""
    if previous is None:
        return False
    gap = -previous.overlap_across(box) / max(previous.height, box.height, 1.0)
    return gap > _WIDE_GAP or (gap > _STEP_ASIDE and not previous.is_beside(box))
