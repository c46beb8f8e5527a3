"""Questions, numbers, vectors, names and gold files that make no sense: B53 to B57."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import eval.__main__
import rag.__main__
from rag.assistant import Assistant
from rag.command import run
from rag.errors import ModelError, QuestionError, RagError, SettingsError, StoreError, StoreMismatch
from rag.models import embedder_folder, load_embedder
from rag.retrieve import Retriever
from rag.settings import Settings
from rag.store import Store
from rag.vectors import VectorIndex
from tests.conftest import ingest as ingested
from tests.good_files import SENTENCE
from tests.odd_strings import ODD_STRINGS
from tests.reading import refusal


@pytest.fixture
def small_store(settings: Settings, folder: Path) -> Settings:
    """The settings of a store with one document."""
    (folder / "vienna.txt").write_text(SENTENCE)
    ingested(settings, folder)
    return settings


@pytest.mark.parametrize("question", ["", "   \n\t", "\0", "\ud800", "x" * 4_001, "word " * 100_000, "a" * 2**20])
def test_b53_no_question_or_too_long_a_one_is_refused_with_the_limit(sample_store: Store, question: str) -> None:
    with pytest.raises(QuestionError, match=r"the question is empty|at most 4,000 are allowed"):
        Retriever(sample_store).retrieve(question)


@pytest.mark.parametrize(
    "question",
    [
        *("the of and is", "?!", "🦔🦔🦔", "\u200b\u200b", "(a+)+$ " * 300, "a" * 4_000),
        *("NEAR(a b, 3) OR *", '"' * 3_999, '"a" "b" "c" ' * 300, "\x00What?\x00"),
    ],
)
def test_b53_a_question_about_nothing_is_answered_that_nothing_was_found(
    sample_assistant: Assistant, question: str
) -> None:
    answer = sample_assistant.ask(question)
    assert answer.refused
    assert answer.text
    assert answer.citations == ()


@pytest.mark.parametrize("k", [0, -1])
def test_b54_too_small_a_k_names_the_value_and_the_range(
    sample_store: Store, k: int, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(QuestionError, match=f"k is {k}, .*k=1 or more"):
        Retriever(sample_store).retrieve("What was signed?", k)
    with pytest.raises(SettingsError, match=f"'k' has the value {k}: .*greater than or equal to 1"):
        Settings(k=k)
    shown = refusal(rag.__main__.main, "search", "What?", "-k", k, "--store", sample_store.path, capsys=capsys)
    assert f"k is {k}" in shown


def test_b54_a_huge_k_gives_all_there_is(small_store: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    with Store(small_store) as store:
        assert len(Retriever(store).retrieve("What was signed?", 10**9)) == 1
    with pytest.raises(SettingsError, match=r"'k' has the value 1000000000: .*less than or equal to 1000"):
        Settings(k=10**9)


@pytest.mark.parametrize("k", ["five", "5.5", float("nan"), float("inf"), None, [5]])
def test_b54_a_k_that_is_no_number_is_named(k: object, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SettingsError, match=r"setting 'k' has the value .*: .*(integer|finite)"):
        Settings(k=k)
    with pytest.raises(SystemExit) as stopped:
        rag.__main__.main(["search", "What?", "-k", str(k)])
    assert stopped.value.code == 2
    assert f"invalid int value: '{k}'" in capsys.readouterr().err


def test_b55_another_model_is_refused_with_both_names(small_store: Settings, tmp_path: Path) -> None:
    other = shutil.copytree(embedder_folder(Settings().embedder), tmp_path / "other")
    settings = small_store.changed(embedder=str(other))
    with Store(settings) as store, pytest.raises(StoreMismatch, match=r"'all-MiniLM-L6-v2'.*/other'.*python -m ingest"):
        Retriever(store)


def test_b55_vectors_of_another_length_are_refused_in_one_line(small_store: Settings) -> None:
    with Store(small_store) as store:
        with pytest.raises(RagError) as raised:
            store.vectors.upsert(["x"], np.ones((1, 3), np.float32))
        assert "\n" not in str(raised.value)
        with pytest.raises(RagError) as raised:
            store.nearest(np.ones(3, np.float32), 5)
        assert "\n" not in str(raised.value)
        assert store.check().ok
        assert len(Retriever(store).retrieve("What was signed?")) == 1


@pytest.mark.parametrize("number", [np.nan, np.inf])
def test_b55_a_model_that_gives_no_numbers_is_named(number: float, monkeypatch: pytest.MonkeyPatch) -> None:
    embedder = load_embedder(Settings())
    encode = embedder._model.encode

    def encode_wrongly(*arguments: Any, **options: Any) -> Any:
        encoded = encode(*arguments, **options)
        if isinstance(encoded, np.ndarray):
            return np.full_like(encoded, number)
        return [one | {"sentence_embedding": one["sentence_embedding"] * number} for one in encoded]

    monkeypatch.setattr(embedder._model, "encode", encode_wrongly)
    for use in (embedder.encode, embedder.encode_words):
        with pytest.raises(ModelError, match="all-MiniLM-L6-v2"):
            use([SENTENCE])


def test_b55_the_vectors_of_another_store_are_noticed(
    small_store: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A folder of vectors of another dimension, put where the store's own were: noticed, or mended unasked."""
    other = VectorIndex(tmp_path / "chroma", None, "collection-1")
    other.upsert(["x"], np.ones((1, 3), np.float32))
    other.close()
    shutil.rmtree(small_store.store / "chroma")
    shutil.copytree(tmp_path / "chroma", small_store.store / "chroma")
    status = run(lambda: rag.__main__.main(["search", "What was signed?", "--store", str(small_store.store)]))
    shown = capsys.readouterr()
    assert status in (0, 4)
    assert "vienna.txt" in shown.out if status == 0 else "--repair" in shown.err


