"""Nouns -> HTML and Markdown. Every word of a document or a question is escaped: it can be read, never run."""

from __future__ import annotations

import re
from collections.abc import Sequence
from html import escape
from time import monotonic_ns

from rag.catalog import DocumentSummary
from rag.types import Answer, Document, Passage, Span

NO_SOURCE = "<div class='empty'>Select a footnote in an answer to read the words it rests on.</div>"
NO_PASSAGES = "<div class='empty'>The passages found for the latest question appear here.</div>"
GONE = "<div class='empty'>That document is no longer in the collection.</div>"

_MARK = re.compile(r"\s*\[(\d+)\]")
_CLOSEST = 3  # passages offered with a refusal


def plain(text: str) -> str:
    """Text that Markdown shows as it is written: no HTML, links, images, emphasis or automatic links."""
    text = re.sub(r"([\\`*_\[\]|~])", r"\\\1", escape(text, quote=False))
    text = re.sub(r"(?i)(https?|ftp)(:)|(www)(\.)|(@)", r"\1\3\\\2\4\5", text)
    return re.sub(r"(?m)^(\s*\d*)([#+.)=-])", r"\1\\\2", text)


def answer_markdown(answer: Answer, turn: int) -> str:
    """An answer, its footnotes as links, its short answer bold; a refusal with links to the closest passages."""
    if answer.refused:
        return plain(answer.text) + _left_out(answer) + _closest(answer.passages[:_CLOSEST], turn) + _searched(answer)
    pieces = _MARK.split(answer.text)
    texts = [plain(piece) if piece.strip() else piece for piece in pieces[::2]]
    if short := " ".join((answer.short_answer or "").split()):
        place = next((place for place, piece in enumerate(pieces[::2]) if short in piece), None)
        if place is not None:
            before, after = pieces[2 * place].split(short, 1)
            texts[place] = f"{plain(before)}**{plain(short)}**{plain(after)}"
    links = [f"[{mark}](#cite-{turn}-{int(mark) - 1})" for mark in pieces[1::2]]
    written = "".join(text + link for text, link in zip(texts, [*links, ""], strict=True))
    return written + _left_out(answer) + _searched(answer)


def _left_out(answer: Answer) -> str:
    """Warnings, and the sentences that the documents do not support, struck out, each with its reason."""
    warnings = "".join(f"\n\n*{plain(warning)}*" for warning in answer.notes)
    struck = "".join(f"\n\n~~{plain(each.claim)}~~ *({plain(each.reason)})*" for each in answer.rejections)
    return warnings + struck


def _searched(answer: Answer) -> str:
    """What was searched for, where that is not what was typed."""
    if answer.standalone_question == answer.question:
        return ""
    return f"\n\n*Searched for: {plain(answer.standalone_question)}*"


def _closest(passages: Sequence[Passage], turn: int) -> str:
    if not passages:
        return ""
    links = (
        f"- {plain(passage.chunk.title or passage.chunk.source)} [read](#passage-{turn}-{number})"
        for number, passage in enumerate(passages)
    )
    return "\n\nClosest passages:\n\n" + "\n".join(links)


def source_html(document: Document, span: Span, label: str, page: int | None) -> str:
    """The whole text of a document with one stretch of it marked."""
    text = document.text
    before, quote, after = (escape(part) for part in (text[: span.start], span.of(text), text[span.end :]))
    where = f"{label}, page {page}" if page else label
    # data-opened makes every value new, so that opening the same footnote twice scrolls again.
    return (
        f"<article data-opened='{monotonic_ns()}'><header><b>{escape(document.source)}</b>"
        f"<span role='status'>{escape(where)}</span><button type='button' class='back'>Back to answer</button></header>"
        "<div class='text' tabindex='0' role='region' aria-label='Source text'>"
        f"{before}<mark id='cited'>{quote}</mark>{after}</div></article>"
    )


def passages_html(passages: Sequence[Passage], turn: int) -> str:
    """The passages found for a question, with their rank at each stage."""
    if not passages:
        return NO_PASSAGES
    rows = "".join(
        f"<tr><td><a class='note' href='#passage-{turn}-{number}'>{number + 1}</a></td>"
        f"<td>{passage.score:.2f}</td>{_rank(passage, 'dense')}{_rank(passage, 'keyword')}"
        f"<td><b>{escape(passage.chunk.source)}</b><br>{escape(passage.chunk.text)}</td></tr>"
        for number, passage in enumerate(passages)
    )
    return (
        "<table><thead><tr><th></th><th title='meaning and words in one, about 0 to 1'>Score</th>"
        "<th title='rank by meaning'>Meaning</th><th title='rank by words'>Words</th><th>Passage</th></tr></thead>"
        f"<tbody>{rows}</tbody></table>"
    )


def _rank(passage: Passage, stage: str) -> str:
    rank = passage.ranks.get(stage)
    return f"<td>{rank}</td>" if rank else "<td title='not among the best 100'>–</td>"


def documents_html(documents: Sequence[DocumentSummary], status: str = "") -> str:
    """The documents of the collection, and what is being done to them."""
    rows = "".join(
        f"<tr><td><b>{escape(document.title or document.source)}</b><br>{escape(document.source)}"
        f"{''.join(f'<br><em>{escape(warning)}</em>' for warning in document.warnings)}</td>"
        f"<td>{document.characters:,} characters<br>{document.chunks} chunks</td></tr>"
        for document in documents
    )
    table = f"<table><tbody>{rows}</tbody></table>" if rows else "<div class='empty'>No documents yet.</div>"
    return f"{table}<p class='status' role='status'>{escape(status)}</p>"
