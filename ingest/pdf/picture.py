"""What is shown of a PDF's page: its picture, and where on it the words of a quotation stand."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Mark:
    """A rectangle on a picture, in shares (0 to 1) of the picture's width and height, from its left upper corner."""

    left: float
    top: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Picture:
    """A page as its readers see it: a PNG file, its size in pixels, and a mark on each line of what was quoted."""

    png: bytes
    width: int
    height: int
    marks: tuple[Mark, ...]


def digest_of(quote: str) -> str:
    """What tells whether a quotation is the one expected, in 64 characters however long it is."""
    return hashlib.sha256(quote.encode("utf-8", "surrogatepass")).hexdigest()
