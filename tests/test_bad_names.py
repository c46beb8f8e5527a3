"""Odd strings as texts, questions and names, and links: B40, B43 and B44."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path

import pytest

import ingest.__main__
import ingest.sync
from ingest.canonical import canonical
from rag.command import run
from rag.errors import QuestionError
from rag.retrieve import Retriever
from rag.settings import Settings
from rag.store import Store
from tests.conftest import ingest as ingested
from tests.good_files import SENTENCE
from tests.odd_strings import ODD_STRINGS
from tests.reading import shown_lines

ODD_NAMES = (
    *(
        "n" * 251,
        "-rf",
        "CON",
        "a\nb",
        "a\tb",
        "a\x1b[31mb",
        "\u202egnp.a",
        'a"b',
        "a'b",
        "<img src=x onerror=alert(1)>",
    ),
    *("a b ", "a..", "&amp;", "%00", "[bold]a", "caf\u00e9", "cafe\u0301", "Case", "case", "\udcffb", "🏳️‍🌈"),
)


def test_b40_odd_strings_are_texts_sources_and_questions_like_any_other(settings: Settings, folder: Path) -> None:
    rows = [
        {"source": f"{number} {odd}", "title": odd, "text": f"{odd} {SENTENCE}"}
        for number, odd in enumerate(ODD_STRINGS)
    ]
    (folder / "odd.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    report = ingested(settings, folder)
    assert (report.failed, report.documents) == ([], len(ODD_STRINGS))
    with Store(settings) as store:
        kept = {document.source: store.document(document.id) for document in store.documents()}
        for row in rows:
            document = kept[canonical(row["source"])[0]]
            assert document is not None
            assert document.text == canonical(row["text"])[0]
    with Store(settings.changed(candidates=10, rescored=5)) as store:
        retriever = Retriever(store)
        for odd in ODD_STRINGS:
            with contextlib.suppress(QuestionError):
                assert retriever.retrieve(odd)


def test_b43_odd_names_are_documents_like_any_other(
    settings: Settings, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ODD_NAMES:
        (folder / f"{name}.txt").write_text(f"{name!r} {SENTENCE}")
    (folder / "trailing.txt.").write_text(SENTENCE)
    assert run(lambda: ingest.__main__.main([str(folder), "--store", str(settings.store), "--json"])) == 0
    report = json.loads(capsys.readouterr().out)
    assert (len(report["added"]), report["failed"]) == (len(ODD_NAMES), [])
    assert [skipped["source"] for skipped in report["skipped"]] == ["trailing.txt."]
    with Store(settings) as store:
        documents = store.documents()
        assert len({document.id for document in documents}) == len(ODD_NAMES)
        assert len({document.source for document in documents}) == len(ODD_NAMES)
        assert len(Retriever(store).retrieve("Who signed the treaty?")) == settings.k


def test_b43_odd_names_are_shown_escaped_one_to_a_line(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ODD_NAMES:
        (folder / f"{name}.pdf").write_bytes(b"no pdf")
    assert run(lambda: ingest.__main__.main([str(folder), "--store", "S"])) == 3
    assert sum(line.startswith("failed: ") for line in shown_lines(capsys)) == len(ODD_NAMES)


def test_b44_links_are_skipped_and_loops_end(settings: Settings, folder: Path, tmp_path: Path) -> None:
    (tmp_path / "outside.txt").write_text("Outside.")
    (folder / "real.txt").write_text(SENTENCE)
    (folder / "inside.txt").symlink_to(folder / "real.txt")
    (folder / "outside.txt").symlink_to(tmp_path / "outside.txt")
    (folder / "nowhere.txt").symlink_to(tmp_path / "absent.txt")
    (folder / "loop").symlink_to(folder, target_is_directory=True)
    (folder / "up").symlink_to(tmp_path, target_is_directory=True)
    report = ingested(settings, folder)
    assert (report.added, report.failed) == (["real.txt"], [])
    skipped = {skipped.source: skipped.reason for skipped in report.skipped}
    assert sorted(skipped) == ["inside.txt", "loop", "nowhere.txt", "outside.txt", "up"]
    assert all("link" in reason for reason in skipped.values())
