"""`python -m rag ask | search | check | doctor`: questions, passages, footnotes checked again, the store's health."""

from __future__ import annotations

import argparse
import json
import re
import sys
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from itertools import groupby
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from rag.assistant import Assistant
from rag.command import add_store_options, run, settings_from, visible
from rag.errors import QuestionError, StoreDamaged
from rag.explain import STAGES, VIEWS, Explanation, explain_candidates, explain_source
from rag.page.conversation import read_conversation
from rag.progress import asking
from rag.recheck import recheck
from rag.retrieve import Retriever
from rag.store import Store
from rag.types import Answer, Passage, Turn


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit status: 0; 1 if `check` missed words; 4 if `doctor` found damage that it was not asked to mend."""
    parser = argparse.ArgumentParser(prog="python -m rag", description="Ask and search a store of documents.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    ask = commands.add_parser("ask", help="answer a question, each sentence with a footnote")
    ask.add_argument("question", nargs="?", help="the question")
    ask.add_argument("--history", type=Path, help='JSON file of earlier turns: [{"role", "content"}, ...]')
    ask.set_defaults(command=_ask)
    search = commands.add_parser("search", help="find the passages that bear on a query")
    search.add_argument("question", nargs="?", metavar="QUERY", help="the query")
    search.add_argument("-k", type=int, help="how many passages (default: 10, or RAG_K)")
    search.add_argument("--explain", action="store_true", help="every candidate's rank and score at each stage")
    search.add_argument("--explain-source", metavar="NAME", help="why a document's passages were found, or were not")
    search.set_defaults(command=_search)
    for command in (ask, search):
        command.add_argument("--file", type=Path, help='JSON Lines file of {"id", "question"}; needs --json')
    check = commands.add_parser(
        "check",
        help="compare the footnotes of an exported conversation with the documents as they are now",
        epilog="Without --collection each answer is checked in the collection that was asked. "
        "Exit status: 0 if all words still stand in the documents, 1 if some do not, 2 for wrong use.",
    )
    check.add_argument("export", type=Path, metavar="EXPORT.json", help="a conversation exported as JSON")
    check.set_defaults(command=_check)
    doctor = commands.add_parser("doctor", help="check a store, and mend it")
    doctor.add_argument("--repair", action="store_true", help="rebuild the vectors from the catalog where they differ")
    doctor.add_argument("--purge", action="store_true", help="rewrite the files without a trace of what was deleted")
    doctor.set_defaults(command=_doctor)
    for command in (ask, search, check, doctor):
        add_store_options(command)
        command.add_argument("--json", action="store_true", help="print JSON, one object a line")
    options = parser.parse_args(arguments)
    status: int = options.command(options)
    return status


def _ask(options: argparse.Namespace) -> int:
    with Store(settings_from(options)) as store:
        assistant = Assistant(store, Console(stderr=True, highlight=False).print)
        for row in _questions(options):
            answer = assistant.ask(row["question"], _history(row["history"]))
            if options.json:
                _print_json(({"id": row["id"]} if "id" in row else {}) | answer.as_json())
            else:
                _show_answer(answer)
    return 0


def _search(options: argparse.Namespace) -> int:
    with Store(settings_from(options)) as store:
        retriever = Retriever(store)
        for row in _questions(options):
            if options.explain or options.explain_source:
                _explain(retriever, row, options)
                continue
            passages = retriever.retrieve(row["question"], options.k)
            if options.json:
                found = {"id": row.get("id"), "passages": [passage.as_json() for passage in passages]}
                _print_json(found)
            else:
                _show_passages(passages)
    return 0


def _explain(retriever: Retriever, row: dict[str, Any], options: argparse.Namespace) -> None:
    if options.explain_source:
        found = explain_source(retriever, row["question"], options.explain_source, options.k)
    else:
        found = explain_candidates(retriever, row["question"], options.k)
    if options.json:
        _print_json({"id": row.get("id"), "candidates": [_explanation_json(one) for one in found]})
        return
    console = Console(markup=False, highlight=False)
    stages = [stage for stage in STAGES if any(one.ranks.get(stage) for one in found)]
    for number, one in enumerate(found, start=1):
        text = textwrap.shorten(one.chunk.text, 100, placeholder=" …")
        ranks = [f"{stage} {one.ranks.get(stage) or '–'}" for stage in stages]
        views = [f"{name} {one.scores[view]:.2f}" for view, name in VIEWS.items() if view in one.scores]
        console.print(f"{number}. {visible(one.chunk.source)}, characters {one.chunk.span.start}-{one.chunk.span.end}")
        console.print(f"   {text}", style="dim")
        console.print(f"   ranks: {', '.join(ranks)}; scores: {', '.join(views)}")
        console.print(f"   {one.fate}")


def _explanation_json(one: Explanation) -> dict[str, Any]:
    place = {"source": one.chunk.source, "start": one.chunk.span.start, "end": one.chunk.span.end}
    return place | {"ranks": one.ranks, "scores": one.scores, "fate": one.fate}


def _check(options: argparse.Namespace) -> int:
    conversation = read_conversation(_read(options.export))
    show = _print_json if options.json else _show_checked
    numbered = enumerate(conversation.exchanges, start=1)
    stands: list[bool] = []
    for collection, answers in groupby(numbered, lambda each: options.collection or each[1].collection):
        with Store(settings_from(options, collection=collection)) as store:
            for number, exchange in answers:
                for one in exchange.answer.citations:
                    digest = exchange.documents.get(one.document_id)
                    found = recheck(one.source, one.document_id, one.span, one.quote, digest, store)
                    stands.append(found.span is not None)
                    now = asdict(found.span) if found.span else None
                    told = {"state": found.state.value, "now": now, "told": found.sentence}
                    show({"answer": number} | one.as_json() | told)
    if not options.json:
        print(f"{sum(stands)} of {len(stands)} quotations stand in the documents.")  # noqa: T201
    return 0 if all(stands) else 1


def _show_checked(row: dict[str, Any]) -> None:
    console = Console(markup=False, highlight=False)
    place = f"{visible(row['source'])}, characters {row['start']}-{row['end']}"
    console.print(f"answer {row['answer']} [{row['mark']}] {row['state']}: {place}")
    console.print(f"   {visible(row['told'])}", style="dim")


def _doctor(options: argparse.Namespace) -> int:
    with Store(settings_from(options)) as store:
        if options.repair:
            store.repair()
        if options.purge:
            store.purge()
        health = store.check()
    if options.json:
        _print_json(asdict(health) | {"ok": health.ok})
        return 0 if health.ok else StoreDamaged.exit_code
    table = Table(show_header=False, box=None)
    for name, value in asdict(health).items():
        table.add_row(name.replace("_", " "), ", ".join(value) if isinstance(value, tuple) else str(value))
    console = Console(markup=False, highlight=False)
    console.print(table)
    if health.set_aside:
        console.print("What was set aside is no longer needed: python -m rag doctor --purge deletes it.")
    if health.begun:
        console.print(f"A change of embedder is half done. Go on: python -m ingest --reembed {visible(health.begun)}")
    console.print("healthy" if health.ok else "damaged. Mend it with: python -m rag doctor --repair")
    return 0 if health.ok else StoreDamaged.exit_code


def _questions(options: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """The question asked, or each line of the file, with a progress bar on stderr."""
    history = _read_json(options.history) if getattr(options, "history", None) else []
    if (options.file is None) == (options.question is None):
        raise QuestionError("give either one question or --file QUESTIONS.jsonl.")
    if options.file is None:
        yield {"question": options.question, "history": history}
        return
    if not options.json:
        raise QuestionError("--file answers as JSON lines. Add --json.")
    rows = list(_read_lines(options.file))
    yield from asking(Console(stderr=True), "Asking", rows, len(rows))


def _read_lines(path: Path) -> Iterator[dict[str, Any]]:
    for number, line in enumerate(_read(path).splitlines(), start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise QuestionError(f"{path} line {number} is not JSON ({error}).") from None
        if not isinstance(row, dict) or not isinstance(row.get("question"), str):
            raise QuestionError(f'{path} line {number} has no "question" string.')
        yield {"id": row.get("id"), "question": row["question"], "history": row.get("history", [])}


def _history(turns: Any) -> tuple[Turn, ...]:
    try:
        return tuple(Turn(str(turn["role"]), str(turn["content"])) for turn in turns)
    except (TypeError, KeyError):
        raise QuestionError('the history is not a list of {"role", "content"} objects.') from None


def _read_json(path: Path) -> Any:
    try:
        return json.loads(_read(path))
    except (ValueError, RecursionError) as error:
        raise QuestionError(f"{path} is not JSON ({error}).") from None


def _read(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise QuestionError(f"{path} cannot be read ({error}).") from None


def _print_json(value: dict[str, Any]) -> None:
    print(json.dumps(value, ensure_ascii=False), flush=True)  # noqa: T201


def _show_answer(answer: Answer) -> None:
    console = Console(highlight=False, markup=False)
    text = Text(answer.text)
    if answer.short_answer:
        text.highlight_regex(r"\s+".join(map(re.escape, answer.short_answer.split())), "bold")
    console.print(text)
    for rejection in answer.rejections:
        console.print(f"left out: {rejection.claim} ({rejection.reason})", style="dim strike")
    for note in answer.notes:
        console.print(note, style="yellow")
    for citation in answer.citations:
        page = f", page {citation.page}" if citation.page else ""
        place = f"{page}, characters {citation.span.start}-{citation.span.end}"
        console.print(f"[{citation.mark}] {visible(citation.source)}{place}", style="dim")
    console.print(f"confidence {answer.confidence:.2f} · {answer.seconds['total']:.2f} s", style="dim")


def _show_passages(passages: Sequence[Passage]) -> None:
    table = Table("", "score", "dense", "keyword", "source", "passage")
    for number, passage in enumerate(passages, start=1):
        ranks = [str(passage.ranks.get(stage, "–")) for stage in ("dense", "keyword")]
        text = textwrap.shorten(passage.chunk.text, 160, placeholder=" …")
        table.add_row(str(number), f"{passage.score:.3f}", *ranks, visible(passage.chunk.source), text)
    Console(markup=False).print(table)


if __name__ == "__main__":
    sys.exit(run(main))
