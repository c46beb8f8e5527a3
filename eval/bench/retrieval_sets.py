"""The sets that measure retrieval: by document, by characters of evidence, and over conversations."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from eval.bench.reference import dense, recursive_chunks, use_bundled_tokens, whole_documents
from eval.bench.workbench import CHECKED, Row, Table, Workbench, mean_of, ours, published, refusing
from eval.gold import load_gold
from eval.metrics.ranking import recall
from eval.outcome import Outcome, System, judge
from eval.run import Protocol
from eval.summary import estimates, latencies
from eval.systems import Form
from eval.types import GoldQuestion
from rag.models import load_embedder
from rag.types import Document

_SEARCH = Protocol(answers=False, passages=40)
_MARGIN = 0.2  # chosen by `python -m eval fit-retrieval`


def chroma_chunking(bench: Workbench) -> Table:
    """Chroma's chunking evaluation: characters of evidence in five passages, all corpora in one index."""
    columns = ("evidence recall@5", "evidence precision@5", "evidence IoU@5")
    texts = {path.name: path.read_text("utf-8") for path in sorted(bench.corpus("chroma_chunking").iterdir())}
    use_bundled_tokens()
    rebuilt = dense(recursive_chunks(texts), load_embedder(bench.settings), 5)
    documents = {source: Document(source, source, source, text) for source, text in texts.items()}
    gold = load_gold(bench.benchmarks / "chroma_chunking" / "gold.jsonl", documents)
    five = dataclasses.replace(_SEARCH, passages=5)
    found = bench.run("chroma_chunking", five, "search")
    tight = bench.settings.changed(join_neighbours=True, margin=_MARGIN)
    strict = bench.run("chroma_chunking", five, "margin", settings=tight)

    def row(system: str, *figures: float) -> Row:
        return Row(system, "published", {name: one / 100 for name, one in zip(columns, figures, strict=True)})

    return Table(
        "chroma_chunking",
        "five text files in one index, 5 passages a question, characters of the evidence",
        (
            row("MiniLM, recursive 200", 75.7, 6.5, 6.5),
            row("MiniLM, recursive 250", 78.5, 5.4, 5.4),
            row("MiniLM, token text 250/125", 82.4, 3.6, 3.5),
            row("MiniLM, cluster 200", 75.2, 7.2, 7.2),
            row("text-embedding-3-large, recursive 200", 88.1, 7.0, 6.9),
            row("text-embedding-3-large, LLM chunker", 91.9, 3.9, 3.9),
            Row("MiniLM, recursive 200", "rebuilt", estimates(_asked(rebuilt, gold, documents), columns)),
            ours("Footnote", found.outcomes, columns),
            ours(f"Footnote, at most five: neighbours joined, margin {_MARGIN:g}", strict.outcomes, columns),
        ),
    )


def scifact(bench: Workbench) -> Table:
    """SciFact, BEIR's train split: the abstracts that a claim cites, and the sentences that decide it."""
    columns = ("nDCG@10", "recall@10")
    texts = bench.texts("scifact")
    units = whole_documents(texts)
    documents = {unit.chunk.source: Document(unit.chunk.id, unit.chunk.id, "", unit.chunk.text) for unit in units}
    gold = load_gold(bench.benchmarks / "scifact" / "gold.jsonl", documents)
    rebuilt = dense(units, load_embedder(bench.settings), 10)
    rows = [
        published("MiniLM", nDCG_at_10=0.6602),
        published("BM25", nDCG_at_10=0.6960),
        published("bge-small-en-v1.5", nDCG_at_10=0.7475),
        Row("MiniLM, whole abstracts", "rebuilt", estimates(_asked(rebuilt, gold, documents), columns)),
    ]
    arms = (
        ("Footnote, meaning only", "dense", 1.0),
        ("Footnote, words only (BM25)", "keyword", 0.0),
        ("Footnote", "fused", None),
    )
    for system, name, weight in arms:
        settings = bench.settings if weight is None else bench.settings.changed(dense_weight=weight, rescored=0)
        rows.append(ours(system, bench.run("scifact", _SEARCH, name, settings=settings).outcomes, columns))
    reasoned = [question for question in gold if question.evidence]
    cited = bench.run("scifact", Protocol(), "citations", only=reasoned, settings=bench.settings.changed(strictness=0))
    measures = ("citation recall", "citation precision", "citation F1", *CHECKED)
    rows.append(ours("Footnote, quotes for 505 claims", cited.outcomes, measures))
    return Table("scifact", "809 claims over 5,183 abstracts; quotes against the rationale sentences", tuple(rows))


