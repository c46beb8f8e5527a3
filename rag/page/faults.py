"""What a user is told when something fails: one plain sentence, never a traceback.

An expected failure keeps its own sentence. Anything else is a bug: it gets a number, and the log has all of it under
that number. Paths of the server are of use to who sits at it, and of none to who logs in from elsewhere.
"""

from __future__ import annotations

import logging
import re
import secrets
import tempfile
import traceback
from pathlib import Path

from rag.command import visible
from rag.errors import RagError

LOG = logging.getLogger("footnote")

# A path from the root, with at least one folder: "/srv/papers/a.txt", not "and/or", "1/2" or "https://host/a".
_PATH = re.compile(r"(?<![\w./:~-])~?/(?:[^\s/'\"`,;:()]+/)+(?=[^\s/'\"`,;:()])")
_SHORT = re.compile(r"(?<![\w./:~-])/(?=[^\s/'\"`,;:()])")  # what lies in the root itself: "/store"


def sentence(error: Exception, *, hide_paths: bool) -> str:
    """What to tell a user of a failure, in one sentence or a few; with `hide_paths`, names stand for paths.

    Whatever is not a RagError is written to the log, under a number that the sentence names.
    """
    if isinstance(error, RagError):
        return names_only(str(error)) if hide_paths else str(error)
    number = secrets.token_hex(3)
    lines = "".join(traceback.format_exception(error)).splitlines()
    # The number begins each line: a message of several lines cannot pass for another entry of the log.
    LOG.error("\n".join(f"error {number}| {visible(line)}" for line in lines))
    return f"Something went wrong (error {number}). The details are in the server's log."


def names_only(message: str) -> str:
    """A message with the name of each file and folder in place of its path on this machine."""
    for folder in sorted(_known_folders(), key=len, reverse=True):
        message = message.replace(f"{folder}/", "")
    return _SHORT.sub("", _PATH.sub("", message))


def _known_folders() -> set[str]:
    """Folders that messages are likely to name, and whose names may hold spaces."""
    folders = {Path.cwd(), Path.home(), Path(tempfile.gettempdir())}
    return {str(folder) for folder in folders if folder != Path("/")}
