"""What the commands share: the store's options, and errors as one plain line."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Callable
from pathlib import Path

from rag.errors import RagError
from rag.settings import Settings

# Control characters, turns of the writing direction and lone surrogates: a terminal would obey or refuse them.
_UNSHOWABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_INTERRUPTED = 130  # what a shell reports for Ctrl-C


def add_store_options(parser: argparse.ArgumentParser) -> None:
    """Add --store and --collection."""
    parser.add_argument("--store", type=Path, help="folder of the store (default: ./store, or RAG_STORE)")
    parser.add_argument("--collection", help="collection in the store (default: default, or RAG_COLLECTION)")


def settings_from(options: argparse.Namespace, **arguments: object) -> Settings:
    """The settings with the store's options, where they were given, and other arguments on top."""
    given = {"store": options.store, "collection": options.collection, **arguments}
    return Settings(**{key: value for key, value in given.items() if value is not None})


def visible(text: str) -> str:
    """A line of text with what a terminal would not show as it is written out, like \\x1b."""
    return _UNSHOWABLE.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


def run(main: Callable[[], int]) -> int:
    """A command's exit status. Errors a user can mend are one line on stderr; Ctrl-C is no error."""
    try:
        return main()
    except RagError as error:
        print(f"error: {visible(str(error))}", file=sys.stderr)  # noqa: T201
        return error.exit_code
    except KeyboardInterrupt:
        print("stopped. Run the same command again to go on.", file=sys.stderr)  # noqa: T201
        return _INTERRUPTED
