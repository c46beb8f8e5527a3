import json
import os
import random
from pathlib import Path

import pytest

from ingest.discover import Selection, Skipped, discover
from ingest.report import Report
from ingest.sync import dry_run, sync
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


def test_a_renamed_file_embeds_nothing_even_where_its_name_is_its_title(settings: Settings, folder: Path) -> None:
    (folder / "a.txt").write_text(sentences(40, 1))
    ingest(settings, folder)
    (folder / "below").mkdir()
    (folder / "a.txt").rename(folder / "below" / "b.txt")
    report = ingest(settings, folder)
    assert (report.renamed, report.chunks_embedded) == ([("a.txt", "below/b.txt")], 0)
    assert (report.added, report.removed) == ([], [])
    with Store(settings) as store:
        assert [(one.source, one.title) for one in store.documents()] == [("below/b.txt", "b")]
        assert store.check().ok


def test_a_section_that_moves_embeds_nothing(settings: Settings, folder: Path) -> None:
    sections = [f"# Section {number}\n\n{sentences(30, number)}\n\n" for number in range(6)]
    (folder / "a.md").write_text("# Report\n\nAn opening.\n\n" + "".join(sections))
    ingest(settings, folder)
    sections.insert(0, sections.pop(4))
    (folder / "a.md").write_text("# Report\n\nAn opening.\n\n" + "".join(sections))
    report = ingest(settings, folder)
    assert (report.updated, report.chunks_embedded) == (["a.md"], 0)


def test_a_paragraph_edited_among_a_thousand_chunks_embeds_three_at_most(settings: Settings, folder: Path) -> None:
    small = settings.changed(chunk_tokens=32)
    paragraphs = [sentences(3, seed) for seed in range(720)]
    (folder / "long.txt").write_text("\n\n".join(paragraphs))
    assert ingest(small, folder).chunks_embedded >= 1000
    paragraphs[400] = "This paragraph was written anew."
    (folder / "long.txt").write_text("\n\n".join(paragraphs))
    assert 1 <= ingest(small, folder).chunks_embedded <= 3


def test_what_is_deleted_is_found_in_neither_index(settings: Settings, folder: Path) -> None:
    (folder / "kept.txt").write_text("The ferry crosses the strait.")
    (folder / "gone.txt").write_text("The zeppelin crosses the ocean.")
    ingest(settings, folder)
    with Store(settings) as store:
        (chunk_id,) = [hit.chunk_id for hit in store.keyword(["zeppelin"], 5)]
        vector = store.vectors.read([chunk_id])[chunk_id]
        assert store.nearest(vector, 1)[0].chunk_id == chunk_id
    (folder / "gone.txt").unlink()
    assert ingest(settings, folder).removed == ["gone.txt"]
    with Store(settings) as store:
        assert store.keyword(["zeppelin"], 5) == []
        assert chunk_id not in {hit.chunk_id for hit in store.nearest(vector, 10)}
        assert store.vectors.read([chunk_id]) == {}


def test_patterns_choose_files_and_what_is_excluded_is_removed(settings: Settings, folder: Path) -> None:
    for name in ("a.md", "drafts/b.md", "notes.txt", "drafts/keep.md"):
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"Text of {name}.")
    assert len(ingest(settings, folder).added) == 4
    selection = Selection(include=["*.md"], exclude=["drafts/*", "!drafts/keep.md"])
    with Store(settings) as store:
        report = sync(store, [folder], selection=selection)
    assert (report.unchanged, report.removed) == (["a.md", "drafts/keep.md"], ["drafts/b.md", "notes.txt"])
    assert {skipped.source: skipped.reason for skipped in report.skipped} == {
        "drafts/b.md": "excluded",
        "notes.txt": "not included",
    }


def test_a_dry_run_names_what_would_be_done_and_does_nothing(settings: Settings, folder: Path) -> None:
    (folder / "a.txt").write_text("First.")
    (folder / "b.txt").write_text("Second.")
    assert dry_run(None, [folder]).added == ["a.txt", "b.txt"]
    assert not settings.store.exists()
    ingest(settings, folder)
    (folder / "a.txt").write_text("First, changed.")
    (folder / "b.txt").rename(folder / "c.txt")
    (folder / "d.txt").write_text("Fourth.")
    with Store(settings) as store:
        report = dry_run(store, [folder])
        assert (report.added, report.updated, report.renamed) == (["d.txt"], ["a.txt"], [("b.txt", "c.txt")])
        assert [document.source for document in store.documents()] == ["a.txt", "b.txt"]


def test_every_file_stands_in_exactly_one_list_of_the_report(settings: Settings, folder: Path) -> None:
    (folder / "same.txt").write_text("The same.")
    (folder / "old.txt").write_text("It moves.")
    (folder / "gone.txt").write_text("It goes.")
    ingest(settings, folder)
    (folder / "old.txt").rename(folder / "new.txt")
    (folder / "gone.txt").unlink()
    (folder / "added.txt").write_text("It is new.")
    (folder / "bad.pdf").write_bytes(b"%PDF-1.4 nothing")
    (folder / "picture.png").write_bytes(b"png")
    (folder / "link.txt").symlink_to(folder / "same.txt")
    report = ingest(settings, folder)
    listed = [
        *report.added,
        *report.updated,
        *(new for _, new in report.renamed),
        *report.unchanged,
        *(failure.source for failure in report.failed),
        *(skipped.source for skipped in report.skipped),
    ]
    assert sorted(listed) == sorted(path.name for path in folder.iterdir())
    assert report.removed == ["gone.txt"]
    assert report.files == report.done == 4


def test_an_unchanged_tree_of_many_files_is_not_parsed(
    settings: Settings, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(300):
        (folder / f"{number}.txt").write_text(f"Text {number}.")
    ingest(settings, folder)

    def refuse(*_: object) -> None:
        raise AssertionError("a file was parsed")

    monkeypatch.setattr("ingest.sandbox.Sandbox.parse", refuse)
    assert len(ingest(settings, folder).unchanged) == 300


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


def test_a_bulk_import_may_be_renamed_and_changed_at_once(settings: Settings, folder: Path) -> None:
    lines = [json.dumps({"source": str(number), "text": f"Text {number}."}) for number in range(3)]
    (folder / "old.jsonl").write_text("\n".join(lines))
    ingest(settings, folder)
    (folder / "old.jsonl").rename(folder / "new.jsonl")
    report = ingest(settings, folder)
    assert (report.renamed, report.failed, report.chunks_embedded) == ([("old.jsonl", "new.jsonl")], [], 0)
    (folder / "new.jsonl").unlink()
    (folder / "newer.jsonl").write_text("\n".join(lines[1:]))
    report = ingest(settings, folder)
    assert (report.added, report.removed, report.failed) == (["newer.jsonl"], ["new.jsonl"], [])
    with Store(settings) as store:
        assert [document.source for document in store.documents()] == ["1", "2"]
        assert store.check().ok


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


def test_the_time_left_is_known_before_the_first_batch_is_done(settings: Settings, folder: Path) -> None:
    (folder / "long.txt").write_text("\n\n".join(sentences(4, seed) for seed in range(240)))
    seen: list[tuple[int, float | None]] = []
    with Store(settings, create=True) as store:
        report = sync(store, [folder], progress=lambda report: seen.append((report.bytes_done, report.seconds_left)))
    done = [bytes_done for bytes_done, _ in seen]
    assert done == sorted(done)
    assert report.bytes_done == report.bytes
    assert any(0 < bytes_done < report.bytes and left for bytes_done, left in seen)
