"""Footnote's retriever as a llama-index `BaseRetriever`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llama_index.core.base.base_retriever import BaseRetriever
from llama_index.core.schema import NodeWithScore, QueryBundle, TextNode

if TYPE_CHECKING:
    from rag.retrieve import Retriever


class FootnoteRetriever(BaseRetriever):
    """Passages as nodes; `start_char_idx` and `end_char_idx` are exact characters of the stored document's text.

    Metadata: source, start, end, page, heading, title, document_id, and the rank at each stage.
    """

    def __init__(self, retriever: Retriever, k: int | None = None) -> None:
        super().__init__()
        self._retriever = retriever
        self._k = k

    def _retrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        found = []
        for passage in self._retriever.retrieve(query_bundle.query_str, self._k):
            chunk = passage.chunk
            metadata = {
                "source": chunk.source,
                "start": chunk.span.start,
                "end": chunk.span.end,
                "page": chunk.page,
                "heading": chunk.heading,
                "title": chunk.title,
                "document_id": chunk.document_id,
                "ranks": passage.ranks,
            }
            node = TextNode(
                id_=chunk.id,
                text=chunk.text,
                start_char_idx=chunk.span.start,
                end_char_idx=chunk.span.end,
                metadata=metadata,
                excluded_llm_metadata_keys=[key for key in metadata if key != "source"],
                excluded_embed_metadata_keys=list(metadata),
            )
            found.append(NodeWithScore(node=node, score=passage.score))
        return found
