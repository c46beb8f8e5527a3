"""Questions about the collection itself, answered by reading all of it: "Which documents mention SALT?"."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from rag.sentences import sentence_spans
from rag.store import Store
from rag.types import Claim, Document, Draft, Passage, Span

GENERATOR = "scan"
_MOST_QUOTED = 10  # documents
_DOCUMENTS = r"(?:documents?|files?|sources?|articles?|texts?|papers?|reports?|pages?)"
_MENTIONS = r"(?:mentions?|contains?|names?|speaks? of|talks? about|refers? to|cites?|include)"
_THESE = r"(?: of)?(?: the| these| my| all)*"
_ASKS = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        rf"^(?:which|how many|what|list|show|name)(?: me)?{_THESE} {_DOCUMENTS}(?: that| which)? {_MENTIONS} "
        r"(?P<words>.+)$",
        rf"^in (?:which|how many|what){_THESE} {_DOCUMENTS} (?:is|are|does|do) (?P<words>.+?) "
        r"(?:mentioned|named|appear|occur)$",
        rf"^how (?:often|many times) (?:is|are) (?P<words>.+?) (?:mentioned|named)(?: in{_THESE} {_DOCUMENTS})?$",
    )
)


@dataclass(frozen=True, slots=True)
class Mentions:
    """What reading every document gave: the draft, its passages, and what is to be said of it."""

    words: str
    draft: Draft | None
    passages: tuple[Passage, ...]
    note: str


def asked_for(question: str) -> str | None:
    """The words that it asks for in the collection as a whole; None for any other question."""
    bare = " ".join(question.split()).rstrip(" ?.!")
    found = next((match for pattern in _ASKS if (match := pattern.match(bare))), None)
    words = re.sub(r"^(?:the (?:word|words|name|term|phrase) )", "", found["words"]).strip(" \"'“”‘’") if found else ""
    return words or None


def find_mentions(words: str, store: Store) -> Mentions:
    """Every document read for words, whatever their case: the first sentence of each that has them, with counts."""
    literal = r"\s+".join(map(re.escape, words.split()))
    pattern = re.compile(rf"(?<!\w){literal}(?!\w)", re.IGNORECASE)
    claims: list[Claim] = []
    passages: list[Passage] = []
    found: list[int] = []
    summaries = store.documents()
    for summary in summaries:
        document = store.document(summary.id)
        places = [match.start() for match in pattern.finditer(document.text)] if document else []
        if not document or not places:
            continue
        found.append(len(places))
        if len(claims) < _MOST_QUOTED:
            for passage, span in _passages(document, places[0], store):
                passages.append(passage)
                claims.append(Claim(span.of(document.text), (len(passages),), span))
    total = f"{len(summaries):,} document{'s' if len(summaries) != 1 else ''}"
    if not found:
        return Mentions(words, None, (), f"All of the collection was read, {total}: “{words}” stands in none.")
    note = f"All of the collection was read, {total}: “{words}” stands in {len(found):,} of them, {sum(found):,} times."
    if len(found) > len(claims):
        note += f" The first {len(claims)} are quoted."
    return Mentions(words, Draft(tuple(claims), GENERATOR), tuple(passages), note)


def _passages(document: Document, place: int, store: Store) -> Iterator[tuple[Passage, Span]]:
    """The chunk with this place, as a passage, and the sentence of it."""
    ids = store.chunk_ids_of(document.id)
    chunks = store.chunks(ids)
    for chunk in (chunks[id] for id in ids if id in chunks):
        if chunk.span.start <= place < chunk.span.end:
            sentences = (span.shifted(chunk.span.start) for span in sentence_spans(chunk.text))
            span = next((span for span in sentences if span.start <= place < span.end), None)
            if span:
                yield Passage(chunk, 1.0), span
            return
