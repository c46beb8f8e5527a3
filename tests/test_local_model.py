import hashlib
from pathlib import Path

import pytest

from rag import local_model
from rag.errors import ModelError
from rag.local_model import assemble, local_file
from rag.settings import Settings


@pytest.fixture
def parts(tmp_path: Path) -> list[Path]:
    found = [tmp_path / f"part{number}.bin" for number in (1, 2, 3)]
    for number, part in enumerate(found):
        part.write_bytes(bytes([number]) * 1000)
    return found


def test_the_parts_are_put_together_in_order_and_checked(parts: list[Path], tmp_path: Path) -> None:
    whole = b"".join(part.read_bytes() for part in parts)
    told: list[str] = []
    assemble(parts, tmp_path / "whole", hashlib.sha256(whole).hexdigest(), told.append)
    assert (tmp_path / "whole").read_bytes() == whole
    assert told[-1].endswith("3 of 3 parts")


def test_a_wrong_part_is_noticed_and_leaves_nothing_behind(
    parts: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(local_model, "_parts", lambda: parts)
    settings = Settings(llm_cache=tmp_path / "cache")
    with pytest.raises(ModelError, match="has sha256"):
        local_file(settings, lambda _: None)
    assert list((tmp_path / "cache").iterdir()) == []


def test_missing_packages_and_files_are_named(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="RAG_LLM_FILE"):
        local_file(Settings(llm_file=tmp_path / "none.gguf"), lambda _: None)


def test_a_folder_that_cannot_be_written_is_named(
    parts: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(local_model, "_parts", lambda: parts)
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(ModelError, match="RAG_LLM_CACHE"):
        local_file(Settings(llm_cache=tmp_path / "file"), lambda _: None)
