"""Documents, progress and reports -> HTML. Every word of a document or file name is escaped."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import PurePosixPath

from ingest.progress import counts
from ingest.report import Report
from rag.catalog import DocumentSummary, FileRecord
from rag.progress import duration

MOST_SHOWN = 200  # documents; a page with thousands is slow, and nobody reads them
_KINDS = {"text/markdown": "Markdown", "text/plain": "Text", "text/html": "HTML", "application/pdf": "PDF"}


def listing_html(
    documents: Sequence[DocumentSummary],
    files: Mapping[str, FileRecord],
    file_of: Mapping[str, str],
    sizes: Mapping[str, int],
    wanted: str = "",
) -> str:
    """The documents whose title or source holds the words `wanted`, each with what is to be known of it.

    `file_of` gives the file that each document id came from, `sizes` the bytes of the files that are still there.
    """
    if not documents:
        return (
            "<div class='empty'><b>No documents yet.</b><br>Drop files on the box above: PDF, Word, HTML, Markdown, "
            "tables, e-mails and some thirty other kinds.</div>"
        )
    found = [each for each in documents if wanted.lower() in f"{each.title} {each.source}".lower()]
    if not found:
        return f"<div class='empty'>No document’s title or name holds “{escape(wanted)}”.</div>"
    by_file: defaultdict[str, list[DocumentSummary]] = defaultdict(list)
    for document in found:
        by_file[file_of.get(document.id, document.source)].append(document)
    rows = [
        _row(document, file, files.get(file), sizes.get(file), first=place == 0)
        for file, of_file in by_file.items()
        for place, document in enumerate(of_file)
    ][:MOST_SHOWN]
    more = f"<p class='more'>The first {MOST_SHOWN} of {len(found):,} are shown.</p>" if len(found) > MOST_SHOWN else ""
    chunks = sum(document.chunks for document in documents)
    return (
        f"<p class='total'>{_number(len(documents), 'document')}, {_number(chunks, 'chunk')}</p>"
        "<table><thead><tr><th>Document</th><th>Kind</th><th class='number'>Size</th><th class='number'>Chunks</th>"
        "<th>Read</th><th><span class='unseen'>Actions</span></th></tr></thead>"
        f"<tbody>{''.join(rows)}</tbody></table>{more}"
    )


def _row(document: DocumentSummary, file: str, record: FileRecord | None, size: int | None, *, first: bool) -> str:
    title, source = escape(document.title or document.source), escape(document.source)
    name = f"<b>{title}</b>" + (f"<br><span class='path'>{source}</span>" if document.title else "")
    warnings = "".join(f"<li>{escape(warning)}</li>" for warning in document.warnings)
    kind = _KINDS.get(document.media_type) or PurePosixPath(document.source).suffix.lstrip(".").upper() or "Text"
    delete = (
        f"<button type='button' class='delete' data-source='{escape(file)}' "
        f"aria-label='Delete {escape(file)}'>Delete</button>"
    )
    return (
        f"<tr><td>{name}{f'<ul class=warnings>{warnings}</ul>' if warnings else ''}</td><td>{escape(kind)}</td>"
        f"<td class='number'>{_bytes(size) if size is not None else f'{document.characters:,} characters'}</td>"
        f"<td class='number'>{document.chunks:,}</td><td>{_status(record, size)}</td>"
        f"<td class='actions'>{delete if first else ''}</td></tr>"
    )


def _status(record: FileRecord | None, size: int | None) -> str:
    if record is None:
        return "–"
    day = f"<time datetime='{escape(record.ingested)}'>{escape(record.ingested[:10])}</time>"
    if not record.sha256:
        return f"{day}<br><span class='trouble'>in part</span>"
    return day if size is not None else f"{day}<br><span class='trouble'>file is gone</span>"


def progress_html(report: Report | None, *, stopping: bool = False) -> str:
    """How far a sync has got, as a bar, in files and chunks, and the time left; None has not begun."""
    if stopping or report is None:
        said = "Stopping…" if stopping else "Reading the files…"
        return f"<div class='progress'><p role='status'>{said}</p></div>"
    share = report.bytes_done / report.bytes if report.bytes else 0.0
    left = report.seconds_left
    remaining = f" · about {duration(left)} left" if left is not None else ""
    return (
        "<div class='progress'>"
        f"<div role='progressbar' aria-label='Reading documents' aria-valuemin='0' aria-valuemax='100' "
        f"aria-valuenow='{100 * share:.0f}'><div style='width:{share:.1%}'></div></div>"
        f"<p role='status'>{counts(report)}{remaining}</p></div>"
    )


def trouble_html(reason: str) -> str:
    """Why something could not be done."""
    return f"<div class='report'><p role='alert' class='trouble'>{escape(_sentence(reason))}</p></div>"


def note_html(note: str) -> str:
    """What was done."""
    return f"<div class='report'><p role='status'>{escape(note)}</p></div>"


def report_html(report: Report, note: str = "") -> str:
    """What a sync did: counts, then every file that failed and why, then the warnings."""
    said = {
        "added": len(report.added),
        "updated": len(report.updated),
        "renamed": len(report.renamed),
        "unchanged": len(report.unchanged),
        "removed": len(report.removed),
        "failed": len(report.failed),
    }
    outcome = ", ".join(f"{count:,} {name}" for name, count in said.items() if count) or "Nothing to do"
    failed = "".join(
        f"<li><b>{escape(failure.source)}</b> {escape(_sentence(failure.reason))} "
        f"<code>{escape(failure.code)}</code></li>"
        for failure in report.failed[:MOST_SHOWN]
    )
    skipped = [f"{each.source} ({each.reason})" for each in report.skipped if each.reason != "not known"]
    left_out = f"<p>Left out: {escape(', '.join(skipped[:20]))}</p>" if skipped else ""
    warned = "".join(f"<li>{escape(warning)}</li>" for warning in report.warnings[:MOST_SHOWN])
    warnings = f"<details><summary>{_number(len(report.warnings), 'warning')}</summary><ul>{warned}</ul></details>"
    return (
        f"<div class='report'><p role='status'>{escape(note)} {outcome}.</p>"
        + (f"<h3>Could not be read</h3><ul class='failed'>{failed}</ul>" if failed else "")
        + (warnings if warned else "")
        + f"{left_out}</div>"
    )


def _sentence(reason: str) -> str:
    return reason[:1].upper() + reason[1:]


def _number(count: int, noun: str) -> str:
    return f"{count:,} {noun}" + ("" if count == 1 else "s")


def _bytes(size: int) -> str:
    for unit, scale in (("MB", 2**20), ("kB", 2**10)):
        if size >= scale:
            return f"{size / scale:,.1f} {unit}" if size < 10 * scale else f"{size / scale:,.0f} {unit}"
    return f"{size} bytes"
