"""`python -m eval run | compare | report | sweep | bench | add | import | export`: measure how good answers are."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from itertools import count
from pathlib import Path

from rich.console import Console
from rich.markdown import Markdown
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from eval.bench.tables import BENCHMARKS, run_benchmarks, save_results, table_markdown
from eval.bench.workbench import Workbench
from eval.compare import compare
from eval.corpus import StoredDocuments, ingested
from eval.errors import GoldError
from eval.exporters import ragas_rows, trec_run
from eval.fit import fit_confidence, fit_quotes
from eval.gold import add_question, load_gold
from eval.importers.beir import import_beir
from eval.importers.squad import import_squad
from eval.importers.tables import import_csv
from eval.importers.trec import import_trec
from eval.measures import HEADLINES, known_measures
from eval.outcome import Outcome
from eval.report.markdown import comparison_markdown, run_markdown, sweep_markdown
from eval.report.page import report_html, sweep_html
from eval.run import Protocol, Track, evaluate, load_run
from eval.sweep import sweep
from eval.types import Evidence, GoldQuestion
from rag.command import add_store_options, run, settings_from
from rag.settings import Settings
from rag.store import Store

_GATE_CLOSED = 1
# Without memory, every question takes as long as the first one that meets its passages.
_TIMED = {"sentence_memory": 0}
RESULTS = Path(__file__).parent / "results"
_EXPORTS = {"trec": trec_run, "ragas": ragas_rows}


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit status: 0; 1 when `compare --gate` found a significant loss."""
    parser = argparse.ArgumentParser(prog="python -m eval", description="Measure answers against gold questions.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    _add_run(commands)
    _add_compare(commands)
    _add_reports(commands)
    _add_sweep(commands)
    _add_bench(commands)
    _add_gold(commands)
    _add_import(commands)
    for name, fit in (("fit-quotes", fit_quotes), ("fit-confidence", fit_confidence)):
        fitting = commands.add_parser(name, help=fit.__doc__)
        fitting.add_argument("training", type=Path, metavar="READER.jsonl", help="training questions, plain or .xz")
        fitting.set_defaults(command=_fit, fit=fit)
    options = parser.parse_args(arguments)
    status: int = options.command(options)
    return status


def _add_run(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    ask = commands.add_parser("run", help="ask every question of a gold file and report what came of it")
    ask.add_argument("gold", type=Path, metavar="GOLD.jsonl", help="the gold questions")
    ask.add_argument("--corpus", type=Path, help="files to ingest first, into a store kept under --out")
    ask.add_argument("--name", help="the run's name (default: the gold file's, and what it depends on in 8 digits)")
    _add_protocol(ask)
    add_store_options(ask)
    ask.set_defaults(command=_run)


def _add_protocol(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--out", type=Path, default=Path("runs"), help="folder for what is written (default: runs)")
    parser.add_argument("--retrieval-only", action="store_true", help="search, but do not answer: much faster")
    parser.add_argument("--passages", type=int, metavar="N", help="with --retrieval-only: how many (default: 40)")
    parser.add_argument(
        "--form",
        choices=("history", "last-turn", "rewrite"),
        default="history",
        help="follow-up questions with their history (default), the last turn alone, or the gold set's rewrite",
    )


def _run(options: argparse.Namespace) -> int:
    with _open_store(options) as store:
        result, path = evaluate(
            store, options.gold, _protocol(options), name=options.name, out=options.out, track=_progress("Asking")
        )
    markdown = run_markdown(result)
    path.with_suffix(".html").write_text(report_html(result), "utf-8")
    path.with_suffix(".md").write_text(markdown, "utf-8")
    _show(markdown)
    Console().print(f"{path}\n{path.with_suffix('.html')}", soft_wrap=True, highlight=False)
    return 0


def _protocol(options: argparse.Namespace) -> Protocol:
    if options.retrieval_only:
        return Protocol(answers=False, passages=options.passages or 40, form=options.form)
    return Protocol(form=options.form)


def _add_compare(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
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
    _show(comparison_markdown(comparison), as_markdown=options.markdown)
    if not options.gate:
        return 0
    console = Console(stderr=True, highlight=False)
    for change in comparison.failures:
        console.print(f"gate: {change.measure} fell from {change.before:.3f} to {change.after:.3f}")
    console.print("gate: closed" if comparison.failures else "gate: open, no significant loss")
    return _GATE_CLOSED if comparison.failures else 0


def _add_reports(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
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


def _add_sweep(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
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
        Settings(**_TIMED),
        _protocol(options),
        options.out,
        Console(stderr=True),
        measure=options.measure,
        track=_progress,
    )
    path = options.out / f"{options.gold.stem}-sweep.html"
    path.write_text(sweep_html(found), "utf-8")
    markdown = sweep_markdown(found)
    path.with_suffix(".md").write_text(markdown, "utf-8")
    _show(markdown)
    Console().print(str(path), soft_wrap=True, highlight=False)
    return 0


def _add_bench(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    benching = commands.add_parser("bench", help="public benchmarks: our figures beside the published ones")
    benching.add_argument("--benchmarks", type=Path, default=Path("../shared/benchmarks"), help="their folder")
    benching.add_argument("--only", help="names of benchmarks with commas between (default: all)")
    benching.add_argument("--out", type=Path, default=Path("runs/bench"), help="folder for stores and runs")
    benching.add_argument("--results", type=Path, default=RESULTS, help="folder in which the tables are kept")
    benching.set_defaults(command=_bench)


def _bench(options: argparse.Namespace) -> int:
    bench = Workbench(options.benchmarks, options.out, Console(stderr=True), _progress)
    names = tuple(name.strip() for name in options.only.split(",")) if options.only else tuple(BENCHMARKS)
    tables = []
    for found in run_benchmarks(bench, names):
        tables.append(found)
        save_results(tables, bench, options.results)
        _show(table_markdown(found))
        Console(highlight=False).print(f"{found.benchmark}: {found.seconds:.0f} seconds")
    return 0


def _add_gold(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    adding = commands.add_parser("add", help="append a checked question to a gold file")
    adding.add_argument("question")
    adding.add_argument("--gold", type=Path, required=True, metavar="GOLD.jsonl", help="the file, which may be new")
    adding.add_argument("--id", help="the question's id (default: q and a number)")
    adding.add_argument("--answer", action="append", default=[], help="an accepted answer; may be given again")
    adding.add_argument("--unanswerable", action="store_true", help="the documents do not answer it")
    adding.add_argument("--evidence", nargs=2, action="append", default=[], metavar=("SOURCE", "QUOTE"))
    adding.add_argument("--tag", action="append", default=[])
    add_store_options(adding)
    adding.set_defaults(command=_add)


def _add_import(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    importing = commands.add_parser("import", help="make a gold file (and corpus) from another tool's question set")
    importing.add_argument("format", choices=("beir", "squad", "trec", "csv"))
    importing.add_argument(
        "paths", nargs="+", type=Path, metavar="PATH", help="its folder or file; trec: topics, qrels"
    )
    importing.add_argument("--out", type=Path, required=True, help="folder for gold.jsonl and corpus.jsonl.gz")
    importing.add_argument("--split", default="test", help="beir: which judgements (default: test)")
    importing.set_defaults(command=_import)


def _import(options: argparse.Namespace) -> int:
    wanted = 2 if options.format == "trec" else 1
    if len(options.paths) != wanted:
        raise GoldError(f"{options.format} takes {wanted} path(s), not {len(options.paths)}: see --help.")
    path, out = options.paths[0], options.out
    match options.format:
        case "beir":
            imported = import_beir(path, out, options.split)
        case "squad":
            imported = import_squad(path, out)
        case "trec":
            imported = import_trec(path, options.paths[1], out)
        case _:
            imported = import_csv(path, out)
    console = Console(highlight=False, soft_wrap=True)
    console.print(f"{imported.questions} questions in {imported.gold}", markup=False)
    if imported.corpus:
        console.print(f"{imported.documents} documents in {imported.corpus}", markup=False)
    for reason in imported.skipped:
        console.print(f"left out: {reason}", markup=False)
    return 0


def _add(options: argparse.Namespace) -> int:
    if options.answer and options.unanswerable:
        raise GoldError("a question has accepted answers or is unanswerable. Give --answer or --unanswerable.")
    answers = tuple(options.answer) if options.answer or options.unanswerable else None
    question = GoldQuestion(
        id=options.id or _next_id(options.gold),
        question=options.question,
        answers=answers,
        evidence=tuple(Evidence(source, quote) for source, quote in options.evidence) or None,
        tags=tuple(options.tag),
    )
    with Store(settings_from(options)) as store:
        added = add_question(options.gold, question, StoredDocuments(store))
    Console().print(f"{added.id} added to {options.gold}", soft_wrap=True, highlight=False)
    return 0


def _next_id(gold: Path) -> str:
    """The first id like q7 that a gold file does not use yet."""
    known = {question.id for question in load_gold(gold)} if gold.exists() else set()
    return next(id for number in count(1) if (id := f"q{number}") not in known)


def _fit(options: argparse.Namespace) -> int:
    Console(highlight=False).print(options.fit(options.training))
    return 0


@contextmanager
def _open_store(options: argparse.Namespace) -> Iterator[Store]:
    """The store that the options name, or one of the corpus that they name."""
    settings = settings_from(options, **_TIMED)
    with ExitStack() as stack:
        if options.corpus:
            store = ingested(options.corpus, settings, options.out, Console(stderr=True))
            yield stack.enter_context(store)
        else:
            yield stack.enter_context(Store(settings))


def _progress(words: str) -> Track:
    """Shows how many questions were asked and the time left, on stderr."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())

    def track(outcomes: Iterator[Outcome], total: int) -> Iterable[Outcome]:
        console = Console(stderr=True)
        with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
            yield from bar.track(outcomes, total=total, description=words)

    return track


def _show(markdown: str, as_markdown: bool = False) -> None:
    """Print Markdown, drawn where a person reads it."""
    console = Console(highlight=False)
    console.print(
        markdown if as_markdown or not console.is_terminal else Markdown(markdown), soft_wrap=True, markup=False
    )


if __name__ == "__main__":
    sys.exit(run(main))
