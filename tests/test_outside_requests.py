"""Nothing that a document or a request names is ever fetched: a server that counts its visitors stays unvisited."""

from __future__ import annotations

import json
import threading
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import quote, urlsplit

import pytest
from docx import Document as new_docx

from ingest.sync import sync
from rag.settings import Settings
from rag.store import Store
from tests.chat_process import Server, served

RELATIONSHIPS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"


@dataclass
class Watched:
    """A server on this machine, and every request that reached it."""

    url: str = ""
    visits: list[str] = field(default_factory=list)


@pytest.fixture(scope="module")
def watched() -> Iterator[Watched]:
    found = Watched()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found.visits.append(self.path)
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"visited")

        do_HEAD = do_POST = do_GET

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    found.url = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield found
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("outside")
    (folder / "a.txt").write_text("Gulls nest on cliffs.")
    with Store(Settings(store=folder / "store"), create=True) as store:
        sync(store, [folder / "a.txt"])
    with served(folder, attacked=True) as running:
        yield running


def documents(folder: Path, url: str) -> None:
    """Files of many kinds, each of which asks its reader to fetch something."""
    page = (
        "<html><head>{head}</head><body><p>The lighthouse stands on a rock, and its lamp burns oil all winter long.</p>"
        "{body}</body></html>"
    )
    parts = {
        "image.html": ("", f"<img src='{url}/img'><picture><source srcset='{url}/srcset 2x'></picture>"),
        "link.html": (f"<link rel=stylesheet href='{url}/css'><link rel=prefetch href='{url}/prefetch'>", ""),
        "script.html": (f"<script src='{url}/script'></script><base href='{url}/'>", "<img src='relative.png'>"),
        "frame.html": ("", f"<iframe src='{url}/frame'></iframe><object data='{url}/object'></object>"),
        "style.html": (f"<style>@import '{url}/import'; p {{ background: url({url}/background) }}</style>", ""),
        "refresh.html": (f"<meta http-equiv=refresh content='0;url={url}/refresh'>", ""),
    }
    for name, (head, body) in parts.items():
        (folder / name).write_text(page.format(head=head, body=body))
    (folder / "picture.md").write_text(f"# Notes\n\n![picture]({url}/markdown) and <img src='{url}/html'>\n")
    (folder / "drawing.svg").write_text(
        f"<?xml version='1.0'?><!DOCTYPE svg SYSTEM '{url}/dtd'><svg xmlns='http://www.w3.org/2000/svg' "
        f"xmlns:xlink='http://www.w3.org/1999/xlink'><image xlink:href='{url}/svg'/><text>Lamp</text></svg>"
    )
    (folder / "entity.xml").write_text(
        f"<?xml version='1.0'?><!DOCTYPE a [<!ENTITY x SYSTEM '{url}/entity'>"
        f"<!ENTITY % y SYSTEM '{url}/parameter'> %y;]><a>Lamp &x;</a>"
    )
    (folder / "include.xml").write_text(
        f"<a xmlns:xi='http://www.w3.org/2001/XInclude'><xi:include href='{url}/include'/>Lamp</a>"
    )
    (folder / "include.rst").write_text(f"Lamp\n====\n\n.. image:: {url}/rst\n\n.. raw:: html\n   :url: {url}/raw\n")
    (folder / "letter.eml").write_text(
        f"Subject: Lamp\nContent-Type: text/html\n\n<p>The lamp burns.</p><img src='{url}/mail'>\n"
    )
    docx = new_docx()
    docx.add_paragraph("The lamp burns oil.")
    docx.part.relate_to(
        f"{url}/docx", "http://schemas.openxmlformats.org/officeDocument/2006/relationships/image", True
    )
    docx.part.relate_to(
        f"{url}/template", "http://schemas.openxmlformats.org/officeDocument/2006/relationships/attachedTemplate", True
    )
    docx.save(str(folder / "letter.docx"))
    with zipfile.ZipFile(folder / "book.epub", "w") as book:
        book.writestr("mimetype", "application/epub+zip")
        book.writestr(
            "META-INF/container.xml",
            "<container xmlns='urn:oasis:names:tc:opendocument:xmlns:container'><rootfiles>"
            "<rootfile full-path='book.opf'/></rootfiles></container>",
        )
        book.writestr(
            "book.opf",
            f"<package xmlns='http://www.idpf.org/2007/opf'><manifest><item id='a' href='{url}/epub' "
            "media-type='application/xhtml+xml'/><item id='b' href='b.xhtml' media-type='application/xhtml+xml'/>"
            "</manifest><spine><itemref idref='a'/><itemref idref='b'/></spine></package>",
        )
        book.writestr("b.xhtml", f"<html><body><p>The lamp burns.</p><img src='{url}/page'/></body></html>")


def test_no_document_makes_its_reader_fetch_anything(watched: Watched, settings: Settings, folder: Path) -> None:
    documents(folder, watched.url)
    with Store(settings, create=True) as store:
        report = sync(store, [folder])
    assert len(report.added) + len(report.failed) == len(list(folder.iterdir())) == 14
    assert len(report.added) >= 11, report.failed
    assert watched.visits == []


def requests(url: str) -> Iterator[tuple[str, str, object]]:
    """Requests that name an address where the server expects a file, an event or a page of its own."""
    for path in (url, url.removeprefix("http:"), url.replace("127.0.0.1", "localhost"), quote(url, safe="")):
        yield "GET", f"/gradio_api/file={path}/file", None
        yield "GET", f"/file={path}/file", None
        yield "GET", f"/gradio_api/proxy={path}/proxy", None
    yield "GET", f"/?deep_link={quote(url)}", None
    yield "GET", f"/?__theme={quote(url)}", None
    for data in (
        [[{"path": url, "url": url, "orig_name": "a.txt", "meta": {"_type": "gradio.FileData"}}], "default"],
        [[{"path": "/tmp/x", "url": url, "orig_name": "a.txt", "meta": {"_type": "gradio.FileData"}}], "default"],
        [{"path": url, "meta": {"_type": "gradio.FileData"}}, "default"],
        [url, "default"],
    ):
        for event in range(40):
            yield "POST", "/gradio_api/run/predict", {"data": data, "fn_index": event, "session_hash": "x"}
        yield "POST", "/gradio_api/queue/join", {"data": data, "fn_index": 1, "session_hash": "y"}


def test_no_request_makes_the_server_fetch_anything(watched: Watched, server: Server) -> None:
    sent = 0
    for method, path, body in requests(watched.url):
        connection = HTTPConnection(str(urlsplit(server.url).hostname), urlsplit(server.url).port, timeout=30)
        headers = {"Content-Type": "application/json"} if body else {}
        connection.request(method, path, json.dumps(body) if body else None, headers)
        with connection.getresponse() as response:
            response.read()
        connection.close()
        sent += 1
    assert sent > 150
    assert watched.visits == []


def test_the_watched_server_counts(watched: Watched) -> None:
    connection = HTTPConnection(str(urlsplit(watched.url).hostname), urlsplit(watched.url).port, timeout=30)
    connection.request("GET", "/planted")
    connection.getresponse().read()
    connection.close()
    assert watched.visits.pop() == "/planted"
