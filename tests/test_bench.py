"""The benchmarks' protocols, on tiny sets of the same shape whose figures can be worked out by hand."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from eval.bench.reference import recursive_chunks, use_bundled_tokens
from eval.bench.tables import BENCHMARKS, run_benchmarks, save_results, table_markdown
from eval.bench.workbench import Row, Table, Workbench
from eval.errors import BenchError
from eval.run import Track
from eval.stats import Estimate

TEXTS = {
    "rain": "It rained in Vienna on 3 May 1815. The treaty was signed all the same.",
    "sheep": "The flock counted 412 sheep in spring. By autumn 390 sheep were left on the hill.",
    "glass": "Blown glass cools for a day. A kiln of bricks keeps it from cracking.",
}
RAIN = {"start": 0, "end": 34, "quote": "It rained in Vienna on 3 May 1815."}
QUESTIONS: list[dict[str, Any]] = [
    {"id": "1", "question": "Where did it rain?", "answers": ["Vienna"], "evidence": [{"source": "rain", **RAIN}]},
    {"id": "2", "question": "How many sheep were counted in spring?", "answers": ["412"], "relevant": {"sheep": 1}},
    {"id": "3", "question": "What is the price of a submarine?", "answers": []},
]


def untracked(words: str) -> Track:
    return lambda outcomes, total: outcomes


@pytest.fixture
def bench(tmp_path: Path) -> Workbench:
    return Workbench(tmp_path / "sets", tmp_path / "out", Console(quiet=True), untracked)


def write(bench: Workbench, name: str, questions: list[dict[str, Any]], texts: dict[str, str] = TEXTS) -> None:
    folder = bench.benchmarks / name
    folder.mkdir(parents=True)
    with gzip.open(folder / "corpus.jsonl.gz", "wt", encoding="utf-8") as lines:
        lines.writelines(json.dumps({"source": source, "text": text}) + "\n" for source, text in texts.items())
    (folder / "gold.jsonl").write_text("\n".join(map(json.dumps, questions)))


def figures(bench: Workbench, name: str, row: str) -> dict[str, float]:
    """The figures of one of our rows."""
    (table,) = run_benchmarks(bench, [name])
    (found,) = (one for one in table.rows if one.system == row and one.kind != "published")
    return {column: one.value if isinstance(one, Estimate) else one for column, one in found.figures.items()}


def test_squad_counts_refusals_of_what_has_no_answer_as_right(bench: Workbench) -> None:
    write(bench, "squad2_public", QUESTIONS)
    found = figures(bench, "squad2_public", "with the reader")
    assert found["SQuAD 2.0 EM"] == pytest.approx((found["exact match"] * 2 + 1) / 3)
    assert (found["hallucination rate"], found["error rate"]) == (0, 0)
    assert found["AUROC"] == 1


def test_a_twin_of_a_gold_chunk_counts_as_the_chunk(bench: Workbench) -> None:
    texts = TEXTS | {"rain again": TEXTS["rain"]}
    write(bench, "anthropic_code", [{"id": "1", "question": "rain in Vienna", "relevant": {"rain again": 1}}], texts)
    assert figures(bench, "anthropic_code", "Footnote")["Pass@5"] == 1


def test_conversations_are_searched_by_last_turn_rewrite_and_history(bench: Workbench) -> None:
    turn: dict[str, Any] = {
        "id": "1",
        "question": "And in autumn?",
        "history": [{"role": "user", "content": "How many sheep were counted in spring?"}],
        "rewrite": "How many sheep were left in autumn?",
        "relevant": {"sheep": 1},
        "tags": ["turn:follow-up"],
    }
    others: list[dict[str, Any]] = [
        {"id": str(number), "question": "sheep", "relevant": {"sheep": 1}, "tags": [f"turn:{kind}"]}
        for number, kind in enumerate(("first", "clarification"), start=2)
    ]
    write(bench, "mtrag_cloud", [turn, *others, {"id": "4", "question": "Submarines?", "answers": []}])
    assert figures(bench, "mtrag_cloud", "Footnote, rewrite")["nDCG@5, follow-up"] == 1
    assert figures(bench, "mtrag_cloud", "Footnote, history")["nDCG@5"] == 1
    assert figures(bench, "mtrag_cloud", "Footnote, answers with history")["hallucination rate"] == 0


def test_scifact_compares_both_indexes_fusion_and_the_rebuilt_embedder(bench: Workbench) -> None:
    claims: list[dict[str, Any]] = [
        {
            "id": "1",
            "question": "Vienna was wet in 1815",
            "relevant": {"rain": 1},
            "evidence": [{"source": "rain", **RAIN}],
        },
        {"id": "2", "question": "Sheep numbers fell", "relevant": {"sheep": 1}},
    ]
    write(bench, "scifact", claims)
    for row in ("MiniLM, whole abstracts", "Footnote, meaning only", "Footnote"):
        assert figures(bench, "scifact", row)["nDCG@10"] == 1
    assert figures(bench, "scifact", "Footnote, quotes for 505 claims")["citation recall"] == 1


def test_figures_of_a_reference_answer_are_counted_without_years_dates_and_file_names(bench: Workbench) -> None:
    reference = (
        "In spring there were 412 sheep (2023 Q3 HILL.pdf), in June 30, 2023 some 77. SOURCE(S): 2023 Q3 HILL.pdf"
    )
    question = QUESTIONS[1] | {"answers": [reference]}
    write(bench, "sec10q", [question])
    assert figures(bench, "sec10q", "Footnote")["figures"] == 0.5


def test_sections_are_ranked_by_document(bench: Workbench) -> None:
    write(bench, "anthropic_docs", QUESTIONS[1:2])
    found = figures(bench, "anthropic_docs", "Footnote")
    assert (found["recall@3"], found["MRR@3"]) == (1, 1)
    assert found["precision@3"] == pytest.approx(1 / 3)


def test_evidence_is_measured_in_characters_beside_the_rebuilt_chunking(bench: Workbench) -> None:
    folder = bench.benchmarks / "chroma_chunking"
    (folder / "corpus").mkdir(parents=True)
    for source, text in TEXTS.items():
        (folder / "corpus" / f"{source}.md").write_text(text)
    question = {"id": "1", "question": "Where did it rain?", "evidence": [{"source": "rain.md", **RAIN}]}
    (folder / "gold.jsonl").write_text(json.dumps(question))
    everything = sum(map(len, TEXTS.values()))
    for row in ("MiniLM, recursive 200", "Footnote"):
        found = figures(bench, "chroma_chunking", row)
        assert found["evidence recall@5"] == 1
        assert found["evidence IoU@5"] == pytest.approx(34 / everything)


def test_the_rebuilt_chunks_are_exact_characters_each_where_its_text_is_found_first() -> None:
    use_bundled_tokens()
    text = "\n\n".join(f"Paragraph {number} says the same words again. " * 12 for number in range(30))
    spans = [unit.chunk.span for unit in recursive_chunks({"a": text})]
    assert spans == sorted(spans)
    assert "".join(span.of(text) for span in spans).replace(" ", "").replace("\n", "") == text.replace(" ", "").replace(
        "\n", ""
    )


def test_a_rebuilt_chunk_that_repeats_another_stands_where_that_one_does() -> None:
    use_bundled_tokens()
    text = "\n\n".join(["The same words come again and again. " * 20] * 4)
    assert len({unit.chunk.span for unit in recursive_chunks({"a": text})}) == 1


def test_articles_are_compared_by_shingles_of_four_words(bench: Workbench) -> None:
    folder = bench.benchmarks / "html_articles"
    (folder / "corpus").mkdir(parents=True)
    (folder / "gold_text").mkdir()
    body = " ".join(f"Sentence {number} of the article tells something of its own." for number in range(20))
    (folder / "corpus" / "a.html").write_text(f"<html><body><article><p>{body}</p></article></body></html>")
    (folder / "gold_text" / "a.txt").write_text(body)
    (folder / "index.jsonl").write_text(json.dumps({"file": "a.html", "gold_text": "gold_text/a.txt"}))
    assert figures(bench, "html_articles", "Footnote") == {"F1": 1, "precision": 1, "recall": 1}


def test_formats_need_every_phrase_or_a_reason(bench: Workbench) -> None:
    folder = bench.benchmarks / "formats"
    (folder / "corpus").mkdir(parents=True)
    rows: list[dict[str, Any]] = [
        {"file": "a.txt", "expect": "text", "level": "core", "must_contain": ["one  two"], "must_not_contain": ["x"]},
        {"file": "b.txt", "expect": "text", "level": "core", "must_contain": ["three"]},
        {"file": "c.pdf", "expect": "corrupt", "level": "core"},
    ]
    for row in rows:
        (folder / "corpus" / row["file"]).write_text("One two. one\ntwo")
    (folder / "index.jsonl").write_text("\n".join(map(json.dumps, rows)))
    assert figures(bench, "formats", "Footnote") == {"core, text": 0.5, "core, refused or handled": 1}


def test_an_absent_set_is_said_to_be_skipped_and_an_unknown_one_is_refused(tmp_path: Path) -> None:
    console = Console(record=True, width=200)
    bench = Workbench(tmp_path / "sets", tmp_path / "out", console, untracked)
    assert list(run_benchmarks(bench, ["scifact"])) == []
    assert "scifact: skipped, there is no folder" in console.export_text()
    with pytest.raises(BenchError, match=r"no benchmark 'scifct'\. Known: chroma_chunking"):
        list(run_benchmarks(bench, ["scifct"]))


def test_kept_results_are_shown_together_whenever_they_were_measured(bench: Workbench, tmp_path: Path) -> None:
    found = Row("Footnote", "ours", {"recall@5": Estimate(0.5, 9, 0.4, 0.6), "F1": 0.25})
    first = Table("scifact", "how", (Row("BM25", "published", {"recall@5": 0.4}), found), 61.0)
    save_results([first], bench, tmp_path / "results")
    save_results([Table("formats", "how", (found,), 2.0)], bench, tmp_path / "results")
    text = (tmp_path / "results" / "README.md").read_text()
    assert table_markdown(first).strip() in text
    assert "| BM25 (published) | 0.400 |  |" in text
    assert "| Footnote | **0.500** [0.400, 0.600] | 0.250 |" in text
    assert "| scifact | 61 s |" in text
    assert text.index("### scifact") < text.index("### formats")
    assert json.loads((tmp_path / "results" / "scifact.json").read_text())["code"]["sha256"]
    assert {"scifact", "formats"} < BENCHMARKS.keys()
