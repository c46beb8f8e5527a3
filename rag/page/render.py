"""Nouns -> HTML and Markdown. Every word of a document or a question is escaped: it can be read, never run."""

from __future__ import annotations

import re
from collections.abc import Sequence
from html import escape, unescape

from rag.types import Answer, Passage

_MARK = re.compile(r"\s*\[(\d+)\]")
_CLOSEST = 3  # passages offered with a refusal


def plain(text: str) -> str:
    """Text that Markdown shows as it is written: no HTML, links, images, emphasis or automatic links."""
    text = re.sub(r"([\\`*_\[\]|~])", r"\\\1", escape(text, quote=False))
    text = re.sub(r"(?i)(https?|ftp)(:)|(www)(\.)|(@)", r"\1\3\\\2\4\5", text)
    return re.sub(r"(?m)^(\s*\d*)([#+.)=-])", r"\1\\\2", text)


def unplain(markdown: str) -> str:
    """What was typed, from what `plain` made of it."""
    return unescape(re.sub(r"\\([\\`*_\[\]|~:.@#+)=-])", r"\1", markdown))


def answer_markdown(answer: Answer, turn: int) -> str:
    """An answer, its footnotes as links, its short answer bold; a refusal with links to the closest passages."""
    beneath = _left_out(answer) + _searched(answer) + _footer(answer, turn)
    if answer.refused:
        return plain(answer.text) + _closest(answer.passages[:_CLOSEST], turn) + beneath
    pieces = _MARK.split(answer.text)
    texts = [plain(piece) if piece.strip() else piece for piece in pieces[::2]]
    if short := " ".join((answer.short_answer or "").split()):
        place = next((place for place, piece in enumerate(pieces[::2]) if short in piece), None)
        if place is not None:
            before, after = pieces[2 * place].split(short, 1)
            texts[place] = f"{plain(before)}**{plain(short)}**{plain(after)}"
    links = [f"[{mark}](#cite-{turn}-{int(mark) - 1})" for mark in pieces[1::2]]
    written = "".join(text + link for text, link in zip(texts, [*links, ""], strict=True))
    return written + beneath


def _footer(answer: Answer, turn: int) -> str:
    """Links to what led to the answer, and one that copies it with its sources."""
    links = [f"[Why these passages](#why-{turn})"] if answer.passages else []
    links += [f"[Copy with sources](#copy-{turn})"] if answer.citations else []
    return "\n\n" + " ".join(links) if links else ""


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
