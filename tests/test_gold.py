import json
from pathlib import Path

import pytest

from eval.gold import Evidence, GoldError, load_gold, locate
from rag.store import Store
from rag.types import Document, Page, Span
from tests.conftest import ROOT

SAMPLE_GOLD = ROOT / "eval" / "gold" / "sample.jsonl"


def test_all_faults_of_a_file_are_listed_at_once_with_their_lines(tmp_path: Path) -> None:
    rows = ['{"id": "a", "question": "Q?"}', "{", '{"id": "b"}', '{"id": "a", "question": "Q?"}', "[1]"]
    (tmp_path / "gold.jsonl").write_text("\n".join(rows))
    with pytest.raises(GoldError) as raised:
        load_gold(tmp_path / "gold.jsonl")
    message = str(raised.value)
    for part in (
        "line 2: it is not JSON",
        "line 3: its field 'question'",
        "line 4: the id 'a' stands on line 1",
        "line 5",
    ):
        assert part in message


def test_an_empty_or_missing_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "empty.jsonl").write_text("\n")
    with pytest.raises(GoldError, match="holds no questions"):
        load_gold(tmp_path / "empty.jsonl")
    with pytest.raises(GoldError, match="cannot be read"):
        load_gold(tmp_path / "absent.jsonl")


def test_not_judged_and_not_answerable_are_different(tmp_path: Path) -> None:
    rows = [{"id": "a", "question": "Q?"}, {"id": "b", "question": "Q?", "answers": []}]
    (tmp_path / "gold.jsonl").write_text("\n".join(map(json.dumps, rows)))
    assert [question.answerable for question in load_gold(tmp_path / "gold.jsonl")] == [None, False]


def test_evidence_is_found_on_its_page() -> None:
    document = Document("id", "a", "A", "yes no\n\nyes no", pages=(Page(1, Span(0, 6)), Page(2, Span(6, 14))))
    assert locate(Evidence("a", "yes", page=2), document) == Span(8, 11)
    assert locate(Evidence("a", "yes"), document) == Span(0, 3)
    assert locate(Evidence("a", "maybe"), document) is None
    assert locate(Evidence("a", "", Span(2, 3)), document) == Span(2, 3)


def test_every_sample_questions_evidence_stands_in_the_sample_corpus(sample_store: Store) -> None:
    ids = {document.source: document.id for document in sample_store.documents()}
    questions = load_gold(SAMPLE_GOLD)
    assert len(questions) >= 40
    assert sum(question.answerable is False for question in questions) >= len(questions) / 4
    for question in questions:
        assert question.answerable is False or question.evidence
        for evidence in question.evidence or ():
            document = sample_store.document(ids[evidence.source])
            assert document is not None
            assert locate(evidence, document), (question.id, evidence.quote)
