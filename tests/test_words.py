import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.models import Vectors, load_embedder
from rag.settings import Settings
from rag.words import WordIndex, best_similarities, hash_words, tokens_of_words


def unit(rows: int, seed: int = 0) -> Vectors:
    found = np.random.default_rng(seed).standard_normal((rows, 384)).astype(np.float32)
    found /= np.linalg.norm(found, axis=1, keepdims=True)
    return found


def test_the_hash_of_a_word_is_its_stems_and_never_changes() -> None:
    assert len(set(hash_words(["treaties", "treaty"]).tolist())) == 1
    assert hash_words(["missile"]).tolist() == [1317833981]


@given(st.integers(0, 20))
def test_an_index_survives_being_stored(rows: int) -> None:
    index = WordIndex.of([f"word{row}" for row in range(rows)], unit(rows))
    read = WordIndex.read(*index.to_bytes())
    assert read.hashes.tolist() == index.hashes.tolist()
    assert read.codes.tolist() == index.codes.tolist()


def test_similarities_of_codes_come_near_the_cosines_of_the_vectors() -> None:
    question, text = unit(5, 1), unit(200, 2)
    text[7] = question[2] * 0.8 + unit(1, 3)[0] * 0.6
    exact = (question @ text.T).max(axis=1)
    estimated = best_similarities(question, [WordIndex.of(["w"] * 200, text)])[0]
    assert np.abs(estimated - exact).max() < 0.1
    assert estimated.argmax() == 2


def test_a_text_without_words_is_like_nothing() -> None:
    texts = [WordIndex.of([], unit(0)), WordIndex.of(["a", "b"], unit(2))]
    found = best_similarities(unit(3, 1), texts)
    assert found.shape == (2, 3)
    assert not found[0].any()
    assert found[1].any()
    assert best_similarities(unit(0), texts).shape == (2, 0)
    assert best_similarities(unit(2), texts[:1]).tolist() == [[0, 0]]


def test_a_word_has_the_tokens_that_lie_wholly_in_it() -> None:
    offsets = [(0, 0), (0, 3), (4, 7), (7, 12), (12, 14), (13, 18), (13, 16), (16, 18), (18, 19)]
    found = tokens_of_words("The warheads lower.", offsets)
    assert found.words == ("warheads", "lower")
    assert found.tokens.tolist() == [2, 3, 5, 6, 7]
    assert found.owners.tolist() == [0, 0, 1, 1, 1]


@pytest.mark.parametrize(
    ("text", "offsets"), [("", []), ("the of", [(0, 3), (4, 6)]), ("lower", [(0, 0)]), ("lower", [])]
)
def test_a_text_without_words_or_tokens_has_none(text: str, offsets: list[tuple[int, int]]) -> None:
    found = tokens_of_words(text, offsets)
    assert (found.words, found.tokens.tolist(), found.owners.tolist()) == ((), [], [])


@pytest.mark.parametrize(
    "text", ["Two warheads were removed.", "", "the of", "İstanbul’da 1,200.5 — naïve ﬁle 😀 x", "w " * 600]
)
def test_encoding_words_gives_the_vector_that_encoding_gives(text: str) -> None:
    embedder = load_embedder(Settings())
    (encoded,) = embedder.encode_words([text])
    assert np.allclose(encoded.vector, embedder.encode([text])[0], atol=1e-5)
    assert encoded.word_vectors.shape == (len(encoded.words), 384)
    assert np.allclose(np.linalg.norm(encoded.word_vectors, axis=1), 1, atol=1e-5)


def test_a_word_is_nearest_to_its_like_in_context() -> None:
    embedder = load_embedder(Settings())
    question, near, far = embedder.encode_words(
        ["Who dismantled rockets?", "The missiles were destroyed by both sides.", "The choir sang in the evening."]
    )
    indexes = [WordIndex.of(text.words, text.word_vectors) for text in (near, far)]
    found = best_similarities(question.word_vectors, indexes)
    assert question.words == ("dismantled", "rockets")
    assert (found[0] > found[1]).all()
