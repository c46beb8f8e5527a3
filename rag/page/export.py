"""A conversation -> a file to keep or send: Markdown, one HTML page, or JSON that can be checked again later."""

from __future__ import annotations

import re
from datetime import datetime
from html import escape
from pathlib import Path

from rag.page.conversation import Conversation, Exchange
from rag.page.render import plain
from rag.types import Citation

_MARK = re.compile(r"\s*\[(\d+)\]")
_STYLE = Path(__file__).with_name("export.css")


def as_json(conversation: Conversation) -> str:
    """The whole conversation, which `read_conversation` and `python -m rag check` read again."""
    return conversation.to_json() + "\n"


def as_markdown(conversation: Conversation) -> str:
    """Each question with its answer, and under it every quote with its source, page and characters."""
    parts = [f"# {plain(conversation.title)}"]
    for exchange in conversation.exchanges:
        answer = exchange.answer
        parts.append(f"## {plain(' '.join(answer.question.split()))}")
        parts.append(f"*{plain(_facts(exchange))}*")
        parts.append(f"*Refused:* {plain(answer.text)}" if answer.refused else _marked_markdown(answer.text))
        parts += [f"*{plain(note)}*" for note in answer.notes]
        parts += [f"~~{plain(' '.join(one.claim.split()))}~~ *({plain(one.reason)})*" for one in answer.rejections]
        for citation in answer.citations:
            # Indented, a line would become code, and show the marks that keep it plain.
            lines = plain("\n".join(line.strip() for line in citation.quote.split("\n"))).split("\n")
            parts.append(f"\\[{citation.mark}\\] {plain(_place(citation))}\n\n> " + "\n> ".join(lines))
    return "\n\n".join(parts) + "\n"


def _marked_markdown(text: str) -> str:
    pieces = _MARK.split(text)
    marks = [f" \\[{mark}\\]" for mark in pieces[1::2]]
    return "".join(plain(piece) + mark for piece, mark in zip(pieces[::2], [*marks, ""], strict=True))


def as_html(conversation: Conversation) -> str:
    """The same as one file that loads nothing and runs nothing."""
    exchanges = "".join(_exchange(exchange, turn) for turn, exchange in enumerate(conversation.exchanges, start=1))
    return (
        "<!DOCTYPE html><html lang='en'><head><meta charset='utf-8'>"
        "<meta http-equiv='Content-Security-Policy' content=\"default-src 'none'; style-src 'unsafe-inline'\">"
        "<meta name='viewport' content='width=device-width, initial-scale=1'>"
        "<meta name='color-scheme' content='light dark'>"
        f"<title>{escape(conversation.title)}</title><style>{_STYLE.read_text('utf-8')}</style></head>"
        f"<body><main><h1>{escape(conversation.title)}</h1>{exchanges}"
        "<footer>Exported from Footnote. Exported as JSON, it can be compared with the documents again: "
        "<code>python -m rag check</code>.</footer></main></body></html>\n"
    )


def _exchange(exchange: Exchange, turn: int) -> str:
    answer = exchange.answer
    if answer.refused:
        text = f"<p class='refused'>{escape(answer.text)}</p>"
    else:
        pieces = _MARK.split(answer.text)
        links = [f"<sup><a href='#note-{turn}-{mark}'>{mark}</a></sup>" for mark in pieces[1::2]]
        written = "".join(escape(one) + link for one, link in zip(pieces[::2], [*links, ""], strict=True))
        text = f"<p>{written}</p>"
    notes = "".join(f"<p class='quiet'>{escape(note)}</p>" for note in answer.notes)
    rejected = "".join(
        f"<p><del>{escape(one.claim)}</del> <span class='quiet'>({escape(one.reason)})</span></p>"
        for one in answer.rejections
    )
    quotes = "".join(
        f"<li id='note-{turn}-{one.mark}'><b>{one.mark}</b><figure><blockquote>{escape(one.quote)}</blockquote>"
        f"<figcaption>{escape(_place(one))}</figcaption></figure></li>"
        for one in answer.citations
    )
    return (
        f"<article><h2>{escape(answer.question)}</h2><p class='quiet'>{escape(_facts(exchange))}</p>"
        f"{text}{notes}{rejected}{f'<ol>{quotes}</ol>' if quotes else ''}</article>"
    )


def _facts(exchange: Exchange) -> str:
    answer = exchange.answer
    searched = "" if answer.standalone_question == answer.question else f", searched for: {answer.standalone_question}"
    outcome = "refused" if answer.refused else f"confidence {answer.confidence:.2f}"
    asked = f"{datetime.fromisoformat(exchange.asked):%Y-%m-%d %H:%M} UTC"
    return f"{asked}, collection {exchange.collection}, {outcome}, generator {answer.generator}{searched}"


def _place(citation: Citation) -> str:
    page = f", page {citation.page}" if citation.page else ""
    return f"{citation.source}{page}, characters {citation.span.start}-{citation.span.end}"
