"""A small good file of every kind, built by hand: what damaged and hostile files are made from."""

from __future__ import annotations

import csv
import json
import zipfile
from collections.abc import Callable, Mapping
from email.message import EmailMessage
from io import BytesIO, StringIO

from fpdf import FPDF

SENTENCE = "The treaty of Vienna was signed in 1955 by four powers, who withdrew their armies within ninety days."

_WORD = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
_SHEET = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_SLIDE = "http://schemas.openxmlformats.org/presentationml/2006/main"
_DRAWING = "http://schemas.openxmlformats.org/drawingml/2006/main"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_ODF = "urn:oasis:names:tc:opendocument:xmlns"

Parts = Mapping[str, bytes | str]


def archive(parts: Parts, compression: int = zipfile.ZIP_DEFLATED) -> bytes:
    """A zip archive. An entry named `mimetype` is stored plain, as EPUB and OpenDocument want it."""
    packed = BytesIO()
    with zipfile.ZipFile(packed, "w", compression, compresslevel=1) as target:
        for name, content in parts.items():
            target.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_STORED if name == "mimetype" else compression)
    return packed.getvalue()


def docx_parts(body: str = f"<w:p><w:r><w:t>{SENTENCE}</w:t></w:r></w:p>", before: str = "") -> dict[str, bytes | str]:
    """The parts of a Word document; `before` stands between the XML declaration and the root."""
    kind = "application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"
    document = f'<w:document xmlns:w="{_WORD}" xmlns:r="{_OFFICE}"><w:body>{body}<w:sectPr/></w:body></w:document>'
    return {
        "[Content_Types].xml": _content_types({"/word/document.xml": kind}),
        "_rels/.rels": _relations({"rId1": ("officeDocument", "word/document.xml")}),
        "word/_rels/document.xml.rels": _relations({}),
        "word/document.xml": _xml(before + document),
    }


def xlsx_parts(rows: str | None = None, before: str = "") -> dict[str, bytes | str]:
    """The parts of a workbook with one sheet; `rows` are the `<row>` elements of it."""
    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml."
    if rows is None:
        cells = ("Place", "Year"), ("Vienna", "1955"), ("Geneva", "1954")
        rows = "".join(
            f'<row r="{number}">' + "".join(f'<c t="inlineStr"><is><t>{cell}</t></is></c>' for cell in row) + "</row>"
            for number, row in enumerate(cells, start=1)
        )
    book = f'<workbook xmlns="{_SHEET}" xmlns:r="{_OFFICE}"><sheets><sheet name="Treaties" sheetId="1" r:id="rId1"/>'
    sheet = f'<worksheet xmlns="{_SHEET}"><sheetData>{rows}</sheetData></worksheet>'
    return {
        "[Content_Types].xml": _content_types(
            {"/xl/workbook.xml": kind + "sheet.main+xml", "/xl/worksheets/sheet1.xml": kind + "worksheet+xml"}
        ),
        "_rels/.rels": _relations({"rId1": ("officeDocument", "xl/workbook.xml")}),
        "xl/workbook.xml": _xml(book + "</sheets></workbook>"),
        "xl/_rels/workbook.xml.rels": _relations({"rId1": ("worksheet", "worksheets/sheet1.xml")}),
        "xl/worksheets/sheet1.xml": _xml(before + sheet),
    }


def pptx_parts(text: str = SENTENCE, before: str = "") -> dict[str, bytes | str]:
    """The parts of a presentation with one slide."""
    kind = "application/vnd.openxmlformats-officedocument.presentationml."
    names = f'xmlns:p="{_SLIDE}" xmlns:a="{_DRAWING}" xmlns:r="{_OFFICE}"'
    shape = (
        '<p:sp><p:nvSpPr><p:cNvPr id="2" name="Title"/><p:cNvSpPr/><p:nvPr/></p:nvSpPr><p:spPr/>'
        f"<p:txBody><a:bodyPr/><a:p><a:r><a:t>{text}</a:t></a:r></a:p></p:txBody></p:sp>"
    )
    group = '<p:nvGrpSpPr><p:cNvPr id="1" name=""/><p:cNvGrpSpPr/><p:nvPr/></p:nvGrpSpPr><p:grpSpPr/>'
    return {
        "[Content_Types].xml": _content_types(
            {"/ppt/presentation.xml": kind + "presentation.main+xml", "/ppt/slides/slide1.xml": kind + "slide+xml"}
        ),
        "_rels/.rels": _relations({"rId1": ("officeDocument", "ppt/presentation.xml")}),
        "ppt/presentation.xml": _xml(
            f'<p:presentation {names}><p:sldIdLst><p:sldId id="256" r:id="rId1"/></p:sldIdLst></p:presentation>'
        ),
        "ppt/_rels/presentation.xml.rels": _relations({"rId1": ("slide", "slides/slide1.xml")}),
        "ppt/slides/slide1.xml": _xml(
            f"{before}<p:sld {names}><p:cSld><p:spTree>{group}{shape}</p:spTree></p:cSld></p:sld>"
        ),
    }


