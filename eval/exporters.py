"""A run -> files that other tools read: a TREC run, and the columns of ragas."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

from eval.excerpts import Excerpt
from eval.run import Run
from rag.types import Span


def trec_run(run: Run) -> Iterator[str]:
    """The lines of a TREC run: question, Q0, document, rank, score, run. A document stands at its best passage.

    Names hold no white space there: it and "%" are percent-encoded. Ranks, not scores, order the documents, since
    trec_eval breaks ties of equal scores by name.
    """
    for outcome in run.outcomes:
        sources = list(dict.fromkeys(passage.source for passage in outcome.passages))
        for rank, source in enumerate(sources, start=1):
            fields = (_name(outcome.gold.id), "Q0", _name(source), rank, len(sources) - rank + 1, _name(run.name))
            yield " ".join(map(str, fields))


def ragas_rows(run: Run) -> Iterator[str]:
    """JSON lines with the columns that ragas and `datasets` expect: user_input, retrieved_contexts, response, ...

    Contexts are the passages whose text the run's file holds.
    """
    for outcome in run.outcomes:
        gold = outcome.gold
        texts = (_text(run.excerpts.get(passage.source, ()), passage.span) for passage in outcome.passages)
        row: dict[str, Any] = {
            "user_input": outcome.asked,
            "retrieved_contexts": [text for text in texts if text is not None],
            "response": outcome.reply.text if outcome.reply else None,
            "reference": gold.answers[0] if gold.answers else None,
            "reference_contexts": [evidence.quote for evidence in gold.evidence or ()],
        }
        yield json.dumps(row, ensure_ascii=False)


def _name(text: str) -> str:
    return quote(text, safe="/:#?&=+,;@!$'()*<>[]{}|^`~\"")


def _text(held: tuple[Excerpt, ...], span: Span) -> str | None:
    for excerpt in held:
        if excerpt.start <= span.start and span.end <= excerpt.span.end:
            return span.shifted(-excerpt.start).of(excerpt.text)
    return None
