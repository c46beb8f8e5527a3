"""Settings and models that make no sense: B58 and B60."""

from __future__ import annotations

import os
import pickle
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import ingest.__main__
import rag.__main__
from rag.errors import ModelError
from rag.models import embedder_folder, load_embedder
from rag.settings import Settings
from rag.store import Store
from tests.conftest import ROOT
from tests.good_files import SENTENCE
from tests.reading import refusal


@pytest.mark.parametrize(
    ("toml", "variables", "message"),
    [
        ("chunk_token = 100", {}, "did you mean 'chunk_tokens'"),
        ("k = 'many'", {}, "setting 'k' has the value 'many'"),
        ("k = ", {}, "rag.toml is not valid TOML"),
        ("[rag]\nk = 3", {}, "unknown rag.toml key 'rag'"),
        ("", {"RAG_STRICTNES": "0.5"}, "did you mean 'RAG_STRICTNESS'"),
        ("", {"RAG_STRICTNESS": "high"}, "setting 'strictness' has the value 'high'"),
        ("", {"RAG_EMBEDDER": "/absent/model"}, "'/absent/model' is neither 'all-MiniLM-L6-v2' nor"),
        ("", {"RAG_RERANKER": "/absent/model"}, "reranker '/absent/model' is not a folder"),
        ("", {"RAG_CHROMA_URL": "ftp://a"}, "setting 'chroma_url' has the value 'ftp://a'"),
        ("", {"RAG_CHUNK_OVERLAP": "500"}, "at most half of chunk_tokens"),
        (
            "confidence = [1, 2, 3, 4, 5, 6]",
            {},
            "it takes 9 numbers, not 6. Fit them again: python -m eval fit-confidence",
        ),
    ],
)
def test_b58_a_faulty_setting_is_named_with_the_nearest_or_the_range(
    toml: str,
    variables: dict[str, str],
    message: str,
    sample_store: Store,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    Path("rag.toml").write_text(toml)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    shown = refusal(rag.__main__.main, "search", "What was signed?", "--store", sample_store.path, capsys=capsys)
    assert message in shown


def test_b58_a_port_in_use_is_named(sample_store: Store) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        command = [sys.executable, str(ROOT / "app.py"), "--port", str(port), "--store", str(sample_store.path)]
        ended = subprocess.run(
            command, env=os.environ | {"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, timeout=90, check=False
        )
    assert ended.returncode == 2
    assert ended.stdout == ""
    (line,) = ended.stderr.splitlines()
    assert line.startswith("error: ")
    assert str(port) in line
    assert "--port" in line


class _Evil:
    def __reduce__(self) -> tuple[Callable[[str], object], tuple[str]]:
        return os.mkdir, ("escaped",)


def _truncated(folder: Path) -> None:
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:1_000_000])


def _emptied(folder: Path) -> None:
    (folder / "model.safetensors").write_bytes(b"")


def _pickled(folder: Path) -> None:
    (folder / "model.safetensors").unlink()
    (folder / "pytorch_model.bin").write_bytes(pickle.dumps(_Evil()))


def _posing(folder: Path) -> None:
    (folder / "model.safetensors").write_bytes(pickle.dumps(_Evil()))


def _with_code(folder: Path) -> None:
    (folder / "modeling.py").write_text("import os; os.mkdir('escaped')")


def _without_tokenizer(folder: Path) -> None:
    (folder / "tokenizer.json").unlink()


def _broken_configuration(folder: Path) -> None:
    (folder / "config.json").write_text("{")


@pytest.mark.parametrize(
    "harm", [_truncated, _emptied, _pickled, _posing, _with_code, _without_tokenizer, _broken_configuration]
)
def test_b60_a_damaged_or_unsafe_model_is_refused_before_it_is_loaded(
    harm: Callable[[Path], None], tmp_path: Path, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = shutil.copytree(embedder_folder(Settings().embedder), tmp_path / "model")
    harm(model)
    (folder / "a.txt").write_text(SENTENCE)
    Path("rag.toml").write_text(f"embedder = '{model}'")
    assert str(model) in refusal(ingest.__main__.main, folder, "--store", "S", capsys=capsys)
    assert not Path("escaped").exists()


def test_b60_weights_that_are_not_the_published_ones_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = shutil.copytree(embedder_folder(Settings().embedder), tmp_path / "model")
    weights = model / "model.safetensors"
    content = bytearray(weights.read_bytes())
    content[-1] ^= 1
    weights.write_bytes(content)
    monkeypatch.setattr("rag.models.embedder_folder", lambda name: model)
    with pytest.raises(ModelError, match=r"have sha256 [0-9a-f]{64}, expected [0-9a-f]{64}\. Run: pip install"):
        load_embedder(Settings(embedder_dtype="bfloat16"))
