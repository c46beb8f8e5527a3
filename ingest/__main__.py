"""`python -m ingest PATH...`: bring a store in line with files and folders."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from ingest.discover import discover
from ingest.progress import sync_with_progress
from ingest.sync import Report
from rag.command import add_store_options, run, settings_from
from rag.settings import Settings
from rag.store import Store

_SOME_FAILED = 3
_WATCH_SECONDS = 2.0


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit status: 0, or 3 if some files failed."""
    parser = argparse.ArgumentParser(
        prog="python -m ingest",
        description="Bring a store in line with files and folders: new and changed files are read, cut into chunks "
        "and embedded; files that are gone from a named folder are removed. What is known is not embedded again.",
    )
    parser.add_argument("paths", nargs="+", type=Path, metavar="PATH", help="a file, a folder, or a .jsonl(.gz) import")
    add_store_options(parser)
    parser.add_argument("--rebuild", action="store_true", help="empty the collection first, then ingest anew")
    parser.add_argument("--watch", action="store_true", help="go on watching the paths and ingest every change")
    parser.add_argument("--json", action="store_true", help="print the report as one JSON object")
    options = parser.parse_args(arguments)
    settings = settings_from(options)
    report = _ingest(settings, options.paths, options.rebuild)
    _show(report, options.json)
    if options.watch:
        _watch(settings, options)
    return _SOME_FAILED if report.failed else 0


def _watch(settings: Settings, options: argparse.Namespace) -> None:
    """Ingest again when something changed and then stood still for one interval, so no file is half copied."""
    ingested = latest = _snapshot(options.paths)
    while True:
        time.sleep(_WATCH_SECONDS)
        before, latest = latest, _snapshot(options.paths)
        if latest == before != ingested:
            _show(_ingest(settings, options.paths, rebuild=False), options.json)
            ingested = latest


def _snapshot(paths: Sequence[Path]) -> frozenset[tuple[str, int, int]]:
    states = ((file.path, file.path.stat()) for file in discover(paths).files if file.path.exists())
    return frozenset((str(path), state.st_size, state.st_mtime_ns) for path, state in states)


def _ingest(settings: Settings, paths: Sequence[Path], rebuild: bool) -> Report:
    with Store(settings, create=True) as store:
        if rebuild:
            store.reset()
        return sync_with_progress(store, paths, Console(stderr=True))


def _show(report: Report, as_json: bool) -> None:
    if as_json:
        print(json.dumps(report.as_json(), ensure_ascii=False), flush=True)  # noqa: T201
        return
    console = Console()
    table = Table(show_header=False, box=None)
    for name in ("added", "updated", "unchanged", "removed", "failed", "skipped"):
        table.add_row(name, str(len(getattr(report, name))))
    table.add_row("chunks embedded", str(report.chunks_embedded))
    table.add_row("chunks reused", str(report.chunks_reused))
    table.add_row("seconds", f"{report.seconds:.1f}")
    console.print(table)
    for warning in report.warnings:
        console.print(f"warning: {warning}", markup=False, highlight=False)
    for failure in report.failed:
        console.print(f"failed: {failure.source}: {failure.reason} ({failure.code})", markup=False, highlight=False)


if __name__ == "__main__":
    sys.exit(run(main))
