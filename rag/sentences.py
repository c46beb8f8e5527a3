"""Text -> sentences, as spans. Every character that is not white space lies in exactly one of them."""

from __future__ import annotations

import re
from collections.abc import Iterator

from rag.types import Span

_ABBREVIATIONS = frozenset(
    "mr mrs ms dr prof sr jr st gen col lt sgt maj capt cmdr adm gov sen rep hon pres amb rev fig figs eq no nos vol "
    "pp p ch sec art para ed eds trans approx ca cf al etc vs viz i.e e.g eg ie dept est inc ltd co corp bros univ "
    "jan feb mar apr jun jul aug sep sept oct nov dec mt ft".split()
)
# After "U.S." or "J. F." a sentence ends only before a word that rarely follows inside one.
_STARTERS = frozenset(
    "the a an this that these those it its he she they we i you his her their our in on at by for from with after "
    "before when while if as but and or so yet although though however moreover furthermore meanwhile there here "
    "what who why how".split()
)
_END = re.compile(r"""[.!?…。！？]+["'”’»)\]*_]*""")
_INITIALS = re.compile(r"(?:^|[^\w.])(?:[A-Za-z]\.)*[A-Za-z]$")
_LAST_WORD = re.compile(r"[\w.]+$")
_WORD = re.compile(r"\w+")
_LINE_MARKER = re.compile(r"[ \t]*(?:[#>|•*+\-–—]|\d{1,3}[.)]\s|\[\d)")
_ITEM = re.compile(r"[-*•+–·‣▪]\s|\(?(?:\d{1,2}|[a-z])[.)]\s")
_LONGEST_ROW = 600  # characters of a table's row that is one sentence whatever its cells hold
_OPENERS = "\"'“‘«([*_"
# A line shorter than this that ends without a full stop is a heading or a list item, not a wrapped line;
# one longer than the upper bound is a whole paragraph: nobody wraps text that wide.
_WRAPPED_LINE = range(45, 161)


def sentence_spans(text: str) -> tuple[Span, ...]:
    """The sentences of a text in order, without the white space around them.

    A line that begins with a list, table, quote or heading mark begins a sentence; a line wrapped in the middle of a
    sentence does not. A full stop after an abbreviation, an initial or before a lower-case word ends nothing.
    """
    return tuple(
        sentence for block in _blocks(text) for sentence in _trimmed(text, _sentences(text, block.start, block.end))
    )


def is_item(text: str) -> bool:
    """Whether a sentence begins with a bullet or a number."""
    return bool(_ITEM.match(text))


def is_one_of_many(text: str) -> bool:
    """Whether a sentence is the item of a list or the row of a table, and stands by itself."""
    return is_item(text) or text.startswith("|")


def _trimmed(text: str, pieces: Iterator[tuple[int, int]]) -> Iterator[Span]:
    for start, end in pieces:
        piece = text[start:end]
        stripped = piece.strip()
        if stripped:
            first = start + len(piece) - len(piece.lstrip())
            yield Span(first, first + len(stripped))


def _blocks(text: str) -> Iterator[Span]:
    """Runs of lines in which a line break means no more than a space."""
    start = line_start = 0
    while line_start < len(text):
        newline = text.find("\n", line_start)
        line_end = len(text) if newline < 0 else newline
        next_start = line_end + 1
        if next_start >= len(text) or _breaks(text[line_start:line_end], text, next_start):
            if text[start:line_end].strip():
                yield Span(start, line_end)
            start = next_start
        line_start = next_start


def _breaks(line: str, text: str, next_start: int) -> bool:
    following = text[next_start : next_start + 1]
    if following.isspace() and not text[next_start : next_start + 200].split("\n", 1)[0].strip():
        return True
    if _LINE_MARKER.match(text, next_start) or line.lstrip().startswith(("#", "|")):
        return True
    length = len(line.rstrip())
    if length in _WRAPPED_LINE:
        return False
    return length >= _WRAPPED_LINE.stop or not following.islower()


def _sentences(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    if text[start] == "|" and end - start <= _LONGEST_ROW:
        yield start, end
        return
    for match in _END.finditer(text, start, end):
        if match.end() < end and _ends_sentence(text, start, match, end):
            yield start, match.end()
            start = match.end()
    yield start, end


def _ends_sentence(text: str, start: int, match: re.Match[str], end: int) -> bool:
    if match.group()[0] in "。！？":
        return True
    if not text[match.end()].isspace():
        return False
    rest = text[match.end() : min(end, match.end() + 40)].lstrip()
    following = rest.lstrip(_OPENERS)
    if not following or following[0].islower():
        return False
    if match.group()[0] != ".":
        return True
    before = text[max(start, match.start() - 30) : match.start()]
    last_word = _LAST_WORD.search(before)
    if last_word and last_word.group().lower() in _ABBREVIATIONS:
        # "No" and "mar" are also words: a number after them is what makes them short forms.
        return last_word.group().lower() in ("no", "mar") and not following[0].isdigit()
    if _INITIALS.search(before):
        first = _WORD.match(following)
        return bool(first and first.group().lower() in _STARTERS)
    # "1. Item" at the start of a line is a list number, not a sentence.
    return not before.strip().isdigit() or bool(text[start : match.start()].strip(" \n").rstrip("0123456789"))
