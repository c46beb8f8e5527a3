"""What a run rests on: code, models, prompts, machine. Enough to tell whether two runs may be compared."""

from __future__ import annotations

import hashlib
import os
import platform
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from rag.catalog import SQLITE_VERSION

_ROOT = Path(__file__).parent.parent
_CODE = ("rag", "ingest", "eval", "prompts")
_PACKAGES = ("chromadb", "llama-index-core", "numpy", "sentence-transformers", "tokenizers", "torch", "transformers")


@dataclass(frozen=True, slots=True)
class Code:
    """The code that ran: its commit, whether files differed from it, and a hash over the files themselves."""

    commit: str | None
    dirty: bool | None
    sha256: str
    prompts_sha256: str


@dataclass(frozen=True, slots=True)
class Machine:
    """Where a run was made; two machines may differ in the last digits of a similarity."""

    system: str
    processor: str
    cores: int
    python: str
    packages: dict[str, str]


def code() -> Code:
    """The code as it is now. Commit and dirty flag are None outside a git checkout; results are not code."""
    sources = [path for package in _CODE for path in (_ROOT / package).rglob("*.py")]
    commit = _git("rev-parse", "HEAD")
    changes = _git("status", "--porcelain", "--", *_CODE, ":(exclude)eval/results")
    return Code(
        commit=commit,
        dirty=None if changes is None else bool(changes),
        sha256=_sha256(sources),
        prompts_sha256=_sha256((_ROOT / "prompts").glob("*.md")),
    )


def machine() -> Machine:
    """This machine."""
    return Machine(
        system=f"{platform.system()} {platform.machine()}",
        processor=_processor(),
        cores=os.cpu_count() or 1,
        python=platform.python_version(),
        packages={name: version(name) for name in _PACKAGES} | {"sqlite": SQLITE_VERSION},
    )


def _git(*arguments: str) -> str | None:
    command = ["git", "-C", str(_ROOT), *arguments]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=30)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
    except OSError:
        return platform.processor()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "unknown")


def _sha256(paths: Iterable[Path]) -> str:
    digest = hashlib.sha256()
    for path in sorted(paths):
        digest.update(f"{path.relative_to(_ROOT).as_posix()}\0{path.stat().st_size}\0".encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()
