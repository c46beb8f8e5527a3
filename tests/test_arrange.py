import re
from pathlib import Path

import pytest

from rag.arrange import arrange
from rag.errors import QuestionError
from rag.explain import explain_candidates, explain_source
from rag.retrieve import Retriever
from rag.settings import Settings
from rag.store import Store
from tests.conftest import ingest

QUESTION = "What did the keeper of the lighthouse write in the log?"


@pytest.fixture
def store(settings: Settings, folder: Path) -> Store:
    """A log of many short chunks, its copy, and something else."""
    nights = [
        f"On night {night} the keeper of the lighthouse wrote in the log that {weather} came from the {side}."
        for night, weather, side in zip(
            range(1, 13), ("fog", "rain", "hail", "snow") * 3, ("north", "east", "south") * 4, strict=True
        )
    ]
    (folder / "log.txt").write_text("The log of the lighthouse\n\n" + "\n\n".join(nights))
    (folder / "copy.txt").write_text("A copy\n\n" + "\n\n".join(nights))
    (folder / "bread.txt").write_text("The baker sells rye bread and rolls at the market every morning.")
    settings = settings.changed(chunk_tokens=32, exact_search=True, join_neighbours=True)
    ingest(settings, folder)
    return Store(settings)


def test_neighbours_become_one_passage_of_exact_text(store: Store) -> None:
    with store:
        apart = Retriever(store.__class__(store.settings.changed(join_neighbours=False))).retrieve(QUESTION, 4)
        joined = Retriever(store).retrieve(QUESTION, 4)
        longest = max(joined, key=lambda passage: len(passage.chunk.text))
        assert len(longest.chunk.text) > max(len(passage.chunk.text) for passage in apart)
        assert len(re.findall(r"On night", longest.chunk.text)) in (2, 3)
        for passage in joined:
            document = store.document(passage.chunk.document_id)
            assert document
            assert passage.chunk.span.of(document.text) == passage.chunk.text
        assert [passage.score for passage in joined] == sorted((one.score for one in joined), reverse=True)


@pytest.mark.parametrize("k", [1, 2, 5, 40])
def test_never_more_than_k_and_no_character_twice(store: Store, k: int) -> None:
    with store:
        passages = Retriever(store).retrieve(QUESTION, k)
        assert 0 < len(passages) <= k
        for number, passage in enumerate(passages):
            for other in passages[:number]:
                same = passage.chunk.document_id == other.chunk.document_id
                assert not (same and passage.chunk.span.overlap(other.chunk.span))


def test_a_candidate_that_was_not_read_is_a_passage_of_its_own(store: Store) -> None:
    with store:
        retriever = Retriever(store)
        candidates = retriever.search(retriever.read(QUESTION)).candidates
        passages = arrange(candidates, {}, 4, store).passages
        assert [passage.chunk.id for passage in passages] == [candidate.chunk_id for candidate in candidates[:4]]


def test_what_falls_far_behind_is_left_out_if_asked(store: Store) -> None:
    with store, Store(store.settings.changed(margin=0.15)) as strict:
        assert "bread.txt" in {passage.chunk.source for passage in Retriever(store).retrieve(QUESTION, 40)}
        assert "bread.txt" not in {passage.chunk.source for passage in Retriever(strict).retrieve(QUESTION, 40)}


def test_every_candidate_is_accounted_for(store: Store) -> None:
    with store:
        explained = explain_candidates(Retriever(store), QUESTION, 3)
        passages = Retriever(store).retrieve(QUESTION, 3)
        kept = [one for one in explained if one.fate == "in the passages"]
        covered = sum(len(passage.chunk.text) for passage in passages)
        assert sum(len(one.chunk.text) for one in kept) <= covered
        assert {one.chunk.source for one in kept} == {passage.chunk.source for passage in passages}
        assert all(one.fate.startswith("left out: 3 better passages") for one in explained if one not in kept)
        assert [one.ranks["final"] for one in explained] == list(range(1, len(explained) + 1))


def test_a_document_that_was_not_found_says_why(store: Store) -> None:
    with store, Store(store.settings.changed(candidates=5)) as narrow:
        (bread,) = explain_source(Retriever(narrow), QUESTION, "bread.txt", 3)
        assert bread.ranks["dense"] == store.statistics().chunks
        assert bread.fate == "it holds none of the question's words and is not among the 5 nearest"
        (bread,) = explain_source(Retriever(narrow), f"{QUESTION} source:log.txt", "bread.txt", 3)
        assert bread.fate == "the question's filters leave it out"
        with pytest.raises(QuestionError, match=r"no document 'read\.txt'\. Did you mean bread\.txt\?"):
            explain_source(Retriever(narrow), QUESTION, "read.txt")
