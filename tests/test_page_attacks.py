"""What a hostile document, file name or answer can do in a real browser: nothing. And what the server gives away."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Dialog, Page, expect

from ingest.sync import sync
from rag.page.conversation import Conversation, Exchange
from rag.settings import Settings
from rag.store import Store
from rag.types import Answer, Chunk, Citation, Passage, Rejection, Span
from tests.chat_process import Server, ask, opened, served, view
from tests.payloads import FILE_REQUESTS, XSS, FileRequest
from tests.serving import CANARY

AT_ONCE = 10  # payloads in the passages of one answer
IN_A_ROW = 40  # answers of one conversation
ASKED_AT = "2026-11-26T10:00:00+00:00"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, sample_folder: Path) -> Iterator[Server]:
    """The chat over the sample corpus and a document for every payload: its name, its title, its text."""
    folder = tmp_path_factory.mktemp("attacked")
    bulk = folder / "payloads.jsonl"
    bulk.write_text("".join(json.dumps(_document(number)) + "\n" for number in range(len(XSS))))
    filled = shutil.copytree(sample_folder, folder / "filled")
    with Store(Settings(store=filled)) as store:
        report = sync(store, [bulk])
        assert len(store.documents()) == len(XSS) + 14, report.failed
    with served(folder, filled=filled, attacked=True) as running:
        yield running


def _document(number: int) -> dict[str, str]:
    payload = XSS[number].text
    return {
        "source": f"{number} {payload}",
        "title": f"Title {number} {payload}",
        "text": f"Lamp {number} is of brass. {payload} And lamp {number} is never lit.",
    }


def _conversations(server: Server) -> list[Conversation]:
    """Every payload as a language model's answer, as a quotation, as a passage, a rejection, a note and a name."""
    exchanges = []
    with Store(Settings(store=server.folder / "store")) as store:
        # A source is stored without what no text may hold, so it is found by its number.
        ids = {document.source.split()[0]: document.id for document in store.documents()}
        for number, payload in enumerate(XSS):
            document = store.document(ids[str(number)])
            assert document is not None
            span = Span(0, len(document.text))
            citation = Citation(1, document.source, document.id, span, document.text, None, "quoted")
            answer = Answer(
                question=f"{number} {payload.text}",
                standalone_question=payload.text,
                text=re.sub(r"\[(?!1\])\d+\]", "", payload.text) + " [1]",  # every mark must have its footnote
                short_answer=payload.text,
                citations=(citation,),
                rejections=(Rejection(1, payload.text, payload.text),),
                passages=_passages(store, ids, number) if number % AT_ONCE == 0 else (),
                refused=False,
                confidence=1.0,
                generator=payload.text,
                seconds={},
                notes=(payload.text,),
            )
            exchanges.append(Exchange(answer, "default", {}, ASKED_AT))
    return [
        Conversation(f"attack-{first}", tuple(exchanges[first : first + IN_A_ROW]))
        for first in range(0, len(exchanges), IN_A_ROW)
    ]


def _passages(store: Store, ids: dict[str, str], first: int) -> tuple[Passage, ...]:
    found = []
    for number, payload in enumerate(XSS[first : first + AT_ONCE], start=first):
        document = store.document(ids[str(number)])
        assert document is not None
        span = Span(0, len(document.text))
        chunk = Chunk("c", document.id, document.source, span, document.text, document.title, payload.text, 1)
        found.append(Passage(chunk, 1.0, {"dense": 1, "final": 1}, {"dense": 0.5}))
    return tuple(found)


def _keep(page: Page, conversation: Conversation) -> None:
    """Put a conversation where the browser keeps its own, called by its id."""
    page.evaluate(
        """([id, text]) => new Promise((resolve, reject) => {
          const request = indexedDB.open('footnote', 1);
          request.onerror = () => reject(request.error);
          request.onsuccess = () => {
            const write = request.result.transaction('conversations', 'readwrite');
            write.objectStore('conversations').put({ id, title: id, when: 1, text });
            write.oncomplete = resolve;
          };
        })""",
        [conversation.id, conversation.to_json()],
    )


