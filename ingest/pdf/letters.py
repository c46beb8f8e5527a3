"""A PDF's page -> its words, each with its place and how it is seen. pdfium knows which letters its fonts draw."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from typing import NamedTuple

import pypdfium2
from pypdfium2 import raw

from ingest.pdf.box import Box
from ingest.pdf.sight import Eye, Sight
from rag.errors import ParseError

_MOST_LETTERS = 1_000_000
_BREAKS = {9: " ", 10: "", 13: "", 32: " ", 160: " ", 2: "-", 0xFFFE: "-"}  # pdfium's 2 is a hyphen at a line's end
_CONTROLS = {*range(32), *range(0x7F, 0xA0)} - _BREAKS.keys()  # for a letter of which the font does not say what it is
_LONGEST = 16  # letters looked at by their ends only; where words have no spaces between them a line is one
_LEFTWARDS = (range(0x590, 0x900), range(0xFB1D, 0xFE00), range(0xFE70, 0xFF00))  # Hebrew, Arabic and their like


class Word(NamedTuple):
    """Letters without a space; without a place it is a space, or what ends a line: nothing or a hyphen."""

    text: str
    box: Box | None
    sight: Sight
    size: float  # the height of its first letter
    places: tuple[Box, ...] = ()  # of its characters that are seen, not spaces; empty on a page that is only read


def words_of(page: pypdfium2.PdfPage, text_page: pypdfium2.PdfTextPage, *, with_places: bool) -> Iterator[Word]:
    """The words of a page in the order in which they were drawn, if asked with the place of each of their characters.

    Raises ParseError past a bound.
    """
    return _Letters(page, text_page, with_places).words()


class _Letters:
    """The letters of one page. A word's first and last letter tell its place, which spares half of the time."""

    def __init__(self, page: pypdfium2.PdfPage, text_page: pypdfium2.PdfTextPage, with_places: bool) -> None:
        self._eye = Eye(page, text_page)
        self._quarters = page.get_rotation() // 90
        self._handle = text_page.raw
        self._rectangle = raw.FS_RECTF()
        self._codes: list[int] = []
        self._with_places = with_places

    def words(self) -> Iterator[Word]:
        count = raw.FPDFText_CountChars(self._handle)
        if count > _MOST_LETTERS:
            raise ParseError("E_BOMB", f"a page of {count:,} letters > {_MOST_LETTERS:,}. Split the file.")
        self._codes = [raw.FPDFText_GetUnicode(self._handle, index) for index in range(count)]
        start = 0
        for index, code in enumerate(self._codes):
            is_end = code in _BREAKS or code in _CONTROLS
            if start < index and (is_end or index - start == _LONGEST):
                yield from self._word(start, index)
                start = index
            if is_end:
                text = _BREAKS.get(code)
                places = self._places(index, index + 1) if text == "-" else ()
                yield Word(text or "", None, Sight.UNKNOWN if text is None else Sight.SEEN, 0.0, places)
                start = index + 1
        if start < count:
            yield from self._word(start, count)

    def _word(self, start: int, end: int) -> Iterator[Word]:
        """One word, or its letters one by one where they are not seen alike or are written leftwards."""
        first, last = self._letter(start), self._letter(end - 1)
        is_leftwards = any(self._codes[start] in codes or self._codes[end - 1] in codes for codes in _LEFTWARDS)
        if first.sight is not last.sight or is_leftwards or first.box is None or last.box is None:
            yield from map(self._letter, range(start, end))
        else:
            text = "".join(map(chr, self._codes[start:end]))
            yield Word(text, first.box.joined(last.box), first.sight, first.size, self._places(start, end))

    def _places(self, start: int, end: int) -> tuple[Box, ...]:
        if not self._with_places:
            return ()
        return tuple(chain.from_iterable(self._letter(index).places for index in range(start, end)))

    def _letter(self, index: int) -> Word:
        raw.FPDFText_GetLooseCharBox(self._handle, index, self._rectangle)
        rectangle = self._rectangle
        box = Box(rectangle.left, rectangle.bottom, rectangle.right, rectangle.top)
        turned = box.turned(self._quarters)
        text = chr(self._codes[index])
        places = (turned,) if self._with_places and not text.isspace() else ()
        return Word(text, turned, self._eye.look(index, box), turned.height, places)
