"""Runs and comparisons as Markdown, for a pull request or a terminal."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence

from eval.compare import Comparison
from eval.measures import HEADLINES
from eval.report.words import interval, milliseconds, number, verdict
from eval.run import Run
from eval.summary import by_tag, calibration, estimates, latencies, macro_averages
from eval.sweep import Sweep


def run_markdown(run: Run) -> str:
    """A run's headline numbers, failures, averages over tags and latency."""
    rows = [[name, number(one.value), interval(one), one.n] for name, one in estimates(run.outcomes, HEADLINES).items()]
    trust = calibration(run.outcomes)
    for name, one in (
        ("AUROC of confidence", trust.auroc),
        ("risk–coverage area", trust.risk_coverage),
        ("calibration error", trust.calibration_error),
        ("refusals that are right", trust.refusal_precision),
        ("unanswerable refused", trust.refusal_recall),
    ):
        if one:
            rows.append([name, number(one.value), interval(one), one.n])
    failures = Counter(outcome.failure for outcome in run.outcomes if outcome.failure)
    parts = [
        f"### {run.name}",
        " ".join(verdict(run.outcomes)),
        table(("measure", "mean", "95 % interval", "n"), rows),
    ]
    if failures:
        parts.append(table(("failure", "questions"), failures.most_common()))
    tags = macro_averages(by_tag(run.outcomes))
    if tags:
        parts.append(table(("mean over tags", "mean"), [(name, number(value)) for name, value in tags.items()]))
    stages = latencies(run.outcomes)
    if stages:
        shown = [(one.stage, _milliseconds(one.p50), _milliseconds(one.p95)) for one in stages]
        parts.append(table(("stage", "median", "95th percentile"), shown))
    return "\n\n".join(filter(None, parts)) + "\n"


def comparison_markdown(comparison: Comparison) -> str:
    """What changed from one run to another, each change with its interval, p-value, and questions won and lost."""
    parts = [
        f"### {comparison.before} → {comparison.after}, {comparison.questions} questions",
        table(
            (
                "measure",
                "before",
                "after",
                "difference",
                "95 % interval",
                "won",
                "lost",
                "n",
                "p",
                "adjusted p",
                "p of a loss",
                "",
            ),
            [
                (
                    *(change.measure, number(change.before), number(change.after)),
                    *(f"{change.difference.value:+.3f}", interval(change.difference)),
                    *(change.won, change.lost, change.difference.n, f"{change.p:.4f}"),
                    *(f"{change.adjusted_p:.4f}", f"{change.adjusted_p_loss:.4f}"),
                    "**loss**" if change.failed else "**gain**" if change.significant else "no clear change",
                )
                for change in comparison.changes
            ],
        ),
        "Paired by question. p: two-sided sign-flip permutation test; adjusted, and of a loss: Holm over those shown.",
    ]
    if comparison.unmeasured:
        parts.append(f"Not measured in both runs: {', '.join(comparison.unmeasured)}.")
    for run, ids in ((comparison.before, comparison.only_before), (comparison.after, comparison.only_after)):
        if ids:
            parts.append(f"Left out, because only {run} asked them: {len(ids)} questions ({', '.join(ids[:5])}…).")
    return "\n\n".join(parts) + "\n"


def sweep_markdown(sweep: Sweep) -> str:
    """A sweep's settings with quality and latency, and its recommendation as lines for `rag.toml`."""
    head = (*sweep.points[0].setting, sweep.measure, "95 % interval", "milliseconds", "p", "")
    rows = []
    for point in sweep.points:
        role = "recommended" if point == sweep.recommended else "" if sweep.good_enough(point) else "worse"
        role = "best" if point == sweep.best != sweep.recommended else role
        cost = f"{1000 * point.seconds.value:.1f}"
        quality = (number(point.quality.value), interval(point.quality))
        rows.append((*point.setting.values(), *quality, cost, f"{point.p:.4f}", role))
    lines = "\n".join(f"{key} = {json.dumps(value)}" for key, value in sweep.recommended.setting.items())
    return f"{table(head, rows)}\n\nRecommended, for rag.toml:\n\n```toml\n{lines}\n```\n"


def table(head: Sequence[str], rows: Iterable[Iterable[object]]) -> str:
    """A Markdown table."""
    cells = [[str(cell).replace("|", "\\|") for cell in row] for row in rows]
    lines = [list(head), ["---"] * len(head), *cells]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _milliseconds(seconds: float) -> str:
    return f"{milliseconds(1000 * seconds)} ms"
