"""Which letters of a PDF's page its readers see: by render mode, size, colour, what lies behind them, and place."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Iterator
from enum import Enum

import pypdfium2
from pypdfium2 import raw

from ingest.pdf.box import Box

_SMALLEST = 2  # points
_WHITE = 250  # of 255, in each of the three colours
_UNPAINTED = {raw.FPDF_TEXTRENDERMODE_INVISIBLE, raw.FPDF_TEXTRENDERMODE_CLIP}
_OUTLINED = {raw.FPDF_TEXTRENDERMODE_STROKE, raw.FPDF_TEXTRENDERMODE_STROKE_CLIP}
_MOST_BACKDROPS = 2000  # a drawing of more shapes than this: its white letters count as seen


class Sight(Enum):
    """How a letter stands on its page."""

    SEEN = 1
    UNPAINTED = 2  # as over a scanned image, where it is what a text recognition read
    HIDDEN = 3
    UNKNOWN = 4  # the font does not say which letter it is


class Eye:
    """Looks at the letters of one page. Answers are kept for each text object, so a letter costs little."""

    def __init__(self, page: pypdfium2.PdfPage, text_page: pypdfium2.PdfTextPage) -> None:
        self._page = page
        self._text_page = text_page.raw  # the handle itself: looked up for every letter, it would take its time
        self._paper = Box(*page.get_bbox())
        self._known: dict[int | None, Sight] = {}
        self._backdrops: list[Box] | None = None
        self._matrix = raw.FS_MATRIX()
        self._colour = tuple(ctypes.c_uint() for _ in range(4))

    def look(self, index: int, box: Box) -> Sight:
        """How the letter of this index stands there."""
        if not self._paper.covers_middle_of(box):
            return Sight.HIDDEN
        text_object = raw.FPDFText_GetTextObject(self._text_page, index)
        address = ctypes.cast(text_object, ctypes.c_void_p).value
        sight = self._known.get(address)
        if sight is None:
            sight = self._known[address] = self._judge(text_object, index, box)
        return sight

    def _judge(self, text_object: object, index: int, box: Box) -> Sight:
        mode = raw.FPDFTextObj_GetTextRenderMode(text_object) if text_object else raw.FPDF_TEXTRENDERMODE_FILL
        if mode in _UNPAINTED:
            return Sight.UNPAINTED
        if box.height < _SMALLEST and self._size(index) < _SMALLEST:
            return Sight.HIDDEN
        if mode not in _OUTLINED and self._is_pale(index) and not self._has_backdrop(box):
            return Sight.HIDDEN
        return Sight.SEEN

    def _size(self, index: int) -> float:
        raw.FPDFText_GetMatrix(self._text_page, index, self._matrix)
        stretched = max(abs(self._matrix.c), abs(self._matrix.d))
        return float(raw.FPDFText_GetFontSize(self._text_page, index) * stretched)

    def _is_pale(self, index: int) -> bool:
        red, green, blue, opacity = self._colour
        if not raw.FPDFText_GetFillColor(self._text_page, index, *self._colour):
            return False
        return opacity.value == 0 or min(red.value, green.value, blue.value) >= _WHITE

    def _has_backdrop(self, box: Box) -> bool:
        if self._backdrops is None:
            self._backdrops = []
            for _, backdrop in _shapes(self._page, pypdfium2.PdfMatrix()):
                self._backdrops.append(backdrop)
                if len(self._backdrops) > _MOST_BACKDROPS:
                    self._backdrops = [self._paper]
                    break
        return any(backdrop.covers_middle_of(box) for backdrop in self._backdrops)


def image_share(page: pypdfium2.PdfPage) -> float:
    """The share of a page that its images cover, one that lies over another counted twice; at most 1."""
    paper = Box(*page.get_bbox())
    images = (box for shape, box in _shapes(page, pypdfium2.PdfMatrix()) if shape == raw.FPDF_PAGEOBJ_IMAGE)
    covered = sum(paper.common(box).area for box in images)
    return min(1.0, covered / paper.area) if paper.area else 0.0


def _shapes(
    page: pypdfium2.PdfPage, matrix: pypdfium2.PdfMatrix, form: pypdfium2.PdfObject | None = None
) -> Iterator[tuple[int, Box]]:
    """Every image, shading, dark surface and broad dark line of a page or form: its kind and where it stands."""
    for each in page.get_objects(max_depth=1, form=form):
        if each.type == raw.FPDF_PAGEOBJ_FORM:
            yield from _shapes(page, each.get_matrix().multiply(matrix), each)
        elif each.type in (raw.FPDF_PAGEOBJ_IMAGE, raw.FPDF_PAGEOBJ_SHADING) or _is_dark(each):
            yield each.type, Box(*matrix.on_rect(*each.get_bounds()))


def _is_dark(shape: pypdfium2.PdfObject) -> bool:
    """Whether white letters can be read on a shape: a filled one, or a line about as broad as its box."""
    if shape.type != raw.FPDF_PAGEOBJ_PATH:
        return False
    filling, is_stroked, width = ctypes.c_int(), ctypes.c_int(), ctypes.c_float()
    raw.FPDFPath_GetDrawMode(shape, filling, is_stroked)
    raw.FPDFPageObj_GetStrokeWidth(shape, width)
    left, bottom, right, top = shape.get_bounds()
    is_broad = min(right - left, top - bottom) <= 2 * width.value
    return bool(
        (filling.value and _has_colour(shape, raw.FPDFPageObj_GetFillColor))
        or (is_stroked.value and is_broad and _has_colour(shape, raw.FPDFPageObj_GetStrokeColor))
    )


def _has_colour(shape: pypdfium2.PdfObject, get_colour: Callable[..., int]) -> bool:
    """Whether it is painted in anything but white; a pattern, which has no one colour, counts."""
    red, green, blue, opacity = (ctypes.c_uint() for _ in range(4))
    if not get_colour(shape, red, green, blue, opacity):
        return True
    return opacity.value > 0 and min(red.value, green.value, blue.value) < _WHITE
