"""A ranking of documents against judgements. Agrees with trec_eval to 1e-9, MRR at k with MS MARCO's script.

`ranking` names sources, best first; a source that comes again counts once, at its first place. `relevant` gives each
judged source its grade; grades of 1 and more are relevant. All are None without a relevant document.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence


def recall(ranking: Sequence[str], relevant: Mapping[str, int], k: int) -> float | None:
    """The share of the relevant documents that stand among the first k."""
    wanted = _relevant(relevant)
    return sum(source in wanted for source in _first(ranking, k)) / len(wanted) if wanted else None


def precision(ranking: Sequence[str], relevant: Mapping[str, int], k: int) -> float | None:
    """The share of the first k places that hold a relevant document; a place left empty holds none."""
    wanted = _relevant(relevant)
    return sum(source in wanted for source in _first(ranking, k)) / k if wanted else None


def reciprocal_rank(ranking: Sequence[str], relevant: Mapping[str, int], k: int) -> float | None:
    """1 / rank of the first relevant document among the first k, else 0. Its mean is MRR@k."""
    wanted = _relevant(relevant)
    found = (1 / rank for rank, source in enumerate(_first(ranking, k), start=1) if source in wanted)
    return next(found, 0.0) if wanted else None


def average_precision(ranking: Sequence[str], relevant: Mapping[str, int], k: int) -> float | None:
    """The mean, over all relevant documents, of the precision where each stands among the first k. Its mean is MAP@k.

    Buckley and Voorhees, "Evaluating evaluation measure stability", 2000.
    """
    wanted = _relevant(relevant)
    if not wanted:
        return None
    found, total = 0, 0.0
    for rank, source in enumerate(_first(ranking, k), start=1):
        if source in wanted:
            found += 1
            total += found / rank
    return total / len(wanted)


def ndcg(ranking: Sequence[str], relevant: Mapping[str, int], k: int) -> float | None:
    """nDCG@k with the grade itself as gain and discount log2(rank + 1), as trec_eval, BEIR and MTEB compute it.

    Järvelin and Kekäläinen, "Cumulated gain-based evaluation of IR techniques", 2002.
    """
    if not _relevant(relevant):
        return None
    gains = [relevant.get(source, 0) for source in _first(ranking, k)]
    return _discounted(gains) / _discounted(sorted(relevant.values(), reverse=True)[:k])


def _relevant(relevant: Mapping[str, int]) -> set[str]:
    return {source for source, grade in relevant.items() if grade > 0}


def _first(ranking: Sequence[str], k: int) -> list[str]:
    return list(dict.fromkeys(ranking))[:k]


def _discounted(grades: Iterable[int]) -> float:
    return math.fsum(max(grade, 0) / math.log2(rank + 1) for rank, grade in enumerate(grades, start=1))
