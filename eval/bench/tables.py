"""Every benchmark in turn -> tables, as Markdown and as a file to keep."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, fields, replace
from pathlib import Path
from time import perf_counter
from typing import Any

from eval.bench.ablation import ablation, reranking
from eval.bench.parsing_sets import formats, html_articles
from eval.bench.reading_sets import sec10q, squad2_public
from eval.bench.retrieval_sets import anthropic_code, anthropic_docs, chroma_chunking, mtrag_cloud, scifact
from eval.bench.support_sets import scifact_support
from eval.bench.workbench import Table, Workbench
from eval.errors import BenchError
from eval.provenance import code, machine
from eval.report.markdown import table as markdown_table
from eval.serial import from_json
from eval.stats import Estimate
from rag.models import load_embedder

BENCHMARKS: dict[str, Callable[[Workbench], Table]] = {
    measure.__name__: measure
    for measure in (
        *(chroma_chunking, scifact, mtrag_cloud, squad2_public, anthropic_docs, anthropic_code),
        *(scifact_support, sec10q, html_articles, formats, ablation, reranking),
    )
}


_FOLDERS = {
    scifact_support.__name__: "scifact",
    ablation.__name__: "",
    reranking.__name__: "",
}  # where they are named otherwise


def run_benchmarks(bench: Workbench, names: Sequence[str]) -> Iterator[Table]:
    """The table of each benchmark named, as soon as it is there. One whose folder is absent is said to be skipped.

    Raises BenchError for a name that is none.
    """
    for name in names:
        if name not in BENCHMARKS:
            raise BenchError(f"there is no benchmark {name!r}. Known: {', '.join(BENCHMARKS)}.")
    for name in names:
        folder = bench.benchmarks / _FOLDERS.get(name, name)
        if not folder.is_dir():
            bench.console.print(f"{name}: skipped, there is no folder {folder}", markup=False)
            continue
        started = perf_counter()
        found = BENCHMARKS[name](bench)
        yield replace(found, seconds=perf_counter() - started)


def table_markdown(found: Table) -> str:
    """A benchmark's table; our figures in bold with their intervals."""
    rows = [
        [
            row.system if row.kind == "ours" else f"{row.system} ({row.kind})",
            *(_cell(row.figures.get(column)) for column in found.columns),
        ]
        for row in found.rows
    ]
    picture = f"\n![{found.benchmark}]({found.benchmark}.svg)\n" if found.picture else ""
    return f"### {found.benchmark}\n\n{found.protocol}\n\n{markdown_table(('', *found.columns), rows)}\n{picture}"


def save_results(tables: Sequence[Table], bench: Workbench, folder: Path) -> None:
    """Keep each table as JSON, with what it rests on, and all that are kept there as one Markdown file."""
    folder.mkdir(parents=True, exist_ok=True)
    embedder = load_embedder(bench.settings)
    rests_on = {
        "code": asdict(code()),
        "settings": json.loads(bench.settings.model_dump_json(exclude={"store"})),
        "embedder": {"name": embedder.name, "sha256": embedder.sha256, "dtype": embedder.dtype},
        "cores": os.cpu_count(),
        "packages": machine().packages,
    }
    for found in tables:
        picture = folder / f"{found.benchmark}.svg"
        if found.picture:
            picture.write_text(found.picture, "utf-8")
        content = json.dumps(
            asdict(replace(found, picture=picture.name if found.picture else "")) | rests_on,
            indent=1,
            ensure_ascii=False,
        )
        (folder / f"{found.benchmark}.json").write_text(content + "\n", "utf-8")
    kept = [_load(path) for name in BENCHMARKS if (path := folder / f"{name}.json").exists()]
    times = [(found.benchmark, f"{found.seconds:.0f} s") for found in kept]
    parts = [
        "# Benchmarks",
        "Measured by `python -m eval bench`, with the bundled 22M-parameter embedder on two CPU cores and no language "
        "model. In brackets: 95 % intervals. Rebuilt rows check the harness: they must give the published figure.",
        *map(table_markdown, kept),
        "### Time",
        markdown_table(("benchmark", "time"), times) + "\n",
    ]
    (folder / "README.md").write_text("\n\n".join(part.strip() for part in parts) + "\n", "utf-8")


def _load(path: Path) -> Table:
    content: dict[str, Any] = json.loads(path.read_text("utf-8"))
    known = {field.name: content[field.name] for field in fields(Table) if field.name in content}
    return from_json(Table, json.dumps(known))


def _cell(figure: Estimate | float | None) -> str:
    if figure is None:
        return ""
    if isinstance(figure, Estimate):
        ends = "" if figure.low is None else f" [{figure.low:.3f}, {figure.high:.3f}]"
        return f"**{figure.value:.3f}**{ends}"
    return f"{figure:.3f}"
