"""Where on a PDF's page a stretch of its text stands: the text's letters, told from those that were drawn."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from statistics import median

from ingest.canonical import canonical
from ingest.pdf.box import Box, Piece
from ingest.pdf.words import WRITTEN_OUT
from rag.types import Span

_HYPHENS = str.maketrans({"‐": "-", "\u00ad": "-"})
_OVERSIZED = 1.4  # of the usual height: the signs of some fonts claim a height that reaches into other lines


def places_of(span: Span, text: str, lines: Iterable[Piece]) -> list[Box]:
    """A box around the span's letters on each line that holds some, in the order of reading.

    `text` is what a page's `lines`, read with the places of their characters, became in the document; `span` counts in
    it. The text has the letters of the lines in their order, without some of the hyphens. Empty where it has others.
    """
    written = [
        (letter, span.start <= index < span.end)
        for index, character in enumerate(text)
        for letter in _letters(character)
    ]
    boxes: list[Box] = []
    read = 0
    for line in lines:
        wanted: list[Box] = []
        for letter, box in _drawn(line):
            expected, is_wanted = written[read] if read < len(written) else ("", False)
            if letter == expected:
                read += 1
            elif letter != "-":
                return []
            if is_wanted and (letter == expected or wanted):
                wanted.append(box)
        boxes += map(_around, _runs(wanted))
    return boxes if read == len(written) else []


def _drawn(line: Piece) -> Iterator[tuple[str, Box]]:
    """The letters of a line as they are written in the document, each with the place of what it was drawn as."""
    characters = (character for character in line.text if not character.isspace())
    for character, box in zip(characters, line.places, strict=True):
        for letter in _letters(character.translate(WRITTEN_OUT)):
            yield letter, box


def _letters(text: str) -> Iterator[str]:
    """What stays of a text whether it is composed or not; what combines with a letter stands where the letter does."""
    for letter in unicodedata.normalize("NFD", canonical(text)[0]).translate(_HYPHENS):
        if not letter.isspace() and not unicodedata.combining(letter):
            yield letter


def _runs(boxes: Sequence[Box]) -> Iterator[list[Box]]:
    """The letters of a line, parted where the next is neither beside nor over the last: lines that run upwards."""
    run: list[Box] = []
    for box in boxes:
        if run and not run[-1].is_beside(box) and not run[-1].turned(1).is_beside(box.turned(1)):
            yield run
            run = []
        run.append(box)
    if run:
        yield run


def _around(letters: Sequence[Box]) -> Box:
    """The box around letters, as high as those that do not claim to be much higher than the rest."""
    whole = letters[0]
    for box in letters[1:]:
        whole = whole.joined(box)
    if whole.height > whole.right - whole.left:
        return whole
    most = _OVERSIZED * median(box.height for box in letters)
    usual = [box for box in letters if box.height <= most]
    return whole._replace(bottom=min(box.bottom for box in usual), top=max(box.top for box in usual))
