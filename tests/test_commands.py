"""The machine interface: what other programs call."""

import json
from pathlib import Path

import pytest

import eval.__main__
import ingest.__main__
import rag.__main__
from eval.gold import load_gold
from rag.command import run
from rag.settings import Settings
from rag.store import Store
from tests.conftest import SAMPLE, SAMPLE_GOLD

ANSWER_KEYS = {
    *("question", "standalone_question", "text", "short_answer", "refused", "confidence", "generator"),
    *("citations", "rejections", "passages", "seconds"),
}


def output(capsys: pytest.CaptureFixture[str]) -> list[dict[str, object]]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_ingest_reports_as_json_and_by_exit_status(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "a.txt").write_text("Text stands here.")
    assert ingest.__main__.main([str(folder), "--store", "S", "--json"]) == 0
    (report,) = output(capsys)
    assert (report["added"], report["failed"], report["chunks_embedded"]) == (["a.txt"], [], 1)
    (folder / "b.pdf").write_bytes(b"no pdf")
    assert ingest.__main__.main([str(folder), "--store", "S", "--json"]) == 3
    (report,) = output(capsys)
    assert (report["unchanged"], report["chunks_embedded"]) == (["a.txt"], 0)
    assert ingest.__main__.main([str(folder), "--store", "S", "--rebuild", "--json"]) == 3
    (report,) = output(capsys)
    assert (report["added"], report["chunks_embedded"], report["chunks_reused"]) == (["a.txt"], 0, 1)


def test_ingest_shows_people_a_table_and_every_failure(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "b.pdf").write_bytes(b"no pdf")
    ingest.__main__.main([str(folder), "--store", "S"])
    shown = capsys.readouterr().out
    assert "chunks embedded" in shown
    assert "failed: b.pdf: its content is not a PDF" in shown


