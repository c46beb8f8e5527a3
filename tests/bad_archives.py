"""Damaged and hostile Office files, books and other archives, each built within about a second."""

from __future__ import annotations

import struct
import zipfile
from dataclasses import dataclass, replace
from io import BytesIO

from tests.good_files import SENTENCE, archive, docx_parts, epub_parts, odt_parts, pptx_parts, xlsx_parts
from tests.raw_archive import MEGABYTE, Content, by_hand, entries_of, entry_of, with_large_part

_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"


@dataclass(frozen=True)
class _Kind:
    """The part of a kind of file that holds its text, an empty element of it, and what stands after the last one."""

    main: str
    element: str
    end: str


_KINDS = {
    "docx": _Kind("word/document.xml", "<w:p/>", "<w:sectPr/>"),
    "xlsx": _Kind("xl/worksheets/sheet1.xml", "<row><c><v>1</v></c></row>", "</sheetData>"),
    "pptx": _Kind("ppt/slides/slide1.xml", "<a:br/>", "</a:p>"),
    "odt": _Kind("content.xml", "<text:p/>", "</office:text>"),
    "epub": _Kind("one.xhtml", "<p/>", "</body>"),
}


def holding(kind: str, text: str = SENTENCE, before: str = "") -> Content:
    """The parts of a file that holds a text, which may be markup; `before` stands before the main part's root."""
    match kind:
        case "docx":
            return docx_parts(f"<w:p><w:r><w:t>{text}</w:t></w:r></w:p>", before)
        case "xlsx":
            return xlsx_parts(f'<row r="1"><c r="A1" t="inlineStr"><is><t>{text}</t></is></c></row>', before)
        case "pptx":
            return pptx_parts(text, before)
        case "odt":
            return odt_parts(text, before)
        case _:
            return epub_parts(text, before)


