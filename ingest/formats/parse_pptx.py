"""PowerPoint presentations: each slide is a page, its title a heading; tables, groups, charts and notes are read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import PurePosixPath
from typing import Any, BinaryIO

from lxml.etree import _Element
from pptx import Presentation
from pptx.exc import PythonPptxError
from pptx.oxml.ns import qn

from ingest.canonical import TextBuilder
from ingest.formats.archive import DAMAGE, common_form, damaged, guard
from ingest.formats.tables import Row, lines
from ingest.formats.workbook import number_text
from ingest.formats.xml_tree import local_name
from rag.types import Document

_MEDIA_TYPE = "application/vnd.openxmlformats-officedocument.presentationml.presentation"
_TITLES = {"title", "ctrTitle"}
_NOT_CONTENT = {"ftr", "hdr", "sldImg"}  # placeholders that say the same on every slide

_FIELD = qn("a:fld")  # the slide's number, or today's date


def parse_pptx(file: BinaryIO, source: str) -> Iterator[Document]:
    """The slides in order, each slide's title first and its notes last."""
    warnings = guard(file)
    builder = TextBuilder()
    first_title = ""
    try:
        presentation = Presentation(common_form(file))
        for number, slide in enumerate(presentation.slides, start=1):
            title = _add_slide(builder, slide)
            first_title = first_title or title
            builder.end_page(number)
        title = presentation.core_properties.title
    except (*DAMAGE, PythonPptxError) as error:
        raise damaged(error) from None
    named = title if title and title != "PowerPoint Presentation" else first_title
    yield builder.document(source, named or PurePosixPath(source).stem, _MEDIA_TYPE, warnings)


def _add_slide(builder: TextBuilder, slide: Any) -> str:
    """Add a slide; the words of its title."""
    shapes = list(_shapes(slide.shapes._spTree))
    titles = [shape for shape in shapes if _placeholder(shape) in _TITLES]
    title = " ".join(" ".join(_paragraphs(shape)) for shape in titles)
    builder.add(" ".join(title.split()), heading_level=1)
    for shape in shapes:
        if shape not in titles:
            _add_shape(builder, slide, shape)
    if slide.has_notes_slide:
        notes = [shape for shape in _shapes(slide.notes_slide.shapes._spTree) if _placeholder(shape) == "body"]
        words = "\n".join(line for shape in notes for line in _paragraphs(shape))
        builder.add(f"Notes: {words}" if words.strip() else "")
    return title


def _shapes(tree: _Element) -> Iterator[_Element]:
    """A slide's shapes and graphic frames in their order, those in groups too; of alternatives the first."""
    for child in tree:
        name = local_name(child)
        if name == "grpSp":
            yield from _shapes(child)
        elif name == "AlternateContent" and len(child):
            yield from _shapes(child[0])
        elif name in ("sp", "graphicFrame", "cxnSp"):
            yield child


def _placeholder(shape: _Element) -> str | None:
    """The kind of content a placeholder waits for; None for other shapes."""
    found = next(shape.iter(qn("p:ph")), None)
    return None if found is None else str(found.get("type", "obj"))


def _add_shape(builder: TextBuilder, slide: Any, shape: _Element) -> None:
    table, chart = next(shape.iter(qn("a:tbl")), None), next(shape.iter(qn("c:chart")), None)
    if table is not None:
        builder.add("\n".join(lines(_rows(table))))
    elif chart is not None:
        _add_chart(builder, slide, chart.get(qn("r:id")))
    elif _placeholder(shape) not in _NOT_CONTENT:
        builder.add("\n".join(_paragraphs(shape)))


def _rows(table: _Element) -> Iterator[Row]:
    """A table's cells; what a merged cell covers is empty."""
    for row in table.iter(qn("a:tr")):
        cells = row.findall(qn("a:tc"))
        yield {column: "" if _is_covered(cell) else " ".join(_paragraphs(cell)) for column, cell in enumerate(cells)}


def _is_covered(cell: _Element) -> bool:
    return any(cell.get(name) in ("1", "true") for name in ("hMerge", "vMerge"))


def _paragraphs(shape: _Element) -> Iterable[str]:
    """The lines of a shape's text; a list's are set in by their level."""
    for paragraph in shape.iter(qn("a:p")):
        properties = paragraph.find(qn("a:pPr"))
        level = int(properties.get("lvl", 0)) if properties is not None else 0
        words = "".join("\n" if child.tag == qn("a:br") else _run(child) for child in paragraph if child.tag != _FIELD)
        if words.strip():
            yield "  " * level + words.strip()


def _run(element: _Element) -> str:
    return "".join(text.text or "" for text in element.iter(qn("a:t"), qn("m:t")))


def _add_chart(builder: TextBuilder, slide: Any, relation: str | None) -> None:
    """A chart's title, and what it draws as a table."""
    drawing = getattr(slide.part.rels[relation].target_part, "_element", None) if relation in slide.part.rels else None
    if drawing is None:
        return
    title = drawing.find(f"{qn('c:chart')}/{qn('c:title')}")
    builder.add("" if title is None else "\n".join(_paragraphs(title)))
    series = list(drawing.iter(qn("c:ser")))
    header = {column: " ".join(_points(each, "c:tx").values()) for column, each in enumerate(series, start=1)}
    rows: dict[int, dict[int, str]] = {}
    for column, each in enumerate(series, start=1):
        for place, words in [*_points(each, "c:cat").items()]:
            rows.setdefault(place, {})[0] = words
        for place, words in [*_points(each, "c:val").items()]:
            rows.setdefault(place, {})[column] = number_text(words)
    builder.add("\n".join(lines([header, *(rows[place] for place in sorted(rows))])))


def _points(series: _Element, part: str) -> dict[int, str]:
    """The stored values of a part of a chart's series, by place."""
    return {
        int(point.get("idx", 0)): "".join(point.itertext()).strip()
        for held in series.findall(qn(part))
        for point in held.iter(qn("c:pt"))
    }
