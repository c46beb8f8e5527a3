"""A sync that shows files, chunks and the time left while it runs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from ingest.sync import Report, sync
from rag.store import Store


def sync_with_progress(store: Store, paths: Sequence[Path], console: Console) -> Report:
    """As `sync`, with a bar on the console that goes away when it is done."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("files · {task.fields[chunks]} chunks"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("Ingesting", total=None, chunks=0)

        def show(report: Report) -> None:
            chunks = report.chunks_embedded + report.chunks_reused
            bar.update(task, total=report.files, completed=report.done, chunks=chunks)

        return sync(store, paths, show)
