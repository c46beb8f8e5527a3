"""Fits the weights with which `rag/short_answer.py` chooses the words of a sentence that answer a question.

The questions come from a training file of their own, never from a benchmark: the one that `eval/fit.py` reads. Of each
question the sentence that holds a marked answer is taken, and every stretch of its words. Maximised is the F1 of words
in common with the answer that is to be expected; its logarithm, so that no question weighs more than another.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from eval.metrics.text import token_f1
from eval.training import training_rows
from rag import short_answer
from rag.models import Embedder, Encoded, load_embedder
from rag.sentences import sentence_spans
from rag.settings import Settings
from rag.stretches import FEATURES, KINDS, question_kind, stretches

_SOURCES = (
    *("squadshifts_new_wiki", "squadshifts_reddit", "squadshifts_amazon", "flan_eval_squad", "routerlens_squad"),
    *("litm_nq", "bioasq_golden"),
)
_PER_SOURCE = 2000
_PER_PASSAGE = 3
_SEED = 3
_RIDGE = 1e-4
_HELD_OUT = 4  # every fourth passage judges the weights fitted to the others
_BATCH = 256

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class _Marked:
    question: str
    sentence: str
    answers: tuple[str, ...]
    passage: str


@dataclass(frozen=True, slots=True)
class _Stretches:
    """The stretches of many questions, one below the other: what describes each, its F1, its question and kind."""

    features: NDArray[np.float32]
    overlaps: Floats
    questions: NDArray[np.int64]
    kinds: NDArray[np.int64]

    def of(self, chosen: NDArray[np.bool_]) -> _Stretches:
        """The stretches of some of the questions."""
        rows = chosen[self.questions]
        _, questions = np.unique(self.questions[rows], return_inverse=True)
        return _Stretches(self.features[rows], self.overlaps[rows], questions, self.kinds[rows])


def fit_short_answers(path: Path) -> str:
    """Weights over FEATURES for every kind of question, written where `rag/short_answer.py` reads them; in words."""
    marked = list(_marked(path))
    found = _described(marked, load_embedder(Settings()))
    passages = {passage: number for number, passage in enumerate(sorted({item.passage for item in marked}))}
    held_out = np.array([passages[item.passage] % _HELD_OUT == 0 for item in marked])
    judged = found.of(held_out)
    score = _scores(_fitted(found.of(~held_out)), judged)
    weights = _fitted(found)
    target = Path(short_answer.__file__).with_name(short_answer.WEIGHTS_FILE)
    target.write_text(_as_json(weights), "utf-8")
    short_answer.weights.cache_clear()
    oracle = np.maximum.reduceat(judged.overlaps, _firsts(judged))
    return "\n".join(
        [
            f"{len(marked)} questions; held out: {held_out.sum()}, by passage",
            f"F1 of the likeliest stretch {score:.3f}, of the best there is {oracle.mean():.3f}",
            f"written to {target.name}",
        ]
    )


def _marked(path: Path) -> Iterator[_Marked]:
    chance = random.Random(_SEED)
    rows: dict[str, list[dict[str, Any]]] = {source: [] for source in _SOURCES}
    for row in training_rows(path, _SOURCES):
        if len(row["passage"]) < 6000:
            rows[row["src"]].append(row)
    for source in _SOURCES:
        chance.shuffle(rows[source])
        taken = 0
        for row in rows[source]:
            sentences = sentence_spans(row["passage"])
            for asked in chance.sample(row["questions"], min(_PER_PASSAGE, len(row["questions"]))):
                for sentence in sentences:
                    inside = [
                        text
                        for start, text in asked["spans"]
                        if text and sentence.start <= start and start + len(text) <= sentence.end
                    ]
                    if inside:
                        yield _Marked(asked["question"], sentence.of(row["passage"]), tuple(inside), row["passage"])
                        taken += 1
                        break
            if taken >= _PER_SOURCE:
                break


def _described(marked: Sequence[_Marked], embedder: Embedder) -> _Stretches:
    texts = list(dict.fromkeys(text for item in marked for text in (item.question, item.sentence)))
    encoded: dict[str, Encoded] = {}
    for first in range(0, len(texts), _BATCH):
        batch = texts[first : first + _BATCH]
        encoded.update(zip(batch, embedder.encode_words(batch), strict=True))
    features, overlaps, questions, kinds = [], [], [], []
    for number, item in enumerate(marked):
        found = stretches(item.question, encoded[item.question], item.sentence, encoded[item.sentence])
        features.append(found.features.astype(np.float32))
        overlaps += [token_f1(span.of(item.sentence), item.answers) for span in found.spans]
        questions += [number] * len(found.spans)
        kinds += [KINDS.index(question_kind(item.question))] * len(found.spans)
    return _Stretches(np.concatenate(features), np.array(overlaps), np.array(questions), np.array(kinds))


def _firsts(found: _Stretches) -> NDArray[np.int64]:
    return np.flatnonzero(np.diff(found.questions, prepend=-1))


def _fitted(found: _Stretches) -> Floats:
    """Weights, shape (1 + kinds, features): the first row for all questions, one more for each kind."""
    shape = (1 + len(KINDS), found.features.shape[1])
    firsts = _firsts(found)
    group = np.repeat(np.arange(len(firsts)), np.diff([*firsts, len(found.questions)]))
    rows = [np.flatnonzero(found.kinds == kind) for kind in range(len(KINDS))]
    by_kind = [found.features[each] for each in rows]

    def loss(flat: Floats) -> tuple[float, Floats]:
        weights = flat.reshape(shape)
        scores = np.zeros(len(found.questions))
        for kind, (each, features) in enumerate(zip(rows, by_kind, strict=True)):
            scores[each] = features @ (weights[0] + weights[1 + kind])
        scores -= np.maximum.reduceat(scores, firsts)[group]
        odds = np.exp(scores)
        share = odds / np.add.reduceat(odds, firsts)[group]
        expected = np.add.reduceat(share * found.overlaps, firsts) + 1e-9
        push = share - share * found.overlaps / expected[group]
        gradient = 2 * _RIDGE * weights
        for kind, (each, features) in enumerate(zip(rows, by_kind, strict=True)):
            own = push[each] @ features / len(firsts)
            gradient[0] += own
            gradient[1 + kind] += own
        return float(-np.log(expected).mean() + _RIDGE * (weights**2).sum()), gradient.ravel()

    fitted: Floats = minimize(loss, np.zeros(shape).ravel(), jac=True, method="L-BFGS-B", options={"maxiter": 200}).x
    return fitted.reshape(shape)


def _scores(weights: Floats, found: _Stretches) -> float:
    """The mean F1 of the likeliest stretch of each question."""
    scores = np.einsum("ij,ij->i", found.features, weights[0] + weights[1 + found.kinds])
    pieces = zip(np.split(scores, _firsts(found)[1:]), np.split(found.overlaps, _firsts(found)[1:]), strict=True)
    return float(np.mean([overlaps[np.argmax(each)] for each, overlaps in pieces]))


def _as_json(weights: Floats) -> str:
    named = {
        name: {
            feature: round(float(value), 3) for feature, value in zip(FEATURES, row, strict=True) if abs(value) >= 5e-4
        }
        for name, row in zip(("all", *KINDS), weights, strict=True)
    }
    return json.dumps(named, indent=1) + "\n"
