"""Whatever an event of the page raises reaches its user as one plain sentence."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterator
from typing import Any

import gradio as gr

from rag.page.faults import sentence


def tell_plainly(demo: gr.Blocks, *, hide_paths: bool) -> None:
    """Wrap every event of a page that is built: errors are shown as `rag.page.faults.sentence` tells them."""
    for event in demo.fns.values():
        if event.fn is not None:
            event.fn = _told(event.fn, hide_paths)


def _told(event: Callable[..., Any], hide_paths: bool) -> Callable[..., Any]:
    def failed(error: Exception) -> gr.Error:
        shown = error if isinstance(error, gr.Error) else gr.Error(sentence(error, hide_paths=hide_paths))
        shown.print_exception = False
        return shown

    @functools.wraps(event)
    def once(*arguments: Any) -> Any:
        try:
            return event(*arguments)
        except Exception as error:
            raise failed(error) from None

    @functools.wraps(event)
    def streaming(*arguments: Any) -> Iterator[Any]:
        try:
            yield from event(*arguments)
        except Exception as error:
            raise failed(error) from None

    return streaming if inspect.isgeneratorfunction(event) else once
