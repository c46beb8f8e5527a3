"""A/A comparisons stay silent, planted regressions are caught."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import eval.__main__
from eval.compare import changes, compare
from eval.corpus import StoredDocuments
from eval.errors import RunError
from eval.gold import load_gold
from eval.measures import HEADLINES
from eval.outcome import Outcome, Response, System
from eval.run import Run, ask_all, evaluate
from rag.command import run as run_command
from rag.settings import Settings
from rag.store import Store
from tests.conftest import SAMPLE_GOLD

GATE = Settings().gate


def gate(before: Run, after: Run, folder: Path) -> int:
    """The exit status of the command on two runs."""
    before.save(folder / "before.json")
    after.save(folder / "after.json")
    arguments = ["compare", str(folder / "before.json"), str(folder / "after.json"), "--gate"]
    return run_command(lambda: eval.__main__.main(arguments))


def test_equal_runs_pass_the_gate(sample_run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert gate(sample_run, sample_run, tmp_path) == 0
    assert "gate: open, no significant loss" in capsys.readouterr().err
    assert all(change.difference.value == 0 for change in compare(sample_run, sample_run, HEADLINES).changes)


def test_noise_alone_closes_the_gate_in_at_most_five_of_a_hundred_comparisons(sample_run: Run) -> None:
    """200 pairs of bootstrap halves of one run, answerable and other questions apart."""
    random = np.random.default_rng(5)
    kinds = [[o for o in sample_run.outcomes if o.gold.answerable is answerable] for answerable in (True, False)]

    def half() -> list[Outcome]:
        return [kind[place] for kind in kinds for place in random.integers(len(kind), size=len(kind) // 2)]

    fired = sum(any(change.failed for change in changes(half(), half(), GATE)) for _ in range(200))
    assert fired <= 10


def regressed(store: Store, system: System, spoil: Callable[[System], System], folder: Path, sample_run: Run) -> Run:
    """The sample run with a fault planted between the assistant and the harness."""
    documents = StoredDocuments(store)
    questions = load_gold(SAMPLE_GOLD, documents)
    return ask_all("spoilt", questions, spoil(system), documents, sample_run.header, folder / "j")


def shuffled(system: System) -> System:
    """Every question gets the answer of the one asked before it."""
    last: list[Response] = []

    def ask(gold: object) -> Response:
        response = system(gold)  # type: ignore[arg-type]
        last.append(response)
        other = last[-2] if len(last) > 1 else response
        return replace(response, answer=other.answer, unrefused=other.unrefused)

    return ask


def shifted(system: System) -> System:
    """Every tenth citation points five characters beside its quote."""
    count = 0

    def ask(gold: object) -> Response:
        nonlocal count
        response = system(gold)  # type: ignore[arg-type]
        assert response.answer
        citations = []
        for citation in response.answer.citations:
            count += 1
            citations.append(replace(citation, span=citation.span.shifted(5)) if count % 10 == 0 else citation)
        return replace(response, answer=replace(response.answer, citations=tuple(citations)))

    return ask


def test_fewer_passages_are_caught(
    sample_store: Store, sample_run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert sample_run.header.settings["k"] == 10
    with Store(sample_store.settings.changed(k=2)) as store:
        run, _ = evaluate(store, SAMPLE_GOLD, name="k2", out=tmp_path)
    assert gate(sample_run, run, tmp_path) == 1
    assert "gate: evidence recall@10 fell from 1.000 to 0." in capsys.readouterr().err


def test_shuffled_answers_are_caught(
    sample_store: Store, sample_system: System, sample_run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert gate(sample_run, regressed(sample_store, sample_system, shuffled, tmp_path, sample_run), tmp_path) == 1
    assert "gate: correct fell" in capsys.readouterr().err


def test_shifted_citations_are_caught(
    sample_store: Store, sample_system: System, sample_run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert gate(sample_run, regressed(sample_store, sample_system, shifted, tmp_path, sample_run), tmp_path) == 1
    assert "gate: exactness fell from 1.000 to 0.9" in capsys.readouterr().err


def test_a_gate_that_measures_nothing_is_not_open(
    sample_run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    unjudged = tuple(replace(o, measures=dict.fromkeys(o.measures)) for o in sample_run.outcomes)
    run = replace(sample_run, outcomes=unjudged)
    assert gate(run, run, tmp_path) == 2
    assert "no measure of the gate applies to both runs: correct, " in capsys.readouterr().err


def test_a_gain_is_no_failure(sample_run: Run) -> None:
    worse = [replace(o, measures=o.measures | {"correct": 0.0}) for o in sample_run.outcomes]
    (change,) = changes(worse, sample_run.outcomes, ["correct"])
    assert change.significant
    assert not change.failed
    (change,) = changes(sample_run.outcomes, worse, ["correct"])
    assert change.significant
    assert change.failed
    right = sum(outcome.measures["correct"] == 1 for outcome in sample_run.outcomes)
    assert (change.won, change.lost) == (0, right)
    assert right >= 27


def test_exactness_counts_even_where_nothing_was_cited_before(sample_run: Run) -> None:
    cited = next(outcome for outcome in sample_run.outcomes if outcome.measures["exactness"] is not None)
    before = replace(cited, measures=cited.measures | {"exactness": None})
    after = replace(cited, measures=cited.measures | {"exactness": 0.5})
    (change,) = changes([before], [after], ["exactness"])
    assert change.failed


def test_questions_that_one_run_lacks_and_measures_without_a_pair_are_named(sample_run: Run) -> None:
    shorter = replace(sample_run, name="shorter", outcomes=sample_run.outcomes[:-2])
    found = compare(sample_run, shorter, ["correct", "ROUGE-L"])
    assert (found.questions, found.only_before, found.only_after) == (46, ("g47", "g48"), ())
    assert found.unmeasured == ("ROUGE-L",)


def test_runs_of_other_questions_are_not_compared(sample_run: Run) -> None:
    first = sample_run.outcomes[0]
    other = replace(first, gold=replace(first.gold, question="Something else?"))
    with pytest.raises(RunError, match="question 'g01' is not the same in both runs"):
        compare(sample_run, replace(sample_run, outcomes=(other,)), ["correct"])
    renamed = replace(first, gold=replace(first.gold, id="x"))
    with pytest.raises(RunError, match="share no question"):
        compare(sample_run, replace(sample_run, outcomes=(renamed,)), ["correct"])
