"""Every bad file ends in documents or in one plain error, and harms nothing but itself.

The cases B01 to B52 that are single files stand in `tests/bad_inputs.py`; those that are more stand in
the other `tests/test_bad_*.py`.
"""

from __future__ import annotations

import re
import select
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from ingest.chunk import chunk
from ingest.parse import suffix_of
from ingest.sandbox import Sandbox
from rag.models import Embedder
from rag.types import Document
from tests.bad_inputs import CASES, Case
from tests.bad_texts import base64_line
from tests.reading import OK, is_plain, outcome

_CANARY = "CANARY-7261"


@dataclass(frozen=True)
class Traps:
    """What no file may touch: a server that is connected to by nobody, and a file that is read by nobody."""

    listener: socket.socket
    secret: Path

    @property
    def server(self) -> str:
        return f"http://127.0.0.1:{self.listener.getsockname()[1]}"

    @property
    def was_called(self) -> bool:
        return bool(select.select([self.listener], [], [], 0)[0])


@pytest.fixture(scope="module")
def traps(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Traps]:
    secret = tmp_path_factory.mktemp("secret") / "secret.txt"
    secret.write_text(_CANARY)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield Traps(listener, secret)


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as one:
        yield one


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.id}-{case.name}")
def test_a_bad_file_ends_in_documents_or_one_plain_error(
    case: Case, sandbox: Sandbox, traps: Traps, tmp_path: Path
) -> None:
    path = tmp_path / "one" / "two" / "three" / case.name
    path.parent.mkdir(parents=True)
    path.write_bytes(case.content(traps.server, str(traps.secret)))
    found = outcome(sandbox, path)
    path.unlink()
    said = " ".join(found.messages)
    assert [file for file in tmp_path.rglob("*") if file.is_file()] == []
    assert not Path("/tmp/footnote-escaped.txt").exists()
    assert not traps.was_called
    assert _CANARY not in "".join(found.texts) + said
    if suffix_of(case.name) is None:
        assert found.code == "E_UNSUPPORTED"
        return
    assert found.code in case.expected, said
    assert [message for message in found.messages if not is_plain(message)] == []
    assert re.search(case.says, said)
    if found.code == OK:
        assert any(case.text in text for text in found.texts), [text[:200] for text in found.texts]


def test_b33_forty_five_megabytes_without_a_space_are_read_and_cut(
    sandbox: Sandbox, tmp_path: Path, embedder: Embedder
) -> None:
    """The whole is read; a tenth of it is cut into chunks, which takes long enough."""
    path = tmp_path / "line.txt"
    path.write_bytes(base64_line(45))
    (document,) = sandbox.parse(path, path.name)
    assert isinstance(document, Document)
    assert len(document.text) == path.stat().st_size
    part = Document(document.id, "line.txt", "line", document.text[: len(document.text) // 100])
    cut = chunk(part, embedder.count_tokens, chunk_tokens=200, window=embedder.window)
    assert "".join(each.chunk.text for each in cut) == part.text
    assert max(embedder.count_tokens([each.text_to_embed for each in cut])) <= 200 + len(
        embedder.count_tokens(["line"])
    )


def test_every_case_of_the_list_has_its_test() -> None:
    """B01 to B60, by the table or by name."""
    tests = "".join(path.read_text("utf-8") for path in Path(__file__).parent.glob("test_bad_*.py"))
    found = {case.id for case in CASES} | {number.upper() for number in re.findall(r"def test_(b\d\d)_", tests)}
    assert found == {f"B{number:02}" for number in range(1, 61)}
