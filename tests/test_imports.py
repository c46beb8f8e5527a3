"""Imports go one way: prompts <- rag <- ingest <- eval <- app; and each library has one home."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT

MAY_IMPORT = {
    "prompts": set(),
    "rag": {"prompts"},
    "ingest": {"rag"},
    "eval": {"rag", "ingest"},
    "app.py": {"rag", "ingest", "eval", "prompts"},
}
HOMES = {
    "chromadb": {"rag/vectors.py"},
    "sqlite3": {"rag/catalog.py"},
    "torch": {
        "rag/models.py",
        "rag/reader.py",
        "rag/reader_network.py",
        "eval/train_reader.py",
        "eval/reader_lessons.py",
    },
    "sentence_transformers": {"rag/models.py"},
    "gradio": {
        *("app.py", "ingest/page/documents.py", "ingest/page/view.py"),
        *(f"eval/page/{name}.py" for name in ("feedback", "thumbs", "view")),
        *(f"rag/page/{name}.py" for name in ("access", "ask", "chat", "endpoints", "evidence", "told")),
    },
    "matplotlib": {"eval/report/charts.py"},
}
FORBIDDEN_CALLS = {"eval", "exec", "compile", "__import__"}


def modules(top: str) -> list[Path]:
    path = ROOT / top
    return [path] if path.is_file() else sorted(path.rglob("*.py"))


def imported(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module)
    return names


@pytest.mark.parametrize("top", MAY_IMPORT)
def test_imports_go_one_way(top: str) -> None:
    ours = MAY_IMPORT.keys() - {"app.py"} | {"app"}
    for path in modules(top):
        used = {name.split(".")[0] for name in imported(path)} & ours
        assert used <= MAY_IMPORT[top] | {top}, path


def test_the_nouns_import_nothing_of_ours() -> None:
    assert not {name.split(".")[0] for name in imported(ROOT / "rag" / "types.py")} & MAY_IMPORT.keys()


@pytest.mark.parametrize("library", HOMES)
def test_each_library_has_one_home(library: str) -> None:
    found = {
        path.relative_to(ROOT).as_posix()
        for top in MAY_IMPORT
        for path in modules(top)
        if library in {name.split(".")[0] for name in imported(path)}
    }
    assert found == HOMES[library]


@pytest.mark.parametrize("top", MAY_IMPORT)
def test_nothing_is_evaluated_or_unpickled(top: str) -> None:
    for path in modules(top):
        assert not imported(path) & {"pickle", "marshal", "shelve", "dill"}, path
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                assert node.func.id not in FORBIDDEN_CALLS, path


def test_public_names() -> None:
    import rag

    assert rag.__all__ == ["Assistant", "Retriever", "Settings", "Store"]
    for name in rag.__all__:
        assert getattr(rag, name).__name__ == name
    with pytest.raises(AttributeError):
        _ = rag.Nothing


def test_what_takes_seconds_to_import_waits_until_it_is_needed() -> None:
    models = ("torch", "sentence_transformers", "llama_index")
    slow = (*models, "scipy.stats", "sklearn", "matplotlib", "gradio", "pypdf", "trafilatura", "docx", "pptx")
    modules = "sys, ingest.sync, eval.report.page, eval.page.workbook"
    program = f"import {modules}; print(sorted(sys.modules.keys() & set({slow})))"
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
