import json
from pathlib import Path

import pytest

from eval.corpus import StoredDocuments
from eval.errors import GoldError
from eval.gold import add_question, load_gold
from eval.gold_line import write_line
from eval.locate import locate
from eval.types import Evidence, GoldQuestion
from rag.store import Store
from rag.types import Document, Page, Span
from tests.conftest import SAMPLE_GOLD

TEXT = "Yes, it rained.\n\nNo, it did not.\n\nIt rained again."
DOCUMENTS = {"a.txt": Document("id", "a.txt", "A", TEXT, pages=(Page(1, Span(0, 15)), Page(2, Span(17, len(TEXT)))))}


def write(path: Path, *rows: object) -> Path:
    path.write_text("\n".join(row if isinstance(row, str) else json.dumps(row) for row in rows))
    return path


def faults(path: Path) -> str:
    with pytest.raises(GoldError) as raised:
        load_gold(path, DOCUMENTS)
    return str(raised.value)


def test_all_faults_of_a_file_are_listed_at_once_with_their_lines(tmp_path: Path) -> None:
    message = faults(
        write(
            tmp_path / "gold.jsonl",
            {"id": "a", "question": "Q?"},
            "{",
            {"id": "b"},
            {"id": "a", "question": "Q?"},
            [1],
            {"id": "c", "question": "Q?", "answers": "yes"},
            {"id": "d", "question": "Q?", "answer": ["yes"]},
            {"id": "e", "question": "Q?", "evidence": [{"source": "b.txt", "quote": "x"}], "relevant": {"c.txt": 1}},
            {"id": "f", "question": "Q?", "evidence": [{"source": "a.txt", "start": 3}]},
        )
    )
    for part in (
        "has 9 fault(s)",
        "line 2: it is not JSON",
        "line 3: the field 'question' is missing",
        "line 4: the id 'a' stands on line 1",
        "line 5: it is not an object",
        "line 6: the field 'answers' has the value 'yes': input should be a valid list",
        "line 7: the field 'answer' is unknown. Did you mean 'answers'?",
        "line 8: the corpus has no source 'c.txt'",
        "line 8: evidence 1: the corpus has no source 'b.txt'. Did you mean 'a.txt'?",
        "line 9: evidence in 'a.txt' has only one of start and end",
    ):
        assert part in message


def test_an_empty_or_missing_file_is_refused(tmp_path: Path) -> None:
    assert "holds no questions" in faults(write(tmp_path / "empty.jsonl", ""))
    assert "cannot be read" in faults(tmp_path / "absent.jsonl")


def test_not_judged_and_not_answerable_are_different(tmp_path: Path) -> None:
    rows = [{"id": "a", "question": "Q?"}, {"id": "b", "question": "Q?", "answers": []}]
    questions = load_gold(write(tmp_path / "gold.jsonl", *rows))
    assert [question.answerable for question in questions] == [None, False]


@pytest.mark.parametrize(
    ("evidence", "place"),
    [
        (Evidence("a.txt", "No, it"), Span(17, 23)),
        (Evidence("a.txt", "it", page=1), Span(5, 7)),
        (Evidence("a.txt", page=1), Span(0, 15)),
        (Evidence("a.txt", "", Span(0, 3)), Span(0, 3)),
        (Evidence("a.txt", "Yes", Span(0, 3)), Span(0, 3)),
    ],
)
def test_evidence_is_a_quote_a_span_or_a_page(evidence: Evidence, place: Span) -> None:
    assert locate(evidence, DOCUMENTS["a.txt"]) == place


@pytest.mark.parametrize(
    ("evidence", "message"),
    [
        (Evidence("a.txt", "rained"), "stands 2 times in 'a.txt'. Quote more of it, or add start and end, or a page"),
        (Evidence("a.txt", "no,\nit DID not"), "is not in 'a.txt': the source writes 'No, it did not'"),
        (Evidence("a.txt", "Perhaps"), "copy the words exactly"),
        (Evidence("a.txt", "Yes", Span(1, 4)), "characters 1-4 of 'a.txt' .* are 'es,', not 'Yes'"),
        (Evidence("a.txt", "", Span(40, 90)), r"characters 40-90 of 'a.txt' \(50 characters\)"),
        (Evidence("a.txt", "Yes", page=3), "has no page 3"),
    ],
)
def test_evidence_that_is_not_there_says_what_is(evidence: Evidence, message: str) -> None:
    with pytest.raises(GoldError, match=message):
        locate(evidence, DOCUMENTS["a.txt"])


def test_a_question_survives_being_written_and_read(tmp_path: Path) -> None:
    for question in load_gold(SAMPLE_GOLD):
        (tmp_path / "one.jsonl").write_text(write_line(question))
        assert load_gold(tmp_path / "one.jsonl") == (question,)


def test_a_line_is_one_line_for_every_reader() -> None:
    assert len(write_line(GoldQuestion("a", "one\u2028two\x85three")).splitlines()) == 1


def test_every_sample_questions_evidence_stands_in_the_sample_corpus(sample_store: Store) -> None:
    questions = load_gold(SAMPLE_GOLD, StoredDocuments(sample_store))
    assert len(questions) >= 40
    assert sum(question.answerable is False for question in questions) >= len(questions) / 4
    assert all(question.evidence_spans for question in questions if question.answerable)


def test_added_questions_are_checked_and_located(tmp_path: Path) -> None:
    path = write(tmp_path / "gold.jsonl", {"id": "q1", "question": "Q?"})  # without a line end
    added = add_question(path, GoldQuestion("q2", "Did it?", ("no",), (Evidence("a.txt", "No, it"),)), DOCUMENTS)
    assert added.evidence_spans == {"a.txt": [Span(17, 23)]}
    assert load_gold(path, DOCUMENTS)[1] == added


@pytest.mark.parametrize(
    ("question", "message"),
    [
        (GoldQuestion("q1", "Did it?"), "holds a question with the id 'q1' already"),
        (GoldQuestion("q2", " "), "the question is empty"),
        (GoldQuestion("q2", "Did it?", evidence=(Evidence("a.txt", "Maybe"),)), "is not in 'a.txt'"),
    ],
)
def test_a_faulty_question_leaves_the_file_as_it_was(tmp_path: Path, question: GoldQuestion, message: str) -> None:
    path = write(tmp_path / "gold.jsonl", {"id": "q1", "question": "Q?"})
    before = path.read_bytes()
    with pytest.raises(GoldError, match=message):
        add_question(path, question, DOCUMENTS)
    assert path.read_bytes() == before
