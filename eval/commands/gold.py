"""`add` and `import`: gold questions of one's own, and other people's."""

from __future__ import annotations

import argparse
from itertools import count
from pathlib import Path

from rich.console import Console

from eval.corpus import StoredDocuments
from eval.errors import GoldError
from eval.gold import add_question, load_gold
from eval.importers.beir import import_beir
from eval.importers.squad import import_squad
from eval.importers.tables import import_csv
from eval.importers.trec import import_trec
from eval.types import Evidence, GoldQuestion
from rag.command import add_store_options, settings_from
from rag.store import Store


def add_add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `add`, which appends one checked question to a gold file."""
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


def add_import(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `import`, which makes a gold file from another tool's."""
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
