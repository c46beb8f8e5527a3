"""E-mails: who wrote to whom and when, and the body. Attachments are named, not read."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from email import message_from_bytes, policy
from email.message import Message
from email.utils import parsedate_to_datetime
from pathlib import PurePosixPath
from typing import BinaryIO

from ingest.canonical import TextBuilder, decode
from ingest.formats.hidden import without_invisible
from ingest.formats.html_blocks import add_blocks, page_of
from rag.errors import ParseError
from rag.types import Document

_NAMED = ("From", "To", "Cc", "Date")
_PGP = "-----BEGIN PGP MESSAGE-----"
_MARKS = (b"\xff\xfe", b"\xfe\xff", b"\xef\xbb\xbf")
# What Python's reader of mail headers is known to raise on malformed ones.
_MALFORMED = (ValueError, LookupError, TypeError, AttributeError)


def parse_eml(file: BinaryIO, source: str) -> Iterator[Document]:
    """The message. Raises ParseError E_ENCRYPTED for one that is, and E_NO_TEXT for one of attachments only."""
    data = file.read()
    if data.startswith(_MARKS):
        data = decode(data)[0].encode()
    message = message_from_bytes(data, policy=policy.default)
    builder = TextBuilder()
    subject = _header(message, "Subject")
    builder.add(subject, heading_level=1)
    builder.add(_envelope(message))
    before = len(builder.text)
    attachments = list(_add_body(builder, message))
    if len(builder.text) == before:
        only = f", only attachments: {', '.join(attachments)}" if attachments else ""
        raise ParseError("E_NO_TEXT", f"the e-mail has no text{only}.")
    warnings = ("attachments were not read: " + ", ".join(attachments),) if attachments else ()
    document = builder.document(source, subject or PurePosixPath(source).stem, "message/rfc822", warnings)
    yield replace(document, date=_date(message))


def _envelope(message: Message) -> str:
    lines = ((name, _header(message, name)) for name in _NAMED)
    return "\n".join(f"{name}: {value}" for name, value in lines if value)


def _header(message: Message, name: str) -> str:
    try:
        value = message[name]
    except _MALFORMED:
        value = next((value for key, value in message.raw_items() if key.lower() == name.lower()), "")
    return " ".join(str(value or "").split())


def _date(message: Message) -> str:
    try:
        return parsedate_to_datetime(_header(message, "Date")).date().isoformat()
    except _MALFORMED:
        return ""


def _add_body(builder: TextBuilder, message: Message) -> Iterator[str]:
    """Add a message's text and that of messages in it; the names of its attachments."""
    kind = message.get_content_type()
    if kind == "multipart/encrypted" or message.get_param("smime-type") == "enveloped-data":
        raise ParseError("E_ENCRYPTED", "the e-mail is encrypted. Save it decrypted.")
    parts = _parts(message)
    if kind == "message/rfc822" and parts:
        for inner in parts:
            builder.add(_header(inner, "Subject"), heading_level=2)
            builder.add(_envelope(inner))
            yield from _add_body(builder, inner)
    elif kind == "multipart/alternative" and parts:
        yield from _add_alternative(builder, parts)
    elif parts:
        for part in parts:
            yield from _add_body(builder, part)
    elif message.get_content_disposition() == "attachment" or message.get_content_maintype() != "text":
        yield _file_name(message)
    elif kind == "text/html":
        _add_html(builder, _text(message))
    else:
        _add_plain(builder, _text(message))


def _parts(message: Message) -> list[Message]:
    payload = message.get_payload()
    return [part for part in payload if isinstance(part, Message)] if isinstance(payload, list) else []


def _add_alternative(builder: TextBuilder, forms: list[Message]) -> Iterator[str]:
    """Of several forms of one text the plain one, unless it is empty; what is attached to the others counts too."""
    plain = [part for part in forms if part.get_content_type() == "text/plain" and _text(part).strip()]
    chosen = (plain or forms[-1:])[0]
    yield from _add_body(builder, chosen)
    for form in forms:
        if form is not chosen:
            yield from (_file_name(part) for part in form.walk() if part.get_content_disposition() == "attachment")


def _add_plain(builder: TextBuilder, text: str) -> None:
    if text.lstrip().startswith(_PGP):
        raise ParseError("E_ENCRYPTED", "the e-mail is encrypted (PGP). Save it decrypted.")
    builder.add(text)


def _add_html(builder: TextBuilder, html: str) -> None:
    page = page_of(without_invisible(html).html)
    if page is not None:
        add_blocks(builder, page)


def _text(part: Message) -> str:
    """A part's characters, in the encoding it names if that fits."""
    data = part.get_payload(decode=True)
    assert isinstance(data, bytes)
    try:
        return data.decode(part.get_content_charset() or "utf-8")
    except (LookupError, UnicodeDecodeError):
        return decode(data)[0]


def _file_name(part: Message) -> str:
    try:
        name = part.get_filename()
    except _MALFORMED:
        name = None
    return " ".join((name or part.get_content_type()).split())
