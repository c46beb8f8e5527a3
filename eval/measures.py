"""A question's answer and passages -> every measure by its name. The table below says what each name means."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from eval.errors import UnknownMeasure
from eval.metrics import ranking, spans, text
from eval.types import GoldQuestion
from rag.sentences import sentence_spans
from rag.types import Answer, Citation, Document, Passage, Span

CUTOFFS = (1, 3, 5, 10, 20)

_RANKING: dict[str, Callable[[Sequence[str], Mapping[str, int], int], float | None]] = {
    "recall": ranking.recall,
    "precision": ranking.precision,
    "nDCG": ranking.ndcg,
    "MRR": ranking.reciprocal_rank,
    "MAP": ranking.average_precision,
}
_MARK = re.compile(r"\s?\[\d+\]")


@dataclass(frozen=True, slots=True)
class Measure:
    """What a name stands for. `group` is its heading in a report."""

    name: str
    group: str
    meaning: str
    higher_is_better: bool = True


def _at_every_cutoff(name: str, group: str, meaning: str) -> Iterable[Measure]:
    return (Measure(f"{name}@{k}", group, meaning.format(k=k)) for k in CUTOFFS)


MEASURES: dict[str, Measure] = {
    measure.name: measure
    for measure in (
        Measure("correct", "Answers", "answered with the accepted answer and its evidence, or rightly refused"),
        Measure("answer contained", "Answers", "the answer's text holds an accepted answer"),
        Measure("exact match", "Answers", "the short answer is an accepted answer (SQuAD's normalisation)"),
        Measure("token F1", "Answers", "words shared by the short answer and the nearest accepted answer"),
        Measure("ROUGE-L", "Answers", "longest common subsequence with a long reference answer, F1"),
        Measure("citation recall", "Citations", "share of the evidence's characters that is cited"),
        Measure("citation precision", "Citations", "share of the cited characters that is evidence"),
        Measure("citation F1", "Citations", "harmonic mean of citation recall and precision, by characters"),
        Measure("cited sources", "Citations", "share of the citations whose source is relevant"),
        Measure("cited sentences", "Citations", "share of the answer's sentences that carry a citation"),
        Measure("exactness", "Citations", "share of the citations that are exactly the source's characters"),
        Measure("rejection rate", "Citations", "share of the claims whose citation failed its check", False),
        Measure("hallucination rate", "Refusing", "answered although the corpus does not answer", False),
        Measure("error rate", "Refusing", "refused although the corpus answers", False),
        *_at_every_cutoff("evidence recall", "Evidence", "share of the evidence's characters in {k} passages"),
        *_at_every_cutoff("evidence precision", "Evidence", "share of {k} passages' characters that is evidence"),
        *_at_every_cutoff("evidence IoU", "Evidence", "characters of evidence and {k} passages, shared / all"),
        *_at_every_cutoff("recall", "Documents", "share of the relevant documents among the first {k}"),
        *_at_every_cutoff("precision", "Documents", "share of the first {k} documents that is relevant"),
        *_at_every_cutoff("nDCG", "Documents", "normalised discounted cumulative gain of the first {k} documents"),
        *_at_every_cutoff("MRR", "Documents", "1 / rank of the first relevant document among the first {k}"),
        *_at_every_cutoff("MAP", "Documents", "mean precision at each relevant document among the first {k}"),
    )
}
# What is shown where there is room for a few; those that do not apply to a gold set are left out.
HEADLINES = (
    *("correct", "answer contained", "token F1", "ROUGE-L", "citation F1", "cited sources", "exactness"),
    *("hallucination rate", "error rate", "evidence recall@5", "evidence IoU@5", "recall@5", "nDCG@10"),
)
INVARIANTS = ("exactness",)  # must be 1 for every question: the gate needs no statistics for them


def known_measures(names: Iterable[str]) -> tuple[str, ...]:
    """The names. Raises UnknownMeasure, naming all that exist, for one that does not."""
    names = tuple(names)
    for name in names:
        if name not in MEASURES:
            raise UnknownMeasure(f"there is no measure {name!r}. Known: {', '.join(MEASURES)}.")
    return names


def measure(
    gold: GoldQuestion, passages: Sequence[Passage], answer: Answer | None, documents: Mapping[str, Document]
) -> dict[str, float | None]:
    """Every measure of one question, in the table's order; None for those that do not apply."""
    values = _of_passages(gold, passages)
    if answer:
        values |= _of_answer(gold, answer) | _of_citations(gold, answer, documents) | _of_refusing(gold, answer)
    return {name: values.get(name) for name in MEASURES}


def is_right(gold: GoldQuestion, answer: Answer) -> bool | None:
    """Refused where the corpus does not answer; where it does, answered with the accepted answer and its evidence.

    What was not judged is not asked for; None if nothing was. A long reference answer is not looked for in the text.
    """
    match gold.answerable:
        case False:
            return answer.refused
        case True if answer.refused:
            return False
    contained = text.contains_answer(answer.text, _short_answers(gold))
    checks = [check for check in (contained, cites_evidence(gold, answer)) if check is not None]
    return all(checks) if checks else None


