"""Devices, files that change or cannot be read, many files, twins, a full disk: B45 to B48 and B59."""

from __future__ import annotations

import json
import os
import resource
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import ingest.__main__
import ingest.plan
import ingest.sync
from ingest.report import Report
from ingest.sandbox import Sandbox
from rag.command import run
from rag.errors import ParseError
from rag.retrieve import Retriever
from rag.settings import Settings
from rag.store import Store
from tests.conftest import ROOT, SAMPLE
from tests.conftest import ingest as ingested
from tests.good_files import SENTENCE
from tests.reading import shown_lines

_READABLE = 0o600


def failures(report: Report) -> dict[str, str]:
    return {failure.source: failure.code for failure in report.failed}


@pytest.mark.timeout(60)
def test_b45_what_is_no_regular_file_or_too_large_is_not_read(settings: Settings, folder: Path) -> None:
    os.mkfifo(folder / "pipe.txt")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(os.path.relpath(folder / "socket.txt"))
    with (folder / "sparse.txt").open("wb") as file:
        file.truncate(2**40)
    (folder / "good.txt").write_text(SENTENCE)
    report = ingested(settings, folder)
    assert report.added == ["good.txt"]
    codes = failures(report)
    assert codes.pop("socket.txt") in ("E_SPECIAL", "E_ACCESS")
    assert codes == {"pipe.txt": "E_SPECIAL", "sparse.txt": "E_TOO_BIG"}
    for device in ("/dev/zero", "/proc/self/mem"):
        report = ingested(settings, Path(device))
        assert next(iter(failures(report).values())) in ("E_SPECIAL", "E_ACCESS", "E_UNSUPPORTED")


def _locked(path: Path, patched: pytest.MonkeyPatch) -> None:
    """A file that may not be read; for root, who may read everything, by a refusal of our own."""
    path.chmod(0)
    opened = os.open

    def refuse(name: str | Path, *flags: int) -> int:
        if Path(name) == path:
            raise PermissionError(13, "Permission denied", str(path))
        return opened(name, *flags)

    patched.setattr("ingest.sandbox.os.open", refuse)


def _around(module: Any, name: str, change: Callable[[Any], object], patched: pytest.MonkeyPatch) -> None:
    """Have something happen, told the first argument, after a function of a module has returned."""
    function = getattr(module, name)

    def call_and_change(*arguments: Any) -> Any:
        result = function(*arguments)
        change(arguments[0])
        return result

    patched.setattr(module, name, call_and_change)


def _while_read(path: Path, change: Callable[[], object], patched: pytest.MonkeyPatch) -> None:
    read = Sandbox.parse

    def read_and_change(sandbox: Sandbox, name: Path, source: str) -> Iterator[object]:
        for parsed in read(sandbox, name, source):
            if name == path:
                change()
            yield parsed

    patched.setattr(Sandbox, "parse", read_and_change)


def _vanished(path: Path, patched: pytest.MonkeyPatch) -> None:
    """A file that is removed once the folder was looked through."""
    _around(ingest.sync, "discover", lambda paths: path.unlink(), patched)


def _vanished_late(path: Path, patched: pytest.MonkeyPatch) -> None:
    """A file that is removed while it is read."""
    _while_read(path, path.unlink, patched)


def _grown(path: Path, patched: pytest.MonkeyPatch) -> None:
    """A file that is written to while it is read."""
    _while_read(path, lambda: path.write_text(path.read_text() + " More came."), patched)


def _exchanged(path: Path, patched: pytest.MonkeyPatch) -> None:
    """A file that is another when it is read than it was when it was looked at."""
    other = path.with_name("other")
    other.write_text("Another file's words.")
    _around(ingest.plan, "_looked_at", lambda file: other.replace(path) if file.path == path else None, patched)


@pytest.mark.parametrize("happening", [_locked, _vanished, _vanished_late, _grown, _exchanged])
def test_b46_what_happens_to_a_file_while_it_is_read_is_made_good_by_the_next_run(
    settings: Settings, folder: Path, happening: Callable[[Path, pytest.MonkeyPatch], None]
) -> None:
    path = folder / "changing.txt"
    path.write_text("The first words.")
    (folder / "good.txt").write_text(SENTENCE)
    with pytest.MonkeyPatch.context() as patched:
        happening(path, patched)
        report = ingested(settings, folder)
    assert "good.txt" in report.added
    assert failures(report).get("changing.txt", "E_ACCESS") in ("E_ACCESS", "E_CHANGED")
    if path.exists():
        path.chmod(_READABLE)
    else:
        path.write_text("The first words came back.")
    assert ingested(settings, folder).failed == []
    assert ingested(settings, folder).unchanged == ["changing.txt", "good.txt"]
    with Store(settings) as store:
        kept = {document.source: store.document(document.id) for document in store.documents()}
    assert kept["changing.txt"] is not None
    assert kept["changing.txt"].text == path.read_text()


