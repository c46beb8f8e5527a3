from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.cite import check, plain
from rag.models import load_embedder
from rag.settings import Settings
from rag.support import SupportJudge
from rag.types import Chunk, Citation, Claim, Document, Draft, Page, Passage, Span

TEXT = "The pact was signed in May.\nIt holds [1] for ten years. Nobody left."
DOCUMENT = Document("id", "pact.txt", "Pact", TEXT, pages=(Page(1, Span(0, 27)), Page(2, Span(27, len(TEXT)))))
JUDGE = SupportJudge(load_embedder(Settings()), 10)
PASSAGE = Passage(Chunk("c", "id", "pact.txt", Span(0, 56), TEXT[:56]), 1.0)


def lookup(id: str) -> Document | None:
    return DOCUMENT if id == "id" else None


def claim(start: int, end: int) -> Claim:
    return Claim(TEXT[start:end], (1,), Span(start, end))


def test_an_exact_quotation_becomes_a_citation_with_its_page() -> None:
    short = replace(claim(28, 56), answer=Span(45, 54))
    checked = check(Draft((short,), "test"), [PASSAGE], lookup, JUDGE)
    assert checked.citations == (
        Citation(1, "pact.txt", "id", Span(28, 56), "It holds [1] for ten years. ", 2, "quoted"),
    )
    assert checked.short_answer == "ten years"
    assert checked.rejections == ()


def test_marks_inside_a_quotation_are_not_ours() -> None:
    checked = check(Draft((claim(0, 27), claim(28, 55)), "test"), [PASSAGE], lookup, JUDGE)
    assert checked.text == "The pact was signed in May. [1] It holds for ten years. [2]"
    assert plain("Look ［２］ and 【3】 alike") == "Look and alike"


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (Claim("The pact was signed in June.", (1,), Span(0, 27)), "its words are not the ones at 0-27 of pact.txt"),
        (Claim(TEXT[1:28], (1,), Span(0, 27)), "its words are not the ones at 0-27"),
        (Claim(TEXT[57:69], (1,), Span(57, 69)), "its quotation lies outside the passage of pact.txt"),
        (Claim(TEXT[:27], (2,), Span(0, 27)), "it names passage 2, but there are 1"),
        (Claim(TEXT[:27], (0,), Span(0, 27)), "it names passage 0, but there are 1"),
        (Claim(TEXT[:27], (), Span(0, 27)), "it names no passage"),
        (Claim("A thought of my own.", (1,)), "not said in passage 1"),
    ],
)
def test_everything_else_is_a_rejection_with_its_reason(bad: Claim, reason: str) -> None:
    checked = check(Draft((bad, claim(0, 27)), "test"), [PASSAGE], lookup, JUDGE)
    assert [rejection.claim for rejection in checked.rejections] == [bad.text]
    assert reason in checked.rejections[0].reason
    assert [citation.mark for citation in checked.citations] == [1]
    assert bad.text not in checked.text or bad.text == TEXT[:27]


def test_a_document_that_is_gone_cannot_be_cited() -> None:
    checked = check(Draft((claim(0, 27),), "test"), [PASSAGE], lambda id: None, JUDGE)
    assert checked.rejections[0].reason == "its document pact.txt is no longer in the store"


@given(st.lists(st.tuples(st.integers(0, 80), st.integers(1, 40), st.integers(-1, 3), st.text(max_size=5)), max_size=5))
def test_a_citation_is_always_the_stored_characters(claims: list[tuple[int, int, int, str]]) -> None:
    """Invariant 2: whatever a generator claims."""
    draft = Draft(
        tuple(
            Claim(TEXT[start : start + size] + extra, (number,), Span(start, start + size))
            for start, size, number, extra in claims
        ),
        "test",
    )
    checked = check(draft, [PASSAGE], lookup, JUDGE)
    assert len(checked.citations) + len(checked.rejections) == len(claims)
    assert all(citation.quote == citation.span.of(TEXT) for citation in checked.citations)
    assert [citation.mark for citation in checked.citations] == list(range(1, len(checked.citations) + 1))