def test_ask_prints_an_answer_with_every_field(sample_store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    store = str(sample_store.path)
    assert rag.__main__.main(["ask", "When was the armistice in Korea signed?", "--store", store, "--json"]) == 0
    (answer,) = output(capsys)
    assert answer.keys() == ANSWER_KEYS
    assert isinstance(answer["citations"], list)
    assert answer["citations"][0].keys() == {"mark", "source", "start", "end", "quote", "page", "support"}
    assert isinstance(answer["passages"], list)
    assert answer["passages"][0].keys() >= {"source", "start", "end", "text", "score", "ranks"}
    assert rag.__main__.main(["ask", "When was the armistice in Korea signed?", "--store", store]) == 0
    assert "[1] korean-war-armistice.txt, characters" in capsys.readouterr().out


def test_files_of_questions_keep_their_order_and_ids(
    sample_store: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [{"id": f"q{number}", "question": text} for number, text in enumerate(["Who was Mao?", "Where is Geneva?"])]
    path = tmp_path / "questions.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)) + "\n\n")
    for command in ("ask", "search"):
        assert rag.__main__.main([command, "--file", str(path), "--store", str(sample_store.path), "--json"]) == 0
        assert [line["id"] for line in output(capsys)] == ["q0", "q1"]


def test_search_gives_k_passages(sample_store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    store = str(sample_store.path)
    assert rag.__main__.main(["search", "arms control", "-k", "3", "--store", store, "--json"]) == 0
    (found,) = output(capsys)
    assert isinstance(found["passages"], list)
    assert len(found["passages"]) == 3
    assert rag.__main__.main(["search", "arms control", "--store", store]) == 0
    assert "arms-control" in capsys.readouterr().out


def test_doctor_reports_health(sample_store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    assert rag.__main__.main(["doctor", "--store", str(sample_store.path), "--json"]) == 0
    (health,) = output(capsys)
    assert (health["ok"], health["documents"], health["missing"], health["orphaned"]) == (True, 14, 0, 0)


def test_eval_run_writes_a_run_with_its_reports_and_shows_the_numbers(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = SAMPLE_GOLD.read_text().splitlines()
    (tmp_path / "gold.jsonl").write_text("\n".join([lines[1], lines[-1]]))
    command = ["run", str(tmp_path / "gold.jsonl"), "--corpus", str(SAMPLE), "--name", "mine", "--out", "runs"]
    assert eval.__main__.main(command) == 0
    shown = capsys.readouterr().out
    assert "Of 1 question that the documents answer, 1 was answered rightly" in shown
    assert "| correct | 1.000 |" in shown
    assert {path.name for path in Path("runs").glob("mine*")} == {"mine.json", "mine.html", "mine.md"}
    (tmp_path / "runs" / "mine.html").unlink()
    assert eval.__main__.main(["report", "runs/mine.json"]) == 0
    assert "mine" in Path("runs/mine.html").read_text()
    assert eval.__main__.main(["compare", "runs/mine.json", "runs/mine.json", "--gate"]) == 0
    capsys.readouterr()
    assert eval.__main__.main(["export", "trec", "runs/mine.json"]) == 0
    assert capsys.readouterr().out.startswith("g02 Q0 founding-and-1950-treaty.md 1 ")


def test_eval_add_appends_a_checked_question(sample_store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    store = ["--store", str(sample_store.path), "--gold", "gold.jsonl"]
    evidence = ["--evidence", "korean-war-armistice.txt", "South Korea did not sign."]
    assert eval.__main__.main(["add", "Did Seoul sign?", "--answer", "no", *evidence, *store]) == 0
    assert eval.__main__.main(["add", "Who paid for it?", "--unanswerable", "--tag", "near-miss", *store]) == 0
    first, second = load_gold(Path("gold.jsonl"))
    assert (first.id, first.answers) == ("q1", ("no",))
    assert first.evidence_spans.keys() == {"korean-war-armistice.txt"}
    assert (second.id, second.answers, second.tags) == ("q2", (), ("near-miss",))
    absent = ["--evidence", "korean-war-armistice.txt", "South Korea signed."]
    assert run(lambda: eval.__main__.main(["add", "Did it?", *absent, *store])) == 2
    assert "is not in 'korean-war-armistice.txt'" in capsys.readouterr().err
    assert len(load_gold(Path("gold.jsonl"))) == 2


def test_eval_import_says_what_it_made_and_left_out(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "mine.csv").write_text("question,answer,remark\nWhere?,Vienna,hm\nWho?,-,\n")
    assert eval.__main__.main(["import", "csv", "mine.csv", "--out", "made"]) == 0
    shown = capsys.readouterr().out
    assert "2 questions in made/gold.jsonl" in shown
    assert "left out: the column remark" in shown
    assert [question.answers for question in load_gold(Path("made/gold.jsonl"))] == [("Vienna",), ()]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["ask", "Why?", "--store", "absent"], "no store at absent"),
        (["ask"], "give either one question or --file"),
        (["ask", "--file", "absent.jsonl", "--json"], "absent.jsonl cannot be read"),
        (["ask", "--file", "absent.jsonl"], "Add --json"),
        (["ask", "Why?", "--history", "absent.json"], "absent.json cannot be read"),
        (["search", " "], "the question is empty"),
    ],
)
def test_what_a_user_can_mend_is_one_line_without_a_traceback(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    if "--store" not in arguments:
        Store(Settings(store=Path("s")), create=True).close()
        arguments += ["--store", "s"]
    assert run(lambda: rag.__main__.main(arguments)) == 2
    shown = capsys.readouterr().err
    assert message in shown
    assert shown.startswith("error: ")
    assert shown.count("\n") == 1


def test_ctrl_c_is_no_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    def interrupted() -> int:
        raise KeyboardInterrupt

    assert run(interrupted) == 130
    assert "Run the same command again" in capsys.readouterr().err


def test_a_bug_keeps_its_traceback() -> None:
    def broken() -> int:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        run(broken)


def test_search_explains_every_candidate(sample_store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["search", "Who signed the armistice?", "-k", "2", "--store", str(sample_store.path)]
    assert rag.__main__.main([*arguments, "--explain", "--json"]) == 0
    (explained,) = output(capsys)
    candidates = explained["candidates"]
    assert isinstance(candidates, list)
    assert len(candidates) > 2
    assert candidates[0]["fate"] == "in the passages"
    assert candidates[0]["ranks"]["final"] == 1
    assert candidates[-1]["fate"] == "left out: 2 better passages were found"
    assert rag.__main__.main([*arguments, "--explain"]) == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert "1. korean-war-armistice.txt, characters" in shown
    assert "ranks: dense 1, keyword 1, fused 1, final 1; scores: meaning 0." in shown


def test_search_says_why_a_document_was_not_found(sample_store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["search", "Who signed the armistice? source:korean", "-k", "2", "--store", str(sample_store.path)]
    assert rag.__main__.main([*arguments, "--explain-source", "nixon-1972-visit.md", "--json"]) == 0
    (explained,) = output(capsys)
    assert isinstance(explained["candidates"], list)
    assert {one["fate"] for one in explained["candidates"]} == {"the question's filters leave it out"}
    assert run(lambda: rag.__main__.main([*arguments, "--explain-source", "nowhere.md"])) == 2
    assert "the collection has no document 'nowhere.md'" in capsys.readouterr().err
