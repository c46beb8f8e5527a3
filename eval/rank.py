"""Gold questions with document judgements -> nDCG of each index alone and of both fused."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import fmean

from eval.gold import GoldQuestion
from eval.metrics import ndcg
from rag.retrieve import Retriever
from rag.store import Store

ARMS = {"dense": 1.0, "keyword": 0.0, "fused": None}  # the share of the dense score; None: the settings'
_CHUNKS_PER_DOCUMENT = 4  # passages asked for, so that k documents are among them


@dataclass(frozen=True, slots=True)
class ArmResult:
    """One way of searching: its mean nDCG over the questions with judgements."""

    arm: str
    ndcg: float
    questions: int


def rank(questions: Sequence[GoldQuestion], store: Store, k: int = 10) -> Iterator[ArmResult]:
    """nDCG@k by document for each arm; a document stands where its best passage stands."""
    for arm, weight in ARMS.items():
        settings = store.settings if weight is None else store.settings.changed(dense_weight=weight)
        with Store(settings) as reader:
            retriever = Retriever(reader)
            scores = [
                ndcg(
                    [passage.chunk.source for passage in retriever.retrieve(item.question, k * _CHUNKS_PER_DOCUMENT)],
                    item.relevant or {},
                    k,
                )
                for item in questions
            ]
        judged = [score for score in scores if score is not None]
        yield ArmResult(arm, fmean(judged) if judged else 0.0, len(judged))
