"""Fits the weights with which `rag/rescore.py` joins its views, on questions with marked passages.

The questions come from two training files, never from a benchmark: the one that `eval/fit.py` reads, and JSON Lines of
{"src", "question", "passages": [{"passage", "relevance"}]}. All their passages together are what is searched.
"""

from __future__ import annotations

import itertools
import json
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from eval.metrics.ranking import ndcg
from eval.stats import mean
from eval.training import training_rows
from ingest.sync import sync
from rag.fuse import Scores, fuse
from rag.rescore import Views, Weights, join
from rag.retrieve import Retriever
from rag.settings import Settings
from rag.store import Store

# Questions about text of many kinds: encyclopaedia, forum, shop, medicine, search engine, tales; and claims to be
# checked. Left out are sources with exchanged answers, of single sentences, and those that repeat another's questions.
_SOURCES = (
    *("squadshifts_new_wiki", "flan_eval_squad", "squadshifts_reddit", "squadshifts_amazon", "litm_nq", "covid_qa"),
    *("bioasq_golden", "reqa_bioasq9b", "reqa_squad_train", "medquad", "boolq_olora", "fm2_claims", "wice_dev"),
    *("selqa", "qed_nq", "fairytaleqa", "superni_quoref", "quoref_contrast", "drop_contrast"),
)
_QUESTIONS = 100  # of each source; the passages of three times as many are there to be confused with theirs
_LONGEST = 6000  # characters of a passage
_SEED = 11
_CUT = 10
_TELLING = (1.0, 15.0, 30.0, 45.0, 60.0)
_DENSE = (0.3, 0.36, 0.42, 0.5, 0.6)
_LATE = (0.0, 0.3, 0.6, 0.8, 1.0, 1.2)
_NEIGHBOUR = (0.0, 0.1, 0.2, 0.3, 0.4)
_MARGINS = (0.1, 0.15, 0.2, 0.25, 0.3)
_Grid = tuple[float, float, float, float]  # telling, dense, late, neighbour
_NAMES = ("telling", "dense_weight", "late_weight", "neighbour_weight")


@dataclass(frozen=True, slots=True)
class MarkedQuestion:
    """A question of a kind (the training file's `src`), and the passages that answer it, graded."""

    text: str
    kind: str
    relevant: dict[str, int]


@dataclass(frozen=True, slots=True)
class _Asked:
    """A question's candidates as the plain fusion has them: their documents, and their views.

    The views are keyed by the two weights that they depend on: telling and neighbour.
    """

    question: MarkedQuestion
    sources: list[str]
    views: dict[tuple[float, float], Views]

    def joined(self, weights: _Grid) -> Scores:
        """The candidates' scores with these weights."""
        telling, dense, late, neighbour = weights
        views = self.views[telling, neighbour]
        return join(views.dense, views.lexical, views.late, Weights(dense, late, neighbour, telling))

    def ndcg(self, order: Sequence[int]) -> float:
        """nDCG@10 of the candidates in this order."""
        ranking = list(dict.fromkeys(self.sources[place] for place in order))
        return ndcg(ranking, self.question.relevant, _CUT) or 0.0


def fit_retrieval(paths: Sequence[Path]) -> str:
    """The weights that rank best (mean over kinds of question of nDCG@10), cross-validated over the kinds; in words."""
    questions, passages = sample(paths)
    with TemporaryDirectory(prefix="footnote-fit-") as folder:
        corpus = Path(folder) / "passages.jsonl"
        lines = (json.dumps({"source": source, "text": text}) for text, source in passages.items())
        corpus.write_text("\n".join(lines), "utf-8")
        with Store(Settings(store=Path(folder) / "store", exact_search=True), create=True) as store:
            sync(store, [corpus])
            retriever = Retriever(store)
            asked = [_ask(retriever, question) for question in questions]
            used = store.settings
    weights = (used.telling, used.dense_weight, used.late_weight, used.neighbour_weight)
    return "\n".join(_report(asked, weights))


def _ask(retriever: Retriever, question: MarkedQuestion) -> _Asked:
    settings = retriever.store.settings
    read = retriever.read(question.text)
    found = fuse(*retriever.lists(read, settings.candidates), 0.5)[: settings.rescored]
    indexed = retriever.store.indexed([candidate.chunk_id for candidate in found])
    sources = {id: chunk.source for id, chunk in retriever.store.chunks(list(indexed)).items()}
    chunks = [indexed[candidate.chunk_id] for candidate in found]
    views = {
        (telling, neighbour): retriever.views(read, chunks, Weights(0.5, 1.0, neighbour, telling))
        for telling in {*_TELLING, settings.telling}
        for neighbour in {*_NEIGHBOUR, settings.neighbour_weight}
    }
    return _Asked(question, [sources[candidate.chunk_id] for candidate in found], views)


