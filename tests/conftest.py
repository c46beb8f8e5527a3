"""Shared fixtures: everything real (embedder, Chroma, SQLite, parsers), everything offline, nothing of the user's."""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect, sync_playwright

for _name in [name for name in os.environ if name.startswith("RAG_")]:
    del os.environ[_name]
os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["RAG_READER"] = "off"  # half a second an answer; what tests how good answers are turns it on

from eval.corpus import StoredDocuments  # noqa: E402
from eval.gold import load_gold  # noqa: E402
from eval.outcome import System  # noqa: E402
from eval.run import Protocol, Run, ask_all, make_header  # noqa: E402
from eval.systems import answering  # noqa: E402
from ingest.report import Report  # noqa: E402
from ingest.sync import sync  # noqa: E402
from rag.assistant import Assistant  # noqa: E402
from rag.models import Embedder, load_embedder  # noqa: E402
from rag.settings import Settings  # noqa: E402
from rag.store import Store  # noqa: E402

ROOT = Path(__file__).parent.parent
CHROMIUM = Path("/usr/bin/chromium")
SAMPLE = ROOT / "ingest" / "sample"
SAMPLE_GOLD = ROOT / "eval" / "gold" / "sample.jsonl"


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every test runs in a folder of its own, away from a rag.toml or a store of the user's."""
    monkeypatch.chdir(tmp_path)


@pytest.fixture(scope="session")
def embedder() -> Embedder:
    return load_embedder(Settings())


@pytest.fixture(scope="session")
def sample_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store of the sample corpus, to be copied."""
    settings = Settings(store=tmp_path_factory.mktemp("sample") / "store")
    ingest(settings, SAMPLE)
    return settings.store


@pytest.fixture(scope="session")
def sample_store(sample_folder: Path) -> Iterator[Store]:
    """A store of the sample corpus, for reading."""
    with Store(Settings(store=sample_folder)) as store:
        yield store


@pytest.fixture(scope="session")
def sample_assistant(sample_store: Store) -> Assistant:
    return Assistant(sample_store)


@pytest.fixture(scope="session")
def sample_system(sample_assistant: Assistant) -> System:
    """The assistant over the sample corpus, which answers a gold question anew only once."""
    return cache(answering(sample_assistant))


@pytest.fixture(scope="session")
def sample_run(sample_store: Store, sample_system: System, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """The sample questions asked of the sample corpus."""
    documents = StoredDocuments(sample_store)
    header = make_header(sample_store.settings, Protocol(), SAMPLE_GOLD, documents)
    questions = load_gold(SAMPLE_GOLD, documents)
    return ask_all("sample", questions, sample_system, documents, header, tmp_path_factory.mktemp("run") / "journal")


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Headless Chromium; where it is missing the tests that need it are skipped, but never in CI."""
    if not CHROMIUM.exists():
        reason = f"NOT TESTED: the pages, because there is no {CHROMIUM}. Install Debian's chromium."
        pytest.fail(reason) if os.environ.get("CI") else pytest.skip(reason)
    expect.set_options(timeout=120_000)  # on a busy machine a page takes long to appear
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
        )
        yield launched
        launched.close()


@pytest.fixture(scope="module")
def reading() -> Iterator[None]:
    """The reader reads, as it does for a user; elsewhere it would double the time of all tests."""
    with pytest.MonkeyPatch.context() as environment:
        environment.delenv("RAG_READER")
        yield


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An empty folder of documents."""
    path = tmp_path / "documents"
    path.mkdir()
    return path


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(store=tmp_path / "store")


def ingest(settings: Settings, *paths: Path) -> Report:
    """Bring the settings' store in line with the paths."""
    with Store(settings, create=True) as store:
        return sync(store, paths)
