"""Outcomes, or a sweep -> the charts people look for, as SVG whose colours are the page's own (`var(--...)`)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from io import StringIO
from typing import TYPE_CHECKING, Any

import numpy as np

from eval.measures import CUTOFFS
from eval.metrics.refusal import reliability, risk_coverage
from eval.outcome import Failure, Outcome
from eval.report.words import milliseconds
from eval.stats import Estimate
from eval.summary import confidences, estimates, rightness, stage_seconds
from eval.sweep import Sweep

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Matplotlib needs real colours; each is exchanged for the page's variable, so that light and dark pages both fit.
_QUIET, _FIRST, _SECOND = "#020202", "#030303", "#040404"
_VARIABLES = {"#010101": "--ink", _QUIET: "--quiet", _FIRST: "--first", _SECOND: "--second"}
# A picture that stands alone is read on white as well as on black.
_ALONE = {"--ink": "#808080", "--quiet": "#808080", "--first": "#0d9488", "--second": "#d97706"}
_STYLE: Any = {
    "svg.fonttype": "none",
    "svg.hashsalt": "footnote",  # the same drawing has the same ids in every run
    "font.size": 9.5,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": _QUIET,
    "axes.labelcolor": _QUIET,
    "xtick.color": _QUIET,
    "ytick.color": _QUIET,
    "text.color": "#010101",
    "legend.frameon": False,
    "lines.linewidth": 1.8,
}
_WIDTH, _HEIGHT = 4.6, 2.9  # inches
_BAND = 0.16  # opacity


@dataclass(frozen=True, slots=True)
class Chart:
    """A drawing, and how to read it."""

    title: str
    caption: str
    svg: str


def charts(outcomes: Sequence[Outcome]) -> tuple[Chart, ...]:
    """Every chart that the outcomes have the numbers for."""
    drawers = (_outcomes, _recall_by_k, _risk_by_coverage, _reliability_diagram, _confidence_histogram, _latency)
    return tuple(chart for draw in drawers if (chart := draw(outcomes)))


def sweep_chart(found: Sweep) -> Chart:
    """Quality against latency with intervals; the best and the recommended point named."""

    def draw(axes: Axes) -> None:
        for point in found.points:
            colour = _FIRST if point in (found.best, found.recommended) else _QUIET
            x, y = 1000 * point.seconds.value, point.quality.value
            axes.errorbar(
                x,
                y,
                xerr=[[1000 * end] for end in _arms(point.seconds)],
                yerr=[[end] for end in _arms(point.quality)],
                color=colour,
                alpha=1 if colour == _FIRST else 0.45,
                marker="o",
                markersize=5,
                linewidth=1,
            )
        named = {"best": found.best, "recommended": found.recommended}
        if found.best == found.recommended:
            named = {"best and recommended": found.best}
        for words, point in named.items():
            place = (1000 * point.seconds.value, point.quality.value)
            axes.annotate(words, place, (8, 8), textcoords="offset points", color=_SECOND, fontweight="bold")
        axes.set(xlabel="milliseconds of the median question", ylabel=found.measure)

    caption = "One dot a setting, with 95 % intervals. Up is better, left is faster."
    return _drawing("Quality against latency", caption, draw, width=9)


def risk_chart(runs: Mapping[str, Sequence[Outcome]]) -> str:
    """Two runs' risk by coverage in one picture that stands alone, as SVG."""

    def draw(axes: Axes) -> None:
        for (name, outcomes), colour in zip(runs.items(), (_FIRST, _SECOND), strict=True):
            coverage, risk = risk_coverage(*rightness(outcomes))
            axes.plot(coverage, risk, color=colour, drawstyle="steps-post", label=name)
        axes.set(xlabel="share of questions answered, most confident first", ylabel="share of them wrong")
        axes.set(xlim=(0, 1), ylim=(0, 1))
        axes.legend(loc="lower right")

    svg = _drawing("Risk and coverage", "", draw).svg
    for variable, colour in _ALONE.items():
        svg = svg.replace(f"var({variable})", colour)
    return svg