def mtrag_cloud(bench: Workbench) -> Table:
    """MTRAG's cloud documents: the passages that a turn of a conversation needs, and whether to answer it."""
    columns = ("nDCG@5", "recall@5")
    rows = [
        published("BM25, last turn", nDCG_at_5=0.201, recall_at_5=0.217),
        published("BM25, rewrite", nDCG_at_5=0.196, recall_at_5=0.218),
        published("BGE-base, last turn", nDCG_at_5=0.276, recall_at_5=0.312),
        published("BGE-base, rewrite", nDCG_at_5=0.304, recall_at_5=0.338),
        published("ELSER, last turn", nDCG_at_5=0.390, recall_at_5=0.422),
        published("ELSER, rewrite", nDCG_at_5=0.395, recall_at_5=0.431),
    ]
    forms: tuple[tuple[Form, str], ...] = (("last-turn", "last turn"), ("rewrite", "rewrite"), ("history", "history"))
    for form, words in forms:
        outcomes = bench.run("mtrag_cloud", dataclasses.replace(_SEARCH, form=form), form).outcomes
        figures = dict(ours("", outcomes, columns).figures)
        for tag in ("turn:first", "turn:follow-up", "turn:clarification"):
            tagged = [outcome for outcome in outcomes if tag in outcome.gold.tags]
            figures[f"nDCG@5, {tag.removeprefix('turn:')}"] = estimates(tagged, ["nDCG@5"])["nDCG@5"]
        rows.append(Row(f"Footnote, {words}", "ours", figures))
    measures = ("ROUGE-L", "cited sources", "hallucination rate", "error rate", *CHECKED)
    for reader, words in ((True, "answers with history"), (False, "answers without the reader")):
        settings = bench.settings.changed(reader=reader)
        answered = bench.run("mtrag_cloud", Protocol(), words.replace(" ", "-"), settings=settings).outcomes
        figures = {**ours("", answered, measures).figures, **refusing(answered), **_milliseconds(answered)}
        rows.append(Row(f"Footnote, {words}", "ours", figures))
    return Table("mtrag_cloud", "188 turns with judgements, answers to 205; 11,873 passages", tuple(rows))


def _milliseconds(outcomes: Sequence[Outcome]) -> dict[str, float]:
    (total,) = (latency for latency in latencies(outcomes) if latency.stage == "total")
    return {"ms, median": 1000 * total.p50, "ms, 95th percentile": 1000 * total.p95}


def anthropic_docs(bench: Workbench) -> Table:
    """Questions on product documentation: the right sections among the first three."""
    columns = ("precision@3", "recall@3", "MRR@3")
    answered = bench.run("anthropic_docs", Protocol(), "answers").outcomes
    return Table(
        "anthropic_docs",
        "100 questions, 232 sections, top 3; answers of one reference sentence or two",
        (
            published("Voyage", precision_at_3=0.4283, recall_at_3=0.6592, MRR_at_3=0.7367),
            published("Voyage, summaries by an LLM", precision_at_3=0.4533, recall_at_3=0.7142, MRR_at_3=0.7733),
            published("Voyage, LLM reranker", precision_at_3=0.4367, recall_at_3=0.6933, MRR_at_3=0.8650),
            ours("Footnote", bench.run("anthropic_docs", _SEARCH, "search").outcomes, columns),
            ours("Footnote, answers", answered, ("ROUGE-L", "cited sources", "error rate", *CHECKED)),
        ),
    )


def anthropic_code(bench: Workbench) -> Table:
    """Retrieval in source code: the share of the gold chunks among the first k; a chunk's twin counts as itself."""
    firsts: dict[str, str] = {}
    twin = {source: firsts.setdefault(text, source) for source, (_, text) in bench.texts("anthropic_code").items()}
    found = bench.run("anthropic_code", dataclasses.replace(_SEARCH, passages=100), "search")

    def passed(outcome: Outcome, k: int) -> float | None:
        relevant = {twin[source]: grade for source, grade in outcome.gold.relevance.items()}
        return recall([twin[passage.source] for passage in outcome.passages], relevant, k)

    figures = {f"Pass@{k}": mean_of(passed(outcome, k) for outcome in found.outcomes) for k in (5, 10, 20)}
    rows = [
        Row(system, "published", {f"Pass@{k}": one / 100 for k, one in zip((5, 10, 20), of_k, strict=True)})
        for system, of_k in (
            ("plain embeddings", (80.92, 87.15, 90.06)),
            ("contextual embeddings", (86.37, 92.81, 93.78)),
            ("contextual embeddings and BM25", (86.43, 93.21, 94.99)),
            ("and a reranker", (91.24, 94.79, 96.30)),
        )
    ]
    return Table("anthropic_code", "248 questions, 737 chunks as given", (*rows, Row("Footnote", "ours", figures)))


def _asked(system: System, gold: tuple[GoldQuestion, ...], documents: dict[str, Document]) -> list[Outcome]:
    return [judge(question, system(question), documents) for question in gold]
