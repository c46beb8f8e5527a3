"""`compare`, `report` and `export`: what runs say."""

from __future__ import annotations

import argparse
from pathlib import Path

from rich.console import Console

from eval.commands.show import show
from eval.compare import compare
from eval.errors import RunError
from eval.exporters import ragas_rows, trec_run
from eval.measures import HEADLINES, known_measures
from eval.report.markdown import comparison_markdown, run_markdown
from eval.report.page import report_html
from eval.run import load_run
from rag.settings import Settings

_GATE_CLOSED = 1
_EXPORTS = {"trec": trec_run, "ragas": ragas_rows}


def add_compare(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `compare`, with the gate."""
    comparing = commands.add_parser("compare", help="what changed from one run to another, and is it more than chance")
    comparing.add_argument("before", type=Path, metavar="A.json")
    comparing.add_argument("after", type=Path, metavar="B.json")
    comparing.add_argument("--gate", action="store_true", help="exit 1 on a significant loss in the setting `gate`")
    comparing.add_argument("--measures", help="the measures to compare, with commas between (default: the headlines)")
    comparing.add_argument("--markdown", action="store_true", help="print Markdown, for a pull request")
    comparing.set_defaults(command=_compare)


def _compare(options: argparse.Namespace) -> int:
    names = Settings().gate if options.gate else HEADLINES
    if options.measures:
        names = tuple(name.strip() for name in options.measures.split(","))
    comparison = compare(load_run(options.before), load_run(options.after), known_measures(names))
    show(comparison_markdown(comparison), as_markdown=options.markdown)
    if not options.gate:
        return 0
    if not comparison.changes:
        raise RunError(f"no measure of the gate applies to both runs: {', '.join(names)}. Set `gate` to others.")
    console = Console(stderr=True, highlight=False)
    for change in comparison.failures:
        console.print(f"gate: {change.measure} fell from {change.before:.3f} to {change.after:.3f}")
    console.print("gate: closed" if comparison.failures else "gate: open, no significant loss")
    return _GATE_CLOSED if comparison.failures else 0


def add_reports(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `report` and `export`."""
    report = commands.add_parser("report", help="write a run's report anew, beside its file")
    report.add_argument("run", type=Path, metavar="RUN.json")
    report.set_defaults(command=_report)
    export = commands.add_parser("export", help="print a run in another tool's format")
    export.add_argument("format", choices=_EXPORTS)
    export.add_argument("run", type=Path, metavar="RUN.json")
    export.set_defaults(command=_export)


def _report(options: argparse.Namespace) -> int:
    result = load_run(options.run)
    options.run.with_suffix(".html").write_text(report_html(result), "utf-8")
    options.run.with_suffix(".md").write_text(run_markdown(result), "utf-8")
    Console().print(str(options.run.with_suffix(".html")), soft_wrap=True, highlight=False)
    return 0


def _export(options: argparse.Namespace) -> int:
    for line in _EXPORTS[options.format](load_run(options.run)):
        print(line)  # noqa: T201
    return 0