def _report(asked: Sequence[_Asked], used: _Grid) -> Iterator[str]:
    kinds = sorted({one.question.kind for one in asked})
    grid: list[_Grid] = [*itertools.product(_TELLING, _DENSE, _LATE, _NEIGHBOUR), used]
    scores = {
        weights: {
            kind: [
                one.ndcg(np.argsort(-one.joined(weights), kind="stable").tolist())
                for one in asked
                if one.question.kind == kind
            ]
            for kind in kinds
        }
        for weights in grid
    }
    plain = {kind: [one.ndcg(range(len(one.sources))) for one in asked if one.question.kind == kind] for kind in kinds}

    def average(weights: _Grid, of: Sequence[str]) -> float:
        return fmean(fmean(scores[weights][kind]) for kind in of)

    best = max(grid, key=lambda weights: average(weights, kinds))
    held_out: list[float] = []
    for kind in kinds:
        others = [other for other in kinds if other != kind]
        held_out += scores[max(grid, key=lambda weights: average(weights, others))][kind]
    before = fmean(itertools.chain.from_iterable(plain.values()))
    yield f"{len(asked)} questions of {len(kinds)} kinds; nDCG@{_CUT} of the plain fusion {before:.4f}"
    yield f"weights chosen on the other kinds: {mean(held_out).value:.4f}"
    yield f"best:   {_shown(best)}: {average(best, kinds):.4f}"
    yield f"in use: {_shown(used)}: {average(used, kinds):.4f}"
    for kind in kinds:
        yield f"{kind:20} {fmean(plain[kind]):.4f} -> {fmean(scores[used][kind]):.4f}"
    for margin in _MARGINS:
        kept, passages = _within(asked, used, margin)
        yield f"margin {margin:4.2f}: {passages:.1f} of {_CUT} chunks left, with {kept:.3f} of the relevant ones"
    yield "mean over kinds, the last weight as in use:"
    for telling, dense in itertools.product(_TELLING, _DENSE):
        row = " ".join(f"{average((telling, dense, late, used[3]), kinds):.4f}" for late in _LATE)
        yield f"telling {telling:4.0f} dense {dense:.2f} late {_LATE}: {row}"
    row = " ".join(f"{average((*used[:3], neighbour), kinds):.4f}" for neighbour in _NEIGHBOUR)
    yield f"neighbour {_NEIGHBOUR}: {row}"


def _shown(weights: _Grid) -> str:
    return ", ".join(f"{name} {value:g}" for name, value in zip(_NAMES, weights, strict=True))


def _within(asked: Sequence[_Asked], weights: _Grid, margin: float) -> tuple[float, float]:
    """Of the first ten chunks: the share of the relevant ones that the margin leaves, and how many it leaves at all."""
    relevant = kept = left = 0
    for one in asked:
        joined = one.joined(weights)
        for place in np.argsort(-joined, kind="stable")[:_CUT]:
            near = bool(joined[place] >= joined.max() - margin)
            right = one.sources[place] in one.question.relevant
            relevant, kept, left = relevant + right, kept + (right and near), left + near
    return kept / max(relevant, 1), left / max(len(asked), 1)


def sample(paths: Sequence[Path]) -> tuple[list[MarkedQuestion], dict[str, str]]:
    """Questions of every kind, and the passages to search with a source for each."""
    chance = random.Random(_SEED)
    rows: dict[str, list[dict[str, Any]]] = {source: [] for source in _SOURCES}
    for path in paths:
        for row in training_rows(path, _SOURCES):
            rows[row["src"]].append(row)
    questions: list[MarkedQuestion] = []
    passages: dict[str, str] = {}
    for kind in _SOURCES:
        chance.shuffle(rows[kind])
        asked = 0
        for row in rows[kind][: 3 * _QUESTIONS]:
            judged = _judged(row)
            if not judged or max(map(len, judged)) > _LONGEST:
                continue
            for text in judged:
                passages.setdefault(text, f"passage {len(passages)}")
            relevant = {passages[text]: 1 for text, grade in judged.items() if grade}
            if relevant and asked < _QUESTIONS:
                text = row["question"] if "question" in row else chance.choice(row["questions"])["question"]
                questions.append(MarkedQuestion(text, kind, relevant))
                asked += 1
    return questions, passages


def _judged(row: dict[str, Any]) -> dict[str, int]:
    """The passages of a line of either file, with their grades."""
    if "passages" in row:
        return {each["passage"].strip(): each["relevance"] for each in row["passages"] if each["passage"].strip()}
    return {row["passage"].strip(): 1}
