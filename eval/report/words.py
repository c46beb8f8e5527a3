"""Numbers as people read them, the same in every report."""

from __future__ import annotations

from collections.abc import Sequence

from eval.outcome import Outcome
from eval.stats import Estimate


def number(value: float | None) -> str:
    """Three digits after the point; a dash for what does not apply."""
    return "–" if value is None else f"{value:.3f}"


def interval(estimate: Estimate) -> str:
    """An estimate's 95 % interval, in brackets."""
    if estimate.low is None or estimate.high is None:
        return "(too few for an interval)"
    return f"[{estimate.low:.3f}, {estimate.high:.3f}]"


def milliseconds(value: float) -> str:
    """Whole ones from ten on, below that with one digit after the point."""
    return f"{value:,.0f}" if value >= 10 else f"{value:.1f}"


def percent(value: float) -> str:
    """A share without digits after the point, as a difference is never clearer than that on a small gold set."""
    return f"{100 * value:.0f} %"


def verdict(outcomes: Sequence[Outcome]) -> list[str]:
    """What one would say of a run in a few sentences."""
    sentences = []
    judged = [outcome for outcome in outcomes if outcome.right is not None]
    for answerable, what, did in (
        (True, "that the documents answer", "answered rightly, with the evidence cited"),
        (False, "that they do not answer", "refused"),
    ):
        kind = [outcome for outcome in judged if outcome.gold.answerable is answerable]
        if kind:
            right = sum(bool(outcome.right) for outcome in kind)
            questions, were = ("question" if len(kind) == 1 else "questions"), ("was" if right == 1 else "were")
            sentences.append(f"Of {len(kind)} {questions} {what}, {right} {were} {did} ({percent(right / len(kind))}).")
    citations = [citation for outcome in outcomes if outcome.reply for citation in outcome.reply.citations]
    if citations:
        exact = sum(citation.exact for citation in citations)
        all_exact = "All" if exact == len(citations) else f"Only {exact}"
        sentences.append(f"{all_exact} of {len(citations)} quotations are exactly their source's characters.")
    retrieved = [value for outcome in outcomes if (value := outcome.measures["recall@10"]) is not None]
    if not judged and retrieved:
        share = percent(sum(retrieved) / len(retrieved))
        sentences.append(
            f"{share} of the relevant documents stand among the first ten, over {len(retrieved)} questions."
        )
    return sentences
