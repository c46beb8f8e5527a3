"""The nouns of Footnote. Frozen values; this file imports nothing of ours.

Every place in a text is a `Span` of characters of one document's canonical text, from the parser to the footnote.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """A half-open range [start, end) of characters in one document's text; never empty."""

    start: int
    end: int

    def __post_init__(self) -> None:
        if not 0 <= self.start < self.end:
            raise ValueError(f"a span needs 0 <= start < end, got [{self.start}, {self.end})")

    def of(self, text: str) -> str:
        """The characters of `text` in this span."""
        return text[self.start : self.end]

    def overlap(self, other: Span) -> int:
        """How many characters both spans cover."""
        return max(0, min(self.end, other.end) - max(self.start, other.start))

    def shifted(self, offset: int) -> Span:
        """The same span counted from a text that begins `offset` characters earlier."""
        return Span(self.start + offset, self.end + offset)


@dataclass(frozen=True, slots=True)
class Page:
    """A page of a paged document: its number (from 1) and the characters on it."""

    number: int
    span: Span


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading: its level (1 is the topmost), its words, and where its section begins."""

    level: int
    title: str
    start: int


@dataclass(frozen=True, slots=True)
class Document:
    """One source as the parser left it. `text` is canonical (NFC, \\n line ends); every Span points into it."""

    id: str
    source: str
    title: str
    text: str
    pages: tuple[Page, ...] = ()
    headings: tuple[Heading, ...] = ()
    media_type: str = "text/plain"
    warnings: tuple[str, ...] = ()
    date: str = ""  # YYYY-MM-DD: when it was written or last changed; empty when nothing tells

    def page_at(self, position: int) -> int | None:
        """The number of the page that holds this character, or None for a document without pages."""
        return next((page.number for page in reversed(self.pages) if page.span.start <= position), None)


@dataclass(frozen=True, slots=True)
class Chunk:
    """A stretch of a document that is embedded and retrieved: `text == document.text[span.start:span.end]`.

    `heading` is the path of headings above it ("Détente > SALT I"), `title` its document's title. Both are added to
    what is embedded and indexed, never to `text`.
    """

    id: str
    document_id: str
    source: str
    span: Span
    text: str
    title: str = ""
    heading: str = ""
    page: int | None = None

    @property
    def above(self) -> str:
        """Title and headings, a line each: what is read before the text so that it can be understood alone."""
        return "".join(f"{line}\n" for line in (self.title, self.heading) if line)


@dataclass(frozen=True, slots=True)
class Passage:
    """A chunk retrieved for a question, with its rank (from 1) and score at each stage that saw it."""

    chunk: Chunk
    score: float
    ranks: dict[str, int] = field(default_factory=dict)
    scores: dict[str, float] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """This passage in the machine interface's form."""
        return {
            "source": self.chunk.source,
            "start": self.chunk.span.start,
            "end": self.chunk.span.end,
            "page": self.chunk.page,
            "heading": self.chunk.heading,
            "text": self.chunk.text,
            "score": self.score,
            "ranks": self.ranks,
            "scores": self.scores,
        }


@dataclass(frozen=True, slots=True)
class Claim:
    """One sentence of a draft and the numbers of the passages (from 1) it says it rests on.

    `quote` is the place in the document when the claim is a quotation: the words must then be exactly those there.
    `answer` is the place in the document of the words of it that answer shortly, in at most one claim of a draft.
    """

    text: str
    passages: tuple[int, ...]
    quote: Span | None = None
    answer: Span | None = None


@dataclass(frozen=True, slots=True)
class Draft:
    """What a generator wrote, not yet believed. `tokens` were read and written by a language model, where one ran."""

    claims: tuple[Claim, ...]
    generator: str
    tokens: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Citation:
    """A footnote. Exists only if `quote` is exactly `span` of the stored document's text."""

    mark: int
    source: str
    document_id: str
    span: Span
    quote: str
    page: int | None
    support: str

    def as_json(self) -> dict[str, Any]:
        """This citation in the machine interface's form."""
        return {
            "mark": self.mark,
            "source": self.source,
            "start": self.span.start,
            "end": self.span.end,
            "quote": self.quote,
            "page": self.page,
            "support": self.support,
        }


@dataclass(frozen=True, slots=True)
class Rejection:
    """A claim of support that failed its check, with the reason; it stood before the sentence with this mark."""

    mark: int
    claim: str
    reason: str


@dataclass(frozen=True, slots=True)
class Turn:
    """One earlier turn of a conversation; `role` is "user" or "assistant"."""

    role: str
    content: str


@dataclass(frozen=True, slots=True)
class Answer:
    """A question's answer: text with marks like [1], and a citation behind each mark."""

    question: str
    standalone_question: str
    text: str
    short_answer: str | None
    citations: tuple[Citation, ...]
    rejections: tuple[Rejection, ...]
    passages: tuple[Passage, ...]
    refused: bool
    confidence: float
    generator: str
    seconds: dict[str, float]
    tokens: dict[str, int] = field(default_factory=dict)  # read and written by a language model, where one ran
    notes: tuple[str, ...] = ()  # to be told with it: passages left out, documents that disagree, a model that failed

    def as_json(self) -> dict[str, Any]:
        """This answer in the machine interface's form."""
        return {
            "question": self.question,
            "standalone_question": self.standalone_question,
            "text": self.text,
            "short_answer": self.short_answer,
            "refused": self.refused,
            "confidence": self.confidence,
            "generator": self.generator,
            "citations": [citation.as_json() for citation in self.citations],
            "rejections": [asdict(rejection) for rejection in self.rejections],
            "passages": [passage.as_json() for passage in self.passages],
            "seconds": self.seconds,
            **({"tokens": self.tokens} if self.tokens else {}),
            **({"notes": list(self.notes)} if self.notes else {}),
        }
