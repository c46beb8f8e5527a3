"""The chat: ask, watch the answer appear, open a footnote and read the words it rests on.

`python app.py [--store DIR] [--port 7860]`. Puts the views together and serves them; what an answer is, is decided in
`rag/`.
"""

from __future__ import annotations

import argparse
import atexit
import getpass
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

# Settled before Gradio is imported, which reads them then: nothing phones home, no variable opens what we closed.
for _name in ("SHARE", "MCP_SERVER", "VIBE_MODE", "ALLOWED_PATHS", "SERVER_NAME", "SSR_MODE"):
    os.environ.pop(f"GRADIO_{_name}", None)
_UPLOADS = Path(tempfile.mkdtemp(prefix="footnote-uploads-")).resolve()  # readable by this user alone
atexit.register(shutil.rmtree, _UPLOADS, ignore_errors=True)
os.environ |= {
    "GRADIO_ANALYTICS_ENABLED": "False",
    "GRADIO_ANALYTICS_CACHE_FREQUENCY": "1000000000",
    "GRADIO_TEMP_DIR": str(_UPLOADS),
    "HF_HUB_OFFLINE": "1",
}

import gradio as gr  # noqa: E402
import uvicorn  # noqa: E402
from fastapi import FastAPI  # noqa: E402
from gradio import processing_utils  # noqa: E402
from rich.console import Console  # noqa: E402

import eval.page  # noqa: E402
import ingest  # noqa: E402
import ingest.page  # noqa: E402
from eval.page.evaluation import Evaluations  # noqa: E402
from eval.page.feedback import feedback_form  # noqa: E402
from eval.page.thumbs import wire_thumbs  # noqa: E402
from eval.page.view import evaluation_view  # noqa: E402
from eval.page.workbook import Workbook  # noqa: E402
from ingest.page.pictures import Pictures  # noqa: E402
from ingest.page.view import documents_view  # noqa: E402
from ingest.progress import with_progress  # noqa: E402
from ingest.sync import sync  # noqa: E402
from rag import page  # noqa: E402
from rag.command import add_store_options, run, settings_from  # noqa: E402
from rag.errors import SettingsError  # noqa: E402
from rag.library import Library  # noqa: E402
from rag.page.access import Access  # noqa: E402
from rag.page.address import is_loopback, refuse_unusable  # noqa: E402
from rag.page.ask import ask_view  # noqa: E402
from rag.page.endpoints import add_api, explain_wrong_arguments, require_mcp, serve_json  # noqa: E402
from rag.page.guard import Guard, checked_token, user_of  # noqa: E402
from rag.page.login import Login  # noqa: E402
from rag.page.server import Server  # noqa: E402
from rag.page.told import tell_plainly  # noqa: E402
from rag.page.users import Users, add_user  # noqa: E402
from rag.programs import Programs  # noqa: E402
from rag.settings import Settings  # noqa: E402
from rag.store import Store  # noqa: E402

SAMPLE = Path(ingest.__file__).parent / "sample"
_ASSETS = Path(page.__file__).parent
_STYLES = (
    _ASSETS / "style.css",
    Path(ingest.page.__file__).parent / "view.css",
    Path(eval.page.__file__).parent / "view.css",
)
_THEME = gr.themes.Base(
    primary_hue=gr.themes.colors.teal,
    neutral_hue=gr.themes.colors.slate,
    font=[gr.themes.LocalFont("IBM Plex Sans", weights=(400, 700)), "Segoe UI", "Helvetica Neue", "sans-serif"],
    font_mono=[gr.themes.LocalFont("IBM Plex Mono", weights=(400, 700)), "Consolas", "monospace"],
)


@dataclass(frozen=True, slots=True)
class Serving:
    """What is served beside the page, and to whom: programs by HTTP and MCP, and users who log in."""

    api: bool = False
    mcp: bool = False
    login: Login | None = field(default=None)


def build(library: Library, pictures: Pictures, serving: Serving) -> tuple[gr.Blocks, Evaluations]:
    """The page over the collections of a library, and the evaluations that run in it."""
    access = Access(library)
    first = library.first.collection
    private: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}

    def dropping(store: Store) -> None:
        evaluations.end(store)
        Workbook(store).discard()

    demo = gr.Blocks(
        title="Footnote", fill_height=True, fill_width=True, delete_cache=(600, 3600), analytics_enabled=False
    )
    with demo:
        with gr.Row(elem_id="masthead"):
            gr.HTML("<h1>Footnote</h1>", elem_id="name")
            collection = gr.Dropdown([first], value=first, label="Collection", elem_id="collection", filterable=False)
            gr.HTML(_corner(serving), elem_id="corner", js_on_load=(_ASSETS / "corner.js").read_text("utf-8"))
        with gr.Tabs(selected="ask", elem_id="views"):
            with gr.Tab("Ask", id="ask", render_children=True):
                asking = ask_view(demo, collection, access, pictures.of, private)
                with asking.aside:
                    form = feedback_form(collection, access)
                wire_thumbs(asking, form, access, private)
            with gr.Tab("Documents", id="documents", render_children=True) as documents_tab:
                documents_view(documents_tab, collection, access, _UPLOADS, dropping, private)
            with gr.Tab("Evaluation", id="evaluation", render_children=True) as evaluation_tab:
                evaluations = evaluation_view(evaluation_tab, collection, access)
        demo.load(access.choices, None, collection, queue=False, **private)
        if serving.api or serving.mcp:
            add_api(Programs(access.shared(), first), hide_paths=serving.login is not None)
    tell_plainly(demo, hide_paths=serving.login is not None)
    demo.queue(max_size=32, default_concurrency_limit=2, api_open=False)
    # Only launch() sets this; without it a mounted page would accept any path of the server as an uploaded file.
    demo.has_launched = True
    return demo, evaluations


