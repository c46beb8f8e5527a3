"""The bad files B01 to B52: each with what reading it may end in. What is no single file is in other tests' hands."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

from tests import bad_archives as archives
from tests import bad_pdfs as pdfs
from tests import bad_texts as texts
from tests.good_files import SENTENCE, archive
from tests.reading import OK

_WORDS = SENTENCE[:10]


@dataclass(frozen=True)
class Case:
    """A file, the outcomes allowed for it, and what else must hold.

    `expected` holds codes of ParseError and "ok". `text` must stand in the document's text if there is a document,
    `says` is a pattern that the warnings or the error's message must match. `build` gets the address of a server and
    the path of a file, neither of which may be touched, if the case `calls`.
    """

    id: str
    name: str
    build: bytes | Callable[..., bytes]
    expected: frozenset[str]
    text: str = ""
    says: str = ""
    calls: bool = False

    def content(self, server: str, secret: str) -> bytes:
        """The file's bytes."""
        if isinstance(self.build, bytes):
            return self.build
        return self.build(server, secret) if self.calls else self.build()


def _case(
    id: str, name: str, build: bytes | Callable[..., bytes], expected: str, text: str = "", says: str = "",
    calls: bool = False,
) -> Case:  # fmt: skip
    return Case(id, name, build, frozenset(expected.split()), text, says, calls)


def _pdfs() -> Iterator[Case]:
    yield _case("B01", "empty.pdf", b"", "E_EMPTY", says="empty")
    yield _case("B03", "page.pdf", b"<html><p>Text.</p></html>", "E_TYPE")
    yield _case("B04", "random.pdf", pdfs.random_bytes, "E_TYPE E_CORRUPT", says="PDF")
    yield _case("B05", "truncated.pdf", pdfs.truncated, "E_CORRUPT")
    yield _case("B06", "table-loop.pdf", pdfs.previous_table_loop, "ok E_CORRUPT", text=_WORDS)
    yield _case("B06", "page-loop.pdf", pdfs.page_tree_loop, "E_CORRUPT")
    yield _case("B07", "deep-pages.pdf", pdfs.deep_page_tree, "E_DEPTH E_BOMB")
    yield _case("B07", "deep-array.pdf", pdfs.deep_array, "E_DEPTH E_BOMB E_CORRUPT")
    yield _case("B08", "million-pages.pdf", pdfs.many_pages, "E_PAGES E_BOMB")
    yield _case("B09", "flate.pdf", pdfs.flate_bomb, "E_BOMB")
    yield _case("B09", "double-flate.pdf", pdfs.double_flate_bomb, "E_BOMB")
    yield _case("B10", "operators.pdf", pdfs.operators, "E_BOMB E_TIMEOUT")
    yield _case("B11", "lzw.pdf", pdfs.lzw_bomb, "E_BOMB E_CORRUPT")
    yield _case("B11", "run-length.pdf", pdfs.run_length_bomb, "E_BOMB E_CORRUPT")
    yield _case("B11", "jbig2.pdf", pdfs.jbig2_bomb, "ok E_BOMB E_CORRUPT", text=_WORDS)
    yield _case("B11", "inline-image.pdf", pdfs.endless_inline_image, "ok E_BOMB E_CORRUPT", text=_WORDS)
    for algorithm in ("RC4-128", "AES-128", "AES-256"):
        yield _case(
            "B12", f"{algorithm}.pdf", partial(pdfs.encrypted, "secret", algorithm), "E_ENCRYPTED", says="password"
        )
        yield _case("B13", f"{algorithm}.pdf", partial(pdfs.encrypted, "", algorithm), OK, text=_WORDS)
    yield _case("B14", "scan.pdf", pdfs.scan, "E_NO_TEXT", says="OCR")
    yield _case("B15", "no-pages.pdf", pdfs.no_pages, "E_NO_TEXT E_EMPTY E_CORRUPT", says="(?i)page|text")
    yield _case("B16", "active.pdf", pdfs.active, OK, _WORDS, says="(?i)script|active|embed|attach", calls=True)
    for how in ("invisible", "white", "tiny"):
        yield _case("B17", f"{how}.pdf", partial(pdfs.hidden_text, how), OK, _WORDS, says="(?i)hidden|invisible|tiny")


