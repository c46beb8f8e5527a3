"""Office files in Microsoft's container of before 2007, which are told what to do about them and never opened."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import BinaryIO

from rag.errors import ParseError
from rag.types import Document

OLE = b"\xd0\xcf\x11\xe0"
"""What such a container begins with; a password wraps newer files in one too."""

_SAVE_AS = {".doc": ".docx", ".xls": ".xlsx", ".ppt": ".pptx", ".msg": ".eml"}
_MODERN = {".docx", ".docm", ".xlsx", ".xlsm", ".pptx", ".pptm"}
_ENCRYPTED = "EncryptedPackage".encode("utf-16-le")


def parse_legacy(file: BinaryIO, source: str) -> Iterator[Document]:
    """Raises ParseError E_ENCRYPTED for a file with a password, else E_UNSUPPORTED with what to save it as."""
    suffix = PurePosixPath(source).suffix.lower()
    data = file.read()
    if data.startswith(OLE) and (_ENCRYPTED in data or suffix in _MODERN):
        raise ParseError("E_ENCRYPTED", "it has a password, or is an older format. Save it anew without a password.")
    target = _SAVE_AS.get(suffix)
    advice = f"Save it as {target}." if target else "Save it in a newer format."
    raise ParseError("E_UNSUPPORTED", f"it is an Office file of the time before 2007. {advice}")
    yield  # a generator like the other parsers