def cites_evidence(gold: GoldQuestion, answer: Answer) -> bool | None:
    """Whether a citation overlaps the evidence, or has a relevant source where there is no evidence to overlap."""
    places = [(citation.source, citation.span) for citation in answer.citations]
    return _touches(gold, places)


def was_retrieved(gold: GoldQuestion, passages: Sequence[Passage]) -> bool | None:
    """Whether a passage overlaps the evidence, or is of a relevant source where there is no evidence to overlap."""
    return _touches(gold, [(passage.chunk.source, passage.chunk.span) for passage in passages])


def is_exact(citation: Citation, documents: Mapping[str, Document]) -> bool:
    """Whether a quotation is exactly the characters of its source that it points at."""
    document = documents.get(citation.source)
    return document is not None and citation.span.of(document.text) == citation.quote


def _touches(gold: GoldQuestion, places: Sequence[tuple[str, Span]]) -> bool | None:
    if gold.evidence_spans:
        return spans.overlap(gold.evidence_spans, _by_source(places)) > 0
    relevant = {source for source, grade in gold.relevance.items() if grade > 0}
    return any(source in relevant for source, _ in places) if relevant else None


def _of_passages(gold: GoldQuestion, passages: Sequence[Passage]) -> dict[str, float | None]:
    sources = [passage.chunk.source for passage in passages]
    values = {
        f"{name}@{k}": function(sources, gold.relevance, k) for name, function in _RANKING.items() for k in CUTOFFS
    }
    for k in CUTOFFS:
        first = _by_source([(passage.chunk.source, passage.chunk.span) for passage in passages[:k]])
        scores = spans.compare_spans(first, gold.evidence_spans)
        if scores:
            values[f"evidence recall@{k}"] = scores.recall
            values[f"evidence precision@{k}"] = scores.precision
            values[f"evidence IoU@{k}"] = scores.iou
    return values


def without_marks(text: str) -> str:
    """An answer's text without its footnote marks."""
    return _MARK.sub("", text)


def _of_answer(gold: GoldQuestion, answer: Answer) -> dict[str, float | None]:
    given = "" if answer.refused else without_marks(answer.text)
    right = is_right(gold, answer)
    values = {"correct": None if right is None or gold.answerable is None else float(right)}
    if not gold.answers:
        return values
    if text.is_long(gold.answers):
        return values | {"ROUGE-L": text.rouge_l(given, gold.answers)}
    short = answer.short_answer or given
    return values | {
        "answer contained": float(bool(text.contains_answer(given, gold.answers))),
        "exact match": text.exact_match(short, gold.answers),
        "token F1": text.token_f1(short, gold.answers),
    }


def _of_citations(gold: GoldQuestion, answer: Answer, documents: Mapping[str, Document]) -> dict[str, float | None]:
    share = partial(_share, answer.citations)
    claims = len(answer.citations) + len(answer.rejections)
    relevant = {source for source, grade in gold.relevance.items() if grade > 0}
    values = {
        "exactness": share(lambda citation: is_exact(citation, documents)),
        "cited sources": share(lambda citation: citation.source in relevant) if relevant else None,
        "cited sentences": None if answer.refused else _cited_sentences(answer.text),
        "rejection rate": len(answer.rejections) / claims if claims else None,
    }
    cited = _by_source([(citation.source, citation.span) for citation in answer.citations])
    scores = spans.compare_spans(cited, gold.evidence_spans)
    if scores:
        values |= {"citation recall": scores.recall, "citation F1": scores.f1}
        values["citation precision"] = scores.precision if cited else None
    return values


def _of_refusing(gold: GoldQuestion, answer: Answer) -> dict[str, float | None]:
    return {
        "hallucination rate": float(not answer.refused) if gold.answerable is False else None,
        "error rate": float(answer.refused) if gold.answerable else None,
    }


def _short_answers(gold: GoldQuestion) -> Sequence[str]:
    return () if text.is_long(gold.answers or ()) else gold.answers or ()


def _share(citations: Sequence[Citation], holds: Callable[[Citation], bool]) -> float | None:
    return sum(map(holds, citations)) / len(citations) if citations else None


def _cited_sentences(answer: str) -> float | None:
    """The share of sentences with a mark. A mark stands after its sentence's full stop and is moved before it."""
    moved = re.sub(r"([.!?…]+[\"'”’»)]*)((?:\s?\[\d+\])+)", r"\2\1", answer)
    sentences = [span.of(moved) for span in sentence_spans(moved)]
    return sum(bool(_MARK.search(sentence)) for sentence in sentences) / len(sentences) if sentences else None


def _by_source(places: Iterable[tuple[str, Span]]) -> dict[str, list[Span]]:
    spans_of: dict[str, list[Span]] = {}
    for source, span in places:
        spans_of.setdefault(source, []).append(span)
    return spans_of
