"""Formats that are zip archives: the guard before they are opened, and which of them an archive is."""

from __future__ import annotations

import re
import stat
import zipfile
import zlib
from collections.abc import Sequence
from io import BytesIO
from typing import BinaryIO

from lxml.etree import XMLSyntaxError

from ingest.formats.xml_tree import entities_declared, xml_failure
from rag.errors import ParseError

DAMAGE = (
    *(zipfile.BadZipFile, zlib.error, XMLSyntaxError, EOFError, OSError),
    *(KeyError, ValueError, AttributeError, NotImplementedError),
)
"""What libraries raise on a damaged archive or damaged XML in it."""

_MOST_ENTRIES, _MOST_BYTES, _MOST_ENTRY_BYTES = 5_000, 200 * 2**20, 100 * 2**20
_LOCAL_HEADER = 30  # bytes before an entry's name
_XML = (".xml", ".rels", ".opf", ".ncx", ".xhtml", ".html", ".htm", ".svg")
_BLOCK = 2**20  # bytes
_MAIN_PARTS = {"word/document.xml": ".docx", "ppt/presentation.xml": ".pptx", "xl/workbook.xml": ".xlsx"}
_MEDIA_TYPES = {b"application/epub+zip": ".epub", b"application/vnd.oasis.opendocument.text": ".odt"}
_STRICT = re.compile(
    rb"http://purl\.oclc\.org/ooxml/(officeDocument|wordprocessingml|presentationml|drawingml)(/?)(\w*)"
)
_VARIANT = re.compile(
    rb"application/vnd\.ms-word\.(?:document|template)\.macroEnabledTemplate\.main\+xml"
    rb"|application/vnd\.ms-word\.document\.macroEnabled\.main\+xml"
    rb"|application/vnd\.openxmlformats-officedocument\.wordprocessingml\.template\.main\+xml"
)
_PLAIN_WORD = b"application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"


def kind_of(file: BinaryIO) -> str | None:
    """The file ending that fits an archive's content, or None if it is none that is read here."""
    try:
        with zipfile.ZipFile(file) as archive:
            names = set(archive.namelist())
            if "mimetype" in names and archive.getinfo("mimetype").file_size < 100:
                return _MEDIA_TYPES.get(archive.read("mimetype").strip())
            return next((suffix for part, suffix in _MAIN_PARTS.items() if part in names), None)
    except (*DAMAGE, RuntimeError):
        return None
    finally:
        file.seek(0)


def guard(file: BinaryIO) -> tuple[str, ...]:
    """A warning if an archive holds macros. Raises ParseError for one that is not safe to open.

    E_CORRUPT: not a whole zip. E_BOMB: it would expand past what is safe. E_PATH: a name leads outside, or is a link.
    E_ENCRYPTED: it has a password. E_ENTITY: its XML declares entities.
    """
    try:
        with zipfile.ZipFile(file) as archive:
            entries = archive.infolist()
            _refuse_large(entries)
            _refuse_overlapping(entries)
            for entry in entries:
                _refuse_unsafe(entry)
                if entry.filename.lower().endswith(_XML):
                    _refuse_entities(archive, entry)
    except DAMAGE as error:
        raise damaged(error) from None
    file.seek(0)
    has_macros = any(entry.filename.endswith("vbaProject.bin") for entry in entries)
    return ("it holds macros, which are never run",) if has_macros else ()


def damaged(error: Exception) -> ParseError:
    """What to say of an archive, or of XML in it, that cannot be read."""
    if isinstance(error, XMLSyntaxError):
        return xml_failure(error)
    reason = "its parts do not fit together" if isinstance(error, AttributeError | TypeError) else error
    return ParseError("E_CORRUPT", f"it is damaged or not what its ending says ({reason}). Save it again.")


def common_form(file: BinaryIO) -> BinaryIO:
    """The same Office file as what readers know best: strict Open XML as transitional, and without its macros' type."""
    with zipfile.ZipFile(file) as archive:
        types = archive.read("[Content_Types].xml")
        if not _STRICT.search(archive.read("_rels/.rels")) and not _VARIANT.search(types):
            file.seek(0)
            return file
        copy = BytesIO()
        with zipfile.ZipFile(copy, "w") as rewritten:
            for entry in archive.infolist():
                data = archive.read(entry)
                if entry.filename.endswith((".xml", ".rels")):
                    data = _VARIANT.sub(_PLAIN_WORD, _STRICT.sub(_transitional, data))
                rewritten.writestr(entry.filename, data)
    copy.seek(0)
    return copy


def _transitional(name: re.Match[bytes]) -> bytes:
    family, slash, rest = name.groups()
    return b"http://schemas.openxmlformats.org/" + family + b"/2006" + slash + rest


def _refuse_large(entries: Sequence[zipfile.ZipInfo]) -> None:
    if len(entries) > _MOST_ENTRIES:
        raise ParseError("E_BOMB", f"{len(entries):,} parts > {_MOST_ENTRIES:,}.")
    total, largest = sum(entry.file_size for entry in entries), max((entry.file_size for entry in entries), default=0)
    if total > _MOST_BYTES or largest > _MOST_ENTRY_BYTES:
        raise ParseError("E_BOMB", f"it expands to {total / 2**20:.0f} MB > {_MOST_BYTES // 2**20} MB.")


def _refuse_overlapping(entries: Sequence[zipfile.ZipInfo]) -> None:
    """Parts that share bytes multiply what a small file expands to; two of one name are read differently by readers."""
    end = 0
    for entry in sorted(entries, key=lambda entry: entry.header_offset):
        if entry.header_offset < end:
            raise ParseError("E_BOMB", f"its part {entry.filename!r} overlaps another.")
        end = entry.header_offset + _LOCAL_HEADER + len(entry.orig_filename.encode()) + entry.compress_size
    names = [entry.filename for entry in entries]
    if len(set(names)) < len(names):
        twice = next(name for place, name in enumerate(names) if name in names[:place])
        raise ParseError("E_CORRUPT", f"it has two parts named {twice!r}. Save it again.")


def _refuse_unsafe(entry: zipfile.ZipInfo) -> None:
    name = entry.filename.replace("\\", "/")
    if name.startswith("/") or ".." in name.split("/") or re.match(r"[A-Za-z]:", name):
        raise ParseError("E_PATH", f"unsafe name {entry.filename!r} inside the archive.")
    if stat.S_ISLNK(entry.external_attr >> 16):
        raise ParseError("E_PATH", f"{entry.filename!r} inside the archive is a link.")
    if entry.flag_bits & 1:
        raise ParseError("E_ENCRYPTED", "it has a password. Save it without one.")


def _refuse_entities(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> None:
    before = b""
    with archive.open(entry) as part:
        while block := part.read(_BLOCK):
            plain = block.replace(b"\0", b"")  # so that UTF-16 reads like ASCII
            if b"<!ENTITY" in before + plain:
                raise entities_declared()
            before = plain[-8:]