def _archives() -> Iterator[Case]:
    yield _case("B01", "empty.docx", b"", "E_EMPTY", says="empty")
    yield _case("B04", "random.docx", pdfs.random_bytes, "E_TYPE E_CORRUPT")
    yield _case("B18", "long-run.docx", partial(archives.one_long_run, 300), "E_BOMB")
    yield _case("B18", "long-run-below-limits.docx", partial(archives.one_long_run, 95), _STOPPED)
    yield _case("B22", "links.docx", archives.external_links, OK, text=_WORDS, calls=True)
    for kind in ("docx", "xlsx", "pptx", "odt", "epub"):
        yield from _archives_of(kind)
    for kind, macros in (("docx", "docm"), ("xlsx", "xlsm"), ("pptx", "pptm")):
        yield _case("B23", f"macros.{kind}", partial(archives.with_macros, kind), OK, text=_WORDS)
        yield _case("B23", f"macros.{macros}", partial(archives.with_macros, kind), "ok E_UNSUPPORTED")
        yield _case("B24", f"locked.{kind}", partial(archives.ole, "EncryptedPackage"), "E_ENCRYPTED", says="password")
    for old, stream in (("doc", "WordDocument"), ("xls", "Workbook"), ("ppt", "PowerPoint Document")):
        yield _case("B25", f"old.{old}", partial(archives.ole, stream), "E_UNSUPPORTED", says=f"{old}x|docx")
        yield _case(
            "B25",
            f"old.{old}x",
            partial(archives.ole, stream),
            "E_ENCRYPTED E_UNSUPPORTED",
            says="older format|before 2007",
        )
    yield _case("B26", "far-cell.xlsx", archives.far_cell, "ok E_TOO_BIG E_BOMB E_TIMEOUT")
    yield _case("B26", "wide.xlsx", archives.wide_sheet, "E_TOO_BIG E_BOMB E_TIMEOUT")
    yield _case("B27", "odd-cells.xlsx", archives.odd_cells, OK, text="=cmd|")
    yield _case("B28", "nested.zip", archives.nested, "E_UNSUPPORTED")
    yield _case("B28", "nested.docx", archives.nested, "E_CORRUPT E_BOMB E_TYPE E_UNSUPPORTED")
    yield _case("B28", "overlapping.docx", archives.overlapping, "E_BOMB")
    yield _case("B28", "many-parts.docx", archives.many_parts, "E_BOMB")
    yield _case("B29", "twice.docx", archives.named_twice, "E_PATH E_CORRUPT")
    yield _case("B52", "manifest.epub", archives.chapter_that_escapes, "ok E_PATH E_CORRUPT E_NO_TEXT")


def _archives_of(kind: str) -> Iterator[Case]:
    """What may be done to any kind of Office file or book."""
    yield _case("B05", f"truncated.{kind}", partial(archives.truncated, kind), "E_CORRUPT")
    yield _case("B05", f"checksum.{kind}", partial(archives.wrong_checksum, kind), "E_CORRUPT")
    yield _case("B18", f"bomb.{kind}", partial(archives.inflated, kind, 414), "E_BOMB")
    yield _case("B18", f"below-limits.{kind}", partial(archives.inflated, kind, 95), f"ok {_STOPPED}")
    yield _case("B19", f"laughs.{kind}", partial(archives.laughs, kind), _ENTITIES, says="(?i)entit|expand")
    yield _case("B19", f"quadratic.{kind}", partial(archives.quadratic, kind), _ENTITIES, says="(?i)entit|expand")
    yield _case(
        "B20", f"external.{kind}", partial(archives.external_entities, kind), f"{_ENTITIES} E_NO_TEXT ok", calls=True
    )
    yield _case(
        "B21", f"deep.{kind}", partial(archives.deep, kind), "E_DEPTH E_BOMB E_CORRUPT", says="(?i)deep|depth|nest"
    )
    yield _case("B24", f"locked-parts.{kind}", partial(archives.encrypted_entries, kind), "E_ENCRYPTED E_CORRUPT")
    for name in ("../../escaped.txt", "/tmp/footnote-escaped.txt", "C:\\escaped.txt"):
        kept = name.replace("/", "-").replace("\\", "-")
        yield _case("B29", f"{kept}.{kind}", partial(archives.named, kind, name), "E_PATH", says="unsafe name")
    yield _case("B29", f"link.{kind}", partial(archives.named, kind, "link", 0o120777), "ok E_PATH", text=_WORDS)
    yield _case("B30", f"no-main-part.{kind}", partial(archives.without_main_part, kind), "E_CORRUPT")
    yield _case(
        "B30", f"mimetype.{kind}", partial(archives.with_part, kind, "mimetype", "text/plain"), "ok E_CORRUPT E_TYPE"
    )
    yield _case("B30", f"another-kind.{kind}", partial(archive, {"a.txt": SENTENCE}), "E_CORRUPT E_TYPE")


