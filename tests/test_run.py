import json
import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from eval.corpus import StoredDocuments
from eval.errors import RunError
from eval.gold import load_gold
from eval.outcome import Outcome, Response, System
from eval.run import Protocol, Run, ask_all, evaluate, load_run
from eval.systems import answering, retrieving
from rag.assistant import Assistant
from rag.retrieve import Retriever
from rag.store import Store
from rag.types import Turn
from tests.conftest import ROOT, SAMPLE_GOLD


class Counting:
    """A system that counts what it is asked."""

    def __init__(self, system: System) -> None:
        self._system = system
        self.asked: list[str] = []

    def __call__(self, gold: object) -> Response:
        self.asked.append(gold.id)  # type: ignore[attr-defined]
        return self._system(gold)  # type: ignore[arg-type]


def test_a_run_says_what_it_rests_on(sample_run: Run) -> None:
    header = sample_run.header
    assert len(header.code.sha256) == len(header.code.prompts_sha256) == len(header.corpus_sha256) == 64
    assert header.models["embedder_sha256"].startswith("53aa5117")
    assert (header.gold, header.corpus_documents) == ("sample.jsonl", 14)
    assert header.settings["k"] == 10
    assert "store" not in header.settings
    commit = subprocess.run(["git", "-C", str(ROOT), "rev-parse", "HEAD"], capture_output=True, text=True)
    assert header.code.commit == (commit.stdout.strip() or None)


def test_a_run_survives_being_written_and_read(sample_run: Run, tmp_path: Path) -> None:
    sample_run.save(tmp_path / "run.json")
    assert load_run(tmp_path / "run.json") == sample_run


def test_a_run_without_a_name_is_named_by_what_it_depends_on(sample_store: Store, tmp_path: Path) -> None:
    protocol = Protocol(answers=False, passages=3)
    gold = tmp_path / "gold.jsonl"
    gold.write_text(SAMPLE_GOLD.read_text().splitlines()[0])
    first, _ = evaluate(sample_store, gold, protocol, out=tmp_path)
    again, _ = evaluate(sample_store, gold, protocol, out=tmp_path)
    other, _ = evaluate(sample_store, gold, replace(protocol, passages=4), out=tmp_path)
    assert first.name == again.name != other.name
    assert sorted(path.name for path in tmp_path.glob("*.json")) == sorted({f"{first.name}.json", f"{other.name}.json"})


def test_retrieval_alone_measures_no_answers(sample_store: Store, tmp_path: Path) -> None:
    run, _ = evaluate(sample_store, SAMPLE_GOLD, Protocol(answers=False, passages=20), out=tmp_path)
    assert all(outcome.reply is None and outcome.right is None for outcome in run.outcomes)
    assert all(outcome.measures["correct"] is None for outcome in run.outcomes)
    assert max(len(outcome.passages) for outcome in run.outcomes) == 20
    assert run.outcomes[0].measures["recall@5"] == 1


def test_killed_and_called_again_a_run_goes_on_and_is_byte_identical_but_for_times(
    sample_store: Store, tmp_path: Path
) -> None:
    gold = tmp_path / "sample.jsonl"
    gold.write_text("".join(SAMPLE_GOLD.read_text().splitlines(keepends=True)[:12]))
    whole, _ = evaluate(sample_store, gold, name="sample", out=tmp_path / "whole")
    script = """
        import os, signal, sys
        from itertools import islice
        from pathlib import Path
        from eval.run import evaluate
        from rag.settings import Settings
        from rag.store import Store

        def track(outcomes, total):
            yield from islice(outcomes, 7)
            os.kill(os.getpid(), signal.SIGKILL)

        with Store(Settings(store=Path(sys.argv[1]))) as store:
            evaluate(store, Path(sys.argv[2]), name="sample", out=Path(sys.argv[3]), track=track)
    """
    command = [sys.executable, "-c", textwrap.dedent(script), str(sample_store.path), str(gold), str(tmp_path)]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    assert subprocess.run(command, env=environment).returncode == -signal.SIGKILL
    journal = tmp_path / "sample.partial.jsonl"
    assert len(journal.read_text().splitlines()) == 8
    seen: list[Outcome] = []

    def track(outcomes: Iterator[Outcome], total: int) -> Iterable[Outcome]:
        assert total == 12
        for outcome in outcomes:
            seen.append(outcome)
            yield outcome

    run, path = evaluate(sample_store, gold, name="sample", out=tmp_path, track=track)
    assert run.without_times().to_json() == whole.without_times().to_json()
    assert path.read_text() == run.to_json()
    assert run.times != whole.times
    assert len(seen) == 12
    assert not journal.exists()


