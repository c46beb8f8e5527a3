import hashlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.recheck import Standing, find_again, recheck, text_digest
from rag.settings import Settings
from rag.store import Store
from rag.types import Span
from tests.conftest import ingest

TEXT = "It rained. The treaty was signed in Vienna in 1815. Nobody minded the rain."
QUOTE = "The treaty was signed in Vienna in 1815."
SPAN = Span(11, 51)

words = st.lists(st.text("abcxyz", min_size=1, max_size=4), min_size=1, max_size=12).map(" ".join)


def test_a_digest_is_the_sha256_of_utf8() -> None:
    assert text_digest("Détente") == hashlib.sha256("Détente".encode()).hexdigest()


@given(words, words, words)
def test_words_moved_by_an_insertion_are_found_as_they_are(before: str, quote: str, after: str) -> None:
    span = Span(len(before) + 1, len(before) + 1 + len(quote))
    assert find_again(f"{before} {quote} {after}", span, quote) == span
    longer = f"QQ {before} {quote} {after}"
    found = find_again(longer, span, quote)
    assert found
    assert found.of(longer) == quote


@given(words, words, words, st.sampled_from(["\n", "  ", "\u00a0", "\n\n\t"]))
def test_words_are_found_with_other_spacing(before: str, quote: str, after: str, space: str) -> None:
    text = f"{before}; {quote.replace(' ', space)}; {after}"
    found = find_again(text, Span(0, len(quote)), quote)
    assert found
    assert found.of(text).split() == quote.split()


def test_the_nearest_of_several_places_is_taken() -> None:
    text = "yes. no. yes. no. yes."
    assert find_again(text, Span(8, 12), "yes.") == Span(9, 13)
    assert find_again(text, Span(17, 21), "yes.") == Span(18, 22)


@pytest.mark.parametrize(("text", "quote"), [("we start", "art"), ("arts", "art"), ("art", " \n"), ("", "art")])
def test_part_of_a_word_is_not_the_word(text: str, quote: str) -> None:
    assert find_again(text, Span(0, 2), quote) is None


@pytest.mark.parametrize(
    ("now", "known", "state", "place", "told"),
    [
        (TEXT, True, Standing.UNCHANGED, SPAN, "The words stand in the document where they stood."),
        (TEXT, False, Standing.UNCHANGED, SPAN, "The words stand in the document where they stood."),
        (TEXT + " More.", True, Standing.SAME_PLACE, SPAN, "changed since; the words still stand where they stood."),
        ("New. " + TEXT, True, Standing.MOVED, Span(16, 56), "changed since; the words now stand further down."),
        (TEXT[3:], False, Standing.MOVED, Span(8, 48), "The words now stand further up."),
        (TEXT.replace("in Vi", "in\nVi"), True, Standing.MOVED, SPAN, "the words now stand with other spacing."),
        (TEXT.replace("1815", "1816"), True, Standing.CHANGED, None, "since; these words are not in the document."),
        (None, True, Standing.GONE, None, "a.txt is no longer in the collection."),
    ],
)
def test_every_fate_of_a_citation_is_told(
    settings: Settings,
    folder: Path,
    now: str | None,
    known: bool,
    state: Standing,
    place: Span | None,
    told: str,
) -> None:
    (folder / "a.txt").write_text(TEXT)
    ingest(settings, folder)
    with Store(settings) as store:
        (document,) = store.documents()
    (folder / "a.txt").write_text(now) if now else (folder / "a.txt").unlink()
    ingest(settings, folder)
    with Store(settings) as store:
        found = recheck("a.txt", document.id, SPAN, QUOTE, text_digest(TEXT) if known else None, store)
    assert (found.state, found.span) == (state, place)
    assert told in found.sentence


def test_a_digest_alone_convinces_nobody(settings: Settings, folder: Path) -> None:
    (folder / "a.txt").write_text(TEXT)
    ingest(settings, folder)
    with Store(settings) as store:
        (document,) = store.documents()
        forged = recheck("a.txt", document.id, Span(11, 51), QUOTE.replace("1815", "1816"), text_digest(TEXT), store)
    assert forged.state is Standing.CHANGED
    assert forged.sentence == "The document is the same, but these words are not in the document."
