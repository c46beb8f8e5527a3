"""Fits the numbers in `rag/extract.py` and `rag/confidence.py` to questions whose answers are marked in a passage.

The questions come from a training file of their own, never from a benchmark: JSON Lines, plain or .xz, of
{"src", "passage", "questions": [{"question", "spans": [[start, text], ...]}]}. Running text does not show what holds
the rows of a table apart, so made tables and lists are asked about as well.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterable, Iterator, Sequence, Set
from dataclasses import astuple, dataclass, fields
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import logsumexp, softmax
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import GroupKFold, cross_val_predict

from eval.metrics.text import normalise
from eval.reader_examples import names_in, unseen_rows
from eval.reader_tables import asked_tables
from eval.reader_twists import twisted
from ingest.sync import sync
from rag.assistant import Assistant
from rag.candidates import Features
from rag.catalog import Hit
from rag.confidence import Signals, signals
from rag.extract import score
from rag.models import Vectors
from rag.settings import Settings
from rag.store import Store
from rag.terms import word_spans
from rag.types import Claim, Span

# Whole paragraphs with questions as people ask them; single sentences and rewritten passages are left out.
_SOURCES = ("squadshifts_new_wiki", "flan_eval_squad", "routerlens_squad", "litm_nq", "bioasq_golden", "covid_qa")
_PASSAGES_PER_SOURCE = 300
_TABLES = 400
_QUESTIONS = 600
_SEED = 7
_ANSWERABLE = "answerable"
_TABLE = "table"
_RIDGE = 1e-3


@dataclass(frozen=True, slots=True)
class TrainingQuestion:
    """A question, its passage, and where in the passage its answer stands."""

    question: str
    source: str
    passage: str
    answers: tuple[Span, ...]


def fit_quotes(path: Path) -> str:
    """Weights over Features that put the sentence holding the answer first among all retrieved; in words."""
    rows: list[tuple[NDArray[np.float64], NDArray[np.bool_]]] = []
    again: list[tuple[NDArray[np.float64], NDArray[np.bool_]]] = []
    quoted: list[int] = []
    found: list[bool] = []
    with _Training(path) as training:
        for item in training.questions:
            finding = training.assistant.find(item.question)
            sources = [passage.chunk.source for passage in finding.passages]
            extraction = finding.parts[0].extraction
            ranked = extraction.ranked
            right = [
                sources[each.candidate.passage - 1] == item.source
                and any(map(each.candidate.span.overlap, item.answers))
                for each in ranked
            ]
            if any(right):
                rows.append((np.array([astuple(each.candidate.features) for each in ranked]), np.array(right)))
                # Sentences that the reader has read are not looked at a second time.
                read = [
                    (each, holds)
                    for each, holds in zip(ranked, right, strict=True)
                    if each.answer and not each.candidate.answer
                ]
                if any(holds for _, holds in read):
                    both = [(score(each.candidate.features), each.answer.evidence) for each, _ in read if each.answer]
                    again.append((np.array(both), np.array([holds for _, holds in read])))
                draft = extraction.draft
                claims = draft.claims if draft else ()
                quoted.append(len(claims))
                found.append(any(_answers(claim, sources, item) for claim in claims))
    first, second = rows[::2], rows[1::2]
    hits = [*_hits(_softmax_regression(first), second), *_hits(_softmax_regression(second), first)]
    weights = zip(fields(Features), _softmax_regression(rows), strict=True)
    kept, evidence = _softmax_regression(again) if again else (1.0, 0.0)
    return "\n".join(
        [
            f"{len(rows)} questions; the answer stands in the first sentence (cross-validated): {np.mean(hits):.3f}",
            f"with the weights in use, {np.mean(quoted):.2f} sentences are quoted and hold it: {np.mean(found):.3f}",
            *(f"{field.name:20} {weight:6.2f}" for field, weight in weights),
            f"{'evidence':20} {evidence / kept:6.2f}",
        ]
    )


def _answers(claim: Claim, sources: Sequence[str], item: TrainingQuestion) -> bool:
    """Whether a claim quotes part of a marked answer."""
    here = sources[claim.passages[0] - 1] == item.source
    return here and claim.quote is not None and any(map(claim.quote.overlap, item.answers))


def fit_signals(path: Path) -> str:
    """Weights over Signals that tell answerable questions from others; in words.

    The others: every second question changed so that its passage does not answer it, the rest with their passage out
    of the store. Every fourth of those is asked once more by its words alone, as many people search.
    """
    rows: list[tuple[float, ...]] = []
    kinds: list[str] = []
    groups: list[int] = []
    with _Training(path) as training:
        for number, item in enumerate(training.questions):
            asked = [(item.question, "", _ANSWERABLE)]
            if number % 2 == 0 and (changed := training.twisted(item)):
                asked.append((changed, "", "question changed"))
            else:
                asked.append((item.question, item.source, "passage removed"))
            if number % 4 == 1:
                words = _search_words(item.question)
                asked += [(words, "", _ANSWERABLE), (words, item.source, "passage removed")]
            for question, without, kind in asked:
                evidence = training.without(without).find(question).parts[0].extraction.evidence
                if evidence:
                    rows.append(astuple(signals(evidence)))
                    kinds.append(kind)
                    groups.append(number)
    labels = np.array([kind == _ANSWERABLE for kind in kinds])
    model = LogisticRegression(C=10, max_iter=3000)
    predicted = cross_val_predict(model, rows, labels, groups=groups, cv=GroupKFold(5), method="predict_proba")[:, 1]
    model.fit(rows, labels)
    weights = zip(fields(Signals), model.coef_[0], strict=True)
    return "\n".join(
        [
            f"{len(rows)} questions; AUROC (cross-validated): {roc_auc_score(labels, predicted):.3f}",
            *(
                f"{other:20} {roc_auc_score(labels[chosen], predicted[chosen]):6.3f}"
                for other in sorted(set(kinds) - {_ANSWERABLE})
                for chosen in [np.isin(kinds, [_ANSWERABLE, other])]
            ),
            f"{'intercept':20} {model.intercept_[0]:6.2f}",
            *(f"{field.name:20} {weight:6.2f}" for field, weight in weights),
        ]
    )


def _search_words(question: str) -> str:
    """What somebody types who looks for words: the question's, in their order and form, without what asks."""
    return " ".join(question[start:end] for _, start, end in word_spans(question)) or question


