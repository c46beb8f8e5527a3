"""The sets that measure answers: short ones with their evidence, and figures from tables in PDFs."""

from __future__ import annotations

import re

from eval.bench.workbench import CHECKED, Row, Table, Workbench, mean_of, ours, refusing
from eval.measures import CUTOFFS, without_marks
from eval.metrics.text import contains_answer, exact_match, token_f1
from eval.outcome import Outcome, Reply
from eval.run import Protocol

_FIGURE = re.compile(r"\d+(?:[.,]\d+)*")
_SOURCE_NAME = re.compile(r"\(?SOURCE\(?S?\)?:.*|\b20\d\d Q\d\b.*?\.pdf|\b(?:19|20)\d\d\b|\b\w+ \d{1,2},")


def squad2_public(bench: Workbench) -> Table:
    """SQuAD 2.0 with the paragraph to be found first: short answers, and questions that no paragraph answers."""
    outcomes = bench.run("squad2_public", Protocol(), "answers").outcomes
    figures = {
        "SQuAD 2.0 EM": mean_of(_exact_match(outcome, outcome.reply) for outcome in outcomes),
        "SQuAD 2.0 F1": mean_of(_token_f1(outcome, outcome.reply) for outcome in outcomes),
        **ours("", outcomes, ("exact match", "token F1", "citation F1", "hallucination rate", "error rate")).figures,
        **refusing(outcomes),
        **ours("", outcomes, CHECKED).figures,
    }
    answerable = [outcome for outcome in outcomes if outcome.gold.answers]
    found = [outcome for outcome in answerable if outcome.measures[f"recall@{CUTOFFS[-1]}"]]
    unrefused = {
        "exact match": mean_of(_exact_match(outcome, outcome.drafted) for outcome in answerable),
        "token F1": mean_of(_token_f1(outcome, outcome.drafted) for outcome in answerable),
        "contained, if retrieved": mean_of(_contained(outcome, outcome.drafted) for outcome in found),
    }
    rows = (
        Row("closed paragraph: human", "published", {"SQuAD 2.0 EM": 0.868, "SQuAD 2.0 F1": 0.895}),
        Row("closed paragraph: ALBERT", "published", {"SQuAD 2.0 EM": 0.881, "SQuAD 2.0 F1": 0.909}),
        Row("always refuse", "published", {"SQuAD 2.0 EM": 0.541, "SQuAD 2.0 F1": 0.541}),
        Row("plain BM25", "published", {"recall@1": 0.750, "recall@5": 0.902, "nDCG@10": 0.842}),
        Row("Footnote, answers", "ours", figures),
        Row("Footnote, nothing refused", "ours", unrefused),
        ours("Footnote, retrieval", outcomes, ("recall@1", "recall@5", "nDCG@10")),
    )
    return Table("squad2_public", "2,828 questions, 1,529 unanswerable, over 1,216 paragraphs", rows)


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


def _short(reply: Reply | None) -> str:
    return "" if reply is None or reply.refused else reply.short_answer or without_marks(reply.text)


def _figures_given(outcome: Outcome) -> float | None:
    """The share of the reference's figures, apart from years, dates and file names, that the answer holds."""
    wanted = set(_FIGURE.findall(_SOURCE_NAME.sub(" ", " ".join(outcome.gold.answers or ()))))
    given = set() if outcome.reply is None or outcome.reply.refused else set(_FIGURE.findall(outcome.reply.text))
    return len(wanted & given) / len(wanted) if wanted else None
