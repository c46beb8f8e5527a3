"""`python -m eval run GOLD.jsonl`: ask every gold question and print what came of it."""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from rich.console import Console
from rich.progress import track
from rich.table import Table

from eval.fit import fit_confidence, fit_quotes
from eval.gold import load_gold
from eval.rank import rank
from eval.run import Outcome, ask_all
from ingest.sync import sync
from rag.assistant import Assistant
from rag.command import add_store_options, run, settings_from
from rag.store import Store


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit status: 0 when every question was asked."""
    parser = argparse.ArgumentParser(prog="python -m eval", description="Measure answers against gold questions.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    ask = commands.add_parser("run", help="ask every question of a gold file")
    ask.set_defaults(command=_run)
    ranking = commands.add_parser("rank", help="nDCG@10 of dense, keyword and fused search, by document")
    ranking.set_defaults(command=_rank)
    for command in (ask, ranking):
        command.add_argument("gold", type=Path, metavar="GOLD.jsonl", help="the gold questions")
        command.add_argument("--corpus", type=Path, help="files to ingest into a store of their own first")
        add_store_options(command)
    for name, fit in (("fit-quotes", fit_quotes), ("fit-confidence", fit_confidence)):
        fitting = commands.add_parser(name, help=fit.__doc__)
        fitting.add_argument("training", type=Path, metavar="READER.jsonl", help="training questions, plain or .xz")
        fitting.set_defaults(command=_fit, fit=fit)
    options = parser.parse_args(arguments)
    status: int = options.command(options)
    return status


def _run(options: argparse.Namespace) -> int:
    questions = load_gold(options.gold)
    with _open_store(options) as store:
        asked = ask_all(questions, Assistant(store))
        progress = Console(stderr=True)
        outcomes = list(track(asked, "Asking", total=len(questions), console=progress, transient=True))
    console = Console(highlight=False)
    console.print(_table(outcomes))
    for answerable, label, verb in ((True, "answerable", "answered with evidence"), (False, "unanswerable", "refused")):
        judged = [outcome for outcome in outcomes if outcome.question.answerable is answerable]
        if judged:
            right = sum(bool(outcome.correct) for outcome in judged)
            console.print(f"{label}: {right} of {len(judged)} {verb}")
    console.print(f"quotes that are not exact: {sum(not outcome.exact for outcome in outcomes)}")
    return 0


def _fit(options: argparse.Namespace) -> int:
    Console(highlight=False).print(options.fit(options.training))
    return 0


def _rank(options: argparse.Namespace) -> int:
    table = Table("search", "nDCG@10", "questions")
    with _open_store(options) as store:
        for result in rank(load_gold(options.gold), store):
            table.add_row(result.arm, f"{result.ndcg:.4f}", str(result.questions))
    Console(highlight=False).print(table)
    return 0


@contextmanager
def _open_store(options: argparse.Namespace) -> Iterator[Store]:
    """The store that the options name, or one of the corpus that they name, for as long as it is needed."""
    with ExitStack() as stack:
        if options.corpus:
            options.store = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="footnote-"))) / "store"
        store = stack.enter_context(Store(settings_from(options), create=bool(options.corpus)))
        if options.corpus:
            sync(store, [options.corpus])
        yield store


def _table(outcomes: Sequence[Outcome]) -> Table:
    table = Table("", "id", "question", "answer found", "evidence cited", "refused", "confidence", "answer")
    for outcome in outcomes:
        answer = outcome.answer
        table.add_row(
            *(_mark(outcome.correct), outcome.question.id, outcome.question.question, _mark(outcome.answer_found)),
            *(_mark(outcome.evidence_cited), "yes" if answer.refused else "no", f"{answer.confidence:.2f}"),
            answer.text if len(answer.text) <= 300 else answer.text[:299] + "…",
        )
    return table


def _mark(value: bool | None) -> str:
    return {True: "✓", False: "✗", None: "–"}[value]


if __name__ == "__main__":
    sys.exit(run(main))