def _corner(serving: Serving) -> str:
    """Light or dark, and the way out where people log in."""
    out = "<form method='post' action='/logout'><button>Log out</button></form>" if serving.login else ""
    return f"<button type='button' class='theme'></button>{out}"


async def _fetch_nothing(url: str, cache_dir: str) -> str:
    raise ValueError("Only files uploaded here are accepted.")


def create_app(library: Library, serving: Serving, closing: ExitStack) -> FastAPI:
    """The page as an ASGI application, locked down: no other origins, no files but uploads, no programs uninvited.

    `closing` is given what must be closed before the library is.
    """
    # Gradio would download any address that a client names as an uploaded file.
    processing_utils.async_ssrf_protected_download = _fetch_nothing
    pictures = Pictures()
    closing.callback(pictures.close)
    demo, evaluations = build(library, pictures, serving)
    closing.callback(evaluations.close)
    settings = library.first.settings
    style = "".join(path.read_text("utf-8") for path in _STYLES)
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    app.add_middleware(Guard, settings=settings, login=serving.login, api=serving.api, mcp=serving.mcp)
    gr.mount_gradio_app(
        app,
        demo,
        path="/",
        auth_dependency=user_of if serving.login else None,
        theme=_THEME,
        footer_links=[],
        max_file_size=settings.upload_megabytes * 1_000_000,
        allowed_paths=[],
        head=f'<meta name="color-scheme" content="light dark"><style>{style}</style>',
        show_error=False,
        run_history=False,
        enable_monitoring=False,
        mcp_server=serving.mcp,
        ssr_mode=False,
        pwa=False,
    )
    explain_wrong_arguments(app)
    if serving.mcp:
        serve_json(demo)
    return app


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve the chat until it is stopped."""
    parser = argparse.ArgumentParser(prog="python app.py", description="Chat with your documents in a browser.")
    add_store_options(parser)
    parser.add_argument("--port", type=int, default=7860, help="port on this machine (default: 7860)")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen at (default: this machine alone)")
    parser.add_argument("--api", action="store_true", help="let programs in by HTTP, with the token RAG_API_TOKEN")
    parser.add_argument("--mcp", action="store_true", help="let programs in by MCP, with the token RAG_API_TOKEN")
    parser.add_argument("--add-user", metavar="NAME", help="ask for a password, write it into RAG_USERS, and end")
    options = parser.parse_args(arguments)
    console = Console(stderr=True, highlight=False)
    settings = settings_from(options)
    if options.add_user:
        return _add_user(settings, options.add_user, console)
    serving = Serving(options.api, options.mcp, Login(Users(settings.users)) if settings.users else None)
    if serving.api or serving.mcp:
        checked_token(settings)
    if serving.mcp:
        require_mcp()
    refuse_unusable(options.host, options.port, settings)
    if not is_loopback(options.host) and not settings.host_names:
        console.print("Browsers elsewhere are refused until RAG_HOST_NAMES holds the names they call this server by.")
    with ExitStack() as closing:
        store = closing.enter_context(Store(settings, create=True))
        if not store.documents() and settings.collection == "default":
            console.print(f"The store is empty: ingesting the sample corpus from {SAMPLE} …")
            with_progress(lambda show: sync(store, [SAMPLE], show), console)
        library = Library(store, console.print)
        closing.callback(library.close)
        console.print(f"Footnote is at http://{options.host}:{options.port} (stop it with Ctrl-C)")
        signal.signal(signal.SIGTERM, signal.default_int_handler)  # ends as by Ctrl-C: everything is closed
        configuration = uvicorn.Config(
            # Built inside the running event loop: built outside it, Gradio leaves event loops open.
            lambda: create_app(library, serving, closing),
            factory=True,
            host=options.host,
            port=options.port,
            log_level="warning",
            server_header=False,
            forwarded_allow_ips="127.0.0.1",  # or else a variable lets anybody invent addresses
            timeout_graceful_shutdown=5,
        )
        server = Server(configuration)
        with suppress(KeyboardInterrupt):
            server.run()
    return 0 if server.started else 1


def _add_user(settings: Settings, name: str, console: Console) -> int:
    if settings.users is None:
        raise SettingsError("RAG_USERS is not set. Name the file to keep users in: RAG_USERS=users.txt")
    add_user(settings.users, name, getpass.getpass("Password: "))
    console.print(f"{name} can log in now.")
    return 0


if __name__ == "__main__":
    sys.exit(run(main))
