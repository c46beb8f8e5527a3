"""`run`, `sweep` and `bench`: ask questions and keep what came of them."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from rich.console import Console

from eval.bench.tables import BENCHMARKS, run_benchmarks, save_results, table_markdown
from eval.bench.workbench import Workbench
from eval.commands.show import Bar, show
from eval.corpus import ingested
from eval.fit_confidence import fit_confidence
from eval.report.markdown import run_markdown, sweep_markdown
from eval.report.page import report_html, sweep_html
from eval.run import Protocol, evaluate
from eval.sweep import sweep
from rag.command import add_store_options, settings_from
from rag.settings import Settings
from rag.store import Store

RESULTS = Path(__file__).parent.parent / "results"
# Exactly searched, equal settings give equal runs. Without memory, every question takes as long as the first one that
# meets its passages.
_MEASURED = {"exact_search": True, "sentence_memory": 0}


def add_run(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `run`, which asks every question and reports."""
    ask = commands.add_parser("run", help="ask every question of a gold file and report what came of it")
    ask.add_argument("gold", type=Path, metavar="GOLD.jsonl", help="the gold questions")
    ask.add_argument("--corpus", type=Path, help="files to ingest first, into a store kept under --out")
    ask.add_argument("--name", help="the run's name (default: the gold file's, and what it depends on in 8 digits)")
    _add_protocol(ask)
    add_store_options(ask)
    ask.set_defaults(command=_run)


def _run(options: argparse.Namespace) -> int:
    with _open_store(options) as store:
        result, path = evaluate(
            store, options.gold, _protocol(options), name=options.name, out=options.out, track=Bar("Asking")
        )
    markdown = run_markdown(result)
    path.with_suffix(".html").write_text(report_html(result), "utf-8")
    path.with_suffix(".md").write_text(markdown, "utf-8")
    show(markdown)
    Console().print(f"{path}\n{path.with_suffix('.html')}", soft_wrap=True, highlight=False)
    return 0


def add_fit(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `fit-confidence`, which fits the confidence to one's own gold questions."""
    fitting = commands.add_parser("fit-confidence", help="fit confidence and refusals to your own gold questions")
    fitting.add_argument("gold", type=Path, metavar="GOLD.jsonl", help="the gold questions, some of them unanswerable")
    fitting.add_argument("--corpus", type=Path, help="files to ingest first, into a store kept under --out")
    fitting.add_argument("--out", type=Path, default=Path("runs"), help="folder for what is written (default: runs)")
    _add_form(fitting)
    add_store_options(fitting)
    fitting.set_defaults(command=_fit)


def _fit(options: argparse.Namespace) -> int:
    with _open_store(options) as store:
        fitted = fit_confidence(store, options.gold, options.form, Bar("Asking"))
    Console(highlight=False, markup=False).print(str(fitted), soft_wrap=True)
    return 0


def add_sweep(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `sweep`, which tries a grid of settings."""
    sweeping = commands.add_parser("sweep", help="try a grid of settings and recommend the cheapest good one")
    sweeping.add_argument("gold", type=Path, metavar="GOLD.jsonl", help="the gold questions")
    sweeping.add_argument("--grid", type=Path, required=True, help="TOML file: lists of settings, like k = [5, 10]")
    sweeping.add_argument("--corpus", type=Path, required=True, help="files to ingest, once for every chunking")
    sweeping.add_argument("--measure", help="what is to be best (default: correct, else nDCG@10)")
    _add_protocol(sweeping)
    sweeping.set_defaults(command=_sweep)


def _sweep(options: argparse.Namespace) -> int:
    found = sweep(
        options.gold,
        options.corpus,
        options.grid,
        Settings(**_MEASURED),
        _protocol(options),
        options.out,
        Console(stderr=True),
        measure=options.measure,
        track=Bar,
    )
    path = options.out / f"{options.gold.stem}-sweep.html"
    path.write_text(sweep_html(found), "utf-8")
    markdown = sweep_markdown(found)
    path.with_suffix(".md").write_text(markdown, "utf-8")
    show(markdown)
    Console().print(str(path), soft_wrap=True, highlight=False)
    return 0


def add_bench(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `bench`, which runs the public benchmarks."""
    benching = commands.add_parser("bench", help="public benchmarks: our figures beside the published ones")
    benching.add_argument("--benchmarks", type=Path, default=Path("../shared/benchmarks"), help="their folder")
    benching.add_argument("--only", help="names of benchmarks with commas between (default: all)")
    benching.add_argument("--out", type=Path, default=Path("runs/bench"), help="folder for stores and runs")
    benching.add_argument("--results", type=Path, default=RESULTS, help="folder in which the tables are kept")
    benching.set_defaults(command=_bench)


def _bench(options: argparse.Namespace) -> int:
    bench = Workbench(options.benchmarks, options.out, Console(stderr=True), Bar, Settings(exact_search=True))
    names = tuple(name.strip() for name in options.only.split(",")) if options.only else tuple(BENCHMARKS)
    tables = []
    for found in run_benchmarks(bench, names):
        tables.append(found)
        save_results(tables, bench, options.results)
        show(table_markdown(found))
        Console(highlight=False).print(f"{found.benchmark}: {found.seconds:.0f} seconds")
    return 0


def _add_protocol(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--out", type=Path, default=Path("runs"), help="folder for what is written (default: runs)")
    parser.add_argument("--retrieval-only", action="store_true", help="search, but do not answer: much faster")
    parser.add_argument("--passages", type=int, metavar="N", help="with --retrieval-only: how many (default: 40)")
    _add_form(parser)


def _add_form(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--form",
        choices=("history", "last-turn", "rewrite"),
        default="history",
        help="follow-up questions with their history (default), the last turn alone, or the gold set's rewrite",
    )


def _protocol(options: argparse.Namespace) -> Protocol:
    if options.retrieval_only:
        return Protocol(answers=False, passages=options.passages or 40, form=options.form)
    return Protocol(form=options.form)


@contextmanager
def _open_store(options: argparse.Namespace) -> Iterator[Store]:
    """The store that the options name, or one of the corpus that they name."""
    settings = settings_from(options, **_MEASURED)
    with ExitStack() as stack:
        if options.corpus:
            store = ingested(options.corpus, settings, options.out, Console(stderr=True))
            yield stack.enter_context(store)
        else:
            yield stack.enter_context(Store(settings))
