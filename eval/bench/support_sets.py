"""Checking claims: SciFact's supported claims against the same claims spoilt, and against its refuted ones."""

from __future__ import annotations

import random
from collections.abc import Sequence

import numpy as np

from eval.bench.workbench import Row, Table, Workbench, mean_of
from eval.fit_support import SpoiltClaim, spoil
from eval.gold import load_gold
from eval.metrics.refusal import separation
from eval.perturb import PERTURBATIONS
from eval.stats import Estimate, estimate
from rag.models import load_embedder
from rag.reader import load_reader
from rag.support import Support, SupportJudge, Verdict

_SEED = 5


def scifact_support(bench: Workbench) -> Table:
    """Each claim judged by its rationale sentences, by kind of fault: told from supported claims, and let through."""
    gold = [question for question in load_gold(bench.benchmarks / "scifact" / "gold.jsonl") if question.evidence]
    rows: dict[str, list[tuple[str, str]]] = {"supports": [], "contradicts": []}
    for question in gold:
        rationale = " ".join(evidence.quote or "" for evidence in question.evidence or ())
        for tag in set(rows) & set(question.tags):
            rows[tag].append((question.question, rationale))
    supported = rows["supports"]
    claims = list(spoil(supported, random.Random(_SEED)))
    claims += [
        SpoiltClaim(claim, rationale, "refuted by its rationale", -1) for claim, rationale in rows["contradicts"]
    ]
    others = [*supported[1:], *supported[:1]]
    claims += [
        SpoiltClaim(claim, rationale, "another claim's rationale", -1)
        for (claim, _), (_, rationale) in zip(supported, others, strict=True)
    ]
    table: list[Row] = []
    for reader, words in ((load_reader(bench.settings.changed(reader=True)), ""), (None, ", without the reader")):
        judge = SupportJudge(load_embedder(bench.settings), len(claims), reader)
        judged = [judge.judge(one.claim, one.evidence) for one in claims]
        table += _rows(claims, judged, words)
    protocol = f"{len(supported)} supported claims, spoilt in four ways; judged by their rationale sentences"
    return Table("scifact_support", protocol, tuple(table))


def _rows(claims: Sequence[SpoiltClaim], judged: Sequence[Support | None], words: str) -> list[Row]:
    probabilities = np.array([found.probability if found else 0.0 for found in judged])
    let_through = [float(found is not None and found.verdict is not Verdict.UNSUPPORTED) for found in judged]
    faults = np.array([one.fault for one in claims])
    right = probabilities[faults == ""]
    kinds = {"supported": [""], "spoilt in any way": list(PERTURBATIONS)}
    kinds |= {fault: [fault] for fault in dict.fromkeys(faults) if fault}
    rows = []
    for kind, these in kinds.items():
        chosen = np.isin(faults, these)
        figures: dict[str, Estimate | float] = {
            "let through": mean_of(each for each, mine in zip(let_through, chosen, strict=True) if mine)
        }
        if kind != "supported":
            figures["AUROC"] = estimate([right, probabilities[chosen]], separation, paired=False, vectorised=False)
        rows.append(Row(kind + words, "ours", figures))
    return rows
