"""Two runs, question by question -> what changed, and whether it is more than chance."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import fmean

from eval.errors import RunError
from eval.measures import INVARIANTS, MEASURES
from eval.outcome import Outcome
from eval.run import Run
from eval.stats import Estimate, holm, paired_test

SIGNIFICANCE = 0.05


@dataclass(frozen=True, slots=True)
class Change:
    """A measure over the questions that it applies to in both runs.

    `p` is two-sided and `p_loss` that of a loss as large; adjusted are Holm's over all changes shown together, without
    the invariants, for which chance is no excuse.
    """

    measure: str
    before: float
    after: float
    difference: Estimate
    won: int
    lost: int
    p: float
    p_loss: float
    adjusted_p: float
    adjusted_p_loss: float

    @property
    def significant(self) -> bool:
        """Whether chance alone would bring such a difference in any measure shown in less than 5 % of cases."""
        return self.adjusted_p < SIGNIFICANCE

    @property
    def failed(self) -> bool:
        """Whether a gate closes: a significant loss, or any fault in what must hold for every question."""
        if self.measure in INVARIANTS:
            return self.after < 1
        return self.adjusted_p_loss < SIGNIFICANCE


@dataclass(frozen=True, slots=True)
class Comparison:
    """The changes from one run to another. Questions that only one of them asked are named, and left out."""

    before: str
    after: str
    questions: int
    only_before: tuple[str, ...]
    only_after: tuple[str, ...]
    changes: tuple[Change, ...]
    unmeasured: tuple[str, ...]  # measures that apply to no question of both runs

    @property
    def failures(self) -> tuple[Change, ...]:
        """The changes for which a gate closes."""
        return tuple(change for change in self.changes if change.failed)


def compare(before: Run, after: Run, measures: Sequence[str]) -> Comparison:
    """Pair the questions of two runs. A question to which a measure applies in one run only is not compared in it.

    Raises RunError if they share no question, or if one id stands for different questions in them.
    """
    firsts = {outcome.gold.id: outcome for outcome in before.outcomes}
    seconds = {outcome.gold.id: outcome for outcome in after.outcomes}
    shared = [id for id in firsts if id in seconds]
    if not shared:
        raise RunError(f"runs {before.name!r} and {after.name!r} share no question ids: they asked other gold sets.")
    for id in shared:
        if firsts[id].gold.question != seconds[id].gold.question:
            raise RunError(f"question {id!r} is not the same in both runs. Run both with the same gold file.")
    found = changes([firsts[id] for id in shared], [seconds[id] for id in shared], measures)
    return Comparison(
        before=before.name,
        after=after.name,
        questions=len(shared),
        only_before=tuple(id for id in firsts if id not in seconds),
        only_after=tuple(id for id in seconds if id not in firsts),
        changes=found,
        unmeasured=tuple(name for name in measures if name not in {change.measure for change in found}),
    )


def changes(before: Sequence[Outcome], after: Sequence[Outcome], measures: Iterable[str]) -> tuple[Change, ...]:
    """The change in each measure that applies to at least one question in both; the outcomes are paired by place."""
    found: list[tuple[str, list[float], list[float]]] = []
    for name in measures:
        pairs = [
            (first, second)
            for one, two in zip(before, after, strict=True)
            if (first := _before(one, name)) is not None and (second := two.measures[name]) is not None
        ]
        if pairs:
            found.append((name, [first for first, _ in pairs], [second for _, second in pairs]))
    tests = [
        paired_test(first, second, higher_is_better=MEASURES[name].higher_is_better) for name, first, second in found
    ]
    tested = [place for place, (name, _, _) in enumerate(found) if name not in INVARIANTS]
    p = dict(zip(tested, holm([tests[place].p for place in tested]), strict=True))
    p_loss = dict(zip(tested, holm([tests[place].p_loss for place in tested]), strict=True))
    return tuple(
        Change(
            *(name, fmean(first), fmean(second), test.difference, test.won, test.lost, test.p, test.p_loss),
            *(p.get(place, test.p), p_loss.get(place, test.p_loss)),
        )
        for place, ((name, first, second), test) in enumerate(zip(found, tests, strict=True))
    )


def _before(outcome: Outcome, measure: str) -> float | None:
    """The measure as it was; what must always hold counts as having held where there was nothing to measure."""
    value = outcome.measures[measure]
    return 1.0 if value is None and measure in INVARIANTS else value
