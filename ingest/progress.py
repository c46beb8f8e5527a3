"""A sync that shows files, chunks and the time left while it runs."""

from __future__ import annotations

from collections.abc import Callable

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from ingest.report import Progress as Show
from ingest.report import Report


def with_progress(work: Callable[[Show], Report], console: Console, description: str = "Ingesting") -> Report:
    """What the work reports, with a bar on the console that goes away when it is done.

    The time left is reckoned from the bytes read, of which a large file has more than a small one.
    """
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("{task.fields[counts]}"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task(description, total=None, counts="")

        def show(report: Report) -> None:
            bar.update(task, total=report.bytes or None, completed=report.bytes_done, counts=counts(report))

        return work(show)


def counts(report: Report) -> str:
    """How far it got, in files and chunks."""
    chunks = report.chunks_embedded + report.chunks_reused
    return f"{report.done:,} of {report.files:,} files · {chunks:,} chunks"
