"""`python -m eval run | compare | report | sweep | bench | add | import | export`: measure how good answers are."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from eval.commands.gold import add_add, add_import
from eval.commands.measuring import add_bench, add_fit, add_run, add_sweep
from eval.commands.reading import add_compare, add_reports
from eval.fit import fit_quotes, fit_signals
from eval.fit_retrieval import fit_retrieval
from eval.fit_short_answers import fit_short_answers
from eval.fit_spelling import fit_spelling
from eval.fit_support import fit_support
from rag.command import run


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit status: 0; 1 when `compare --gate` found a significant loss."""
    parser = argparse.ArgumentParser(prog="python -m eval", description="Measure answers against gold questions.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for add_command in (add_run, add_compare, add_reports, add_sweep, add_bench, add_fit, add_add, add_import):
        add_command(commands)
    for name, fit in (
        ("fit-quotes", fit_quotes),
        ("fit-short-answers", fit_short_answers),
        ("fit-signals", fit_signals),
        ("fit-support", fit_support),
    ):
        fitting = commands.add_parser(name, help=fit.__doc__)
        fitting.add_argument("training", type=Path, metavar="FILE.jsonl", help="a training file, plain or .xz")
        fitting.set_defaults(command=_fit, fit=fit)
    for name, search_fit in (("fit-retrieval", fit_retrieval), ("fit-spelling", fit_spelling)):
        fitting = commands.add_parser(name, help=search_fit.__doc__)
        fitting.add_argument(
            "training", type=Path, nargs="+", metavar="FILE.jsonl", help="training files, plain or .xz"
        )
        fitting.set_defaults(command=_fit, fit=search_fit)
    training = commands.add_parser("train-reader", help="train the reader, the reranker and the support checker")
    training.add_argument("data", type=Path, metavar="FOLDER", help="where reader, rerank and support.jsonl.xz are")
    training.add_argument("--out", type=Path, required=True, help="for checkpoints, the learning curve and the weights")
    training.add_argument("--rows", type=int, default=200_000, help="examples to learn from (default: 200,000)")
    training.add_argument("--begin", type=Path, help="weights of an earlier run to begin with")
    training.add_argument("--seed", type=int, default=11, help="of what is drawn by lot (default: 11)")
    training.add_argument("--wordnet", type=Path, help="where WordNet's files are (Debian: /usr/share/wordnet)")
    training.set_defaults(command=_train)
    averaging = commands.add_parser("average-readers", help="the mean of the weights of some trained readers")
    averaging.add_argument("weights", type=Path, nargs="+", metavar="READER.safetensors")
    averaging.add_argument("--shares", type=float, nargs="+", required=True, help="how much each counts")
    averaging.add_argument("--out", type=Path, required=True, metavar="READER.safetensors")
    averaging.set_defaults(command=_average)
    options = parser.parse_args(arguments)
    status: int = options.command(options)
    return status


def _fit(options: argparse.Namespace) -> int:
    Console(highlight=False).print(options.fit(options.training))
    return 0


def _train(options: argparse.Namespace) -> int:
    from eval.train_reader import train_reader  # torch takes seconds

    curve = train_reader(options.data, options.out, options.rows, options.begin, options.seed, options.wordnet)
    Console(highlight=False).print(curve)
    return 0


def _average(options: argparse.Namespace) -> int:
    from eval.train_reader import average_readers  # torch takes seconds

    average_readers(options.weights, options.shares, options.out)
    return 0


if __name__ == "__main__":
    sys.exit(run(main))