def test_b46_a_folder_that_cannot_be_read_is_named_and_its_documents_are_kept(
    settings: Settings, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Documents are not gone because nobody could look."""
    (folder / "locked").mkdir()
    (folder / "locked" / "a.txt").write_text(SENTENCE)
    ingested(settings, folder)
    scan = os.scandir

    def refuse(path: str) -> Any:
        if Path(path).name == "locked":
            raise PermissionError(13, "Permission denied", str(path))
        return scan(path)

    monkeypatch.setattr(os, "scandir", refuse)
    report = ingested(settings, folder)
    assert report.removed == []
    named = [*(skipped.source for skipped in report.skipped), *(failure.source for failure in report.failed)]
    assert any(source.startswith("locked") for source in named)
    with Store(settings) as store:
        assert [document.source for document in store.documents()] == ["locked/a.txt"]


def test_b47_two_thousand_files_take_no_more_memory_than_a_few(settings: Settings, folder: Path) -> None:
    """All hold the same words, which are embedded once: here it is the files that count."""
    for number in range(2_000):
        path = folder / str(number % 40) / f"{number}.txt"
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"Vienna\n\n{SENTENCE}")
    ingested(settings, folder / "0")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    report = ingested(settings, folder)
    assert (len(report.added), report.failed) == (2_000, [])
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100 * 2**10


def test_b47_deep_folders_are_read_and_none_is_passed_over_in_silence(settings: Settings, folder: Path) -> None:
    deep = folder.joinpath(*("d" for _ in range(300)))
    deep.mkdir(parents=True)
    (deep / "deep.txt").write_text(SENTENCE)
    assert ingested(settings, folder).added == [f"{'d/' * 300}deep.txt"]


def test_b47_a_path_longer_than_the_system_opens_is_named(settings: Settings, folder: Path) -> None:
    """Such a path comes about by moving folders, and is built here as `cd` would: step by step."""
    (folder / "good.txt").write_text(SENTENCE)
    place = os.open(folder, os.O_RDONLY)
    for _ in range(20):
        os.mkdir("f" * 250, dir_fd=place)
        below = os.open("f" * 250, os.O_RDONLY, dir_fd=place)
        os.close(place)
        place = below
    os.close(os.open("far.txt", os.O_WRONLY | os.O_CREAT, dir_fd=place))
    os.close(place)
    report = ingested(settings, folder)
    assert report.added == ["good.txt"]
    named = [*(skipped.source for skipped in report.skipped), *(failure.source for failure in report.failed)]
    assert any(source.startswith("f" * 250) for source in named)


def test_b48_twins_share_their_vectors_and_are_found_under_both_names(settings: Settings, folder: Path) -> None:
    (folder / "one").mkdir()
    (folder / "two").mkdir()
    for path in ("one/same.txt", "two/same.txt", "twin.txt"):
        (folder / path).write_text(f"Vienna\n\n{SENTENCE}")
    report = ingested(settings, folder)
    assert (len(report.added), report.chunks_embedded, report.chunks_reused) == (3, 1, 2)
    with Store(settings) as store:
        found = {passage.chunk.source for passage in Retriever(store).retrieve("Who signed the treaty of Vienna?")}
    assert found == {"one/same.txt", "two/same.txt", "twin.txt"}
    (folder / "twin.txt").rename(folder / "renamed.txt")
    report = ingested(settings, folder)
    assert (report.renamed, report.chunks_embedded) == ([("twin.txt", "renamed.txt")], 0)


def test_b59_a_full_disk_is_named_harms_nothing_and_is_made_good(settings: Settings, folder: Path) -> None:
    """No file of the child's may grow past a limit: what a full disk does to a write."""
    (folder / "old.txt").write_text(SENTENCE)
    ingested(settings, folder)
    for path in sorted(SAMPLE.iterdir())[:5]:
        shutil.copy(path, folder)
    limit = (settings.store / "catalog.sqlite3").stat().st_size + 30_000
    full = subprocess.run(
        [sys.executable, "-m", "ingest", str(folder), "--store", str(settings.store)],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)),
    )
    assert full.returncode != 0
    assert "Traceback" not in full.stderr
    assert full.stderr.count("\n") == 1
    assert str(settings.store) in full.stderr
    with Store(settings) as store:
        assert Retriever(store).retrieve("Who signed the treaty of Vienna?")[0].chunk.source == "old.txt"
    assert ingested(settings, folder).failed == []
    with Store(settings) as store:
        assert len(store.documents()) == 6
        assert store.check().ok


@pytest.mark.parametrize("store", ["a.txt/store", "a.txt", "/proc/footnote-store", "/sys/footnote-store"])
def test_b59_a_store_that_cannot_be_written_is_named(
    folder: Path, store: str, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("a.txt").write_text(SENTENCE)
    assert run(lambda: ingest.__main__.main([str(folder), "--store", store])) in (2, 4)
    (line,) = shown_lines(capsys)
    assert line.startswith("error: ")
    assert store in line


def test_one_bad_file_of_a_hundred_is_named_and_the_others_are_read(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for number in range(99):
        (folder / f"{number:02}.txt").write_text(f"Vienna\n\n{SENTENCE}")
    (folder / "bad.pdf").write_bytes(b"no pdf")
    assert run(lambda: ingest.__main__.main([str(folder), "--store", "S", "--json"])) == 3
    report = json.loads(capsys.readouterr().out)
    assert len(report["added"]) == 99
    assert [failure["source"] for failure in report["failed"]] == ["bad.pdf"]
    assert report["failed"][0]["code"] == "E_TYPE"


def test_a_path_that_is_not_there_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(lambda: ingest.__main__.main(["absent", "--store", "S"])) == ParseError("", "").exit_code
    assert "absent" in shown_lines(capsys)[0]
