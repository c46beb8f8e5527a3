import json
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

import eval.__main__
from eval.corpus import ingested
from eval.errors import SweepError
from eval.report.page import sweep_html
from eval.run import Protocol, Track
from eval.stats import Estimate
from eval.sweep import Point, Sweep, load_grid, sweep
from rag.errors import SettingsError
from rag.models import Embedder
from rag.settings import Settings
from tests.conftest import SAMPLE

QUIET = Console(quiet=True)
ROWS = [
    {
        "id": "a",
        "question": "Where did Soviet and Chinese troops fight in March 1969?",
        "relevant": {"sino-soviet-split.md": 1},
    },
    {"id": "b", "question": "When was the armistice in Korea signed?", "relevant": {"korean-war-armistice.txt": 1}},
]


def point(quality: float, seconds: float, p: float) -> Point:
    return Point({"k": quality}, "run", Estimate(quality, 9, None, None), Estimate(seconds, 9, None, None), p)


def grid_file(folder: Path, text: str) -> Path:
    (folder / "grid.toml").write_text(text)
    return folder / "grid.toml"


def untracked(words: str) -> Track:
    return lambda outcomes, total: outcomes


@pytest.fixture
def gold(tmp_path: Path) -> Path:
    (tmp_path / "gold.jsonl").write_text("\n".join(map(json.dumps, ROWS)))
    return tmp_path / "gold.jsonl"


def test_the_cheapest_setting_not_significantly_worse_than_the_best_is_recommended() -> None:
    points = (point(0.9, 5, 1.0), point(0.89, 3, 0.4), point(0.88, 2, 0.2), point(0.5, 1, 0.01))
    found = Sweep("gold", "correct", points)
    assert found.best is points[0]
    assert found.recommended is points[2]
    assert [found.good_enough(one) for one in points] == [True, True, True, False]


def test_of_settings_as_fast_as_the_cheapest_the_best_is_recommended() -> None:
    slow = replace(point(0.9, 5, 1.0), seconds=Estimate(5, 9, 4.5, 5.5))
    fast = replace(point(0.88, 2.0, 0.2), seconds=Estimate(2.0, 9, 1.9, 2.1))
    as_fast = replace(point(0.89, 2.1, 0.4), seconds=Estimate(2.1, 9, 2.0, 2.2))
    assert Sweep("gold", "correct", (slow, fast, as_fast)).recommended is as_fast


def test_of_a_measure_that_should_be_low_the_lowest_is_best() -> None:
    points = (point(0.2, 5, 1.0), point(0.4, 1, 0.01))
    assert Sweep("gold", "error rate", points).recommended is points[0]


def test_a_grid_is_every_combination_with_equal_chunkings_together(tmp_path: Path) -> None:
    path = grid_file(tmp_path, "k = [2, 5]\nchunk_tokens = [200, 100]\ndense_weight = [0.2, 0.8]")
    found = load_grid(path, Settings())
    assert [one.chunk_tokens for one in found] in ([100] * 4 + [200] * 4, [200] * 4 + [100] * 4)
    assert len({(one.k, one.chunk_tokens, one.dense_weight) for one in found}) == 8


@pytest.mark.parametrize(
    ("text", "error", "message"),
    [
        ("k = 5", SweepError, r"k is 5. Give a list of values, like k = \[5\]"),
        ("k = []", SweepError, "Give a list"),
        ("", SweepError, "is empty"),
        ("k = [", SweepError, "cannot be read as TOML"),
        ("kk = [5]", SettingsError, "did you mean 'k'"),
        ("k = [0]", SettingsError, "setting 'k' has the value 0"),
    ],
)
def test_a_faulty_grid_says_what_is_wrong(tmp_path: Path, text: str, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        load_grid(grid_file(tmp_path, text), Settings())


def test_a_sweep_embeds_each_distinct_text_once_and_is_not_run_again(
    gold: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    embedded: list[str] = []
    encode = Embedder.encode_words

    def counting(self: Embedder, texts: list[str]) -> object:
        embedded.extend(texts)
        return encode(self, texts)

    monkeypatch.setattr(Embedder, "encode_words", counting)
    path = grid_file(tmp_path, "chunk_tokens = [100, 200]\ncandidates = [50, 100]\ndense_weight = [0.3, 0.7]")
    protocol = Protocol(answers=False, passages=10)

    def run() -> Sweep:
        return sweep(gold, SAMPLE, path, Settings(), protocol, tmp_path / "out", QUIET, track=untracked)

    found = run()
    questions = [row["question"] for row in ROWS]
    chunks = [text for text in embedded if text not in questions]
    assert len(chunks) == len(set(chunks)) > 100
    assert len(embedded) - len(chunks) == 8 * len(ROWS)
    assert len(found.points) == 8
    assert found.measure == "nDCG@10"
    assert found.recommended.seconds.value <= found.best.seconds.value
    assert "Use " in sweep_html(found)
    embedded.clear()
    assert run() == found
    assert embedded == []


@pytest.mark.parametrize(
    ("text", "measure", "message"),
    [
        ("candidates = [50]", "correct", "nothing to measure 'correct' by"),
        ("k = [2]", None, "k changes nothing when only retrieving"),
    ],
)
def test_a_sweep_that_could_show_nothing_is_refused(
    gold: Path, tmp_path: Path, text: str, measure: str | None, message: str
) -> None:
    path = grid_file(tmp_path, text)
    with pytest.raises(SweepError, match=message):
        sweep(
            *(gold, SAMPLE, path, Settings(), Protocol(answers=False), tmp_path / "out", QUIET),
            measure=measure,
            track=untracked,
        )


def test_the_command_recommends_lines_for_rag_toml(
    gold: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = grid_file(tmp_path, "candidates = [50, 100]")
    arguments = ["sweep", str(gold), "--grid", str(path), "--corpus", str(SAMPLE), "--retrieval-only"]
    assert eval.__main__.main(arguments) == 0
    shown = capsys.readouterr().out
    assert "Recommended, for rag.toml" in shown
    assert (tmp_path / "runs" / "gold-sweep.html").exists()


def test_a_store_of_a_corpus_is_kept_for_the_next_run(tmp_path: Path, folder: Path) -> None:
    (folder / "a.txt").write_text("Text stands here.")
    with ingested(folder, Settings(), tmp_path / "out", QUIET) as store:
        assert [document.source for document in store.documents()] == ["a.txt"]
    (folder / "b.txt").write_text("More text stands here.")
    with ingested(folder, Settings(), tmp_path / "out", QUIET) as store:
        assert [document.source for document in store.documents()] == ["a.txt", "b.txt"]
