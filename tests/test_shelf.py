from pathlib import Path
from threading import Event
from typing import Any

import pytest

from ingest.page.reading import Reading
from ingest.page.shelf import Shelf, Upload, UploadError, place_of, uploads_folder
from ingest.report import Report
from ingest.sync import sync
from rag.retrieve import Retriever
from rag.settings import Settings
from rag.store import Store


@pytest.fixture
def arrived(tmp_path: Path) -> Path:
    """Where uploaded files lie before they are kept."""
    folder = tmp_path / "arrived"
    folder.mkdir()
    return folder


def upload(arrived: Path, name: str, text: str = "The lighthouse stands on a rock.") -> Upload:
    path = arrived / f"{len(list(arrived.iterdir()))}.bin"
    path.write_text(text)
    return Upload(path, name)


def last(reading: Reading) -> Report:
    reading.wait()
    assert not reading.failure
    assert reading.report
    return reading.report


def test_uploaded_files_are_kept_read_and_found(settings: Settings, arrived: Path) -> None:
    shelf = Shelf()
    with Store(settings, create=True) as store:
        shelf.keep(store, [upload(arrived, "coast/lights.txt"), upload(arrived, "notes.md", "# Notes\n\nGulls nest.")])
        report = last(shelf.take_in(store))
        assert sorted(report.added) == ["coast/lights.txt", "notes.md"]
        assert Retriever(store).retrieve("Where does the lighthouse stand?")[0].chunk.source == "coast/lights.txt"
        assert place_of(store.files()["notes.md"]) == uploads_folder(store).resolve() / "notes.md"
        assert list(arrived.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("../../../etc/cron.d/job.txt", "etc/cron.d/job.txt"),
        ("/etc/passwd.txt", "etc/passwd.txt"),
        ("..\\..\\windows\\a.txt", "windows/a.txt"),
        (".hidden.txt", "hidden.txt"),
        ("..", "document.txt"),
        ("/", "document.txt"),
        ("a\x00b.txt", "ab.txt"),
        ("...///.../x.txt", "x.txt"),
    ],
)
def test_no_name_leads_out_of_the_folder(settings: Settings, arrived: Path, name: str, kept: str) -> None:
    with Store(settings, create=True) as store:
        (path,) = Shelf().keep(store, [upload(arrived, name)])
        assert path == uploads_folder(store) / kept


def test_collections_keep_their_files_apart(settings: Settings, arrived: Path) -> None:
    shelf = Shelf()
    with Store(settings, create=True) as first, first.beside("../other", create=True) as other:
        shelf.keep(first, [upload(arrived, "a.txt", "Puffins nest in burrows.")])
        shelf.keep(other, [upload(arrived, "a.txt", "Seals rest on the sand.")])
        for store in (first, other):
            last(shelf.take_in(store))
        assert Retriever(first).retrieve("Who nests in burrows?")[0].chunk.text == "Puffins nest in burrows."
        assert Retriever(other).retrieve("Who rests on the sand?")[0].chunk.text == "Seals rest on the sand."
        assert uploads_folder(other).parent == settings.store / "uploads"


@pytest.mark.parametrize(
    ("limits", "message"),
    [
        ({"upload_files": 1}, "2 files were chosen, but one upload may have 1."),
        ({"upload_megabytes": 1}, "the files have 2 MB, but one upload may have 1."),
        ({"uploads_megabytes": 1}, "uploaded files take 0 of 1 MB, and these would take 2 more."),
    ],
)
def test_too_much_is_refused_with_the_limit_and_nothing_is_kept(
    settings: Settings, arrived: Path, limits: dict[str, int], message: str
) -> None:
    uploads = [upload(arrived, f"{number}.txt", "x" * 2**20) for number in range(2)]
    with Store(settings.changed(**limits), create=True) as store:
        with pytest.raises(UploadError) as refused:
            Shelf().keep(store, uploads)
        assert str(refused.value).startswith(message)
        assert not uploads_folder(store).exists()


