import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval.perturb import PERTURBATIONS, changed_number, negated, other_entity, other_word, swapped_names
from rag.figures import figures
from rag.models import Embedder
from rag.support import SupportJudge, Verdict

SOURCE = (
    "In 2023, bilateral trade topped $240 billion, its highest-ever value. The treaty was signed by Nixon and Brezhnev "
    "in Moscow. Rosneft did not leave the venture. Exports of oil rose from nine percent to 61 percent."
)


@pytest.fixture(scope="module")
def judge(embedder: Embedder) -> SupportJudge:
    return SupportJudge(embedder, 100)


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("$240 billion in 2023", {240e9, 2023.0}),
        ("1,200.5 or twelve hundred", {1200.5, 1200.0}),
        ("twenty-five, the 18th and the third", {25.0, 18.0, 3.0}),
        ("two million; 1.5bn; a dozen", {2e6, 1.5e9, 12.0}),
        ("SALT2 and AB-17c hold none", {17.0} - {17.0}),
    ],
)
def test_numbers_have_one_value_however_they_are_written(text: str, values: set[float]) -> None:
    assert figures(text) == values


@given(st.integers(0, 10**12))
def test_every_whole_number_is_read_with_and_without_commas(number: int) -> None:
    assert figures(str(number)) == figures(f"{number:,}") == {float(number)}


@pytest.mark.parametrize(
    ("claim", "verdict"),
    [
        ("Trade topped 240 billion dollars in 2023.", Verdict.SUPPORTED),
        ("Nixon and Brezhnev signed the treaty in Moscow.", Verdict.SUPPORTED),
        ("Trade topped 190 billion dollars in 2023.", Verdict.UNSUPPORTED),
        ("Trade topped 240 billion dollars in 2019.", Verdict.UNSUPPORTED),
        ("Reagan and Gorbachev signed the treaty in Geneva.", Verdict.UNSUPPORTED),
        ("Cheese is made from milk in the mountains.", Verdict.UNSUPPORTED),
    ],
)
def test_a_claim_is_judged_by_what_the_source_says(judge: SupportJudge, claim: str, verdict: Verdict) -> None:
    found = judge.judge(claim, SOURCE)
    assert found is not None
    assert found.verdict is verdict, found
    assert 0 <= found.span.start < found.span.end <= len(SOURCE)


@pytest.mark.parametrize(
    ("claim", "reason"),
    [
        ("Rosneft did leave the venture.", "denies"),
        ("Trade topped 190 billion dollars in 2023.", "figures"),
        ("In Moscow Reagan signed the treaty with Thatcher.", "names"),
        ("Exports of oil fell from nine percent to 61 percent.", "opposite"),
    ],
)
def test_the_reason_names_what_differs(judge: SupportJudge, claim: str, reason: str) -> None:
    found = judge.judge(claim, SOURCE)
    assert found is not None
    assert reason in found.reason


def test_the_stretch_found_holds_the_words_of_the_claim(judge: SupportJudge) -> None:
    found = judge.judge("Trade topped 240 billion dollars in 2023.", SOURCE)
    assert found is not None
    assert "$240 billion" in found.span.of(SOURCE)


def test_a_figure_written_in_another_way_is_no_name_that_is_missing(judge: SupportJudge) -> None:
    found = judge.judge("The flood cost 27,000 men their homes.", "The flood cost 27 thousand men their homes.")
    assert found is not None
    assert (found.agreement.figures, found.agreement.names) == (1.0, 1.0)


def test_a_text_without_sentences_supports_nothing(judge: SupportJudge) -> None:
    assert judge.judge("Anything.", "  \n ") is None


def test_claims_are_spoilt_in_one_place() -> None:
    chance = random.Random(1)
    others = ["Later King Hussein met Thatcher in London."]
    assert changed_number("It grew by 61 percent.", others, chance) != "It grew by 61 percent."
    assert swapped_names("Then Nixon met Mao in May.", others, chance) in {
        "Then Mao met Nixon in May.",
        "Then May met Mao in Nixon.",
        "Then Nixon met May in Mao.",
    }
    assert negated("It was signed.", others, chance) == "It was not signed."
    assert negated("It was not signed.", others, chance) == "It was signed."
    spoilt = other_entity("Then Nixon left.", others, chance)
    assert spoilt is not None
    assert spoilt != "Then Nixon left."
    told = ["It was rebuilt, then extinguished by stormy seas."]
    assert other_word("Who lighted the first lamps?", told, chance) == "Who extinguished the first lamps?"
    assert other_word("Who lighted it?", ["Nobody has."], chance) is None
    for perturb in PERTURBATIONS.values():
        assert perturb("nothing here", [], chance) is None
