import itertools
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval.metrics.text import contains_answer, exact_match, is_long, normalise, rouge_l, token_f1

texts = st.lists(st.sampled_from("the a Cat cat, dog. 25% “U.S.” é".split()), max_size=8).map(" ".join)
some_answers = st.lists(texts, min_size=1, max_size=3)
words = st.lists(st.sampled_from("xyz"), min_size=1, max_size=6)


def subsequences(words: Sequence[str]) -> set[tuple[str, ...]]:
    return {found for length in range(len(words) + 1) for found in itertools.combinations(words, length)}


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("The “U.S.”  Senate!", "us senate"),
        ("An apple a day,\nthe doctor", "apple day doctor"),
        ("Athens and a theatre", "athens and theatre"),
        ("1,000 – it's «so»…", "1000 its so"),
        ("The", ""),
    ],
    ids=["case_and_quotes", "articles", "articles_are_whole_words", "punctuation", "nothing_left"],
)
def test_normalisation_is_that_of_squad(text: str, normal: str) -> None:
    assert normalise(text) == normal


@given(st.text())
def test_normalised_text_has_single_spaces_and_no_capitals(text: str) -> None:
    normal = normalise(text)
    assert normal == " ".join(normal.split()) == normal.lower()


def test_an_exact_match_is_equal_to_one_accepted_answer_once_normalised() -> None:
    assert exact_match("the Denver Broncos!", ["Broncos", "Denver Broncos"]) == 1
    assert exact_match("Denver Broncos won", ["Broncos", "Denver Broncos"]) == 0


def test_f1_is_of_shared_words_with_the_best_accepted_answer() -> None:
    assert token_f1("in the city of Paris", ["Paris"]) == pytest.approx(2 * (1 / 4 * 1) / (1 / 4 + 1))
    assert token_f1("in the city of Paris", ["Paris", "city of Paris"]) == pytest.approx(2 * 3 / (4 + 3))
    assert token_f1("London", ["Paris", "Rome"]) == 0


def test_f1_shares_a_repeated_word_as_often_as_both_have_it() -> None:
    assert token_f1("very very good", ["very good"]) == pytest.approx(2 * 2 / (3 + 2))


def test_of_a_question_without_answers_the_empty_answer_is_right() -> None:
    assert exact_match("", []) == token_f1("", []) == 1
    assert exact_match("The.", []) == token_f1("The.", []) == 1
    assert exact_match("Paris", []) == token_f1("Paris", []) == 0


def test_of_a_question_with_answers_the_empty_answer_is_wrong() -> None:
    assert exact_match("", ["Paris"]) == token_f1("", ["Paris"]) == 0


@given(texts, some_answers)
def test_an_exact_match_shares_all_its_words(answer: str, answers: list[str]) -> None:
    assert exact_match(answer, answers) <= token_f1(answer, answers) <= 1


@given(some_answers)
def test_an_accepted_answer_is_right(answers: list[str]) -> None:
    for answer in filter(normalise, answers):
        assert exact_match(answer, answers) == token_f1(answer, answers) == 1


def test_an_answer_is_contained_in_whole_words_only() -> None:
    assert contains_answer("It was (LNG) exporters.", ["LNG exporters"]) is True
    assert contains_answer("Exporters of LNG", ["LNG exporters"]) is False
    assert contains_answer("It was 125%.", ["25%"]) is False
    assert contains_answer("The catalogue of cats", ["cat"]) is False
    assert contains_answer("cat", ["dog", "Cat!"]) is True
    assert contains_answer("Her mark was A.", ["A"]) is True
    assert contains_answer("Her mark was B, a pity.", ["A"]) is False


def test_without_accepted_answers_none_can_be_contained() -> None:
    assert contains_answer("Anything", []) is None


def test_rouge_l_of_the_examples_in_lins_paper() -> None:
    reference = ["police killed the gunman"]
    assert rouge_l("police kill the gunman", reference) == pytest.approx(3 / 4)
    assert rouge_l("the gunman kill police", reference) == pytest.approx(2 / 4)
    assert rouge_l("the gunman police killed", reference) == pytest.approx(2 / 4)


def test_rouge_l_of_the_example_in_the_readme_of_rouge_score() -> None:
    # Common: the quick brown jumps the (dog and jumps change places), 5 of 8 words and 5 of 9.
    target, prediction = "The quick brown fox jumps over the lazy dog", "The quick brown dog jumps on the log."
    assert rouge_l(prediction, [target]) == pytest.approx(2 * (5 / 8) * (5 / 9) / (5 / 8 + 5 / 9))


def test_rouge_l_words_are_runs_of_letters_and_digits_unstemmed() -> None:
    assert rouge_l("Well-known U.S. law (2020)", ["well known, u s LAW: 2020"]) == 1
    assert rouge_l("laws", ["law"]) == 0


def test_rouge_l_takes_the_best_accepted_answer() -> None:
    assert rouge_l("testing", ["testing one two", "nothing"]) == pytest.approx(1 / 2)


def test_rouge_l_without_words_is_0_and_without_answers_does_not_apply() -> None:
    assert rouge_l("", ["law"]) == rouge_l("law", ["…"]) == rouge_l("", [""]) == 0
    assert rouge_l("law", []) is None


@given(texts, texts)
def test_rouge_l_is_symmetric_and_between_0_and_1(one: str, other: str) -> None:
    score = rouge_l(one, [other])
    assert score == rouge_l(other, [one])
    assert score is not None
    assert 0 <= score <= 1


@given(words, words)
def test_rouge_l_finds_the_longest_common_subsequence(one: list[str], other: list[str]) -> None:
    common = subsequences(one) & subsequences(other)
    expected = 2 * max(map(len, common)) / (len(one) + len(other))
    assert rouge_l(" ".join(one), [" ".join(other)]) == pytest.approx(expected)


def test_answers_are_long_if_all_of_them_have_more_than_twelve_words() -> None:
    assert is_long(["word " * 13]) is True
    assert is_long(["word " * 12]) is False
    assert is_long(["word " * 13, "short"]) is False
    assert is_long([]) is False


def test_accepted_answers_of_which_nothing_is_left_do_not_count() -> None:
    assert exact_match("", ["the", "Paris"]) == 0
    assert token_f1("Paris", ["the", "Paris"]) == 1
    assert exact_match("", ["the"]) == 1