class _Training:
    """The training questions, with an assistant over their passages; a context manager that cleans up."""

    def __init__(self, path: Path) -> None:
        self._random = random.Random(_SEED)
        self.questions = self._sample(path)
        self._folder = TemporaryDirectory(prefix="footnote-fit-")

    def __enter__(self) -> _Training:
        corpus = Path(self._folder.name) / "passages.jsonl"
        lines = {item.source: item.passage for item in self.questions}
        corpus.write_text("\n".join(json.dumps({"source": key, "text": text}) for key, text in lines.items()), "utf-8")
        self._store = Store(Settings(store=Path(self._folder.name) / "store"), create=True)
        sync(self._store, [corpus])
        self._random.shuffle(self.questions)
        del self.questions[_QUESTIONS:]
        self.assistant = Assistant(self._store)
        self._chunk_ids: dict[str, set[str]] = {}
        for id, chunk in self._store.chunks(sorted(self._store.chunk_ids())).items():
            self._chunk_ids.setdefault(chunk.source, set()).add(id)
        return self

    def __exit__(self, *_: object) -> None:
        self._store.close()
        self._folder.cleanup()

    def without(self, source: str) -> Assistant:
        """The assistant over a store that lacks one passage; none for an empty source."""
        view = _StoreWithout(self._store, self._chunk_ids.get(source, frozenset()))
        self.assistant.store = self.assistant.retriever.store = cast(Store, view)
        return self.assistant

    def twisted(self, item: TrainingQuestion) -> str | None:
        """The question changed so that its passage does not answer it, if there is a way; what is exchanged in a
        question about one row of a table may be answered by another.
        """
        if item.source.startswith(_TABLE):
            return None
        answers = [normalise(span.of(item.passage)) for span in item.answers]
        return twisted(item.question, item.passage, answers, self._random)

    def _sample(self, path: Path) -> list[TrainingQuestion]:
        by_source: dict[str, dict[str, Any]] = {source: {} for source in _SOURCES}
        for row in unseen_rows(path, _SOURCES, Settings()):
            if 200 < len(row["passage"]) < 6000:
                by_source[row["src"]].setdefault(row["passage"], row)
        chosen = [
            row
            for rows in by_source.values()
            for row in self._random.sample(list(rows.values()), min(len(rows), _PASSAGES_PER_SOURCE))
        ]
        asked_of_text = [
            TrainingQuestion(
                asked["question"],
                f"passage {number}",
                row["passage"],
                tuple(Span(start, start + len(text)) for start, text in asked["spans"] if text),
            )
            for number, row in enumerate(chosen)
            for asked in self._random.sample(row["questions"], min(2, len(row["questions"])))
        ]
        return [*asked_of_text, *_asked_of_tables([row["passage"] for row in chosen], self._random)]


def _asked_of_tables(passages: Sequence[str], chance: random.Random) -> Iterator[TrainingQuestion]:
    """Those questions about made tables that are answered; the tables name what the passages name."""
    for number, table in enumerate(asked_tables(names_in(passages), passages, _TABLES, chance)):
        if table.answers:
            yield TrainingQuestion(table.question, f"{_TABLE} {number}", table.passage, table.answers)


class _StoreWithout:
    """A store's view in which some chunks cannot be found."""

    def __init__(self, store: Store, hidden: Set[str]) -> None:
        self._store = store
        self._hidden = hidden

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def nearest(self, vector: Vectors, limit: int, within: Set[str] | None) -> list[Hit]:
        return self._seen(self._store.nearest(vector, limit + len(self._hidden), within), limit)

    def keyword(self, terms: Sequence[str], limit: int, within: Set[str] | None) -> list[Hit]:
        return self._seen(self._store.keyword(terms, limit + len(self._hidden), within), limit)

    def _seen(self, hits: Iterable[Hit], limit: int) -> list[Hit]:
        return [hit for hit in hits if hit.chunk_id not in self._hidden][:limit]


Rows = Sequence[tuple[NDArray[np.float64], NDArray[np.bool_]]]


def _softmax_regression(rows: Rows) -> NDArray[np.float64]:
    """Weights that maximise the likelihood of the right sentences among each question's candidates (ridge 1e-3)."""

    def loss(weights: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        total, gradient = _RIDGE * float(weights @ weights), 2 * _RIDGE * weights
        for features, right in rows:
            scores = features @ weights
            total += float(logsumexp(scores) - logsumexp(scores[right])) / len(rows)
            expected = softmax(scores) @ features - softmax(scores[right]) @ features[right]
            gradient = gradient + expected / len(rows)
        return total, gradient

    fitted: NDArray[np.float64] = minimize(loss, np.zeros(rows[0][0].shape[1]), jac=True, method="L-BFGS-B").x
    return fitted


def _hits(weights: NDArray[np.float64], rows: Rows) -> Iterator[bool]:
    for features, right in rows:
        yield bool(right[np.argmax(features @ weights)])