def test_stopped_reading_keeps_what_was_read_and_goes_on(settings: Settings, arrived: Path) -> None:
    shelf = Shelf()
    count = 300
    with Store(settings, create=True) as store:
        texts = {f"{number}.txt": f"Lamp {number} burns oil in winter. " * 30 for number in range(count - 100)}
        texts |= {f"late {number}.txt": f"Lamp {number} burns gas." for number in range(100)}
        shelf.keep(store, [upload(arrived, name, text) for name, text in list(texts.items())[:200]])
        shelf.keep(store, [upload(arrived, name, text) for name, text in list(texts.items())[200:]])
        reading = shelf.take_in(store)
        with pytest.raises(UploadError, match="are being read into this collection"):
            shelf.take_in(store)
        while not (reading.report and reading.report.chunks_embedded):
            reading.wait(0.01)
        shelf.stop(store)
        assert not last(reading).finished
        assert reading.stopped
        stored = len(store.documents())
        assert stored < count
        report = last(shelf.look_again(store))
        assert report.finished
        assert len(report.unchanged) == stored
        assert len(store.documents()) == count


def test_looking_again_reads_what_changed_and_takes_in_nothing_new(settings: Settings, folder: Path) -> None:
    """What was left out when a folder was ingested elsewhere must not come in by a button."""
    (folder / "a.txt").write_text("Terns dive for fish.")
    (folder / "b.txt").write_text("Gulls steal fish.")
    shelf = Shelf()
    with Store(settings, create=True) as store:
        sync(store, [folder])
        (folder / "a.txt").write_text("Terns dive for sand eels.")
        (folder / "b.txt").unlink()
        (folder / "private.txt").write_text("The safe's number is 4711.")
        report = last(shelf.look_again(store))
        assert (report.updated, report.removed, report.added) == (["a.txt"], ["b.txt"], [])
        assert [document.source for document in store.documents()] == ["a.txt"]


def test_a_deleted_upload_is_gone_from_disk_and_a_folders_file_is_not(
    settings: Settings, folder: Path, arrived: Path
) -> None:
    (folder / "a.txt").write_text("Terns dive for fish.")
    shelf = Shelf()
    with Store(settings, create=True) as store:
        sync(store, [folder])
        shelf.keep(store, [upload(arrived, "b.txt")])
        last(shelf.take_in(store))
        for source in ("a.txt", "b.txt"):
            shelf.delete(store, source)
        assert store.documents() == ()
        assert (folder / "a.txt").exists()
        assert not (uploads_folder(store) / "b.txt").exists()


def test_a_failure_is_a_sentence_and_a_bug_has_a_number(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> Report:
        raise ZeroDivisionError

    shelf = Shelf()
    with Store(settings, create=True) as store:
        reading = shelf.take_in(store)  # nothing was ever uploaded: there is no folder
        reading.wait()
        assert reading.failure.startswith("there is no file or folder ")
        assert not reading.stopped
        monkeypatch.setattr("ingest.page.reading.sync", broken)
        reading = shelf.take_in(store)
        reading.wait()
        assert reading.failure.startswith("Something went wrong (error ")
        assert shelf.reading(store) is reading


def test_collections_are_read_in_turn_and_one_that_waits_can_be_stopped(
    settings: Settings, arrived: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, go_on = Event(), Event()

    def slow(*arguments: Any) -> Report:
        begun.set()
        go_on.wait()
        return sync(*arguments)

    monkeypatch.setattr("ingest.page.reading.sync", slow)
    shelf = Shelf()
    with Store(settings, create=True) as first, first.beside("other", create=True) as other:
        for store in (first, other):
            shelf.keep(store, [upload(arrived, "a.txt")])
        reading = shelf.take_in(first)
        begun.wait()
        waiting = shelf.take_in(other)
        shelf.stop(other)
        waiting.wait()
        assert (waiting.stopped, waiting.report) == (True, None)
        waiting = shelf.take_in(other)
        go_on.set()
        assert last(reading).added == last(waiting).added == ["a.txt"]


def test_files_of_one_name_in_one_upload_are_all_kept(settings: Settings, arrived: Path) -> None:
    with Store(settings, create=True) as store:
        texts = ["Gulls nest.", "Seals rest.", "Terns dive."]
        kept = Shelf().keep(store, [upload(arrived, "notes.txt", text) for text in texts])
        assert [path.name for path in kept] == ["notes.txt", "notes (2).txt", "notes (3).txt"]
        assert [path.read_text() for path in kept] == texts


def test_clearing_waits_for_what_is_being_read(settings: Settings, arrived: Path) -> None:
    shelf = Shelf()
    with Store(settings, create=True) as store:
        shelf.keep(store, [upload(arrived, "a.txt", "Lamp oil burns in winter. " * 2000)])
        reading = shelf.take_in(store)
        shelf.clear(store)
        assert not reading.running
        assert shelf.reading(store) is None
        assert not uploads_folder(store).exists()