def _texts() -> Iterator[Case]:
    yield _case("B01", "empty.txt", b"", "E_EMPTY", says="empty")
    yield _case("B02", "blank.txt", b" \n\t\n\xa0", "E_NO_TEXT", says="no text found")
    yield _case("B02", "mark.txt", b"\xef\xbb\xbf", "E_NO_TEXT", says="no text found")
    yield _case("B05", "half.jsonl.gz", texts.half_compressed, "E_CORRUPT")
    yield _case("B31", "nested.html", texts.nested_html, "ok E_DEPTH E_TIMEOUT", text=_WORDS)
    yield _case("B31", "attributes.html", texts.many_attributes, "ok E_DEPTH E_TIMEOUT E_TOO_BIG", text=_WORDS)
    yield _case("B32", "line.html", partial(texts.long_line, 100, tags=True), "E_TOO_BIG", says="100 MB > ")
    yield _case("B32", "line.txt", partial(texts.long_line, 100), "E_TOO_BIG", says="100 MB > 50 MB")
    yield _case("B34", "quotes.md", b"> " * 100_000 + SENTENCE.encode(), "ok E_DEPTH", text=_WORDS)
    yield _case("B34", "brackets.md", b"[" * 100_000 + SENTENCE.encode(), "ok E_DEPTH", text=_WORDS)
    yield _case("B34", "row.md", b"| a " * 250_000 + b"|\n" + b"|--" * 250_000 + b"|\n", "ok E_DEPTH E_TIMEOUT")
    for encoding in ("utf-8-sig", "utf-16", "utf-32"):
        yield _case("B35", f"{encoding}.txt", _EUROPEAN.encode(encoding), OK, text=_EUROPEAN)
    for encoding in ("utf-16-le", "utf-16-be"):
        yield _case("B35", f"unmarked-{encoding}.txt", (SENTENCE * 3).encode(encoding), OK, text=SENTENCE * 3)
    for encoding, words in texts.ENCODED.items():
        yield _case(
            "B36", f"{encoding}.txt", (words * 6).encode(encoding), OK, text=(words * 6).strip(), says="read as"
        )
    yield _case("B37", "one-paragraph.txt", texts.misencoded, OK, text="Grüße aus Wien", says="(?i)utf-8")
    yield _case("B37", "one-byte.txt", SENTENCE.encode() + b"\x81\n", OK, text=SENTENCE, says="(?i)utf-8")
    yield _case("B37", "most.txt", texts.mostly_invalid, "E_ENCODING E_TYPE")
    yield _case("B38", "control.txt", texts.control_characters, OK, text=_WORDS, says="unprintable|UTF-8")
    yield _case("B39", "invisible.txt", texts.invisible_characters, OK, text=_WORDS, says="invisible")
    for kind in ("exe", "png", "sqlite"):
        yield _case("B41", f"{kind}.txt", partial(texts.binary, kind), "E_TYPE", says="binary")
        yield _case("B41", f"{kind}.html", partial(texts.binary, kind), "E_TYPE", says="binary")
    yield _case("B42", "pdf-and-zip.pdf", partial(texts.polyglot, "pdf+zip"), "ok E_TYPE", text=_WORDS)
    yield _case("B42", "pdf-and-zip.docx", partial(texts.polyglot, "pdf+zip"), "ok E_TYPE E_CORRUPT", text=_WORDS)
    yield _case("B42", "pdf-and-html.pdf", partial(texts.polyglot, "pdf+html"), "ok E_TYPE E_CORRUPT", text=_WORDS)
    yield _case("B42", "pdf-and-html.html", partial(texts.polyglot, "pdf+html"), "ok E_TYPE E_ENCODING", text=_WORDS)
    yield _case("B42", "gif-and-script.html", partial(texts.polyglot, "gif+js"), "E_TYPE")
    for ending in ("svg", "xml", "html"):
        yield _case("B49", f"active.{ending}", texts.active_image, "ok E_UNSUPPORTED E_NO_TEXT E_ENTITY", calls=True)
    yield _case("B49", "fetching.html", texts.fetching_page, OK, text=_WORDS, calls=True)
    yield _case("B50", "wide.csv", texts.wide_csv, "ok E_TOO_BIG")
    yield _case("B50", "open-quote.csv", texts.open_quote, "ok E_CORRUPT", text="Geneva")
    yield _case("B50", "field.csv", partial(texts.long_line, 60), "E_TOO_BIG")
    yield _case("B50", "long-field.csv", partial(texts.long_line, 1), "ok E_TOO_BIG", text=_WORDS)
    yield _case("B51", "deep.json", texts.deep_json, "ok E_DEPTH", text="text")
    yield _case("B51", "odd.json", texts.odd_json, OK, text=_WORDS)
    yield _case("B52", "attachment.eml", texts.escaping_attachment, OK, text=_WORDS)
    yield _case("B52", "nested.eml", texts.nested_message, "ok E_DEPTH", text=_WORDS)
    yield _case("B52", "old.msg", partial(archives.ole, "__attach_version1.0"), "E_UNSUPPORTED")


_STOPPED = "E_BOMB E_TOO_BIG E_TIMEOUT E_CRASH E_CORRUPT E_NO_TEXT"
_ENTITIES = "E_ENTITY E_BOMB E_CORRUPT"
_EUROPEAN = "Grüße, Мир, Ελλάς, žluťoučký kůň — “quoted”. " * 4 + SENTENCE

CASES: tuple[Case, ...] = (*_pdfs(), *_archives(), *_texts())
