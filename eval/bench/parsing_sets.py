"""The sets that measure reading files: the article of a web page, and every kind of file a user might drop in."""

from __future__ import annotations

import json
import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from eval.bench.workbench import Row, Table, Workbench, mean_of
from eval.stats import Estimate
from ingest.sandbox import Sandbox
from rag.errors import ParseError
from rag.types import Document

Shingles = Counter[tuple[str, ...]]

_SHINGLE = 4  # words, as in the benchmark's evaluate.py


def html_articles(bench: Workbench) -> Table:
    """The article extraction benchmark: precision and recall of four-word shingles of the article's text.

    The benchmark's texts name a table's columns once, above it, so that is how ours are counted, and, below that, as
    they stand: with the names in every row.
    """
    folder = bench.benchmarks / "html_articles"
    ways: dict[str, Callable[[str], str]] = {
        "Footnote": _plain_tables,
        "Footnote, with columns' names in every row": str,
    }
    figures: dict[str, dict[str, Estimate | float]] = {}
    with Sandbox() as sandbox:
        pages = [
            (read_file(sandbox, folder / "corpus" / row["file"])[0], (folder / row["gold_text"]).read_text("utf-8"))
            for row in read_index(folder)
        ]
    for name, way in ways.items():
        figures[name] = _article_figures([(_shingles(way(text)), _shingles(gold)) for text, gold in pages])
    others = {
        "trafilatura 2.0": 0.958,
        "newspaper4k": 0.949,
        "readability-lxml": 0.922,
        "BeautifulSoup get_text": 0.665,
    }
    rows = [Row(system, "published", {"F1": one}) for system, one in others.items()]
    rows += [Row(name, "ours", ours) for name, ours in figures.items()]
    return Table("html_articles", "91 pages; F1 of the mean precision and recall", tuple(rows))


def _article_figures(pages: Sequence[tuple[Shingles, Shingles]]) -> dict[str, Estimate | float]:
    """Precision, recall and F1 over pages, each given as what was found and what is gold."""
    precisions, recalls = [], []
    for found, gold in pages:
        shared = sum((found & gold).values())
        precisions.append(shared / found.total() if found else float(not gold))
        recalls.append(shared / gold.total() if gold else 1.0)
    precision, recall = mean_of(precisions), mean_of(recalls)
    f1 = 2 * precision.value * recall.value / (precision.value + recall.value)
    return {"F1": f1, "precision": precision, "recall": recall}


def formats(bench: Workbench) -> Table:
    """Files of every kind: the share of readable ones with every phrase, and of others refused with a reason.

    Below that, kind by kind, the share of the phrases found.
    """
    folder = bench.benchmarks / "formats"
    whole: dict[str, list[float]] = {}
    phrases: dict[str, list[float]] = {}
    with Sandbox() as sandbox:
        for row in read_index(folder):
            text, refused = read_file(sandbox, folder / "corpus" / row["file"])
            expected, level, wanted = row["expect"], row["level"], row.get("must_contain") or ()
            found = [float(_normalise(phrase) in _normalise(text)) for phrase in wanted]
            right = has_every_phrase(text, row) if expected == "text" else refused or all(found)
            whole.setdefault(f"{level}, {'text' if expected == 'text' else 'refused or handled'}", []).append(right)
            if expected == "text":
                phrases.setdefault(Path(row["file"]).suffix.removeprefix("."), []).extend(found)
    totals = Row("Footnote", "ours", {name: mean_of(values) for name, values in whole.items()})
    kinds = [Row(f"Footnote, {kind}", "ours", {"phrases": mean_of(found)}) for kind, found in sorted(phrases.items())]
    return Table(
        "formats",
        "187 files; of text: all phrases found and none that must not be; nothing published",
        (totals, *kinds),
    )


def read_index(folder: Path) -> Iterator[dict[str, Any]]:
    """The rows of a set's index."""
    return map(json.loads, (folder / "index.jsonl").read_text("utf-8").splitlines())


def read_file(sandbox: Sandbox, path: Path) -> tuple[str, bool]:
    """A file's text, and whether it was refused with a reason instead."""
    try:
        parsed = list(sandbox.parse(path, path.name))
    except ParseError:
        return "", True
    return "\n\n".join(one.text for one in parsed if isinstance(one, Document)), False


def has_every_phrase(text: str, row: dict[str, Any]) -> bool:
    """Whether a file's text has what the index says it must, and nothing that it must not."""
    text = _normalise(text)
    wanted, unwanted = row.get("must_contain", ()), row.get("must_not_contain", ())
    return all(_normalise(phrase) in text for phrase in wanted) and not any(_normalise(one) in text for one in unwanted)


def _normalise(text: str) -> str:
    """NFKC with single spaces and without Markdown's escapes and table pipes, as the benchmark's README asks."""
    bare = re.sub(r"\\([\\`*_{}\[\]()#+.!|<>-])", r"\1", unicodedata.normalize("NFKC", text)).replace("|", " ")
    return " ".join(bare.split())


def _plain_tables(text: str) -> str:
    """The text with the names of a table's columns once above it, as pages show them, not in each of its rows."""
    lines: list[str] = []
    above: list[str] = []
    for line in text.split("\n"):
        cells = [cell.partition(": ") for cell in line.strip("| ").split(" | ")]
        names = [name for name, colon, _ in cells if colon] if line.startswith("| ") else []
        if names and not set(names) <= set(above):
            above = names
            lines.append(" ".join(names))
        lines.append(" ".join(value if name in above else name + value for name, _, value in cells) if names else line)
    return "\n".join(lines)


def _shingles(text: str) -> Shingles:
    words = re.findall(r"\w+", text)
    if len(words) < _SHINGLE:
        return Counter([tuple(words)] if words else [])
    return Counter(tuple(words[place : place + _SHINGLE]) for place in range(len(words) - _SHINGLE + 1))
