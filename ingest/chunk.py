"""Document -> chunks, pure. Offsets are born here: every chunk's text is a slice of the document's text.

Cuts fall at sentence ends and before headings, and depend only on the sentences around them: an edit moves the cuts
near it and leaves the others, so that the rest of a long document need not be embedded again.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from rag.sentences import sentence_spans
from rag.terms import readable
from rag.types import Chunk, Document, Heading, Span

CountTokens = Callable[[Sequence[str]], list[int]]

_SPECIAL_TOKENS = 2  # the embedder's begin and end marks
_CONTEXT_TOKENS = 48  # most that title and headings may take of the window
_SMALLEST_SHARE = 0.5  # a cut is sought between this share of the budget and all of it
_SMALLEST_REST = 0.25  # and not so that less than this share of the budget would be left at the end


@dataclass(frozen=True, slots=True)
class PreparedChunk:
    """A chunk and the text embedded for it: its own, without links' addresses, after the title and the headings."""

    chunk: Chunk
    text_to_embed: str

    @property
    def text_hash(self) -> bytes:
        """What the text's embedding is kept under."""
        return hashlib.sha256(self.text_to_embed.encode("utf-8", "surrogatepass")).digest()[:16]


@dataclass(frozen=True, slots=True)
class _Piece:
    """A sentence, or a part of one that is longer than the budget."""

    span: Span
    tokens: int
    ends_paragraph: bool
    order: bytes  # a fixed random order of the cuts before a sentence, by its text


def chunk(
    document: Document, count_tokens: CountTokens, *, chunk_tokens: int, window: int, overlap: int = 0
) -> tuple[PreparedChunk, ...]:
    """Cut a document into chunks of at most `chunk_tokens` tokens that fit, with title and headings, into `window`.

    Every character that is not white space lies in exactly one chunk; with an overlap, a chunk also begins with the
    sentences before it in its section that fit into `overlap` of its tokens.
    """
    prepared: list[PreparedChunk] = []
    seen: Counter[str] = Counter()
    title = "" if _is_file_name(document) else document.title
    for section, path in _sections(document):
        heading = " > ".join(title for title in path if title != document.title)
        context = _shortened("\n".join(filter(None, (title, heading))), count_tokens)
        budget = min(chunk_tokens, window - _SPECIAL_TOKENS - count_tokens([context])[0])
        repeated = min(overlap, budget // 2)
        pieces = _pieces(document.text, section, budget - repeated, count_tokens)
        for span in _cuts(pieces, budget - repeated, repeated):
            text = span.of(document.text)
            text_to_embed = "\n".join(filter(None, (context, readable(text))))
            seen[text_to_embed] += 1
            name = f"{document.id}\0{text_to_embed}\0{seen[text_to_embed]}"
            id = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:32]
            page = document.page_at(span.start)
            prepared.append(
                PreparedChunk(
                    Chunk(id, document.id, document.source, span, text, document.title, heading, page), text_to_embed
                )
            )
    return tuple(prepared)


def _is_file_name(document: Document) -> bool:
    """Whether the title is only the file's name: it is not embedded, so that a renamed file need not be either."""
    return document.title == PurePosixPath(document.source).stem


def _sections(document: Document) -> Iterator[tuple[Span, list[str]]]:
    """The stretches between headings, each with the path of headings above it. A heading alone joins what follows."""
    path: list[Heading] = []
    start = 0
    for heading in document.headings:
        if _has_body(document.text[start : heading.start], path, start):
            yield Span(start, heading.start), [above.title for above in path]
            start = heading.start
        path = [above for above in path if above.level < heading.level] + [heading]
    if document.text[start:].strip():
        yield Span(start, len(document.text)), [above.title for above in path]


def _has_body(text: str, path: Sequence[Heading], start: int) -> bool:
    """Whether a stretch holds more than the headings that stand in it."""
    words = " ".join(text.split())
    for heading in path:
        if heading.start >= start:
            words = words.replace(heading.title, "", 1)
    return any(character.isalnum() for character in words)


def _shortened(context: str, count_tokens: CountTokens) -> str:
    words = context.split(" ")
    while count_tokens([" ".join(words)])[0] > _CONTEXT_TOKENS:
        words = words[: max(1, len(words) * 3 // 4)] if len(words) > 1 else [words[0][: len(words[0]) // 2]]
    return " ".join(words)


def _pieces(text: str, section: Span, budget: int, count_tokens: CountTokens) -> list[_Piece]:
    body = section.of(text)
    spans = [span.shifted(section.start) for span in sentence_spans(body)]
    counts = count_tokens([readable(span.of(text)) for span in spans])
    sized: list[tuple[Span, int]] = []
    for span, tokens in zip(spans, counts, strict=True):
        sized += [(span, tokens)] if tokens <= budget else _halves(text, span, budget, count_tokens)
    ends = [span.start for span, _ in sized[1:]] + [section.end]
    return [
        _Piece(span, tokens, text.count("\n", span.end, end) > 1, hashlib.sha256(span.of(text).encode()).digest())
        for (span, tokens), end in zip(sized, ends, strict=True)
    ]


def _halves(text: str, span: Span, budget: int, count_tokens: CountTokens) -> list[tuple[Span, int]]:
    """A sentence over the budget, cut near its middle as often as needed, at white space where there is some."""
    tokens = count_tokens([readable(span.of(text))])[0]
    if tokens <= budget or span.end - span.start == 1:
        return [(span, tokens)]
    middle = (span.start + span.end) // 2
    space = text.rfind(" ", span.start + 1, middle)
    cut = middle if space < 0 else space
    first = Span(span.start, span.start + len(text[span.start : cut].rstrip()))
    rest = text[cut : span.end]
    second = Span(span.end - len(rest.lstrip()), span.end)
    return _halves(text, first, budget, count_tokens) + _halves(text, second, budget, count_tokens)


def _cuts(pieces: Sequence[_Piece], budget: int, overlap: int) -> Iterator[Span]:
    before = start = 0
    rest = sum(piece.tokens for piece in pieces)
    while start < len(pieces):
        end = len(pieces) if rest <= budget else _cut(pieces, start, rest, budget)
        yield Span(pieces[_repeated(pieces, before, start, overlap)].span.start, pieces[end - 1].span.end)
        rest -= sum(piece.tokens for piece in pieces[start:end])
        before, start = start, end


def _repeated(pieces: Sequence[_Piece], before: int, start: int, overlap: int) -> int:
    """The first of the pieces that are repeated from the chunk `before`: as many as fit, but never all of it."""
    while start > before + 1 and pieces[start - 1].tokens <= overlap:
        start -= 1
        overlap -= pieces[start].tokens
    return start


def _cut(pieces: Sequence[_Piece], start: int, rest: int, budget: int) -> int:
    """Where the chunk that begins at `start` ends: at a paragraph's end if one is in reach."""
    candidates: list[int] = []
    tokens = 0
    for end in range(start + 1, len(pieces)):
        tokens += pieces[end - 1].tokens
        if tokens > budget:
            break
        if tokens >= _SMALLEST_SHARE * budget and rest - tokens >= _SMALLEST_REST * budget:
            candidates.append(end)
        furthest = end
    if not candidates:
        return furthest
    return max(candidates, key=lambda end: (pieces[end - 1].ends_paragraph, pieces[end].order))
