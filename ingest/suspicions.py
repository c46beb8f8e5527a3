"""A document's text -> warnings of what in it is hidden from readers, or gives orders to a language model."""

from __future__ import annotations

from collections.abc import Iterator
from textwrap import shorten

from rag.instructions import INVISIBLE, instruction_spans

_SHOWN = 3  # sentences named in a warning
_LONGEST = 90  # characters of each
# Soft hyphens and marks of direction are common in honest text; the others by the dozen are not.
_MANY = 12


def suspicions(text: str) -> Iterator[str]:
    """A warning for invisible characters, and one for sentences that read like orders to a language model."""
    invisible = len(INVISIBLE.findall(text))
    if invisible >= _MANY:
        yield f"{invisible} invisible characters"
    spans = instruction_spans(text)
    if spans:
        named = "; ".join(
            f"“{shorten(INVISIBLE.sub('', span.of(text)), _LONGEST, placeholder='…')}”" for span in spans[:_SHOWN]
        )
        yield f"{len(spans)} sentences read like orders to a language model and are never quoted: {named}"
