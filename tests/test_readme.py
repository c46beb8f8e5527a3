"""The README's code runs as it stands there, and its commands exist."""

import re
import shutil
from pathlib import Path

import pytest

from tests.conftest import ROOT, SAMPLE
from tests.echo import Echo

README = (ROOT / "README.md").read_text("utf-8")
BLOCKS = re.findall(r"```python\n(.*?)```", README, re.DOTALL)


def test_the_python_examples_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.copytree(SAMPLE, tmp_path / "documents")
    assert len(BLOCKS) == 3
    for block in BLOCKS:
        exec(compile(block, "README.md", "exec"), {"llm": Echo()})
    shown = capsys.readouterr().out
    assert "27 July 1953. [1]" in shown
    assert "1 korean-war-armistice.txt Span(start=" in shown
    assert "korean-war-armistice.txt" in shown.splitlines()[-1]


def test_the_commands_it_names_exist() -> None:
    makefile = (ROOT / "Makefile").read_text("utf-8")
    for target in re.findall(r"^make (\w+)", README, re.MULTILINE):
        assert f"\n{target}:" in makefile
    for module in set(re.findall(r"python -m ([\w.]+)", README)):
        assert (ROOT / module.replace(".", "/") / "__main__.py").exists()


def test_links_to_files_resolve() -> None:
    for target in re.findall(r"\]\(([^)#:]+)\)", README):
        assert (ROOT / target).exists(), target
