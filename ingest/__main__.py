"""`python -m ingest PATH...`: bring a store in line with files and folders."""

from __future__ import annotations

import argparse
import json
import signal
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from rich.console import Console
from rich.table import Table
from watchfiles import watch

from ingest.discover import Selection
from ingest.progress import with_progress
from ingest.reembed import reembed
from ingest.report import Report
from ingest.sync import dry_run, sync
from rag.command import add_store_options, run, settings_from, visible
from rag.errors import RagError, SettingsError
from rag.settings import Settings
from rag.store import Store

_SOME_FAILED = 3
_DOINGS = ("added", "updated", "renamed", "removed")
_STILL, _LONGEST_WAIT = 1_000, 10_000  # milliseconds without a change before files are read; however many come


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit status: 0, or 3 if some files failed."""
    parser = argparse.ArgumentParser(
        prog="python -m ingest",
        description="Bring a store in line with files and folders: new and changed files are read, cut into chunks "
        "and embedded; files that are gone from a named folder are removed. What is known is not embedded again.",
    )
    parser.add_argument("paths", nargs="*", type=Path, metavar="PATH", help="a file, a folder, or a .jsonl(.gz) import")
    add_store_options(parser)
    for name, effect in (
        ("--include", "only files that match, as in a .gitignore: '*.md', 'reports/'; may be given several times"),
        ("--exclude", "no files that match; those ingested before are removed; may be given several times"),
    ):
        parser.add_argument(name, action="append", default=[], metavar="PATTERN", help=effect)
    parser.add_argument("--dry-run", action="store_true", help="only say what would be done")
    parser.add_argument("--rebuild", action="store_true", help="empty the collection first, then ingest anew")
    parser.add_argument("--watch", action="store_true", help="go on watching the paths and ingest every change")
    parser.add_argument(
        "--reembed",
        nargs="?",
        const="",
        metavar="MODEL",
        help="embed what is stored with another model (without one: as the settings say), beside the present index, "
        "which answers until the new one takes its place",
    )
    parser.add_argument("--json", action="store_true", help="print the report as one JSON object")
    options = parser.parse_args(arguments)
    if options.reembed is not None:
        return _reembed(options)
    if not options.paths:
        parser.error("name a file or a folder to ingest")
    settings, selection = settings_from(options), Selection(options.include, options.exclude)
    if options.dry_run:
        report = _dry_run(settings, options.paths, selection)
    else:
        report = _ingest(settings, options.paths, selection, options.rebuild)
    _show(report, options.json, options.dry_run)
    if options.watch:
        _watch(settings, options, selection)
    return _SOME_FAILED if report.failed else 0


def _stop(signal_number: int, frame: object) -> NoReturn:
    raise KeyboardInterrupt


def _watch(settings: Settings, options: argparse.Namespace, selection: Selection) -> None:
    """Ingest again whenever files have changed and then stood still for a second, so that none is half copied."""
    for _ in watch(*options.paths, step=_STILL, debounce=_LONGEST_WAIT, raise_interrupt=True):
        try:
            _show(_ingest(settings, options.paths, selection, rebuild=False), options.json, planned=False)
        except RagError as error:
            print(f"error: {visible(str(error))} It is tried again at the next change.", file=sys.stderr)  # noqa: T201


def _ingest(settings: Settings, paths: Sequence[Path], selection: Selection, rebuild: bool) -> Report:
    with Store(settings, create=True) as store:
        if rebuild:
            store.reset()
        return with_progress(lambda show: sync(store, paths, show, selection), Console(stderr=True))


def _dry_run(settings: Settings, paths: Sequence[Path], selection: Selection) -> Report:
    if not (settings.store / "catalog.sqlite3").exists():
        return dry_run(None, paths, selection)
    with Store(settings) as store:
        return dry_run(store, paths, selection)


def _reembed(options: argparse.Namespace) -> int:
    if options.paths:
        raise SettingsError(f"--reembed works on what is stored and takes no paths, but {options.paths[0]} was given.")
    settings = settings_from(options, **({"embedder": options.reembed} if options.reembed else {}))
    with Store(settings) as store:
        report = with_progress(lambda show: reembed(store, settings, show), Console(stderr=True), "Embedding anew")
    _show(report, options.json, planned=False)
    if options.reembed and not options.json:
        Console().print(f"From now on it is asked with RAG_EMBEDDER={options.reembed}", markup=False, highlight=False)
    return 0


def _show(report: Report, as_json: bool, planned: bool) -> None:
    if as_json:
        print(json.dumps(report.as_json(), ensure_ascii=False), flush=True)  # noqa: T201
        return
    console = Console(markup=False, highlight=False)
    table = Table(show_header=False, box=None)
    for name in ("added", "updated", "renamed", "unchanged", "removed", "failed", "skipped"):
        table.add_row(f"would be {name}" if planned and name in _DOINGS else name, str(len(getattr(report, name))))
    if not planned:
        table.add_row("chunks embedded", str(report.chunks_embedded))
        table.add_row("chunks reused", str(report.chunks_reused))
    table.add_row("seconds", f"{report.seconds:.1f}")
    console.print(table)
    if planned:
        for name in _DOINGS:
            for source in getattr(report, name):
                console.print(visible(f"{name}: {' -> '.join(source) if isinstance(source, tuple) else source}"))
    for reason, files in Counter(skipped.reason for skipped in report.skipped).most_common():
        console.print(visible(f"skipped {files}: {reason}"))
    for warning in report.warnings:
        console.print(visible(f"warning: {warning}"))
    for failure in report.failed:
        console.print(visible(f"failed: {failure.source}: {failure.reason} ({failure.code})"))


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, _stop)
    sys.exit(run(main))
