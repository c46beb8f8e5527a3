"""Published systems, rebuilt: if their figures come out otherwise here, the harness is wrong, not the system."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from eval.outcome import Response, System
from eval.types import GoldQuestion
from rag.errors import ModelError
from rag.models import Embedder
from rag.types import Chunk, Passage, Span

_TOKENS = 200  # a chunk, as in the row "Recursive, size 200, overlap 0" of Chroma's report
_SEPARATORS = ["\n\n", "\n", ".", "?", "!", " ", ""]  # those of the report's splitter


@dataclass(frozen=True, slots=True)
class Unit:
    """What is embedded: a chunk as it is cited, and its text as the published system embeds it."""

    chunk: Chunk
    text: str


def dense(units: Sequence[Unit], embedder: Embedder, passages: int) -> System:
    """Exact cosine search over embedded units; nothing of ours but the embedder."""
    vectors = embedder.encode([unit.text for unit in units])

    def search(gold: GoldQuestion) -> Response:
        scores = vectors @ embedder.encode([gold.question])[0]
        best = (-scores).argsort(kind="stable")[:passages]
        return Response(gold.question, tuple(Passage(units[place].chunk, float(scores[place])) for place in best))

    return search


def whole_documents(texts: Mapping[str, tuple[str, str]]) -> list[Unit]:
    """A unit a document, title and text joined by a space, as BEIR's systems embed them; the model cuts the end off."""
    return [
        Unit(Chunk(source, source, source, Span(0, max(len(text), 1)), text, title), f"{title} {text}")
        for source, (title, text) in texts.items()
    ]


def recursive_chunks(texts: Mapping[str, str]) -> list[Unit]:
    """Chunks of langchain's recursive splitter, 200 tokens of cl100k without overlap.

    As in the report's code, a chunk's place is where its text is found first: a fifth of them repeat another's words.
    """
    return [
        Unit(Chunk(f"{source} {span.start}", source, source, span, span.of(text)), span.of(text))
        for source, text in texts.items()
        for span in _split(text)
    ]


def _split(text: str) -> Iterator[Span]:
    if find_spec("langchain_text_splitters") is None:
        raise ModelError("langchain-text-splitters is not installed. Run: pip install '.[dev]'")
    from langchain_text_splitters import RecursiveCharacterTextSplitter

    splitter = RecursiveCharacterTextSplitter.from_tiktoken_encoder(
        "cl100k_base", chunk_size=_TOKENS, chunk_overlap=0, separators=_SEPARATORS, keep_separator=True
    )
    for piece in splitter.split_text(text):
        place = text.index(piece)
        yield Span(place, place + len(piece))


def use_bundled_tokens() -> None:
    """Let tiktoken read its vocabulary from llama-index, which ships it, instead of the network."""
    spec = find_spec("llama_index.core")
    if spec and spec.origin:
        os.environ.setdefault("TIKTOKEN_CACHE_DIR", str(Path(spec.origin).parent / "_static" / "tiktoken_cache"))
