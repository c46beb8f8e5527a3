import json
import shutil
from pathlib import Path

import pytest
import torch
from sentence_transformers import CrossEncoder
from transformers import BertConfig, BertForSequenceClassification

from rag.errors import ModelError, SettingsError
from rag.explain import explain_candidates
from rag.models import embedder_folder
from rag.reader import load_reader
from rag.retrieve import Retriever
from rag.settings import Settings
from rag.store import Store

QUESTION = "Who signed the armistice in Korea?"
_TOKENIZER = ("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "vocab.txt")


def cross_encoder(folder: Path, labels: int = 1) -> Path:
    """A cross-encoder of two small layers with random weights, always the same."""
    torch.manual_seed(3)
    config = BertConfig(hidden_size=32, num_hidden_layers=2, num_attention_heads=2, intermediate_size=64)
    config.num_labels, config.initializer_range = labels, 0.5
    model = BertForSequenceClassification(config)
    model.save_pretrained(folder)
    for name in _TOKENIZER:
        source = embedder_folder(Settings().embedder) / name
        if source.is_file():
            shutil.copy(source, folder)
    return folder


@pytest.fixture(scope="module")
def reranker(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return cross_encoder(tmp_path_factory.mktemp("reranker"))


def test_the_best_candidates_come_in_the_order_of_the_cross_encoder(sample_store: Store, reranker: Path) -> None:
    settings = sample_store.settings.changed(reranker=str(reranker), reranked=7)
    with Store(settings) as store:
        passages = Retriever(store).retrieve(QUESTION, k=12)
        plain = Retriever(sample_store).retrieve(QUESTION, k=12)
    pairs = [
        (QUESTION, "\n".join(filter(None, (chunk.title, chunk.heading, chunk.text))))
        for chunk in (passage.chunk for passage in plain[:7])
    ]
    scores = CrossEncoder(str(reranker), device="cpu").predict(pairs, activation_fn=torch.nn.Sigmoid())
    expected = [plain[place].chunk.id for place in sorted(range(7), key=lambda place: -scores[place])]
    assert [passage.chunk.id for passage in passages[:7]] == expected
    assert expected != [passage.chunk.id for passage in plain[:7]]
    assert [passage.chunk.id for passage in passages[7:]] == [passage.chunk.id for passage in plain[7:]]
    assert [passage.score for passage in passages] == sorted((one.score for one in passages), reverse=True)
    assert passages[0].score == pytest.approx(max(scores), abs=1e-5)


def test_the_trained_reader_can_put_them_in_order(sample_store: Store) -> None:
    reader = load_reader(Settings(reader=True))
    assert reader
    with Store(sample_store.settings.changed(reader=True, reranker="reader", reranked=7)) as store:
        passages = Retriever(store).retrieve(QUESTION, k=12)
        plain = Retriever(sample_store).retrieve(QUESTION, k=12)
    of_use = reader.scores(QUESTION, [passage.chunk.above + passage.chunk.text for passage in plain[:7]])
    assert min(of_use) >= 0
    assert max(of_use) <= 1
    scores = {one.chunk.id: (one.score + float(useful)) / 2 for one, useful in zip(plain[:7], of_use, strict=True)}
    assert [passage.chunk.id for passage in passages[:7]] == sorted(scores, key=lambda id: -scores[id])
    assert passages[0].scores["reranked"] == pytest.approx(max(scores.values()), abs=1e-4)
    with pytest.raises(SettingsError, match="reader"):
        Settings(reader=False, reranker="reader")


def test_its_rank_and_score_are_explained(sample_store: Store, reranker: Path) -> None:
    with Store(sample_store.settings.changed(reranker=str(reranker))) as store:
        explained = explain_candidates(Retriever(store), QUESTION)
    assert [one.ranks["reranked"] for one in explained] == list(range(1, len(explained) + 1))
    assert sorted(one.ranks["final"] or 0 for one in explained) == list(range(1, len(explained) + 1))


def test_only_a_folder_of_safetensors_with_one_score_will_do(sample_store: Store, tmp_path: Path) -> None:
    def load(name: str) -> None:
        with Store(sample_store.settings.changed(reranker=name)) as store:
            Retriever(store)

    with pytest.raises(ModelError, match=r"reranker 'nowhere' is not a folder .* Set RAG_RERANKER"):
        load("nowhere")
    unsafe = cross_encoder(tmp_path / "unsafe")
    (unsafe / "pytorch_model.bin").touch()
    with pytest.raises(ModelError, match=r"holds pytorch_model\.bin: only safetensors"):
        load(str(unsafe))
    with pytest.raises(ModelError, match="gives 3 scores for a pair"):
        load(str(cross_encoder(tmp_path / "three", labels=3)))
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / "config.json").write_text(json.dumps({}))
    with pytest.raises(ModelError, match=r"has no model\.safetensors"):
        load(str(tmp_path / "empty"))
