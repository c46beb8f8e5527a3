from dataclasses import replace

import pytest

from eval.errors import UnknownMeasure
from eval.measures import CUTOFFS, HEADLINES, INVARIANTS, MEASURES, is_right, known_measures, measure
from eval.outcome import Failure, Response, judge
from eval.types import Evidence, GoldQuestion
from rag.settings import Settings
from rag.types import Answer, Passage, Rejection, Span
from tests.answers import DOCUMENTS, TEXT, WHERE, answer, citation, passage

QUESTION = GoldQuestion("q", "Where was it signed?", ("Vienna",), (Evidence("a.txt", span=WHERE),))
UNANSWERABLE = GoldQuestion("q", "Who paid?", ())
GOOD = answer("The treaty was signed in Vienna in 1815. [1]", [citation(1, "a.txt", WHERE)], short="Vienna")
BESIDE = answer("It rained all day. [1]", [citation(1, "a.txt", Span(41, 59))])
REFUSAL = answer("The documents do not answer this.", refused=True)


def measured(gold: GoldQuestion, given: Answer | None, *passages: Passage) -> dict[str, float]:
    """The measures that apply."""
    values = measure(gold, passages, given, DOCUMENTS)
    return {name: value for name, value in values.items() if value is not None}


def test_every_measure_is_in_the_table_in_its_order() -> None:
    values = measure(QUESTION, [passage("a.txt")], GOOD, DOCUMENTS)
    assert list(values) == list(MEASURES)
    assert {*HEADLINES, *INVARIANTS, *Settings().gate} <= MEASURES.keys()


def test_an_unknown_measure_is_named_with_those_there_are() -> None:
    assert known_measures(["correct"]) == ("correct",)
    with pytest.raises(UnknownMeasure, match=r"no measure 'corect'\. Known: correct, "):
        known_measures(["correct", "corect"])


def test_a_right_answer_with_its_evidence() -> None:
    values = measured(QUESTION, GOOD, passage("a.txt"))
    for name in ("correct", "answer contained", "exact match", "token F1", "citation recall", "citation precision"):
        assert values[name] == 1, name
    assert values["evidence recall@1"] == values["recall@1"] == values["exactness"] == values["cited sentences"] == 1
    assert values["evidence precision@1"] == pytest.approx(40 / len(TEXT))
    assert (values["error rate"], values["rejection rate"]) == (0, 0)
    assert "hallucination rate" not in values


def test_a_refusal_cites_nothing_and_is_an_error_where_there_is_an_answer() -> None:
    values = measured(QUESTION, REFUSAL, passage("a.txt"))
    assert (values["correct"], values["token F1"], values["error rate"], values["citation F1"]) == (0, 0, 1, 0)
    assert not {"citation precision", "exactness", "cited sentences", "rejection rate"} & values.keys()


def test_where_the_corpus_does_not_answer_only_refusing_is_judged() -> None:
    assert measured(UNANSWERABLE, REFUSAL) == {"correct": 1, "hallucination rate": 0}
    values = measured(UNANSWERABLE, GOOD)
    assert (values["correct"], values["hallucination rate"]) == (0, 1)
    assert not {"token F1", "citation F1", "recall@5"} & values.keys()


def test_what_was_not_judged_is_not_measured() -> None:
    values = measured(GoldQuestion("q", "Where?"), GOOD, passage("a.txt"))
    assert values.keys() == {"exactness", "cited sentences", "rejection rate"}
    assert measured(GoldQuestion("q", "Where?", relevant={"a.txt": 0}), None, passage("a.txt")) == {}


def test_a_quotation_shifted_by_five_characters_is_not_exact() -> None:
    shifted = citation(1, "a.txt", WHERE.shifted(5), WHERE.of(TEXT))
    assert measured(QUESTION, answer("Vienna. [1]", [shifted]))["exactness"] == 0
    absent = citation(1, "absent.txt", WHERE)
    assert measured(QUESTION, answer("Vienna. [1]", [absent]))["exactness"] == 0


def test_sentences_without_a_mark_and_rejected_claims_are_counted() -> None:
    given = answer("It was Vienna. [1] It rained. Nobody minded. [2]", [citation(1, "a.txt", WHERE)])
    assert measured(QUESTION, given)["cited sentences"] == pytest.approx(2 / 3)
    rejected = replace(given, rejections=(Rejection(3, "It snowed.", "it quotes nothing"),))
    assert measured(QUESTION, rejected)["rejection rate"] == 0.5


def test_a_long_reference_is_compared_by_overlap_only() -> None:
    gold = GoldQuestion("q", "How?", (f"{TEXT} And so on and on.",), relevant={"a.txt": 1})
    values = measured(gold, GOOD, passage("a.txt"))
    assert 0 < values["ROUGE-L"] < 1
    assert not {"exact match", "token F1", "answer contained"} & values.keys()
    assert values["correct"] == 1  # a relevant source is cited, and no more can be judged


def test_passages_that_overlap_count_once() -> None:
    twice = (passage("a.txt", Span(0, 40)), passage("a.txt", Span(0, 40)), passage("a.txt", Span(20, 60)))
    values = measured(QUESTION, None, *twice)
    assert values["evidence recall@3"] == 1
    assert values["evidence precision@3"] == pytest.approx(40 / 60)
    assert [values[f"evidence IoU@{k}"] for k in CUTOFFS[:2]] == [1, pytest.approx(40 / 60)]


@pytest.mark.parametrize(
    ("gold", "given", "retrieved", "failure"),
    [
        (QUESTION, GOOD, "a.txt", None),
        (QUESTION, BESIDE, "b.txt", Failure.NOT_RETRIEVED),
        (QUESTION, REFUSAL, "b.txt", Failure.NOT_RETRIEVED),
        (QUESTION, None, "b.txt", Failure.NOT_RETRIEVED),
        (QUESTION, None, "a.txt", None),
        (QUESTION, BESIDE, "a.txt", Failure.NOT_USED),
        (QUESTION, answer("It was signed. [1]", [citation(1, "a.txt", WHERE)]), "a.txt", Failure.WRONG),
        (QUESTION, REFUSAL, "a.txt", Failure.REFUSED_WRONGLY),
        (UNANSWERABLE, GOOD, "a.txt", Failure.SHOULD_HAVE_REFUSED),
        (UNANSWERABLE, REFUSAL, "a.txt", None),
    ],
)
def test_a_failure_stands_at_the_first_stage_that_lost_the_question(
    gold: GoldQuestion, given: Answer | None, retrieved: str, failure: Failure | None
) -> None:
    assert judge(gold, Response("Where?", (passage(retrieved),), given), DOCUMENTS).failure is failure


def test_a_right_answer_needs_its_evidence_cited_unless_there_is_none_to_cite() -> None:
    elsewhere = answer("It was Vienna. [1]", [citation(1, "b.txt", WHERE)])
    assert is_right(QUESTION, elsewhere) is False
    assert is_right(GoldQuestion("q", "Where?", ("Vienna",)), elsewhere) is True
    assert is_right(GoldQuestion("q", "Where?"), elsewhere) is None


def test_what_a_refusal_held_back_is_judged_too() -> None:
    outcome = judge(QUESTION, Response("Where?", (passage("a.txt"),), REFUSAL, GOOD), DOCUMENTS)
    assert (outcome.right, outcome.right_unrefused) == (False, True)
    assert outcome.drafted is outcome.unrefused
