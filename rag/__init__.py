"""Answering questions from a store of documents.

from rag import Assistant, Retriever, Settings, Store

store = Store(Settings(store="store"))
Retriever(store).retrieve("Who signed it?", k=5)  # passages, each with exact characters of its source
Assistant(store).ask("Who signed it?")            # an Answer whose every sentence carries a checked citation
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rag.assistant import Assistant
    from rag.retrieve import Retriever
    from rag.settings import Settings
    from rag.store import Store

__all__ = ["Assistant", "Retriever", "Settings", "Store"]

# Loaded on first use: the parsers' child processes import rag.types and must stay small.
_HOMES = {
    "Assistant": "rag.assistant",
    "Retriever": "rag.retrieve",
    "Settings": "rag.settings",
    "Store": "rag.store",
}


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
