import json
import os
import random
from pathlib import Path

import pytest

from ingest.discover import Skipped, discover
from ingest.report import Report
from ingest.sync import sync
from rag.errors import ParseError
from rag.settings import Settings
from rag.store import Store
from tests.conftest import SAMPLE, ingest


def sentences(count: int, seed: int) -> str:
    """A paragraph of made-up sentences, the same for the same seed."""
    words = (
        "treaty border river talks envoy grain pipeline visit summit trade minister letter army island bridge".split()
    )
    chance = random.Random(seed)
    return " ".join(f"The {' '.join(chance.sample(words, 7))} of {chance.randint(1900, 2020)}." for _ in range(count))


def test_an_unchanged_folder_embeds_nothing(settings: Settings) -> None:
    first = ingest(settings, SAMPLE)
    assert (len(first.added), first.failed, first.chunks_reused) == (14, [], 0)
    again = ingest(settings, SAMPLE)
    assert (len(again.unchanged), again.added, again.updated, again.documents) == (14, [], [], 0)
    assert (again.chunks_embedded, again.chunks_reused) == (0, 0)


def test_one_changed_paragraph_embeds_only_the_chunks_that_changed(settings: Settings, folder: Path) -> None:
    paragraphs = [sentences(4, seed) for seed in range(240)]
    (folder / "long.txt").write_text("\n\n".join(paragraphs))
    before = ingest(settings, folder)
    paragraphs[120] = sentences(5, 999)
    (folder / "long.txt").write_text("\n\n".join(paragraphs))
    after = ingest(settings, folder)
    assert after.updated == ["long.txt"]
    assert before.chunks_embedded > 50
    assert 1 <= after.chunks_embedded <= 4
    assert after.chunks_reused >= before.chunks_embedded - 4


def test_added_updated_removed_and_renamed_files_are_told_apart(settings: Settings, folder: Path) -> None:
    for name in ("a", "b", "c"):
        (folder / f"{name}.txt").write_text(sentences(3, ord(name)))
    ingest(settings, folder)
    (folder / "a.txt").write_text(sentences(3, 1))
    (folder / "b.txt").unlink()
    (folder / "c.txt").rename(folder / "d.txt")
    report = ingest(settings, folder)
    assert (report.added, report.updated, report.removed) == ([], ["a.txt"], ["b.txt"])
    assert report.renamed == [("c.txt", "d.txt")]
    assert report.chunks_embedded == 1, "only of a.txt: what was renamed is not embedded again"
    with Store(settings) as store:
        assert [document.source for document in store.documents()] == ["a.txt", "d.txt"]
        assert store.check().ok


def test_a_bad_file_never_stops_the_batch_and_is_tried_again(settings: Settings, folder: Path) -> None:
    (folder / "bad.pdf").write_bytes(b"not a pdf")
    (folder / "good.txt").write_text("Good text stands here.")
    (folder / "picture.png").write_bytes(b"png")
    report = ingest(settings, folder)
    assert report.added == ["good.txt"]
    assert report.skipped == [Skipped("picture.png", "its kind (.png) is not supported")]
    assert [(failure.source, failure.code) for failure in report.failed] == [("bad.pdf", "E_TYPE")]
    (folder / "bad.pdf").write_bytes((SAMPLE / "arms-control-treaties.pdf").read_bytes())
    assert ingest(settings, folder).added == ["bad.pdf"]


def test_a_file_that_turns_bad_keeps_its_last_good_version(settings: Settings, folder: Path) -> None:
    (folder / "a.txt").write_text("Good text stands here.")
    ingest(settings, folder)
    (folder / "a.txt").write_bytes(b"\0" * 100)
    assert [failure.source for failure in ingest(settings, folder).failed] == ["a.txt"]
    with Store(settings) as store:
        (document,) = store.documents()
        assert document.characters == len("Good text stands here.")


