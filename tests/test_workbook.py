"""Gold questions made in the chat, and evaluations that can be watched, stopped and gone on with."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest

from eval.errors import GoldError
from eval.outcome import Response, System
from eval.page.evaluation import Evaluation, Evaluations
from eval.page.feedback import LONGEST_SELECTION, place
from eval.page.workbook import Workbook, comparison
from eval.systems import answering
from eval.types import Evidence, GoldQuestion
from ingest.sync import sync
from rag.errors import QuestionError
from rag.settings import Settings
from rag.store import Store
from rag.types import Span

LIGHTHOUSE = "The lighthouse keeper of Skerryvore was called Angus Dunmore.\n\nHe left the island in 1954 😀.\n"
HARBOUR = "The harbour of Talheim was dredged in 1962. The work took eleven months and forty men.\n"
KEEPER = (
    "Who was the lighthouse keeper of Skerryvore?",
    ["Angus Dunmore"],
    [Evidence("lighthouse.txt", "Angus Dunmore")],
)


@pytest.fixture
def store(settings: Settings, folder: Path) -> Iterator[Store]:
    (folder / "lighthouse.txt").write_text(LIGHTHOUSE, "utf-8")
    (folder / "harbour.txt").write_text(HARBOUR + "Filler. " * 400, "utf-8")
    with Store(settings, create=True) as opened:
        sync(opened, [folder])
        yield opened


@pytest.fixture
def workbook(store: Store) -> Workbook:
    """Three questions, the last of them not answered by the documents."""
    book = Workbook(store)
    book.add(*KEEPER)
    book.add("When was the harbour of Talheim dredged?", ["1962", "in 1962"], [])
    book.add("Who painted the ceiling of the station in Oslo?", [], [], unanswerable=True)
    return book


def run(book: Workbook) -> Evaluation:
    evaluation = Evaluation(book)
    evaluation.wait()
    return evaluation


def test_questions_are_numbered_and_their_evidence_is_looked_up(workbook: Workbook) -> None:
    questions = workbook.questions()
    assert [question.id for question in questions] == ["q1", "q2", "q3"]
    assert questions[0].evidence == (Evidence("lighthouse.txt", "Angus Dunmore", Span(47, 60)),)
    assert [question.answers for question in questions] == [("Angus Dunmore",), ("1962", "in 1962"), ()]


def test_what_cannot_be_asked_or_found_is_refused_and_changes_nothing(workbook: Workbook) -> None:
    before = workbook.gold.read_bytes()
    faults: list[tuple[type[Exception], tuple[str, list[str], list[Evidence]], bool, str]] = [
        (GoldError, ("Who?", [], []), False, "write what it should have said"),
        (GoldError, ("Who?", ["Angus"], []), True, "no accepted answer"),
        (GoldError, ("Who?", ["Angus"], [Evidence("lighthouse.txt", "Bruce")]), False, "is not in 'lighthouse.txt'"),
        (GoldError, ("Who?", ["Angus"], [Evidence("lighthouse", "Angus")]), False, "Did you mean 'lighthouse.txt'?"),
        (QuestionError, (" ", ["Angus"], []), False, "the question is empty"),
    ]
    for error, filled, unanswerable, words in faults:
        with pytest.raises(error, match=words):
            workbook.add(*filled, unanswerable=unanswerable)
    assert workbook.gold.read_bytes() == before


def test_questions_can_be_removed_to_the_last(workbook: Workbook) -> None:
    workbook.remove("q1")
    assert workbook.add(*KEEPER).id == "q4"
    with pytest.raises(GoldError, match="no question 'q1'"):
        workbook.remove("q1")
    for id in ("q2", "q3", "q4"):
        workbook.remove(id)
    assert workbook.questions() == ()
    assert not workbook.gold.exists()


def test_questions_added_at_once_all_arrive(workbook: Workbook) -> None:
    threads = [threading.Thread(target=workbook.add, args=KEEPER) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [question.id for question in workbook.questions()] == [f"q{number}" for number in range(1, 12)]


def test_a_faulty_file_is_told_with_every_line_and_left_as_it_is(workbook: Workbook) -> None:
    workbook.gold.write_text('{"id": "q1"}\nnonsense\n')
    for act in (workbook.questions, lambda: workbook.add(*KEEPER), lambda: workbook.remove("q1")):
        with pytest.raises(
            GoldError, match=r"(?s)default.jsonl has 2 fault.*line 1: .*'question'.*line 2: it is not JSON"
        ):
            act()
    assert "line 2" in run(workbook).failure
    assert workbook.gold.read_text() == '{"id": "q1"}\nnonsense\n'


def test_another_gold_file_is_taken_in_whole_or_not_at_all(workbook: Workbook, tmp_path: Path) -> None:
    new = tmp_path / "mine.jsonl"
    renewed = {"id": "q2", "question": workbook.questions()[1].question, "answers": ["1962"]}
    place = {"source": "harbour.txt", "quote": "eleven months"}
    lines = [
        renewed,
        {"id": "h1", "question": "How long did it take?", "answers": ["eleven months"], "evidence": [place]},
    ]
    new.write_text("\n".join(map(json.dumps, lines)))
    assert workbook.take_in(new) == 2
    assert [question.id for question in workbook.questions()] == ["q1", "q2", "q3", "h1"]
    assert workbook.questions()[1].answers == ("1962",)
    before = workbook.gold.read_bytes()
    for line, words in (
        ({"id": "q1", "question": "Another?", "answers": []}, "the id 'q1' stands for another question"),
        (
            {"id": "h2", "question": "Where?", "evidence": [place | {"quote": "absent"}]},
            "'absent' is not in 'harbour.txt'",
        ),
    ):
        new.write_text(json.dumps(line))
        with pytest.raises(GoldError, match=words):
            workbook.take_in(new)
    assert workbook.gold.read_bytes() == before


def test_two_runs_are_kept_and_compared(workbook: Workbook) -> None:
    assert workbook.last_runs() == ()
    assert run(workbook).failure == ""
    workbook.remove("q2")
    workbook.add("Who repaired the clock of the town hall in Bergen?", [], [], unanswerable=True)
    assert run(workbook).failure == ""
    first, second = workbook.last_runs()
    assert (first.name, second.name) == ("run-1", "run-2")
    compared = comparison(first, second)
    assert (compared.questions, compared.only_before, compared.only_after) == (2, ("q2",), ("q4",))
    assert {change.difference.value for change in compared.changes} == {0}
    run(workbook)
    assert [each.name for each in workbook.last_runs()] == ["run-2", "run-3"]


def test_an_id_that_stands_for_another_question_now_is_not_compared(workbook: Workbook) -> None:
    run(workbook)
    workbook.remove("q3")
    assert workbook.add(*KEEPER).id == "q3"
    run(workbook)
    compared = comparison(*workbook.last_runs())
    assert (compared.questions, compared.only_after) == (2, ("q3",))


def test_a_stopped_evaluation_goes_on_where_it_stopped(workbook: Workbook, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = count()
    first_asked, stopped = threading.Event(), threading.Event()

    class Watched:
        """The real system; the first question is answered only once the evaluation was told to stop."""

        def __init__(self, system: System) -> None:
            self._system = system

        def __call__(self, question: GoldQuestion) -> Response:
            next(asked)
            first_asked.set()
            assert stopped.wait(60)
            return self._system(question)

    monkeypatch.setattr("eval.run.answering", lambda *arguments: Watched(answering(*arguments)))
    evaluations = Evaluations()
    evaluation = evaluations.start(workbook.store)
    assert first_asked.wait(120)
    assert evaluations.start(workbook.store) is evaluation
    assert evaluation.running
    evaluation.stop()
    stopped.set()
    evaluation.wait()
    assert (evaluation.stopped, evaluation.failure, evaluation.progress.done) == (True, "", 1)
    assert workbook.last_runs() == ()
    again = evaluations.start(workbook.store)
    assert again is not evaluation
    again.wait()
    assert (again.progress.done, again.progress.total, again.progress.seconds_left) == (3, 3, 0)
    assert next(asked) == 3
    assert [len(each.outcomes) for each in workbook.last_runs()] == [3]
    evaluations.close()


@pytest.mark.parametrize("name", ["..", "a/b", "über uns", "中" * 200, "v1.2"])
def test_every_collection_has_files_of_its_own_inside_the_store(settings: Settings, name: str) -> None:
    with Store(settings.changed(collection=name), create=True) as store:
        book = Workbook(store)
        book.add("Is there anything?", [], [], unanswerable=True)
        assert book.gold.parent == store.path / "gold"
        assert book.folder.resolve().parent == (store.path / "gold" / "runs").resolve()
    with Store(settings, create=True) as other:
        assert Workbook(other).questions() == ()


def test_a_selection_becomes_evidence_without_the_white_space_around_it(store: Store) -> None:
    document = next(each for each in store.documents() if each.source == "lighthouse.txt")
    found = place(store, document.id, LIGHTHOUSE.index("\n\n"), len(LIGHTHOUSE))
    assert found.quote == "He left the island in 1954 😀."
    assert found.span
    assert found.span.of(LIGHTHOUSE) == found.quote


@pytest.mark.parametrize(
    ("start", "end", "words"),
    [
        (0, 0, "Nothing is selected"),
        (5, 4, "Nothing is selected"),
        (-1, 4, "Nothing is selected"),
        (0, 10**9, "Nothing is selected"),
        (True, 4, "Nothing is selected"),
        (0.5, "4", "Nothing is selected"),
        (None, None, "Nothing is selected"),
        (0, LONGEST_SELECTION + 1, "2,001 characters are selected"),
        (43, 44, "Only white space"),
    ],
)
def test_an_empty_or_absurd_selection_is_refused(store: Store, start: object, end: object, words: str) -> None:
    document = next(each for each in store.documents() if each.source == "harbour.txt")
    with pytest.raises(GoldError, match=words):
        place(store, document.id, start, end)


@pytest.mark.parametrize("id", ["absent", None, 7, {}])
def test_a_selection_in_a_document_that_is_gone_is_refused(store: Store, id: object) -> None:
    with pytest.raises(GoldError, match="no longer in the collection"):
        place(store, id, 0, 5)