def odt_parts(text: str = SENTENCE, before: str = "") -> dict[str, bytes | str]:
    """The parts of an OpenDocument text."""
    kind = "application/vnd.oasis.opendocument.text"
    names = f'xmlns:office="{_ODF}:office:1.0" xmlns:text="{_ODF}:text:1.0"'
    return {
        "mimetype": kind,
        "content.xml": _xml(
            f"{before}<office:document-content {names}><office:body><office:text><text:h text:outline-level='1'>Vienna"
            f"</text:h><text:p>{text}</text:p></office:text></office:body></office:document-content>"
        ),
        "META-INF/manifest.xml": _xml(
            f'<m:manifest xmlns:m="{_ODF}:manifest:1.0"><m:file-entry m:full-path="/" m:media-type="{kind}"/>'
            '<m:file-entry m:full-path="content.xml" m:media-type="text/xml"/></m:manifest>'
        ),
    }


def epub_parts(text: str = SENTENCE, before: str = "") -> dict[str, bytes | str]:
    """The parts of a book with one chapter."""
    return {
        "mimetype": "application/epub+zip",
        "META-INF/container.xml": _xml(
            '<container version="1.0" xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><rootfiles>'
            '<rootfile full-path="book.opf" media-type="application/oebps-package+xml"/></rootfiles></container>'
        ),
        "book.opf": _xml(
            '<package xmlns="http://www.idpf.org/2007/opf" version="3.0" unique-identifier="id">'
            '<metadata xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:identifier id="id">x</dc:identifier>'
            "<dc:title>Vienna</dc:title><dc:language>en</dc:language></metadata>"
            '<manifest><item id="one" href="one.xhtml" media-type="application/xhtml+xml"/></manifest>'
            '<spine><itemref idref="one"/></spine></package>'
        ),
        "one.xhtml": _xml(
            f'{before}<html xmlns="http://www.w3.org/1999/xhtml"><head><title>One</title></head>'
            f"<body><h1>Vienna</h1><p>{text}</p></body></html>"
        ),
    }


def eml(attachment: str = "notes.txt") -> bytes:
    """A message with an attachment."""
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "a@example.org", "b@example.org", "Vienna"
    message["Date"] = "Sun, 15 May 1955 11:30:00 +0200"
    message.set_content(SENTENCE)
    message.add_attachment(b"The notes.", maintype="text", subtype="plain", filename=attachment)
    return message.as_bytes()


def pdf(text: str = SENTENCE) -> bytes:
    """A PDF with one page."""
    document = FPDF()
    document.set_font("Helvetica", size=12)
    document.add_page()
    document.multi_cell(0, 8, text)
    return bytes(document.output())


def csv_table() -> bytes:
    """Three rows, one of them with quotes."""
    written = StringIO()
    csv.writer(written).writerows([["Place", "Remark"], ["Vienna", SENTENCE], ["Geneva", 'He said: "No, not yet."']])
    return written.getvalue().encode()


GOOD_FILES: dict[str, Callable[[], bytes]] = {
    ".txt": lambda: "\n\n".join([SENTENCE] * 20).encode(),
    ".md": lambda: (
        f"# Vienna\n\n{SENTENCE}\n\n## 1955\n\n- *one*\n- [two](x)\n\n| a | b |\n|---|---|\n| 1 | 2 |\n".encode()
    ),
    ".html": lambda: f"<html><body><article><h1>Vienna</h1><p>{SENTENCE}</p></article></body></html>".encode(),
    ".pdf": pdf,
    ".docx": lambda: archive(docx_parts()),
    ".pptx": lambda: archive(pptx_parts()),
    ".xlsx": lambda: archive(xlsx_parts()),
    ".csv": csv_table,
    ".epub": lambda: archive(epub_parts()),
    ".eml": eml,
    ".odt": lambda: archive(odt_parts()),
    ".json": lambda: json.dumps({"title": "Vienna", "notes": [{"year": 1955, "text": SENTENCE}]}, indent=1).encode(),
}


def _xml(content: str) -> str:
    return '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>' + content


def _content_types(overrides: Mapping[str, str]) -> str:
    kinds = "".join(f'<Override PartName="{name}" ContentType="{kind}"/>' for name, kind in overrides.items())
    defaults = (
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        '<Default Extension="xml" ContentType="application/xml"/>'
    )
    return _xml(f'<Types xmlns="{_PACKAGE}/content-types">{defaults}{kinds}</Types>')


def _relations(relations: Mapping[str, tuple[str, str]]) -> str:
    each = "".join(
        f'<Relationship Id="{id}" Type="{_OFFICE}/{kind}" Target="{target}"/>'
        for id, (kind, target) in relations.items()
    )
    return _xml(f'<Relationships xmlns="{_PACKAGE}/relationships">{each}</Relationships>')
