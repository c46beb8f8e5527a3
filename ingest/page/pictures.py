"""A citation in a PDF -> the picture of its page with the words marked, as long as the file is still there."""

from __future__ import annotations

from collections import OrderedDict
from threading import Lock

from ingest.page.shelf import place_of
from ingest.pdf.picture import Picture
from ingest.sandbox import Sandbox
from rag.errors import ParseError
from rag.store import Store
from rag.types import Document, Span

_KEPT = 24  # pictures, of a few hundred kB each


class Pictures:
    """Draws in one child process, one picture at a time. Thread-safe. Close it when done."""

    def __init__(self) -> None:
        self._sandbox = Sandbox()
        self._drawing = Lock()
        self._drawn: OrderedDict[tuple[str, Span], Picture] = OrderedDict()

    def close(self) -> None:
        """End the child."""
        self._sandbox.close()

    def of(self, store: Store, document: Document, span: Span) -> Picture | None:
        """The page on which a span of a document begins, with the span's words marked.

        None if the document is no PDF, its file is gone, cannot be drawn, or has other words there by now.
        """
        page = document.page_at(span.start)
        record = store.file_of(document.id)
        if document.media_type != "application/pdf" or page is None or record is None:
            return None
        path = place_of(record)
        try:
            key = f"{path}\n{path.stat().st_mtime_ns}", span
            with self._drawing:
                if key not in self._drawn:
                    self._drawn[key] = self._sandbox.picture(path, page, span, span.of(document.text))
                    while len(self._drawn) > _KEPT:
                        self._drawn.popitem(last=False)
                picture = self._drawn[key]
        except (OSError, ParseError):
            return None
        return picture if picture.marks else None