def test_a_bulk_import_follows_its_lines(settings: Settings, folder: Path) -> None:
    path = folder / "all.jsonl"

    def write(**texts: str) -> None:
        path.write_text(
            "\n".join(json.dumps({"source": key, "title": key, "text": text}) for key, text in texts.items())
        )

    write(one="First text.", two="Second text.")
    assert ingest(settings, path).documents == 2
    write(two="Second text.", three="Third text.")
    report = ingest(settings, path)
    assert (report.updated, report.chunks_embedded, report.chunks_reused) == (["all.jsonl"], 1, 1)
    with Store(settings) as store:
        assert [document.source for document in store.documents()] == ["three", "two"]


def test_a_bulk_import_with_a_bad_line_says_so_every_time(settings: Settings, folder: Path) -> None:
    (folder / "all.jsonl").write_text('{"source": "one", "text": "First."}\n{broken\n')
    for _ in range(2):
        report = ingest(settings, folder)
        assert [failure.source for failure in report.failed] == ["all.jsonl line 2"]
    with Store(settings) as store:
        assert [document.source for document in store.documents()] == ["one"]


def test_other_folders_are_left_alone_and_equal_names_are_refused(settings: Settings, tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / f"{name}.txt").write_text(f"Text of {name}.")
        (tmp_path / name / "same.txt").write_text(f"The same name in {name}.")
    assert ingest(settings, tmp_path / "one").added == ["one.txt", "same.txt"]
    report = ingest(settings, tmp_path / "two")
    assert (report.added, report.removed) == (["two.txt"], [])
    assert [failure.code for failure in report.failed] == ["E_TAKEN"]
    with Store(settings) as store:
        assert len(store.documents()) == 3


def test_a_moved_folder_is_recognised(settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "old").mkdir()
    (tmp_path / "old" / "a.txt").write_text("Text stands here.")
    ingest(settings, tmp_path / "old")
    (tmp_path / "old").rename(tmp_path / "new")
    assert ingest(settings, tmp_path / "new").unchanged == ["a.txt"]
    (tmp_path / "new" / "a.txt").unlink()
    assert ingest(settings, tmp_path / "new").removed == ["a.txt"]


def test_a_bulk_import_may_not_take_over_another_files_document(settings: Settings, folder: Path) -> None:
    (folder / "a.txt").write_text("The file's own text.")
    (folder / "b.jsonl").write_text('{"source": "a.txt", "text": "Another text."}\n{"source": "b", "text": "Fine."}')
    report = ingest(settings, folder)
    assert [failure.code for failure in report.failed] == ["E_TAKEN"]
    with Store(settings) as store:
        assert {document.source: document.characters for document in store.documents()} == {"a.txt": 20, "b": 5}


def test_progress_counts_every_file(settings: Settings, folder: Path) -> None:
    for number in range(3):
        (folder / f"{number}.txt").write_text(f"Text number {number}.")
    seen: list[tuple[int, int]] = []

    def note(report: Report) -> None:
        seen.append((report.done, report.files))

    with Store(settings, create=True) as store:
        sync(store, [folder], note)
    assert seen[-1] == (3, 3)


def test_links_and_hidden_files_are_not_followed(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "outside.txt").write_text("secret")
    (folder / "link.txt").symlink_to(tmp_path / "outside.txt")
    os.symlink(tmp_path, folder / "loop")
    (folder / ".hidden.txt").write_text("hidden")
    (folder / "a.txt").write_text("text")
    found = discover([folder])
    assert [file.source for file in found.files] == ["a.txt"]
    assert sorted(skipped.source for skipped in found.skipped) == ["link.txt", "loop"]


def test_a_path_that_does_not_exist_is_named(settings: Settings) -> None:
    with pytest.raises(ParseError, match="there is no file or folder nowhere"):
        ingest(settings, Path("nowhere"))


def test_every_stored_chunk_is_exactly_its_documents_characters(sample_store: Store) -> None:
    """Invariant 1, on what is stored."""
    chunks = sample_store.chunks(sorted(sample_store.chunk_ids()))
    assert len(chunks) > 90
    for chunk in chunks.values():
        document = sample_store.document(chunk.document_id)
        assert document is not None
        assert chunk.span.of(document.text) == chunk.text
