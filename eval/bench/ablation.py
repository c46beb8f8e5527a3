"""What each part of retrieval gives: the plain fusion, Footnote, and Footnote without one part after the other; and
what it gives to have the trained reader rerank the best candidates.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from statistics import median
from typing import Any

from eval.bench.workbench import Row, Table, Workbench
from eval.compare import changes
from eval.outcome import Outcome
from eval.run import Protocol
from eval.stats import Estimate, mean
from eval.summary import estimates, stage_seconds

_PLAIN: dict[str, Any] = {"rescored": 0, "dense_weight": 0.5}
_ARMS: dict[str, dict[str, Any]] = {
    "plain fusion": _PLAIN,
    "Footnote": {},
    "without weights that follow the question": {"telling": 0.0},
    "without late interaction": {"late_weight": 0.0},
    "without the chunks beside a chunk": {"neighbour_weight": 0.0},
    "with 100 candidates scored anew": {"rescored": 100},
    "with neighbours joined and a margin of 0.2": {"join_neighbours": True, "margin": 0.2},
}
_READ = {"the best 30 reranked by the reader": {"reader": True, "reranker": "reader", "reranked": 30}}


@dataclass(frozen=True, slots=True)
class _Set:
    benchmark: str
    title: str
    protocol: Protocol
    measures: tuple[str, ...]


_SEARCH = Protocol(answers=False, passages=40, form="last-turn")
_SETS = (
    _Set("scifact", "SciFact", _SEARCH, ("nDCG@10",)),
    _Set("chroma_chunking", "Chroma", replace(_SEARCH, passages=5), ("evidence recall@5", "evidence IoU@5")),
    _Set("mtrag_cloud", "MTRAG last turn", _SEARCH, ("nDCG@5",)),
    _Set("mtrag_cloud", "MTRAG rewrite", replace(_SEARCH, form="rewrite"), ("nDCG@5",)),
    _Set("anthropic_docs", "documentation", _SEARCH, ("recall@3", "MRR@3")),
)


def ablation(bench: Workbench) -> Table:
    """One row for each part: its figures, the p of the difference from the plain fusion, and its time."""
    present = _present(bench)
    plain = {each.title: _asked(bench, each, "plain fusion") for each in present}
    rows = []
    for arm in _ARMS:
        figures: dict[str, Estimate | float] = {}
        for each in present:
            found = _asked(bench, each, arm)
            for measure, figure in estimates(found, each.measures).items():
                figures[f"{each.title} {measure}"] = figure
            if arm != "plain fusion":
                for change in changes(plain[each.title], found, each.measures[:1]):
                    figures[f"{each.title} p"] = change.p
            figures[f"{each.title} ms"] = 1000 * median(stage_seconds(found)["retrieve"])
        rows.append(Row(arm, "ours", figures))
    return Table("ablation", "p: two-sided paired permutation test against the plain fusion; ms: median", tuple(rows))


def reranking(bench: Workbench) -> Table:
    """Each set without and with the reader as reranker: figures, the paired gain, time; and the gain over all.

    Rewritten questions are left out: over all, those of the same turns would be counted twice.
    """
    present = [each for each in _present(bench) if each.protocol.form != "rewrite"]
    arms = ("Footnote", *_READ)
    found = {arm: [_asked(bench, each, arm) for each in present] for arm in arms}
    rows = []
    for arm in arms:
        figures: dict[str, Estimate | float] = {}
        for each, outcomes in zip(present, found[arm], strict=True):
            figures |= {f"{each.title} {name}": figure for name, figure in estimates(outcomes, each.measures).items()}
            figures[f"{each.title} ms"] = 1000 * median(stage_seconds(outcomes)["retrieve"])
        rows.append(Row(arm, "ours", figures))
    gained: dict[str, Estimate | float] = {}
    all_gains: list[float] = []
    for each, before, after in zip(present, *found.values(), strict=True):
        for measure in each.measures:
            gains = list(_gains(before, after, measure))
            gained[f"{each.title} {measure}"] = mean(gains)
            all_gains += gains if measure == each.measures[0] else []
    gained["first measures, all questions"] = mean(all_gains)
    rows.append(Row("gain, paired", "ours", gained))
    return Table("reranking", "ms: median of retrieval", tuple(rows))


def _present(bench: Workbench) -> list[_Set]:
    return [each for each in _SETS if (bench.benchmarks / each.benchmark).is_dir()]


def _gains(before: Sequence[Outcome], after: Sequence[Outcome], measure: str) -> Iterator[float]:
    for one, two in zip(before, after, strict=True):
        first, second = one.measures[measure], two.measures[measure]
        if first is not None and second is not None:
            yield second - first


def _asked(bench: Workbench, each: _Set, arm: str) -> Sequence[Outcome]:
    settings = bench.settings.changed(**(_ARMS | _READ)[arm])
    name = f"ablation-{each.protocol.form}-{arm.replace(' ', '-')}"
    return bench.run(each.benchmark, each.protocol, name, settings=settings).outcomes