def truncated(kind: str) -> bytes:
    """The first half of a file."""
    whole = archive(holding(kind))
    return whole[: len(whole) // 2]


def inflated(kind: str, megabytes: int) -> bytes:
    """A file whose main part expands to so many megabytes of empty paragraphs, or the like."""
    of_kind = _KINDS[kind]
    parts = holding(kind)
    before, _, after = str(parts.pop(of_kind.main)).partition(of_kind.end)
    block = of_kind.element.encode() * (MEGABYTE // len(of_kind.element))
    return with_large_part(parts, of_kind.main, before, block, megabytes, of_kind.end + after)


def one_long_run(megabytes: int) -> bytes:
    """A Word document that is one run of so many megabytes."""
    parts = holding("docx", "HERE")
    before, _, after = str(parts.pop("word/document.xml")).partition("HERE")
    return with_large_part(parts, "word/document.xml", before, b"a" * MEGABYTE, megabytes, after)


def overlapping(copies: int = 3_000) -> bytes:
    """A Word document with 3,000 more entries that all share one stretch of data, 10 MB each once unpacked."""
    shared = entry_of("word/media/0.bin", bytes(10 * MEGABYTE))
    others = [replace(shared, name=b"word/media/%d.bin" % number, place=0) for number in range(1, copies)]
    return by_hand([shared, *others, *entries_of(docx_parts())])


def nested(depth: int = 5, copies: int = 16) -> bytes:
    """Archives in archives: 16 to the fifth power of 16 MB at the bottom."""
    content = archive({"0.bin": bytes(16 * MEGABYTE)})
    for _ in range(depth):
        content = archive({f"{number}.zip": content for number in range(copies)})
    return content


def many_parts(count: int = 20_000) -> bytes:
    """A Word document with 20,000 empty parts."""
    return by_hand([entry_of(f"word/{number}.xml", b"") for number in range(count)] + entries_of(docx_parts()))


def named(kind: str, name: str, mode: int = 0) -> bytes:
    """A file with one more entry of this name and mode."""
    extra = entry_of(name, b"escaped")
    extra.mode = mode
    return by_hand([*entries_of(holding(kind)), extra])


def named_twice(name: str = "word/document.xml") -> bytes:
    """A Word document with two entries of one name, which readers tell apart differently."""
    return by_hand([*entries_of(docx_parts()), entry_of(name, b"<other/>")])


def encrypted_entries(kind: str) -> bytes:
    """An archive whose entries are said to be encrypted."""
    entries = entries_of(holding(kind))
    for entry in entries:
        entry.flags = 1
    return by_hand(entries)


def wrong_checksum(kind: str) -> bytes:
    """An archive in which one byte of the main part's text is another."""
    plain = BytesIO()
    with zipfile.ZipFile(plain, "w", zipfile.ZIP_STORED) as target:
        for name, content in holding(kind).items():
            target.writestr(name, content)
    return plain.getvalue().replace(b"Vienna", b"Vienne", 1)


def without_main_part(kind: str) -> bytes:
    """A file that lacks the part with its text."""
    return archive({name: content for name, content in holding(kind).items() if name != _KINDS[kind].main})


def with_part(kind: str, part: str, content: bytes | str) -> bytes:
    """A file with one part more, or with another content of it."""
    return archive(holding(kind) | {part: content})


def laughs(kind: str) -> bytes:
    """Ten levels of entities, each ten times the one below: 20 GB of laughter."""
    levels = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
    return archive(holding(kind, "&l9;", f'<!DOCTYPE x [<!ENTITY l0 "ha ha ha ha ha ha ha">{levels}]>'))


def quadratic(kind: str) -> bytes:
    """One entity of 100 kB, used 20,000 times."""
    return archive(holding(kind, "&a;" * 20_000, f'<!DOCTYPE x [<!ENTITY a "{"ha" * 50_000}">]>'))


def external_entities(kind: str, server: str, secret: str) -> bytes:
    """Entities of a local file and of a server, and a document type that stands on the server."""
    doctype = (
        f'<!DOCTYPE x SYSTEM "{server}/type" [<!ENTITY a SYSTEM "file://{secret}"><!ENTITY b SYSTEM "{server}/b">'
        f'<!ENTITY % c SYSTEM "{server}/c"> %c;]>'
    )
    return archive(holding(kind, "&a; &b;", doctype))


def external_links(server: str, secret: str) -> bytes:
    """A Word document whose image and template stand on a server, and whose included part is a local file."""
    relations = "".join(
        f'<Relationship Id="rId{number}" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/'
        f'{kind}" Target="{target}" TargetMode="External"/>'
        for number, (kind, target) in enumerate(
            (("image", f"{server}/a.png"), ("attachedTemplate", f"{server}/b.dotm"), ("aFChunk", f"file://{secret}"))
        )
    )
    namespace = "http://schemas.openxmlformats.org/package/2006/relationships"
    return with_part(
        "docx", "word/_rels/document.xml.rels", f'<Relationships xmlns="{namespace}">{relations}</Relationships>'
    )


def deep(kind: str, depth: int = 100_000) -> bytes:
    """A text 100,000 elements down."""
    element = {"docx": "w:smartTag", "xlsx": "t", "pptx": "a:fld", "odt": "text:span", "epub": "div"}[kind]
    if kind == "docx":
        inside = f"<w:p>{f'<{element}>' * depth}<w:r><w:t>{SENTENCE}</w:t></w:r>{f'</{element}>' * depth}</w:p>"
        return archive(docx_parts(inside))
    return archive(holding(kind, f"<{element}>" * depth + SENTENCE + f"</{element}>" * depth))


def with_macros(kind: str) -> bytes:
    """A file with a part of macros."""
    folder = {"docx": "word", "xlsx": "xl", "pptx": "ppt"}[kind]
    return with_part(kind, f"{folder}/vbaProject.bin", _OLE + b'Sub AutoOpen(): Shell "/bin/sh": End Sub')


def ole(stream: str) -> bytes:
    """The container of Office files from before 2007, and of those with a password, with one stream named."""
    header = _OLE + bytes(16) + struct.pack("<HHHHH", 0x3E, 3, 0xFFFE, 9, 6) + bytes(10)
    header += struct.pack("<IIIIIIII", 1, 1, 0, 4096, 0xFFFFFFFE, 0, 0xFFFFFFFE, 0)
    table = struct.pack("<III", 0, 0xFFFFFFFE, 0xFFFFFFFD) + b"\xff" * 500
    names = b"".join(name.encode("utf-16-le").ljust(128, b"\0") for name in ("Root Entry", stream, "", ""))
    return (header + b"\0\0\0\0" + b"\xff" * 432).ljust(512, b"\xff") + table + names


def far_cell() -> bytes:
    """A sheet whose only cells are its first and its very last: sixteen billion between them."""
    return archive(xlsx_parts(f"{_number('A1', 1)}{_number('XFD1048576', 16_384)}"))


def _number(place: str, value: float) -> str:
    row = place.lstrip("ABCDEFGHIJKLMNOPQRSTUVWXYZ")
    return f'<row r="{row}"><c r="{place}"><v>{value}</v></c></row>'


def wide_sheet(rows: int = 400_000, columns: int = 500) -> bytes:
    """A sheet that says it has 400,000 rows of 500 cells, of which the first 20,000 hold what they say."""
    parts = xlsx_parts("HERE")
    before, _, after = str(parts.pop("xl/worksheets/sheet1.xml")).partition("HERE")
    before = before.replace("<sheetData>", f'<dimension ref="A1:SF{rows}"/><sheetData>')
    row = "<row>" + "<c><v>1</v></c>" * columns + "</row>"
    return with_large_part(parts, "xl/worksheets/sheet1.xml", before, row.encode(), 12_000, after)


def odd_cells() -> bytes:
    """Formulas without values, one that would start a program, huge numbers, dates, errors."""
    cells = (
        '<c r="A1"><f>SUM(B1:B9)</f></c><c r="B1" t="inlineStr"><is><t>=cmd|\' /C calc\'!A0</t></is></c>'
        '<c r="C1"><v>1e308</v></c><c r="D1"><v>-1e999</v></c><c r="E1" t="d"><v>1955-05-15</v></c>'
        '<c r="F1" t="e"><v>#DIV/0!</v></c><c r="G1" t="s"><v>99999</v></c><c r="H1" s="77"><v>20224</v></c>'
        '<c r="I1" t="b"><v>1</v></c>'
    )
    return archive(xlsx_parts(f'<row r="1">{cells}</row>'))


def chapter_that_escapes() -> bytes:
    """A book whose manifest names a chapter outside the book."""
    parts = epub_parts()
    return archive(parts | {"book.opf": str(parts["book.opf"]).replace("one.xhtml", "../../../escaped.xhtml")})
