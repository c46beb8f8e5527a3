"""Bytes and blocks -> the one canonical text of a document, into which every span points."""

from __future__ import annotations

import codecs
import hashlib
import re
import unicodedata

from charset_normalizer import from_bytes

from rag.errors import ParseError
from rag.types import Document, Heading, Page, Span

_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # before UTF-16: its mark begins with UTF-16's
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_LINE_END = re.compile(r"\r\n?|[\f\v\x85\u2028\u2029]")
_UNPRINTABLE = re.compile(r"[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\ufeff\ud800-\udfff]")
_CONTROL = re.compile(rb"[\x00-\x08\x0e-\x1f]")
# What files without a mark are written in; the code pages of DOS are left out, which fit any bytes and mislead.
_ENCODINGS = [
    *("cp1252", "cp1250", "cp1251", "cp1253", "cp1254", "cp1255", "cp1256", "cp1257", "iso8859_2", "iso8859_5"),
    *("iso8859_7", "koi8_r", "koi8_u", "cp932", "euc_jp", "iso2022_jp", "gb18030", "big5", "euc_kr"),
]
_MOST_DAMAGED = 0.05  # of the characters of a text that is taken for damaged UTF-8
_SNIFFED = 100_000  # bytes looked at to guess an encoding


def decode(data: bytes) -> tuple[str, tuple[str, ...]]:
    """The text of a file, and a warning where its encoding had to be guessed. Raises ParseError for binary data."""
    for mark, encoding in _BOMS:
        if data.startswith(mark):
            return data[len(mark) :].decode(encoding, "replace"), ()
    if unmarked := _unmarked_utf_16(data[:_SNIFFED]):
        return data.decode(unmarked, "replace"), ("UTF-16 without a byte order mark: read as such, a guess",)
    if len(_CONTROL.findall(data)) > 8 + len(data) // 50:
        raise ParseError("E_TYPE", "it looks binary, not like text. Give it the ending that fits its content.")
    try:
        return data.decode("utf-8"), ()
    except UnicodeDecodeError:
        return _decode_other(data)


def _decode_other(data: bytes) -> tuple[str, tuple[str, ...]]:
    """Text that is not wholly UTF-8: damaged UTF-8 where most of what could tell says so, else a guess."""
    text = data.decode("utf-8", "replace")
    damaged = text.count("\ufffd")
    sound = sum(character > "\x7f" for character in text) - damaged
    likeliest = None if sound > damaged else _likeliest(data[:_SNIFFED])
    if likeliest is not None:
        return data.decode(likeliest, "replace"), (f"not UTF-8: read as {likeliest}, a guess",)
    if damaged > len(text) * _MOST_DAMAGED:
        raise ParseError("E_ENCODING", "its text encoding is not recognised. Save it as UTF-8.")
    return text, (f"{damaged} bytes that are not UTF-8 were replaced by \ufffd",)


def _unmarked_utf_16(data: bytes) -> str | None:
    """UTF-16's byte order, if every other byte is mostly zero and the rest are letters."""
    for encoding, zeros, others in (("utf-16-le", data[1::2], data[::2]), ("utf-16-be", data[::2], data[1::2])):
        if zeros.count(0) * 10 > len(zeros) * 7 > 0 and not _CONTROL.search(others):
            return encoding
    return None


def _likeliest(data: bytes) -> str | None:
    """The encoding in which the bytes read best, of equals the commoner one; None if they read badly in all."""
    guesses = from_bytes(data, cp_isolation=_ENCODINGS)
    least = min((guess.chaos for guess in guesses), default=0.0)
    equals = [guess for guess in guesses if guess.chaos == least]
    if not equals:
        return None
    return min(equals, key=lambda guess: (-guess.coherence, _ENCODINGS.index(guess.encoding))).encoding


def canonical(text: str) -> tuple[str, tuple[str, ...]]:
    """NFC with \\n line ends and without unprintable characters, and a warning that counts those removed."""
    clean, removed = _cleaned(text)
    return clean, _removal(removed)


def _cleaned(text: str) -> tuple[str, int]:
    text, removed = _UNPRINTABLE.subn("", _LINE_END.sub("\n", text))
    return unicodedata.normalize("NFC", text), removed


def _removal(removed: int) -> tuple[str, ...]:
    return (f"{removed} unprintable characters removed",) if removed else ()


def document_id(source: str) -> str:
    """A document's id: the same for the same source, whatever its content."""
    return hashlib.sha256(source.encode("utf-8", "surrogatepass")).hexdigest()[:32]


class TextBuilder:
    """Puts blocks together, separated by blank lines, and notes where each heading and page came to stand."""

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._length = 0
        self._headings: list[Heading] = []
        self._pages: list[Page] = []
        self._removed = 0

    def add(self, text: str, heading_level: int | None = None) -> None:
        """Append a block; nothing if it is blank. A heading's level counts from 1."""
        block, removed = _cleaned(text)
        block = "\n".join(line.rstrip() for line in block.split("\n")).strip("\n")
        self._removed += removed
        if not block.strip():
            return
        if self._parts:
            self._parts.append("\n\n")
            self._length += 2
        if heading_level is not None:
            self._headings.append(Heading(heading_level, " ".join(block.split()), self._length))
        self._parts.append(block)
        self._length += len(block)

    def end_page(self, number: int) -> None:
        """Everything added since the last page's end stands on this page. A page without text has no span."""
        start = self._pages[-1].span.end if self._pages else 0
        if self._length > start:
            self._pages.append(Page(number, Span(start, self._length)))

    def heading_on_page(self, level: int, title: str, number: int) -> None:
        """Note a heading known from an outline: where its words stand on the page, or else where the page begins."""
        page = next((page for page in self._pages if page.number == number), None)
        words = " ".join(title.split())
        if page is None or not words:
            return
        found = re.search(r"\s+".join(map(re.escape, words.split())), page.span.of(self.text), re.IGNORECASE)
        self._headings.append(Heading(level, words, page.span.start + (found.start() if found else 0)))

    @property
    def text(self) -> str:
        """The text so far."""
        return "".join(self._parts)

    def document(self, source: str, title: str, media_type: str, warnings: tuple[str, ...] = ()) -> Document:
        """The finished document."""
        return Document(
            id=document_id(source),
            source=source,
            title=" ".join(canonical(title)[0].split()),
            text=self.text,
            pages=tuple(self._pages),
            headings=tuple(sorted(self._headings, key=lambda heading: heading.start)),
            media_type=media_type,
            warnings=(*warnings, *_removal(self._removed)),
        )
