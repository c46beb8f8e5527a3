"""The sets that measure answers: short ones with their evidence, and figures from tables in PDFs."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence

from eval.bench.workbench import CHECKED, Row, Table, Workbench, mean_of, ours, refusing
from eval.measures import CUTOFFS, without_marks
from eval.metrics.refusal import separation
from eval.metrics.text import contains_answer, exact_match, token_f1
from eval.outcome import Outcome, Reply
from eval.report.charts import risk_chart
from eval.run import Protocol
from eval.stats import Estimate, Values, estimate, paired_test
from eval.summary import confidences

_FIGURE = re.compile(r"\d+(?:[.,]\d+)*")
_SOURCE_NAME = re.compile(r"\(?SOURCE\(?S?\)?:.*|\b20\d\d Q\d\b.*?\.pdf|\b(?:19|20)\d\d\b|\b\w+ \d{1,2},")


def squad2_public(bench: Workbench) -> Table:
    """SQuAD 2.0 with the paragraph to be found first: short answers, and questions that no paragraph answers."""
    outcomes = bench.run("squad2_public", Protocol(), "answers", settings=bench.settings.changed(reader=True)).outcomes
    unread = bench.run("squad2_public", Protocol(), "unread", settings=bench.settings.changed(reader=False)).outcomes
    gains = {
        name: paired_test(*zip(*_pairs(unread, outcomes, of), strict=True)).difference for name, of in _FIGURES.items()
    } | {"AUROC": _auroc_gain(unread, outcomes)}
    rows = (
        Row("closed paragraph: human", "published", {"SQuAD 2.0 EM": 0.868, "SQuAD 2.0 F1": 0.895}),
        Row("closed paragraph: ALBERT", "published", {"SQuAD 2.0 EM": 0.881, "SQuAD 2.0 F1": 0.909}),
        Row("always refuse", "published", {"SQuAD 2.0 EM": 0.541, "SQuAD 2.0 F1": 0.541}),
        Row("plain BM25", "published", {"recall@1": 0.750, "recall@5": 0.902, "nDCG@10": 0.842}),
        Row("with the reader", "ours", _squad_figures(outcomes)),
        Row("without the reader", "ours", _squad_figures(unread)),
        Row("what the reader gains, paired", "ours", gains),
        ours("Footnote, retrieval", outcomes, ("recall@1", "recall@5", "nDCG@10")),
    )
    picture = risk_chart({"with the reader": outcomes, "without the reader": unread})
    protocol = (
        "2,828 questions, 1,529 unanswerable, over 1,216 paragraphs; unrefused: the short answer where none is refused"
    )
    return Table("squad2_public", protocol, rows, picture=picture)


def _squad_figures(outcomes: Sequence[Outcome]) -> dict[str, Estimate | float]:
    return {
        **{name: mean_of(map(of, outcomes)) for name, of in _FIGURES.items()},
        **ours("", outcomes, ("exact match", "token F1", "citation F1", "hallucination rate", "error rate")).figures,
        **refusing(outcomes),
        **ours("", outcomes, CHECKED).figures,
    }


def _pairs(
    before: Sequence[Outcome], after: Sequence[Outcome], of: Callable[[Outcome], float | None]
) -> Iterator[tuple[float, float]]:
    """A figure of each question that it applies to, in two runs."""
    for pair in zip(before, after, strict=True):
        first, second = map(of, pair)
        if first is not None and second is not None:
            yield first, second


def _auroc_gain(before: Sequence[Outcome], after: Sequence[Outcome]) -> Estimate:
    (first, answerable, _), (second, _, _) = confidences(before), confidences(after)

    def gain(first: Values, second: Values, answerable: Values) -> float:
        if len(set(answerable)) < 2:  # a draw from few questions that has but one kind
            return 0.0
        one, two = (separation(each[answerable == 1], each[answerable == 0]) for each in (first, second))
        return two - one

    return estimate([first, second, answerable], gain, vectorised=False)


def sec10q(bench: Workbench) -> Table:
    """Six quarterly reports as PDF: the share of the reference's figures in the answer, the right files cited."""
    outcomes = bench.run("sec10q", Protocol(), "answers").outcomes
    figures = {
        "figures": mean_of(_figures_given(outcome) for outcome in outcomes),
        **ours("", outcomes, ("cited sources", "recall@5", "ROUGE-L", "error rate", *CHECKED)).figures,
    }
    return Table("sec10q", "66 questions on 6 PDFs; nothing published", (Row("Footnote", "ours", figures),))


def _exact_match(outcome: Outcome, reply: Reply | None) -> float:
    return exact_match(_short(reply), outcome.gold.answers or ())


def _token_f1(outcome: Outcome, reply: Reply | None) -> float:
    return token_f1(_short(reply), outcome.gold.answers or ())


def _contained(outcome: Outcome, reply: Reply | None) -> float:
    return float(bool(reply and contains_answer(without_marks(reply.text), outcome.gold.answers or ())))


def _was_retrieved(outcome: Outcome) -> bool:
    return bool(outcome.gold.answers and outcome.measures[f"recall@{CUTOFFS[-1]}"])


_FIGURES: dict[str, Callable[[Outcome], float | None]] = {
    "SQuAD 2.0 EM": lambda outcome: _exact_match(outcome, outcome.reply),
    "SQuAD 2.0 F1": lambda outcome: _token_f1(outcome, outcome.reply),
    "unrefused EM": lambda outcome: _exact_match(outcome, outcome.drafted) if outcome.gold.answers else None,
    "unrefused F1": lambda outcome: _token_f1(outcome, outcome.drafted) if outcome.gold.answers else None,
    "contained, if retrieved": lambda outcome: (
        _contained(outcome, outcome.drafted) if _was_retrieved(outcome) else None
    ),
}


def _short(reply: Reply | None) -> str:
    return "" if reply is None or reply.refused else reply.short_answer or without_marks(reply.text)


def _figures_given(outcome: Outcome) -> float | None:
    """The share of the reference's figures, apart from years, dates and file names, that the answer holds."""
    wanted = set(_FIGURE.findall(_SOURCE_NAME.sub(" ", " ".join(outcome.gold.answers or ()))))
    given = set() if outcome.reply is None or outcome.reply.refused else set(_FIGURE.findall(outcome.reply.text))
    return len(wanted & given) / len(wanted) if wanted else None
