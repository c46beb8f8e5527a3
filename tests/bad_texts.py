"""Damaged and hostile files of plain formats: text, Markdown, HTML, CSV, JSON, messages, and what only poses as one."""

from __future__ import annotations

import base64
import gzip
import random
import sqlite3
from pathlib import Path

from tests.good_files import SENTENCE, archive, docx_parts, eml, pdf

_MEGABYTE = 2**20

# Each in a language of its encoding, long enough for a guess.
ENCODED = {
    "latin-1": "Der Präsident reiste über München nach Zürich, um die Verträge für die Brücke zu prüfen. ",
    "cp1252": "L’accord prévoit que les troupes se retirent – « sans délai » – de la région à l’été 1955. ",
    "shift_jis": "条約はウィーンで署名され、四か国の軍隊は九十日以内に撤退した。首相は会談を歓迎した。",
    "gb18030": "条约在维也纳签署，四个国家的军队在九十天内撤离。总理对会谈表示欢迎。",
    "koi8-r": "Договор был подписан в Вене, и войска четырёх держав были выведены в течение девяноста дней. ",
}


def half_compressed() -> bytes:
    """The first half of a compressed bulk import."""
    lines = "".join(f'{{"source": "{number}", "text": "{random.Random(number).random()}"}}\n' for number in range(500))
    whole = gzip.compress(lines.encode())
    return whole[: len(whole) // 2]


def nested_html(depth: int = 200_000) -> bytes:
    """A sentence inside 200,000 elements."""
    return b"<html><body>" + b"<div>" * depth + SENTENCE.encode() + b"</div>" * depth + b"</body></html>"


def many_attributes(count: int = 500_000) -> bytes:
    """One element with 500,000 attributes."""
    attributes = b" ".join(b'a%d="x"' % number for number in range(count))
    return b"<html><body><p " + attributes + b">" + SENTENCE.encode() + b"</p></body></html>"


def long_line(megabytes: int, tags: bool = False) -> bytes:
    """One line of so many megabytes."""
    line = (SENTENCE.encode() + b" ") * (megabytes * _MEGABYTE // (len(SENTENCE) + 1))
    return b"<html><body><p>" + line + b"</p></body></html>" if tags else line


def base64_line(megabytes: int) -> bytes:
    """One line of so many megabytes without a space in it."""
    return base64.b64encode(random.Random(33).randbytes(megabytes * _MEGABYTE * 3 // 4))


def misencoded() -> bytes:
    """UTF-8 with a paragraph in another encoding, as a careless joining of files makes it."""
    return "\n\n".join([f"Grüße aus Wien. {SENTENCE}"] * 40).encode() + "\n\nÜber Zürich.".encode("cp1252")


def mostly_invalid() -> bytes:
    """Words between bytes that no encoding of text knows."""
    chance = random.Random(37)
    return b"".join(b"word " + bytes(chance.choices((0x81, 0x8D, 0x8F, 0x90, 0x9D, 0xFF), k=20)) for _ in range(400))


def control_characters() -> bytes:
    """NUL, control characters of both kinds, escape sequences of terminals, half of a surrogate pair."""
    odd = "a\x00b\x07c\x1b[31md\x1b[0m\x85e\x9bf".encode() + b"\xed\xa0\x80"
    return b"\n\n".join([SENTENCE.encode()] * 40) + b"\n\n" + odd


def invisible_characters() -> bytes:
    """Words with characters of no width, marks of direction, tags, and piles of accents."""
    tags = "".join(chr(0xE0000 + ord(letter)) for letter in "ignore the treaty")
    zalgo = "".join(letter + "\u0336\u0353\u0361" * 20 for letter in "harbour")
    return f"{SENTENCE}\n\nVi\u200ben\u200dna \u202eyzal\u202c {tags} {zalgo} {chr(0x200B) * 20}\n".encode()


def binary(kind: str) -> bytes:
    """A program, a picture or a database."""
    match kind:
        case "exe":
            return b"MZ\x90\x00\x03\x00\x00\x00" + random.Random(41).randbytes(4096)
        case "png":
            return b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + random.Random(42).randbytes(4096)
        case _:
            with sqlite3.connect(":memory:") as database:
                database.execute("CREATE TABLE notes (text)")
                database.execute("INSERT INTO notes VALUES (?)", (SENTENCE,))
                content: bytes = database.serialize()
            database.close()
            return content


def polyglot(kind: str) -> bytes:
    """Bytes that are files of two kinds at once."""
    match kind:
        case "pdf+zip":
            return pdf() + archive(docx_parts())
        case "pdf+html":
            return b"<html><body><p>" + SENTENCE.encode() + b"</p></body></html>\n" + pdf()
        case _:
            return b"GIF89a/*" + bytes(64) + b"*/=1;alert(1)//" + b"\x00;" * 64


def active_image(server: str, secret: str) -> bytes:
    """An SVG with a script, an entity, an included file and pictures from a server."""
    return (
        f'<?xml version="1.0"?><!DOCTYPE svg SYSTEM "{server}/svg" [<!ENTITY a SYSTEM "file://{secret}">]>'
        '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xi="http://www.w3.org/2001/XInclude" '
        f'xmlns:xlink="http://www.w3.org/1999/xlink"><script>fetch("{server}/s")</script>'
        f'<image xlink:href="{server}/i.png"/><xi:include href="file://{secret}" parse="text"/>'
        f"<text>{SENTENCE} &a;</text></svg>"
    ).encode()


def fetching_page(server: str, secret: str) -> bytes:
    """A page that asks for style sheets, pictures, frames and a refresh, and includes a local file."""
    return (
        f'<html><head><base href="{server}/"><link rel="stylesheet" href="a.css">'
        f'<style>@import "{server}/b.css";</style><meta http-equiv="refresh" content="0; url={server}/c">'
        f'<script src="{server}/d.js"></script></head>'
        f'<body><img src="{server}/e.png"><iframe src="file://{secret}"></iframe><object data="{server}/f"></object>'
        f"<p>{SENTENCE}</p></body></html>"
    ).encode()


def wide_csv(columns: int = 10_000) -> bytes:
    """Three rows of 10,000 columns."""
    return b"\n".join(b",".join(b"%d" % (row * column) for column in range(columns)) for row in range(3))


def open_quote() -> bytes:
    """A table whose second row opens a quote that is never closed."""
    return b'Place,Remark\nVienna,"The treaty\n' + b"Geneva,none\n" * 20_000


def deep_json(depth: int = 100_000) -> bytes:
    """A text 100,000 lists down."""
    return b"[" * depth + b'"text"' + b"]" * depth


def odd_json() -> bytes:
    """A number out of range, one that is none, and a key that stands twice."""
    return b'{"note": "%b", "size": 1e400, "other": NaN, "key": "first", "key": "second"}' % SENTENCE.encode()


def nested_message(depth: int = 200) -> bytes:
    """A message in a message in a message."""
    message = eml()
    for _ in range(depth):
        message = b"Subject: outer\r\nContent-Type: message/rfc822\r\n\r\n" + message
    return message


def escaping_attachment() -> bytes:
    """A message with an attachment that names a place outside its folder."""
    return eml(attachment="../../escaped.txt")


def sample(name: str) -> bytes:
    """A file of the sample corpus."""
    return (Path(__file__).parent.parent / "ingest" / "sample" / name).read_bytes()
