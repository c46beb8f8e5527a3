"""Errors of an evaluation that a user can mend.

RagError
├── GoldError           a gold file, or a question for it, has faults
│   └── FaultyQuestion  one question's faults, apart
├── RunError            a run's file cannot be read, or two runs cannot be compared
├── UnknownMeasure      a measure was named that does not exist
├── SweepError          a grid of settings cannot be run
└── BenchError          a benchmark was named that does not exist
"""

from rag.errors import RagError


class GoldError(RagError):
    """A gold file has faults; the message lists all of them with their lines."""


class FaultyQuestion(GoldError):
    """One or more reasons why a question cannot be used."""

    def __init__(self, *reasons: str) -> None:
        super().__init__("\n".join(reasons))
        self.reasons = reasons


class RunError(RagError):
    """A run's file cannot be read, or two runs cannot be compared."""


class UnknownMeasure(RagError):
    """A measure was named that does not exist."""


class SweepError(RagError):
    """A grid of settings cannot be run."""


class BenchError(RagError):
    """A benchmark was named that does not exist."""
