import json
from pathlib import Path

import numpy as np
import pytest

from eval.__main__ import main
from eval.errors import GoldError
from eval.fit_confidence import fit_confidence, fit_to
from rag.confidence import shipped_weights
from rag.settings import Settings
from rag.store import Store
from tests.conftest import SAMPLE_GOLD

SHIPPED = shipped_weights(Settings())


def test_a_signal_that_tells_questions_apart_gains_weight_and_a_threshold() -> None:
    chance = np.random.default_rng(1)
    labels = np.array([1.0, 0.0] * 60)
    rows = chance.uniform(0.4, 0.6, (120, len(SHIPPED) - 1))
    rows[:, 2] = np.where(labels == 1, 0.9, 0.1) + chance.normal(0, 0.05, 120)
    fitted = fit_to(rows, labels, Settings())
    assert fitted.weights[3] > SHIPPED[3] + 1
    assert fitted.after.auroc > 0.99
    assert fitted.after.right > 0.95
    assert fitted.after.right >= fitted.before.right
    assert 0 < fitted.strictness < 1


def test_signals_that_say_nothing_are_not_said_to_tell_questions_apart() -> None:
    chance = np.random.default_rng(2)
    fitted = fit_to(chance.uniform(0, 1, (200, len(SHIPPED) - 1)), np.array([1.0, 0.0] * 100), Settings())
    assert fitted.after.auroc < 0.65
    assert fitted.after.right < 0.65
    assert fitted.after.calibration_error < fitted.before.calibration_error / 1.5


def test_the_command_prints_lines_that_rag_toml_takes(
    sample_store: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = SAMPLE_GOLD.read_text().splitlines()
    answerable = [line for line in lines if json.loads(line)["answers"]]
    unanswerable = [line for line in lines if not json.loads(line)["answers"]]
    gold = tmp_path / "gold.jsonl"
    gold.write_text("\n".join(answerable[:6] + unanswerable[:5]))
    assert main(["fit-confidence", str(gold), "--store", str(sample_store.path)]) == 0
    shown = capsys.readouterr().out
    assert shown.startswith("11 questions, 5 unanswerable; cross-validated:")
    (tmp_path / "rag.toml").write_text(shown.split("rag.toml:\n")[1])
    settings = Settings()
    assert settings.confidence
    assert len(settings.confidence) == len(SHIPPED)
    assert 0 <= settings.strictness <= 1


def test_too_few_unanswerable_questions_are_named(sample_store: Store, tmp_path: Path) -> None:
    gold = tmp_path / "gold.jsonl"
    gold.write_text(
        '{"id": "a", "question": "Who?", "answers": ["Mao"]}\n{"id": "b", "question": "When?", "answers": []}'
    )
    with pytest.raises(GoldError, match="has 1 answerable and 1 unanswerable questions; at least 5"):
        fit_confidence(sample_store, gold)