def _drawing(title: str, caption: str, draw: Callable[[Axes], None], width: float = _WIDTH) -> Chart:
    """A chart whose axes are filled by `draw`."""
    import matplotlib as mpl  # takes a second, and the chat seldom draws
    from matplotlib.figure import Figure

    with mpl.rc_context(_STYLE):
        figure = Figure(figsize=(width, _HEIGHT), layout="constrained")
        draw(figure.add_subplot())
        file = StringIO()
        figure.savefig(file, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    svg = file.getvalue()
    svg = svg[svg.index("<svg") :]  # without the XML declaration, which has no place inside a page
    for colour, variable in _VARIABLES.items():
        svg = svg.replace(colour, f"var({variable})")
    return Chart(title, caption, svg)


def _line_with_band(axes: Axes, x: Sequence[float], found: Sequence[Estimate], label: str, colour: str) -> None:
    """A line through estimates, their intervals as a band."""
    axes.plot(x, [one.value for one in found], marker="o", markersize=4, color=colour, label=label)
    low = [one.value if one.low is None else one.low for one in found]
    high = [one.value if one.high is None else one.high for one in found]
    axes.fill_between(x, low, high, color=colour, alpha=_BAND, linewidth=0)


def _outcomes(outcomes: Sequence[Outcome]) -> Chart | None:
    right = sum(bool(outcome.right) and outcome.failure is None for outcome in outcomes)
    failures = Counter(outcome.failure for outcome in outcomes if outcome.failure)
    bars = {"right": right} | {kind.value: failures[kind] for kind in Failure}
    if not any(bars.values()):
        return None

    def draw(axes: Axes) -> None:
        colours = [_FIRST, *[_SECOND] * len(Failure)]
        axes.bar_label(axes.barh(list(bars), list(bars.values()), color=colours, height=0.55), padding=4)
        axes.invert_yaxis()
        axes.tick_params(axis="y", length=0)
        axes.set(xticks=[])
        axes.spines["bottom"].set_visible(False)
        axes.margins(x=0.12)

    return _drawing(
        "What came of the questions", "Each failure stands at the first stage that lost the question.", draw
    )


def _recall_by_k(outcomes: Sequence[Outcome]) -> Chart | None:
    most = max((len(outcome.passages) for outcome in outcomes), default=0)
    ks = [k for k in CUTOFFS if k <= most]
    documents = list(estimates(outcomes, [f"recall@{k}" for k in ks]).values())
    evidence = list(estimates(outcomes, [f"evidence recall@{k}" for k in ks]).values())
    if len(ks) < 2 or not (documents or evidence):
        return None

    def draw(axes: Axes) -> None:
        if documents:
            _line_with_band(axes, ks, documents, "relevant documents", _FIRST)
        if evidence:
            _line_with_band(axes, ks, evidence, "characters of evidence", _SECOND)
        axes.set(xlabel="k", ylim=(0, 1.03), xticks=ks)
        axes.legend(loc="lower right")

    return _drawing("Recall by k", "Share found among the first k documents or passages, with 95 % intervals.", draw)


def _risk_by_coverage(outcomes: Sequence[Outcome]) -> Chart | None:
    confidence, right = rightness(outcomes)
    if len(confidence) < 2:
        return None
    coverage, risk = risk_coverage(confidence, right)
    answered = sum(not outcome.reply.refused for outcome in outcomes if outcome.reply) / len(confidence)

    def draw(axes: Axes) -> None:
        axes.plot(coverage, risk, color=_FIRST, drawstyle="steps-post")
        axes.axvline(answered, color=_SECOND, linestyle=":", label="questions answered in this run")
        axes.set(xlabel="share of questions answered, most confident first", ylabel="share of them wrong")
        axes.set(xlim=(0, 1), ylim=(0, max(0.05, float(risk.max()) * 1.15)))
        axes.legend(loc="lower right")

    caption = "Answering only where confidence is high errs less often. Lower is better."
    return _drawing("Risk and coverage", caption, draw)


def _reliability_diagram(outcomes: Sequence[Outcome]) -> Chart | None:
    confidence, answerable, _ = confidences(outcomes)
    bins = reliability(confidence, answerable)
    if len(bins) < 2:
        return None
    largest = max(one.questions for one in bins)

    def draw(axes: Axes) -> None:
        axes.plot((0, 1), (0, 1), color=_QUIET, linewidth=1, linestyle=":", label="perfectly calibrated")
        x, y = [one.confidence for one in bins], [one.answerable for one in bins]
        axes.plot(x, y, color=_FIRST)
        axes.scatter(x, y, s=[20 + 90 * one.questions / largest for one in bins], color=_FIRST)
        axes.set(xlabel="confidence", ylabel="share the corpus answers", xlim=(0, 1), ylim=(-0.03, 1.03))
        axes.legend(loc="lower right")

    caption = "Of the questions with a confidence of 0.8, about 80 % should be answerable. Dots grow with their number."
    return _drawing("Reliability of the confidence", caption, draw)


def _confidence_histogram(outcomes: Sequence[Outcome]) -> Chart | None:
    confidence, answerable, _ = confidences(outcomes)
    if not len(confidence):
        return None
    bins = np.linspace(0, 1, 21).tolist()

    def draw(axes: Axes) -> None:
        kinds = ((1, "answerable", _FIRST), (0, "not answerable", _SECOND))
        for kind, label, colour in kinds:
            if (answerable == kind).any():
                weights = np.full(int((answerable == kind).sum()), 1 / (answerable == kind).sum())
                shown = f"{label} ({len(weights)})"
                axes.hist(confidence[answerable == kind], bins, weights=weights, color=colour, alpha=0.55, label=shown)
        axes.set(xlabel="confidence", ylabel="share of questions", xlim=(0, 1))
        axes.legend(loc="best")

    caption = "Two hills far apart: the confidence tells what the corpus answers from what it does not."
    return _drawing("Confidence, answerable or not", caption, draw)


def _latency(outcomes: Sequence[Outcome]) -> Chart | None:
    seconds = stage_seconds(outcomes)
    if not seconds:
        return None
    stages = list(seconds)[::-1]

    def draw(axes: Axes) -> None:
        for place, stage in enumerate(stages):
            median, slow = np.percentile(seconds[stage], (50, 95)) * 1000
            axes.plot((median, slow), (place, place), color=_FIRST, alpha=0.35, linewidth=6, solid_capstyle="butt")
            axes.plot(median, place, marker="o", color=_FIRST)
            axes.annotate(
                f"{milliseconds(median)} – {milliseconds(slow)} ms", (slow, place), (6, -3), textcoords="offset points"
            )
        axes.set(xlabel="milliseconds a question", yticks=range(len(stages)), yticklabels=stages, xlim=(0, None))
        axes.set(ylim=(-0.6, len(stages) - 0.4))
        axes.margins(x=0.35)

    return _drawing("Latency by stage", "From the median (dot) to the 95th percentile (end of the bar).", draw)


def _arms(one: Estimate) -> Iterator[float]:
    yield 0 if one.low is None else max(0, one.value - one.low)
    yield 0 if one.high is None else max(0, one.high - one.value)
