"""Fits the weights with which `rag/rescore.py` joins its views, on questions with marked passages.

The questions come from two training files, never from a benchmark: the one that `eval/fit.py` reads, and JSON Lines of
{"src", "question", "passages": [{"passage", "relevance"}]}. All their passages together are what is searched.
"""

from __future__ import annotations

import itertools
import json
import lzma
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from eval.metrics.ranking import ndcg
from eval.stats import mean
from ingest.sync import sync
from rag.fuse import fuse
from rag.rescore import Weights, join
from rag.retrieve import Retriever
from rag.settings import Settings
from rag.store import Store

# Questions about text of many kinds: encyclopaedia, forum, shop, medicine, search engine; and claims to be checked.
_SOURCES = (
    *("squadshifts_new_wiki", "flan_eval_squad", "squadshifts_reddit", "squadshifts_amazon", "litm_nq", "covid_qa"),
    *("bioasq_golden", "reqa_bioasq9b", "reqa_squad_train", "medquad", "boolq_olora", "fm2_claims"),
)
_QUESTIONS = 100  # of each source; the passages of three times as many are there to be confused with theirs
_LONGEST = 6000  # characters of a passage
_SEED = 11
_CUT = 10
_TELLING = (1.0, 15.0, 30.0, 45.0)
_DENSE = (0.3, 0.36, 0.42, 0.5, 0.6)
_LATE = (0.0, 0.2, 0.4, 0.6, 0.8)
_SIBLING = (0.0, 0.1, 0.2)


_Weights = tuple[float, float, float, float]  # telling, dense, late, sibling


@dataclass(frozen=True, slots=True)
class _Question:
    text: str
    kind: str
    relevant: dict[str, int]


def fit_retrieval(paths: Sequence[Path]) -> str:
    """The weights that rank best (mean over kinds of question of nDCG@10), cross-validated over the kinds; in words."""
    questions, passages = _sample(paths)
    scores: dict[_Weights, dict[str, list[float]]] = {}
    plain: dict[str, list[float]] = {}
    with TemporaryDirectory(prefix="footnote-fit-") as folder:
        corpus = Path(folder) / "passages.jsonl"
        lines = (json.dumps({"source": source, "text": text}) for text, source in passages.items())
        corpus.write_text("\n".join(lines), "utf-8")
        settings = Settings(store=Path(folder) / "store", exact_search=True)
        with Store(settings, create=True) as store:
            sync(store, [corpus])
            retriever = Retriever(store)
            for question in questions:
                read = retriever.read(question.text)
                found = fuse(*retriever.lists(read, settings.candidates), 0.5)[: settings.rescored]
                indexed = store.indexed([candidate.chunk_id for candidate in found])
                sources = {id: chunk.source for id, chunk in store.chunks(list(indexed)).items()}
                order = [sources[candidate.chunk_id] for candidate in found]
                chunks = [indexed[candidate.chunk_id] for candidate in found]
                plain.setdefault(question.kind, []).append(_ndcg(order, question))
                for telling in _TELLING:
                    views = retriever.views(read, chunks, Weights(0.5, 1.0, settings.neighbour_weight, 0.0, telling))
                    for dense, late, sibling in itertools.product(_DENSE, _LATE, _SIBLING):
                        weights = Weights(dense, late, settings.neighbour_weight, sibling)
                        joined = join(views.dense, views.lexical, views.late, order, weights)
                        ranked = [order[place] for place in np.argsort(-joined, kind="stable")]
                        by_kind = scores.setdefault((telling, dense, late, sibling), {})
                        by_kind.setdefault(question.kind, []).append(_ndcg(ranked, question))
    return "\n".join(_report(scores, plain))


def _ndcg(order: Sequence[str], question: _Question) -> float:
    return ndcg(list(dict.fromkeys(order)), question.relevant, _CUT) or 0.0


def _report(scores: dict[_Weights, dict[str, list[float]]], plain: dict[str, list[float]]) -> Iterator[str]:
    kinds = sorted(plain)

    def average(weights: _Weights, of: Sequence[str]) -> float:
        return float(np.mean([np.mean(scores[weights][kind]) for kind in of]))

    best = max(scores, key=lambda weights: average(weights, kinds))
    held_out: list[float] = []
    for kind in kinds:
        others = [other for other in kinds if other != kind]
        held_out += scores[max(scores, key=lambda weights: average(weights, others))][kind]
    number = sum(map(len, plain.values()))
    before = mean(list(itertools.chain(*(plain[kind] for kind in kinds))))
    yield f"{number} questions of {len(kinds)} kinds; nDCG@{_CUT} of the plain fusion {before.value:.4f}"
    yield f"weights chosen on the other kinds: {mean(held_out).value:.4f}"
    for name, value in zip(("telling", "dense_weight", "late_weight", "sibling_weight"), best, strict=True):
        yield f"{name:20} {value:6.2f}"
    for kind in kinds:
        yield f"{kind:20} {np.mean(plain[kind]):.4f} -> {np.mean(scores[best][kind]):.4f}"
    yield "around the best, mean over kinds:"
    for telling, dense, sibling in itertools.product(_TELLING, _DENSE, _SIBLING):
        row = " ".join(f"{average((telling, dense, late, sibling), kinds):.4f}" for late in _LATE)
        yield f"telling {telling:4.0f} dense {dense:.2f} sibling {sibling:.1f} late {_LATE}: {row}"


def _sample(paths: Sequence[Path]) -> tuple[list[_Question], dict[str, str]]:
    """Questions of every kind, and the passages to search with a source for each."""
    chance = random.Random(_SEED)
    rows: dict[str, list[dict[str, Any]]] = {source: [] for source in _SOURCES}
    for path in paths:
        with lzma.open(path, "rt", encoding="utf-8") if path.suffix == ".xz" else path.open(encoding="utf-8") as lines:
            for row in map(json.loads, lines):
                if row["src"] in rows:
                    rows[row["src"]].append(row)
    questions: list[_Question] = []
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
                questions.append(_Question(text, kind, relevant))
                asked += 1
    return questions, passages


def _judged(row: dict[str, Any]) -> dict[str, int]:
    """The passages of a line of either file, with their grades."""
    if "passages" in row:
        return {each["passage"].strip(): each["relevance"] for each in row["passages"] if each["passage"].strip()}
    return {row["passage"].strip(): 1}
