"""Word's XML -> its blocks, the visible text of a paragraph, and the notes of a document."""

from __future__ import annotations

from collections.abc import Iterator

from docx.opc.package import OpcPackage
from docx.oxml.ns import qn
from docx.oxml.parser import parse_xml
from docx.oxml.text.run import CT_R
from docx.shared import RGBColor
from docx.text.font import Font
from lxml.etree import _Element

from ingest.formats.xml_tree import local_name

_SMALLEST = 2  # points
_WHITE = RGBColor(255, 255, 255)
_BLOCKS = (qn("w:p"), qn("w:tbl"))
# What only wraps blocks or runs: content controls, accepted insertions, smart tags, links, fields.
_WRAPPERS = {"sdt", "sdtContent", "ins", "moveTo", "smartTag", "customXml", "hyperlink", "fldSimple", "dir", "bdo"}
_ALTERNATIVES = "AlternateContent"
_SIGNS = {"tab": "\t", "br": "\n", "cr": "\n", "noBreakHyphen": "-", "ptab": "\t"}
_NOTES = ("/word/footnotes.xml", "/word/endnotes.xml")


def blocks(parent: _Element, *wanted: str) -> Iterator[_Element]:
    """The paragraphs and tables, or the `wanted` elements, of a part of the document, through what wraps them."""
    for child in parent:
        if child.tag in (wanted or _BLOCKS):
            yield child
        elif local_name(child) in _WRAPPERS:
            yield from blocks(child, *wanted)
        elif local_name(child) == _ALTERNATIVES and len(child):
            yield from blocks(child[0], *wanted)


def paragraph_text(paragraph: _Element, hidden: list[str], boxes: list[_Element]) -> str:
    """A paragraph's text without runs that are hidden, white or tiny; those with words are added to `hidden`.

    The contents of text boxes that hang on it are added to `boxes`.
    """
    return "".join(_pieces(paragraph, hidden, boxes))


def notes_of(package: OpcPackage) -> Iterator[_Element]:
    """The footnotes and endnotes, without the lines that set them apart."""
    for part in package.iter_parts():
        if part.partname in _NOTES:
            for note in parse_xml(part.blob):
                if note.get(qn("w:type"), "normal") == "normal":
                    yield note


def _pieces(parent: _Element, hidden: list[str], boxes: list[_Element]) -> Iterator[str]:
    for child in parent:
        name = local_name(child)
        if name == "r":
            text = "".join(_run(child, boxes))
            if _is_hidden(child):
                hidden.extend(filter(str.strip, (text,)))
            else:
                yield text
        elif name in _WRAPPERS:
            yield from _pieces(child, hidden, boxes)
        elif name == _ALTERNATIVES and len(child):
            yield from _pieces(child[0], hidden, boxes)
        elif name in ("oMath", "oMathPara"):
            yield "".join(each.text or "" for each in child.iter(qn("m:t")))


def _run(run: _Element, boxes: list[_Element]) -> Iterator[str]:
    for child in run:
        name = local_name(child)
        if name == "t":
            yield child.text or ""
        elif name in _SIGNS:
            yield _SIGNS[name]
        elif name in (_ALTERNATIVES, "drawing", "pict", "object"):
            boxes.extend(_text_boxes(child))


def _text_boxes(drawing: _Element) -> Iterator[_Element]:
    """The texts of a drawing, of alternative forms of it the first only; a box within a box comes with the outer."""
    for child in drawing:
        if child.tag == qn("w:txbxContent"):
            yield child
        else:
            yield from _text_boxes(child)
        if local_name(drawing) == _ALTERNATIVES:
            return


def _is_hidden(run: _Element) -> bool:
    if run.find(qn("w:rPr")) is None or not isinstance(run, CT_R):
        return False
    font = Font(run)
    tiny = font.size is not None and font.size.pt < _SMALLEST
    white = font.color is not None and font.color.rgb == _WHITE and font.highlight_color is None
    return bool(font.hidden) or tiny or white
