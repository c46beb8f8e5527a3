"""The headings of a PDF without an outline: the short paragraphs in clearly larger letters."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from ingest.pdf.layout import Paragraph

_LARGER = 1.15  # than the letters of the text
_MOST_LETTERS, _MOST_LINES, _LEAST_LETTERS = 120, 3, 3
_MOST_SHARE = 0.15  # of a document's letters; where more are large, size does not tell headings
_MOST_LEVELS = 4
_NO_END = (".", ",", ";")


class Headings:
    """Knows in which sizes a document's headings are set. None are known of a document without paragraphs."""

    def __init__(self, paragraphs: Sequence[Paragraph]) -> None:
        letters: Counter[int] = Counter()
        for paragraph in paragraphs:
            letters[_half_points(paragraph)] += len(paragraph.text)
        usual = letters.most_common(1)[0][0] if letters else 0
        larger = [each for each in paragraphs if _half_points(each) >= _LARGER * usual and _is_title(each)]
        share = sum(len(each.text) for each in larger) / max(1, letters.total())
        sizes = sorted({_half_points(each) for each in larger}, reverse=True) if share <= _MOST_SHARE else []
        self._levels = {size: min(rank, _MOST_LEVELS) for rank, size in enumerate(sizes, start=1)}

    def level(self, paragraph: Paragraph) -> int | None:
        """The level of a heading, from 1 for the largest letters; None for text."""
        return self._levels.get(_half_points(paragraph)) if _is_title(paragraph) else None


def _half_points(paragraph: Paragraph) -> int:
    return round(2 * paragraph.size)


def _is_title(paragraph: Paragraph) -> bool:
    text = paragraph.text
    if len(text) > _MOST_LETTERS or len(paragraph.lines) > _MOST_LINES or text.endswith(_NO_END):
        return False
    return sum(letter.isalpha() for letter in text) >= max(_LEAST_LETTERS, len(text) / 2)
