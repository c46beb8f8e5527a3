"""A run, or a sweep, as one HTML file that needs no other: numbers, charts, and every question beside its sources."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from importlib.resources import files
from itertools import pairwise

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from markupsafe import Markup

from eval.excerpts import PASSAGES_SHOWN, Excerpt, widened
from eval.measures import HEADLINES, MEASURES
from eval.metrics.spans import covered
from eval.outcome import Failure, Outcome
from eval.report.charts import charts, sweep_chart
from eval.report.words import interval, milliseconds, number, verdict
from eval.run import Run
from eval.summary import by_tag, calibration, estimates, latencies, macro_averages, tokens
from eval.sweep import Sweep
from rag.types import Span

_MARK = re.compile(r"\s?\[(\d+)\]")


@dataclass(frozen=True, slots=True)
class Stretch:
    """Characters of a source that are all gold evidence or not, and all cited or not."""

    text: str
    gold: bool
    cited: bool


@dataclass(frozen=True, slots=True)
class Reading:
    """A stretch of a source with what is gold and what is cited in it."""

    source: str
    start: int
    stretches: tuple[Stretch, ...]


def report_html(run: Run) -> str:
    """The report of a run."""
    tags = by_tag(run.outcomes)
    template = _environment().get_template("report.html")
    return template.render(
        run=run,
        verdict=verdict(run.outcomes),
        headlines=estimates(run.outcomes, HEADLINES),
        calibration=calibration(run.outcomes),
        charts=charts(run.outcomes),
        failures=Counter(outcome.failure for outcome in run.outcomes if outcome.failure),
        kinds=list(Failure),
        tags=tags,
        macro=macro_averages(tags),
        tag_measures=[name for name in HEADLINES if any(name in of_tag for of_tag in tags.values())],
        everything=estimates(run.outcomes),
        latencies=latencies(run.outcomes),
        tokens=tokens(run.outcomes),
        readings=partial(readings, run),
        snippet=partial(snippet, run),
        passages_shown=PASSAGES_SHOWN,
    )


def sweep_html(sweep: Sweep) -> str:
    """The report of a sweep."""
    sign = -1 if MEASURES[sweep.measure].higher_is_better else 1
    points = sorted(sweep.points, key=lambda point: (sign * point.quality.value, point.seconds.value))
    return _environment().get_template("sweep.html").render(sweep=sweep, points=points, chart=sweep_chart(sweep))


def readings(run: Run, outcome: Outcome) -> list[Reading]:
    """The stretches of the sources that hold evidence or citations of an outcome."""
    gold = outcome.gold.evidence_spans
    cited: dict[str, list[Span]] = {}
    for citation in outcome.drafted.citations if outcome.drafted else ():
        cited.setdefault(citation.source, []).append(citation.span)
    found: list[Reading] = []
    for source in dict.fromkeys([*gold, *cited]):
        spans = gold.get(source, []), cited.get(source, [])
        found += [
            Reading(source, excerpt.start, tuple(stretches(excerpt, *spans)))
            for excerpt in _around(run.excerpts.get(source, ()), [*spans[0], *spans[1]])
        ]
    return found


def stretches(excerpt: Excerpt, gold: Sequence[Span], cited: Sequence[Span]) -> Iterator[Stretch]:
    """The excerpt cut wherever evidence or a citation begins or ends."""
    ends = {end for span in (*gold, *cited) for end in (span.start, span.end)}
    inside = sorted(end for end in ends if excerpt.start < end < excerpt.span.end)
    cuts = [excerpt.start, *inside, excerpt.span.end]
    for start, end in pairwise(cuts):
        piece = Span(start, end)
        text = piece.shifted(-excerpt.start).of(excerpt.text)
        yield Stretch(text, any(map(piece.overlap, gold)), any(map(piece.overlap, cited)))


def snippet(run: Run, source: str, span: Span, length: int = 220) -> str:
    """The first characters of a place."""
    for excerpt in run.excerpts.get(source, ()):
        if excerpt.span.overlap(span):
            start = max(0, span.start - excerpt.start)
            text = excerpt.text[start : start + min(length, span.end - span.start)]
            return " ".join(text.split()) + ("…" if span.end - span.start > length else "")
    return ""


def _around(held: Sequence[Excerpt], spans: Sequence[Span]) -> Iterator[Excerpt]:
    """The parts of the excerpts near the spans; excerpts also hold whole passages, which would drown them."""
    for excerpt in held:
        here = [span.shifted(-excerpt.start) for span in spans if excerpt.span.overlap(span)]
        for part in covered(widened(span, excerpt.text) for span in here):
            yield Excerpt(excerpt.start + part.start, part.of(excerpt.text))


def _marked(text: str) -> Markup:
    """An answer with its marks raised."""
    return Markup(_MARK.sub(lambda found: f"<sup>{found.group(1)}</sup>", str(Markup.escape(text))))


def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("eval.report", "."),
        autoescape=select_autoescape(["html"]),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    folder = files("eval.report")
    environment.globals |= {
        "style": Markup((folder / "report.css").read_text("utf-8")),
        "script": Markup((folder / "report.js").read_text("utf-8")),
        "measures": MEASURES,
    }
    environment.filters |= {"number": number, "interval": interval, "milliseconds": milliseconds}
    environment.filters |= {"marked": _marked, "pretty": _pretty, "svg": Markup}
    return environment


def _pretty(value: Mapping[str, object]) -> str:
    return json.dumps(value, indent=1, ensure_ascii=False)
