"""A sync that shows files, chunks and the time left while it runs."""

from __future__ import annotations

from collections.abc import Callable

from rich.console import Console

from ingest.report import Progress, Report
from rag.progress import showing


def with_progress(work: Callable[[Progress], Report], console: Console, description: str = "Ingesting") -> Report:
    """What the work reports, while the console shows how far it has come.

    The time left is reckoned from the bytes read, of which a large file has more than a small one.
    """
    with showing(console, description) as show:
        return work(lambda report: show(report.bytes_done, report.bytes, counts(report)))


def counts(report: Report) -> str:
    """How far it got, in files and chunks."""
    chunks = report.chunks_embedded + report.chunks_reused
    return f"{report.done:,} of {report.files:,} files · {chunks:,} chunks"
