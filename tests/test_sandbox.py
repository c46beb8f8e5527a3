import contextlib
import os
import signal
import socket
import threading
import zipfile
from io import BytesIO
from pathlib import Path

import docx
import pytest

import ingest.sandbox
from ingest.formats.parse_jsonl import LineFailure
from ingest.sandbox import Sandbox
from rag.errors import ParseError
from rag.types import Document


def outcome(sandbox: Sandbox, path: Path) -> str:
    """ "ok", or the code of the one error."""
    try:
        for _ in sandbox.parse(path, path.name):
            pass
    except ParseError as error:
        return error.code if "\n" not in str(error) else f"more than one line: {error}"
    return "ok"


def bomb_docx() -> bytes:
    """A small file whose document part expands to 150 MB."""
    plain = BytesIO()
    docx.Document().save(plain)
    packed = BytesIO()
    with zipfile.ZipFile(plain) as source, zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as target:
        for entry in source.infolist():
            content = source.read(entry)
            if entry.filename == "word/document.xml":
                content = content.replace(b"<w:body>", b"<w:body>" + b"<w:p/>" * 26_000_000)
            target.writestr(entry.filename, content)
    return packed.getvalue()


def test_documents_cross_the_process_border_unchanged(tmp_path: Path) -> None:
    path = tmp_path / "a.md"
    path.write_text("# Tîtle\n\nText “quoted” 😀.\n")
    with Sandbox() as sandbox:
        (document,) = sandbox.parse(path, "sub/a.md")
    assert isinstance(document, Document)
    assert (document.source, document.title, document.text) == ("sub/a.md", "Tîtle", "# Tîtle\n\nText “quoted” 😀.\n")
    assert document.headings[0].start == 0


def test_hostile_files_end_in_one_typed_error_and_the_next_file_is_read(tmp_path: Path) -> None:
    files = {
        "bomb.docx": (bomb_docx(), "E_BOMB"),
        "deep.html": (b"<div>" * 200_000 + b"text" + b"</div>" * 200_000, None),
        "empty.txt": (b"", "E_EMPTY"),
        "page.pdf": (b"<html></html>", "E_TYPE"),
        "deep.jsonl": (b"[" * 100_000, "ok"),
        "good.txt": (b"All is well.", "ok"),
    }
    with Sandbox() as sandbox:
        for name, (content, expected) in files.items():
            (tmp_path / name).write_bytes(content)
            found = outcome(sandbox, tmp_path / name)
            assert found == expected if expected else found != "", name


def test_a_deep_json_line_is_a_failed_line(tmp_path: Path) -> None:
    (tmp_path / "deep.jsonl").write_bytes(b"[" * 100_000 + b'\n{"source": "a", "text": "Fine."}\n')
    with Sandbox() as sandbox:
        failed, document = sandbox.parse(tmp_path / "deep.jsonl", "deep.jsonl")
    assert isinstance(failed, LineFailure)
    assert isinstance(document, Document)


def test_links_pipes_and_devices_are_not_opened(tmp_path: Path) -> None:
    (tmp_path / "real.txt").write_text("Text.")
    (tmp_path / "link.txt").symlink_to(tmp_path / "real.txt")
    os.mkfifo(tmp_path / "pipe.txt")
    with Sandbox() as sandbox:
        assert outcome(sandbox, tmp_path / "link.txt") == "E_ACCESS"
        assert outcome(sandbox, tmp_path / "pipe.txt") == "E_SPECIAL"
        assert outcome(sandbox, tmp_path / "absent.txt") == "E_ACCESS"


def test_a_killed_child_fails_its_file_and_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text("".join(f'{{"source": "{n}", "text": "{"x" * 2000}"}}\n' for n in range(2000)))
    with Sandbox() as sandbox:
        documents = sandbox.parse(path, "a.jsonl")
        next(documents)
        assert sandbox._child is not None
        os.kill(sandbox._child.pid, signal.SIGKILL)
        with pytest.raises(ParseError, match="crashed or ran out of memory"):
            for _ in documents:
                pass
        assert sum(1 for _ in sandbox.parse(path, "a.jsonl")) == 2000


def test_a_child_that_died_between_two_files_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("Text.")
    with Sandbox() as sandbox:
        assert outcome(sandbox, tmp_path / "a.txt") == "ok"
        assert sandbox._child is not None
        sandbox._child.kill()
        sandbox._child.wait()
        assert outcome(sandbox, tmp_path / "a.txt") == "ok"


def test_a_parser_that_stands_still_is_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.txt").write_text("Text.")
    monkeypatch.setattr(ingest.sandbox, "SECONDS", 3.0)
    with Sandbox() as sandbox:
        channel = sandbox._start()
        assert sandbox._child is not None
        os.kill(sandbox._child.pid, signal.SIGSTOP)
        assert channel.gettimeout() == 3.0
        assert outcome(sandbox, tmp_path / "a.txt") == "E_TIMEOUT"
        assert outcome(sandbox, tmp_path / "a.txt") == "ok"


def test_external_entities_are_neither_read_nor_fetched(tmp_path: Path) -> None:
    """A document that names a local file and a server: the file's text stays out, the server hears nothing."""
    secret = tmp_path / "secret.txt"
    secret.write_text("CANARY-7261")
    calls: list[object] = []
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.2)
        port = server.getsockname()[1]

        def listen() -> None:
            with contextlib.suppress(TimeoutError):
                calls.append(server.accept())

        doctype = f'<!DOCTYPE x [<!ENTITY a SYSTEM "file://{secret}"><!ENTITY b SYSTEM "http://127.0.0.1:{port}/">]>'
        plain, packed = BytesIO(), BytesIO()
        docx.Document().save(plain)
        with zipfile.ZipFile(plain) as source, zipfile.ZipFile(packed, "w") as target:
            for entry in source.infolist():
                content = source.read(entry)
                if entry.filename == "word/document.xml":
                    start = content.index(b"<w:document")
                    content = content[:start] + doctype.encode() + content[start:]
                    body = b"<w:body><w:p><w:r><w:t>Text &a; &b;</w:t></w:r></w:p>"
                    content = content.replace(b"<w:body>", body)
                target.writestr(entry.filename, content)
        (tmp_path / "xxe.docx").write_bytes(packed.getvalue())
        page = (
            f'<html><body><p>Text <img src="http://127.0.0.1:{port}/"></p><iframe src="file://{secret}"></body></html>'
        )
        (tmp_path / "page.html").write_text(page)
        listener = threading.Thread(target=listen)
        with Sandbox() as sandbox:
            texts = []
            for name in ("xxe.docx", "page.html"):
                try:
                    texts += [str(parsed) for parsed in sandbox.parse(tmp_path / name, name)]
                except ParseError as error:
                    texts.append(str(error))
        listener.start()
        listener.join()
    assert calls == []
    assert "CANARY" not in "".join(texts)
