"""What a sync did, file by file."""

from __future__ import annotations

from collections.abc import Callable, Set
from dataclasses import asdict, dataclass, field
from time import perf_counter
from typing import Any

from ingest.discover import Found, Skipped
from ingest.plan import Failure, Plan


@dataclass(slots=True)
class Report:
    """What a sync did, or is about to do; grows while it runs. Every file stands in exactly one of the lists."""

    added: list[str] = field(default_factory=list)
    updated: list[str] = field(default_factory=list)
    renamed: list[tuple[str, str]] = field(default_factory=list)  # from, to
    unchanged: list[str] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    failed: list[Failure] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    files: int = 0  # to look at
    done: int = 0  # looked at so far, and read where they had to be
    bytes: int = 0  # to read
    bytes_done: int = 0
    documents: int = 0  # written
    chunks_embedded: int = 0
    chunks_reused: int = 0
    seconds: float = 0.0  # so far
    finished: bool = False

    @classmethod
    def of(cls, found: Found) -> Report:
        """The report of a sync that begins."""
        return cls(files=len(found.files), skipped=list(found.skipped))

    @property
    def seconds_left(self) -> float | None:
        """How long the rest will take, reckoned from the bytes read so far; None while nothing is known."""
        return self.seconds * (self.bytes - self.bytes_done) / self.bytes_done if self.bytes_done else None

    def take(self, plan: Plan) -> None:
        """Note what needs no reading, and how much is to be read."""
        self.unchanged += plan.unchanged
        self.failed += plan.failed
        self.done = len(plan.unchanged) + len(plan.failed)
        self.bytes = sum(work.size for work in plan.work)

    def settle(self, plan: Plan, whole: Set[str]) -> None:
        """Note what was done with the files that had to be read, of which these were read to their end."""
        self.added += [work.file.source for work in plan.added if work.file.source in whole]
        self.updated += [work.file.source for work in plan.updated if work.file.source in whole]
        self.renamed += [(old, work.file.source) for old, work in plan.renamed if work.file.source in whole]
        self.removed += plan.removed

    def as_json(self) -> dict[str, Any]:
        """The report in the machine interface's form."""
        fields = asdict(self)
        del fields["finished"]
        return fields | {"renamed": [{"from": old, "to": new} for old, new in self.renamed]}


Progress = Callable[[Report], None]


def timed(progress: Progress) -> Progress:
    """The same progress, shown a report that knows the seconds passed since now."""
    started = perf_counter()

    def show(report: Report) -> None:
        report.seconds = perf_counter() - started
        progress(report)

    return show