@pytest.mark.timeout(600)
def test_no_payload_runs_loads_or_sends_anything(browser: Browser, server: Server) -> None:
    dialogs: list[str] = []

    def dismiss(dialog: Dialog) -> None:
        dialogs.append(dialog.message)
        dialog.dismiss()

    with opened(browser, server) as page:
        page.on("dialog", dismiss)
        conversations = _conversations(server)
        for conversation in conversations:
            _keep(page, conversation)
        page.reload()
        for conversation in conversations:
            _open_everything(page, conversation)
        view(page, "Documents")
        expect(page.locator("#documents tbody tr")).to_have_count(200)
        assert _live(page) == []
        view(page, "Ask")
        page.get_by_role("button", name="New conversation").click()
        ask(page, "How many missiles were eliminated under the INF Treaty?")
        expect(page.locator("#chat .bot")).to_contain_text("2,692")
    assert dialogs == []


def _open_everything(page: Page, conversation: Conversation) -> None:
    page.locator("#history .open", has_text=conversation.id).click()
    expect(page.locator("#chat .bot")).to_have_count(len(conversation.exchanges))
    for turn in range(len(conversation.exchanges)):
        page.locator(f"#chat a[href='#cite-{turn}-0']").last.dispatch_event("mouseover")
        page.locator(f"#chat a[href='#cite-{turn}-0']").last.dispatch_event("click")
        # Looked for at every frame: expect() would wait up to a second between two looks, for each payload.
        page.wait_for_function(
            "told => document.querySelector('#source header span')?.textContent.includes(told)",
            arg=f"Answer {turn + 1}, ",
        )
        if turn % AT_ONCE == 0:
            page.locator(f"#chat a[href='#why-{turn}']").dispatch_event("click")
            expect(page.locator(f"#passages a[href='#passage-{turn}-0']")).to_be_visible()
            assert _live(page) == []


def _live(page: Page) -> list[str]:
    """What stands in the page that could act: it has no business in what documents, names and answers say."""
    found: list[str] = page.evaluate(
        """() => {
          const places = ['#chat .message-wrap', '#source', '#passages', '#documents', '#history', '#quote'];
          const found = [];
          for (const place of document.querySelectorAll(places.join(','))) {
            for (const element of place.querySelectorAll('*')) {
              const name = element.tagName.toLowerCase();
              if (/^(script|iframe|object|embed|form|input|textarea|meta|link|base|video|audio|image)$/.test(name))
                found.push(element.outerHTML.slice(0, 200));
              for (const { name: attribute, value } of element.attributes) {
                if (/^on/i.test(attribute)) found.push(`${name} ${attribute}`);
                const goes = /^(href|src|srcset|action|formaction|xlink:href|poster|data|background)$/i.test(attribute);
                if (goes && !/^(#|data:image\\/png;base64,)/.test(value)) found.push(`${name} ${attribute}=${value}`);
                if (attribute === 'style' && /url\\(|position:\\s*fixed/i.test(value)) found.push(`${name} ${value}`);
              }
            }
          }
          return found;
        }"""
    )
    return found


@pytest.mark.parametrize("sent", FILE_REQUESTS, ids=lambda sent: sent.name)
def test_no_request_brings_a_file_of_the_server_out(sent: FileRequest, server: Server, tmp_path: Path) -> None:
    planted = tmp_path / "canary.txt"
    planted.write_text(CANARY)
    connection = HTTPConnection(str(urlsplit(server.url).hostname), urlsplit(server.url).port, timeout=30)
    connection.request(sent.method, sent.target(planted), sent.sent(planted), dict(sent.headers))
    with connection.getresponse() as response:
        status, text = response.status, response.read().decode("utf-8", "replace")
    connection.close()
    assert CANARY not in text
    assert "root:x:0" not in text
    # Gradio answers an event that it refuses by 500 and no words.
    assert status < 500 or text == '{"error":null}'
