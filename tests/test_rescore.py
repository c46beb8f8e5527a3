import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from rag.catalog import Embedding, IndexedChunk, Neighbour, Statistics
from rag.models import Encoded
from rag.rescore import Views, Weights, join, rescore
from rag.words import WordIndex, hash_words

WORDS = ("missile", "treaty", "harvest", "orchard", "moscow")
PLAIN = Weights(dense=0.5, late=0.0, neighbour=0.0, telling=1.0)


def vector(word: str) -> np.ndarray[tuple[int], np.dtype[np.float32]]:
    found = np.random.default_rng(WORDS.index(word)).standard_normal(384).astype(np.float32)
    return found / np.linalg.norm(found)


def chunk(row: int, document: str, *words: str) -> IndexedChunk:
    """A chunk of these words; its vector is their mean."""
    vectors = np.stack([vector(word) for word in words])
    mean = vectors.mean(axis=0)
    return IndexedChunk(row, document, Embedding(mean / np.linalg.norm(mean), WordIndex.of(words, vectors)))


def encoded(question: str) -> Encoded:
    words = tuple(question.split())
    vectors = np.stack([vector(word) for word in words])
    return Encoded(vectors.mean(axis=0) / np.linalg.norm(vectors.mean(axis=0)), words, vectors)


def neighbour(*words: str) -> Neighbour:
    return Neighbour("a", np.stack([vector(word) for word in words]).mean(axis=0), hash_words(words))


def views(question: str, chunks: list[IndexedChunk], beside: list[list[Neighbour]], weights: Weights) -> Views:
    frequencies = {word.removesuffix("y") + "i" if word.endswith("y") else word: 2 for word in WORDS}
    frequencies |= {"missil": 2, "orchard": 2}
    asked = encoded(question)
    return rescore(asked.words, asked, chunks, beside, frequencies, Statistics(100, 3.0), weights)


def test_a_chunk_with_more_of_the_words_is_lexically_nearer() -> None:
    chunks = [chunk(1, "a", "missile", "treaty"), chunk(3, "a", "missile", "harvest"), chunk(5, "b", "orchard")]
    found = views("missile treaty", chunks, [[], [], []], PLAIN)
    assert found.lexical[0] > found.lexical[1] > found.lexical[2] == 0
    assert found.dense[0] > found.dense[1] > found.dense[2]
    assert found.final.argmax() == 0
    assert (found.lexical <= 1).all()


def test_a_word_beside_the_chunk_counts_less_than_one_in_it() -> None:
    chunks = [chunk(1, "a", "missile", "treaty"), chunk(3, "a", "missile"), chunk(5, "b", "missile")]
    beside = [[], [neighbour("treaty")], [neighbour("harvest")]]
    found = views("missile treaty", chunks, beside, Weights(0.5, 0.0, 0.2, 1.0))
    assert found.lexical[0] > found.lexical[1] > found.lexical[2]
    assert found.dense[0] > found.dense[1] > found.dense[2]
    alone = views("missile treaty", chunks, [[], [], []], Weights(0.5, 0.0, 0.2, 1.0)).dense
    assert found.dense[0] == alone[0]
    likeness = float(neighbour("treaty").vector @ encoded("missile treaty").vector)
    assert np.isclose(found.dense[1], 0.8 * alone[1] + 0.2 * likeness)


def test_late_interaction_sees_a_word_that_the_mean_hides() -> None:
    hidden = chunk(1, "a", "missile", "harvest", "orchard", "moscow")
    shown = chunk(3, "b", "treaty", "harvest")
    found = views("missile", [hidden, shown], [[], []], Weights(0.5, 1.0, 0.0, 30.0))
    assert found.late[0] > 0.9
    assert found.late[1] < 0.4


def test_few_or_common_words_count_less() -> None:
    chunks = [chunk(1, "a", "missile"), chunk(3, "b", "harvest")]
    telling, vague = (
        views("missile", chunks, [[], []], Weights(0.5, 0.0, 0.0, telling)).lexical[0] for telling in (1.0, 30.0)
    )
    assert vague < telling / 3


def test_the_views_are_joined_by_their_weights() -> None:
    dense, lexical, late = np.array([1.0, 0.0]), np.array([0.0, 1.0]), np.array([0.5, 0.5])
    assert np.allclose(join(dense, lexical, late, Weights(0.25, 1.0, 0.0, 30.0)), [(0.25 + 0.5) / 2, (0.75 + 0.5) / 2])


@given(st.lists(st.lists(st.sampled_from(WORDS), min_size=1, max_size=6), min_size=1, max_size=8), st.data())
def test_the_order_of_the_candidates_changes_no_score(texts: list[list[str]], data: st.DataObject) -> None:
    chunks = [chunk(3 * row, f"d{row % 3}", *words) for row, words in enumerate(texts)]
    order = data.draw(st.permutations(range(len(chunks))))
    weights = Weights(0.4, 0.4, 0.2, 30.0)
    beside = [[neighbour("moscow")] for _ in chunks]
    first = views("missile harvest", chunks, beside, weights).final
    second = views("missile harvest", [chunks[place] for place in order], beside, weights).final
    assert np.allclose(first[list(order)], second)


def test_a_question_without_words_is_scored_by_meaning_alone() -> None:
    wordless = Encoded(vector("missile"), (), np.zeros((0, 384), np.float32))
    chunks = [chunk(1, "a", "harvest"), chunk(3, "b", "missile")]
    found = rescore(["?"], wordless, chunks, [[], []], {}, Statistics(2, 1.0), Weights(0.5, 0.5, 0.2, 30.0))
    assert found.final.argmax() == 1
    assert not found.lexical.any()
    assert not found.late.any()
