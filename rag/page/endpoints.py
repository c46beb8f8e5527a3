"""Programs' calls as endpoints of the page: Gradio's named endpoints, and the tools of its MCP server."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable, Iterable
from importlib.util import find_spec
from typing import Any

import gradio as gr
from fastapi import FastAPI
from gradio.events import api
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Mount

from rag.errors import SettingsError
from rag.page.faults import sentence
from rag.page.guard import PROGRAM, user_of
from rag.programs import Programs

AT_ONCE = 2  # calls answered at a time; more of them wait
_CALLS = "/gradio_api/call/"


class _Told(gr.Error):
    """What a program is told; in Gradio's own form an MCP client would read it between quotation marks."""

    def __str__(self) -> str:
        return str(self.message)


def add_api(programs: Programs, *, hide_paths: bool) -> None:
    """Add search, ask and get_document to the Blocks that is being built.

    They are for requests that Guard let in as a program; to a page that names their numbers they are not there.
    """
    for call in (programs.search, programs.ask, programs.get_document):
        # Not queued: Gradio's MCP server would call itself over the network, and without the token.
        api(
            _for_programs(call, hide_paths),
            api_name=call.__name__,
            queue=False,
            concurrency_limit=AT_ONCE,
            concurrency_id="programs",
        )


def _for_programs(call: Callable[..., dict[str, Any]], hide_paths: bool) -> Callable[..., dict[str, Any]]:
    """The call as Gradio wants it: the request as one more argument, no hint a string, errors fit to be shown."""
    signature = inspect.signature(call, eval_str=True)
    asked_by = inspect.Parameter("request", inspect.Parameter.POSITIONAL_OR_KEYWORD, annotation=gr.Request)
    parameters = [asked_by, *signature.parameters.values()]

    def told(request: Any, *arguments: Any) -> dict[str, Any]:
        if user_of(request) != PROGRAM:
            raise _Told("This is for programs that show the token.", print_exception=False)
        try:
            return call(*arguments)
        except Exception as error:
            raise _Told(sentence(error, hide_paths=hide_paths), print_exception=False) from None

    told.__name__, told.__doc__ = call.__name__, call.__doc__
    told.__annotations__ = {each.name: each.annotation for each in parameters}
    told.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]
    return told


def explain_wrong_arguments(app: FastAPI) -> None:
    """Once a page is mounted in `app`: answer a call whose arguments have wrong names by 400 and a sentence.

    Gradio takes them for a bug of its own: 500, and a traceback in the log.
    """

    async def answer(request: Request, error: Exception) -> JSONResponse:
        if not request.url.path.startswith(_CALLS):
            raise error
        names = f"Send a JSON object with the arguments that {_CALLS.replace('call/', 'info')} lists, by their names."
        return JSONResponse({"error": names}, 400)

    for route in app.routes:
        if isinstance(route, Mount) and isinstance(route.app, FastAPI):
            route.app.add_exception_handler(TypeError, answer)


def require_mcp() -> None:
    """Raise SettingsError if the package that Gradio's MCP server needs is not installed."""
    if find_spec("mcp") is None:
        raise SettingsError("--mcp needs the package mcp. Install it: pip install -e '.[mcp]'")


def serve_json(demo: gr.Blocks) -> None:
    """Once a page is mounted with `mcp_server=True`: let its tools answer in JSON; Gradio writes Python's own form.

    Raises SettingsError if Gradio did not start the MCP server, which it does not tell of itself.
    """
    server = demo.mcp_server_obj
    if server is None:
        raise SettingsError(f"the MCP server did not start: {demo.mcp_error or 'it was not asked for'}.")
    from mcp.types import TextContent

    def written(data: Iterable[Any], _: str) -> list[Any]:
        return [TextContent(type="text", text=json.dumps(each, ensure_ascii=False)) for each in data]

    server.postprocess_output_data = written  # type: ignore[method-assign, assignment]
