from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.catalog import Hit
from rag.errors import QuestionError
from rag.fuse import fuse, min_max
from rag.retrieve import Retriever
from rag.settings import Settings
from rag.store import Store
from tests.conftest import ingest

scores = st.floats(-5, 5, allow_nan=False)
hits = st.dictionaries(st.sampled_from("abcdefgh"), scores).map(
    lambda found: sorted((Hit(id, score) for id, score in found.items()), key=lambda hit: -hit.score)
)


@given(hits, hits, st.floats(0, 1))
def test_fusion_finds_what_either_list_found_once_in_order(dense: list[Hit], keyword: list[Hit], weight: float) -> None:
    fused = fuse(dense, keyword, weight)
    assert {found.chunk_id for found in fused} == {hit.chunk_id for hit in dense + keyword}
    assert [found.score for found in fused] == sorted((found.score for found in fused), reverse=True)
    assert all(-1e-9 <= found.score <= 1 + 1e-9 for found in fused)
    for found in fused:
        for stage, listed in (("dense", dense), ("keyword", keyword)):
            rank = found.ranks.get(stage)
            assert (rank is None) == (found.chunk_id not in {hit.chunk_id for hit in listed})
            assert rank is None or listed[rank - 1].chunk_id == found.chunk_id


def test_fused_scores_are_the_weighted_normalised_ones() -> None:
    fused = fuse([Hit("a", 0.9), Hit("b", 0.5), Hit("c", 0.4)], [Hit("c", 8.0), Hit("a", 4.0)], 0.75)
    assert {found.chunk_id: round(found.score, 4) for found in fused} == {"a": 0.75, "b": 0.15, "c": 0.25}


@given(hits)
def test_normalised_scores_span_zero_to_one(found: list[Hit]) -> None:
    normalised = min_max(found)
    assert all(0 <= score <= 1 for score in normalised)
    assert not normalised or max(normalised) == 1


def test_passages_carry_rank_and_score_of_each_stage(sample_store: Store) -> None:
    passages = Retriever(sample_store).retrieve("Zhenbao Island clash of March 1969", k=5)
    assert passages[0].chunk.source == "sino-soviet-split.md"
    assert passages[0].ranks.keys() == {"dense", "keyword", "fused", "final"}
    assert passages[0].scores.keys() == {"dense", "keyword", "fused", "lexical", "late", "final"}
    assert [passage.score for passage in passages] == sorted((one.scores["final"] for one in passages), reverse=True)


@pytest.mark.parametrize(("weight", "stage"), [(1.0, "dense"), (0.0, "keyword")])
def test_one_index_alone_can_be_asked(sample_store: Store, weight: float, stage: str) -> None:
    with Store(sample_store.settings.changed(dense_weight=weight, rescored=0)) as store:
        passages = Retriever(store).retrieve("Who signed the armistice?")
    assert all(passage.ranks.keys() == {stage, "fused"} for passage in passages)


@pytest.mark.parametrize("question", ["", "  \n", "\x00", "\ud800"])
def test_an_empty_question_is_refused(sample_store: Store, question: str) -> None:
    with pytest.raises(QuestionError, match="empty"):
        Retriever(sample_store).retrieve(question)


def test_a_question_too_long_or_a_k_too_small_is_refused(sample_store: Store) -> None:
    with pytest.raises(QuestionError, match="4,001 characters; at most 4,000"):
        Retriever(sample_store).retrieve("x" * 4001)
    with pytest.raises(QuestionError, match="k is 0"):
        Retriever(sample_store).retrieve("x", k=0)


@pytest.mark.parametrize(
    "question", ["the of and", '(a+)+$ NOT " OR * NEAR(', "😀😀", "'; DROP TABLE chunks; --", "?" * 4000]
)
def test_odd_questions_find_something_or_nothing_but_never_fail(sample_store: Store, question: str) -> None:
    assert len(Retriever(sample_store).retrieve(question)) <= 10


def test_an_empty_collection_gives_no_passages(settings: Settings) -> None:
    with Store(settings, create=True) as store:
        assert Retriever(store).retrieve("Anything?") == ()


def test_what_was_removed_is_never_found_again(settings: Settings, folder: Path) -> None:
    (folder / "a.txt").write_text("The canary sings at dawn.")
    (folder / "b.txt").write_text("The bridge opens at noon.")
    ingest(settings, folder)
    (folder / "a.txt").unlink()
    ingest(settings, folder)
    with Store(settings) as store:
        passages = Retriever(store).retrieve("When does the canary sing?")
    assert [passage.chunk.source for passage in passages] == ["b.txt"]
