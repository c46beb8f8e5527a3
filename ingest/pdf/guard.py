"""What is checked before a PDF is read: that it is one, how far it expands, and what in it would act by itself."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from pypdf import PageObject, PdfReader
from pypdf.generic import ArrayObject, DictionaryObject, EncodedStreamObject, IndirectObject, StreamObject

from rag.errors import ParseError

_MOST_BYTES = 32 * 2**20  # of drawing commands for one page, with its forms as often as they are drawn
_MOST_SHOWN = 300_000  # commands on one page that show text; a full page has a few thousand
_MOST_STRING_BYTES = 4 * 2**20
_LARGE = 2**20  # bytes of commands from which on their strings are counted
_DRAWN = re.compile(rb"/([^\s/()<>\[\]{}%]+)\s+Do\b")
_STRING = re.compile(rb"\([^()]*\)|<[0-9A-Fa-f\s]*>")
_ACTIONS = {
    "/JavaScript": "JavaScript",
    "/Launch": "a command that starts a program",
    "/SubmitForm": "a form's address",
}
_MOST_CHAINED = 50
_KINDS = (
    (
        re.compile(rb"\s*(?:<!--.*?-->\s*)?<(?:!doctype\s+html|html|head|body)\b", re.IGNORECASE | re.DOTALL),
        "HTML",
        ".html",
    ),
    (re.compile(rb"PK\x03\x04"), "a ZIP archive or an Office document", ".docx"),
    (re.compile(rb"\xd0\xcf\x11\xe0"), "an old Office document", ".doc"),
    (re.compile(rb"\{\\rtf"), "RTF", ".rtf"),
    (re.compile(rb"\x89PNG|\xff\xd8\xff|GIF8|II\*\0|MM\0\*"), "an image", ".png or .jpg"),
    (re.compile(rb"\s*<\?xml"), "XML", ".xml"),
)


def other_kind(start: bytes) -> str:
    """The sentence that says what a file that is no PDF seems to be, from its first bytes."""
    for pattern, kind, ending in _KINDS:
        if pattern.match(start):
            return f"its content is {kind}, not a PDF. Give it the ending that fits: {ending}."
    return "its content is not a PDF. Give it the ending that fits its content."


class Guard:
    """Walks a PDF's pages before they are drawn. Remembers what it saw, so that shared parts cost once."""

    def __init__(self) -> None:
        self._weights: dict[int, tuple[int, int]] = {}
        self._entered: set[int] = set()
        self._checked: set[int] = set()

    def check(self, page: PageObject) -> None:
        """Raises ParseError if a page expands past what is safe; pypdf's LimitReachedError if a part of it does."""
        contents = page.get_contents()
        data = contents.get_data() if contents is not None else b""
        size, shown = self._weigh(data, page.get("/Resources"))
        for part in (_resolved(page.get("/Contents")), *_items(page.get("/Contents"))):
            _forget(part)
        for annotation in _items(page.get("/Annots")):
            for form in _appearances(annotation):
                more_size, more_shown = self._weigh_form(form)
                size, shown = size + more_size, shown + more_shown
        if size > _MOST_BYTES or shown > _MOST_SHOWN:
            raise ParseError(
                "E_BOMB", f"a page expands to {size / 2**20:,.0f} MB and {shown:,} pieces of text. Save it again."
            )

    def _weigh(self, data: bytes, resources: Any) -> tuple[int, int]:
        """The bytes of drawing commands and how many of them show text, counted as often as they run."""
        if len(data) > _LARGE and sum(map(len, _STRING.findall(data))) > _MOST_STRING_BYTES:
            raise ParseError("E_BOMB", f"a page's text takes over {_MOST_STRING_BYTES // 2**20} MB. Save it again.")
        size, shown = len(data), data.count(b"Tj") + data.count(b"TJ")
        resources = _resolved(resources)
        if not isinstance(resources, DictionaryObject):
            return size, shown
        for font in _values(resources.get("/Font")):
            self._check_font(font)
        forms = _resolved(resources.get("/XObject"))
        if isinstance(forms, DictionaryObject):
            names = _DRAWN.findall(data)
            for name in set(names):
                form = _resolved(forms.get("/" + name.decode("latin-1")))
                if isinstance(form, StreamObject) and form.get("/Subtype") == "/Form":
                    more_size, more_shown = self._weigh_form(form, resources)
                    size += names.count(name) * more_size
                    shown += names.count(name) * more_shown
        return size, shown

    def _weigh_form(self, form: StreamObject, inherited: Any = None) -> tuple[int, int]:
        known = self._weights.get(id(form))
        if known is not None:
            return known
        if id(form) in self._entered:
            raise ParseError("E_BOMB", "a part of a page draws itself without end. Save it again.")
        self._entered.add(id(form))
        weight = self._weigh(form.get_data(), form.get("/Resources") or inherited)
        _forget(form)
        self._entered.discard(id(form))
        self._weights[id(form)] = weight
        return weight

    def _check_font(self, font: Any) -> None:
        """Decompress what a font holds once, so that pypdf's limits are kept."""
        if not isinstance(font, DictionaryObject) or id(font) in self._checked:
            return
        self._checked.add(id(font))
        inner = [font, *_items(font.get("/DescendantFonts"))]
        for each in inner:
            descriptor = _resolved(each.get("/FontDescriptor")) if isinstance(each, DictionaryObject) else None
            holders = [each, *([descriptor] if isinstance(descriptor, DictionaryObject) else [])]
            for holder in holders:
                for value in _values(holder):
                    if isinstance(value, StreamObject):
                        value.get_data()
                        _forget(value)