@pytest.mark.parametrize("name", ["kb", "x", "127.0.0.1", "..", "n" * 200, "a/b", *ODD_STRINGS])
def test_b56_any_name_of_a_collection_is_taken_or_refused_in_one_line(tmp_path: Path, name: str) -> None:
    try:
        settings = Settings(store=tmp_path / "s", collection=name)
    except SettingsError as error:
        refused = str(error)
    else:
        refused = ""
        with Store(settings, create=True) as store:
            assert store.collection == name
        with Store(settings) as store:
            assert store.collection == name
    assert "\n" not in refused
    assert not refused or "collection" in refused


@pytest.mark.parametrize("name", ["", "a\nb", "\0", "n" * 201])
def test_b56_an_empty_or_endless_name_is_refused(name: str) -> None:
    with pytest.raises(SettingsError, match="setting 'collection' has the value"):
        Settings(collection=name)


def test_b56_an_unknown_collection_is_refused_with_those_there_are(small_store: Settings) -> None:
    ingested(small_store.changed(collection="birds"), small_store.store.parent / "documents")
    with pytest.raises(StoreError, match=r"no collection 'bird'; it has: birds, default"):
        Store(small_store.changed(collection="bird"))


_LINE = json.dumps({"id": "q{}", "question": "Who signed?", "answers": []})


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ([_LINE.replace("{}", str(n)) for n in range(16)] + ["{broken"], "line 17: it is not JSON"),
        ([_LINE, '{"id": "q2"}'], "line 2: the field 'question' is missing"),
        ([_LINE, _LINE], "line 2: the id 'q{}' stands on line 1 too"),
        ([], "it holds no questions"),
        ([_LINE.replace('"answers"', '"anwsers"')], "the field 'anwsers' is unknown. Did you mean 'answers'"),
        (["[" * 100_000], "line 1: "),
        (['{"id": "q", "question": "\\ud800?", "answers": []}'], "line 1: "),
        (["\x00\x01"], "line 1: it is not JSON"),
    ],
)
def test_b57_a_faulty_gold_file_names_the_line(
    sample_store: Store, lines: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("gold.jsonl").write_text("\n".join(lines))
    command = ["run", "gold.jsonl", "--store", str(sample_store.path), "--name", "n", "--out", "runs"]
    assert run(lambda: eval.__main__.main(command)) == 2
    shown = capsys.readouterr().err
    assert shown.startswith("error: gold.jsonl")
    assert message in shown
    assert "Traceback" not in shown
    assert not Path("runs").exists()


@pytest.mark.parametrize("content", [None, b"\xff\xfe\xff", b"folder"])
def test_b57_a_gold_file_that_cannot_be_read_is_named(
    content: bytes | None, sample_store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    if content == b"folder":
        Path("gold.jsonl").mkdir()
    elif content is not None:
        Path("gold.jsonl").write_bytes(content)
    command = ["run", "gold.jsonl", "--store", sample_store.path, "--name", "n", "--out", "runs"]
    assert "gold.jsonl cannot be read" in refusal(eval.__main__.main, *command, capsys=capsys)