def test_only_what_the_journal_lacks_is_asked_again(
    sample_store: Store, sample_assistant: Assistant, sample_run: Run, tmp_path: Path
) -> None:
    documents = StoredDocuments(sample_store)
    questions = load_gold(SAMPLE_GOLD, documents)[:4]
    journal = tmp_path / "journal.jsonl"
    system = Counting(answering(sample_assistant))
    ask_all("run", questions[:3], system, documents, sample_run.header, journal)
    journal.write_bytes(journal.read_bytes()[:-40])  # the last line is torn
    system = Counting(answering(sample_assistant))
    run = ask_all("run", questions, system, documents, sample_run.header, journal)
    assert system.asked == ["g03", "g04"]
    assert [outcome.gold.id for outcome in run.outcomes] == ["g01", "g02", "g03", "g04"]
    assert len(journal.read_text().splitlines()) == 5


def test_a_journal_of_other_settings_is_not_gone_on_with(
    sample_store: Store, sample_assistant: Assistant, sample_run: Run, tmp_path: Path
) -> None:
    documents = StoredDocuments(sample_store)
    questions = load_gold(SAMPLE_GOLD, documents)[:2]
    ask_all("run", questions, answering(sample_assistant), documents, sample_run.header, tmp_path / "j")
    system = Counting(answering(sample_assistant))
    ask_all("run", questions, system, documents, replace(sample_run.header, gold_sha256="other"), tmp_path / "j")
    assert system.asked == ["g01", "g02"]


def test_follow_up_questions_are_asked_in_the_form_that_is_wanted(sample_store: Store, sample_run: Run) -> None:
    question = replace(
        sample_run.outcomes[0].gold,
        question="And when did they leave?",
        history=(Turn("user", "Who used the base at Port Arthur?"), Turn("assistant", "Soviet forces.")),
        rewrite="When did Soviet forces leave Port Arthur?",
    )
    retriever = Retriever(sample_store)
    asked = {form: retrieving(retriever, 5, form)(question).asked for form in ("history", "last-turn", "rewrite")}
    assert asked["last-turn"] == "And when did they leave?"
    assert asked["rewrite"] == "When did Soviet forces leave Port Arthur?"
    assert "Port Arthur" in asked["history"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "is not a run"),
        ("[]", "is not a run"),
        ('{"header": {"format": 99}}', "has run format 99, this version reads 1"),
        ('{"header": {"format": 1}, "name": 3}', r"is not a run .*python -m eval run"),
    ],
)
def test_a_file_that_is_no_run_says_so(tmp_path: Path, content: str, message: str) -> None:
    (tmp_path / "run.json").write_text(content)
    with pytest.raises(RunError, match=message):
        load_run(tmp_path / "run.json")
    with pytest.raises(RunError, match="cannot be read"):
        load_run(tmp_path / "absent.json")


def test_the_file_holds_every_outcome_with_places_and_the_words_around_them(sample_run: Run) -> None:
    content = json.loads(sample_run.to_json())
    for row in content["outcomes"]:
        for passage in row["passages"]:
            texts = content["excerpts"][passage["source"]]
            start, end = passage["span"]["start"], passage["span"]["end"]
            assert any(one["start"] <= start and end <= one["start"] + len(one["text"]) for one in texts)
        for citation in row["reply"]["citations"]:
            (held,) = (
                one["text"][citation["span"]["start"] - one["start"] : citation["span"]["end"] - one["start"]]
                for one in content["excerpts"][citation["source"]]
                if one["start"] <= citation["span"]["start"] < one["start"] + len(one["text"])
            )
            assert held == citation["quote"]