def active_content(reader: PdfReader) -> tuple[str, ...]:
    """A warning that names what in a PDF would run, start or be saved by itself in a viewer. None of it is touched."""
    catalog = reader.root_object
    found: dict[str, None] = {}
    names = _resolved(catalog.get("/Names"))
    if isinstance(names, DictionaryObject):
        found |= {"JavaScript": None} if "/JavaScript" in names else {}
        found |= {"embedded files": None} if "/EmbeddedFiles" in names else {}
    for holder in (catalog, *reader.pages):
        found |= dict.fromkeys(_actions_of(holder))
        for annotation in _items(holder.get("/Annots")):
            found |= dict.fromkeys(_actions_of(annotation))
            if annotation.get("/Subtype") == "/FileAttachment":
                found["embedded files"] = None
    return (f"it holds active content, which was neither run nor extracted: {', '.join(found)}",) if found else ()


def _actions_of(holder: DictionaryObject) -> Iterator[str]:
    """The names of the actions that a catalog, a page or an annotation starts."""
    for action in (*_values(holder.get("/AA")), _resolved(holder.get("/OpenAction")), _resolved(holder.get("/A"))):
        step = action
        for _ in range(_MOST_CHAINED):
            if not isinstance(step, DictionaryObject):
                break
            if (kind := str(step.get("/S"))) in _ACTIONS:
                yield _ACTIONS[kind]
            step = _resolved(step.get("/Next"))


def _appearances(annotation: DictionaryObject) -> Iterator[StreamObject]:
    for look in _values(annotation.get("/AP")):
        for form in (look, *(_values(look) if not isinstance(look, StreamObject) else ())):
            if isinstance(form, StreamObject):
                yield form


def _forget(stream: Any) -> None:
    """Let go of what a stream expanded to, which pypdf would keep as long as the reader lives."""
    if isinstance(stream, EncodedStreamObject):
        stream.decoded_self = None


def _resolved(value: Any) -> Any:
    return value.get_object() if isinstance(value, IndirectObject) else value


def _values(value: Any) -> list[Any]:
    value = _resolved(value)
    return [_resolved(each) for each in value.values()] if isinstance(value, DictionaryObject) else []


def _items(value: Any) -> list[DictionaryObject]:
    value = _resolved(value)
    items = [_resolved(each) for each in value] if isinstance(value, ArrayObject) else []
    return [each for each in items if isinstance(each, DictionaryObject)]
