"""What each part of retrieval gives: the plain fusion, Footnote, and Footnote without one part after the other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import median
from typing import Any

from eval.bench.workbench import Row, Table, Workbench
from eval.compare import changes
from eval.outcome import Outcome
from eval.run import Protocol
from eval.stats import Estimate
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
    present = [each for each in _SETS if (bench.benchmarks / each.benchmark).is_dir()]
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


def _asked(bench: Workbench, each: _Set, arm: str) -> Sequence[Outcome]:
    settings = bench.settings.changed(**_ARMS[arm])
    name = f"ablation-{each.protocol.form}-{arm.replace(' ', '-')}"
    return bench.run(each.benchmark, each.protocol, name, settings=settings).outcomes
