import json
from pathlib import Path

import pytest

from eval.fit_short_answers import fit_short_answers
from eval.fit_support import fit_support
from rag import short_answer


def test_short_answers_are_fitted_and_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = ("Anna", "Boris", "Clara", "David", "Erika", "Franz", "Greta", "Heinz")
    rows = []
    for number, name in enumerate(names):
        passage = f"In {1950 + number} the old mill was sold by {name} to the town. It rained that day."
        start = passage.index(name)
        asked = [{"question": "Who sold the old mill?", "spans": [[start, name]]}]
        rows.append(json.dumps({"src": "litm_nq", "passage": passage, "questions": asked}))
    (tmp_path / "reader.jsonl").write_text("\n".join(rows))
    monkeypatch.setattr(short_answer, "__file__", str(tmp_path / "short_answer.py"))
    shown = fit_short_answers(tmp_path / "reader.jsonl")
    assert shown.startswith("8 questions; held out: 2")
    assert "of the likeliest stretch 1.000, of the best there is 1.000" in shown
    assert set(json.loads((tmp_path / "short_answer.json").read_text())) >= {"all", "PERSON", "DATE"}


def test_support_is_fitted_and_judged_by_kind_of_fault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAG_READER", "off")  # it would leave only what the reader has not learned from: too little
    rows = []
    for number in range(12):
        evidence = f"In {1950 + number} General Smith{number} met Queen Anna{number} in Paris. It was raining."
        rows.append(
            {
                "src": "fm2",
                "claim": f"Then General Smith{number} has met Anna{number} in {1950 + number}.",
                "evidence": evidence,
                "label": "S",
            }
        )
        rows.append(
            {
                "src": "fm2",
                "claim": f"Nobody met the duke of Kent in {1900 + number}.",
                "evidence": evidence,
                "label": "N",
            }
        )
    (tmp_path / "support.jsonl").write_text("\n".join(map(json.dumps, rows)))
    shown = fit_support(tmp_path / "support.jsonl")
    for kind in ("any spoilt", "changed number", "added negation", "other entity", "other evidence", "not supported"):
        assert kind in shown
    assert "figures" in shown
