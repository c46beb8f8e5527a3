"""One settings object. Later wins: defaults, `rag.toml` in the working folder, `RAG_*` variables, arguments."""

from __future__ import annotations

import os
import tomllib
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, SecretStr, ValidationError, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from rag.errors import SettingsError

TOML_FILE = "rag.toml"
ENVIRONMENT_PREFIX = "RAG_"
READER = "reader"  # as a reranker
_CONFIDENCE_NUMBERS = 9  # an intercept, and a weight for each field of rag.confidence.Signals
_HOST_NAME = r"^(?:[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?|\[[0-9a-f:]{2,39}\])$"  # without port, lower case


class Settings(BaseSettings):
    """Everything that can be chosen, with its default and its bounds.

    Raises SettingsError, naming the key, the value and the nearest known key, for anything unknown or out of range.
    """

    model_config = SettingsConfigDict(frozen=True, extra="forbid", env_prefix=ENVIRONMENT_PREFIX)

    # Where things are
    store: Path = Field(Path("store"), description="folder of the store")
    collection: str = Field("default", pattern=r"^[^\x00-\x1f]{1,200}$", description="set of documents")
    chroma_url: str | None = Field(None, pattern=r"^https?://", description="Chroma server; unset: embedded")

    # Embedding
    embedder: str = Field("all-MiniLM-L6-v2", description="the bundled model or a sentence-transformers folder")
    embedder_dtype: Literal["auto", "float32", "bfloat16"] = Field("auto", description="auto: bfloat16 with AMX")

    # Chunking
    chunk_tokens: int = Field(200, ge=32, le=2048, description="most tokens in a chunk's own text")

    chunk_overlap: int = Field(0, ge=0, le=1024, description="most of a chunk's tokens repeated from the one before")

    # Retrieval
    k: int = Field(10, ge=1, le=1000, description="passages returned for a question")
    candidates: int = Field(100, ge=1, le=1000, description="chunks taken from each index before fusion")
    exact_search: bool = Field(False, description="compare with every vector: never misses one, always repeatable")
    dense_weight: float = Field(0.42, ge=0, le=1, description="share of meaning in a score; words have the rest")
    rescored: int = Field(60, ge=0, le=1000, description="fused candidates that are scored anew, word by word; 0: none")
    late_weight: float = Field(0.8, ge=0, le=10, description="weight of late interaction beside meaning and words")
    neighbour_weight: float = Field(0.3, ge=0, le=1, description="what the chunks beside a chunk count")
    telling: float = Field(45.0, ge=0, description="sum of a question's words' rarities from which on they count fully")
    spelling: bool = Field(True, description="put misspelt names right when the documents hold one much like it")
    reranker: str | None = Field(
        None, description="folder of a sentence-transformers cross-encoder, or reader: the trained reader; unset: none"
    )
    reranked: int = Field(20, ge=1, le=1000, description="best candidates that the reranker reads")
    join_neighbours: bool = Field(False, description="make one passage of chunks that stand side by side")
    margin: float = Field(1.0, ge=0, description="chunks scoring more than this below the best are left out")

    # Answering. The default strictness answers most sample questions right that can be, and refuses most others.
    strictness: float = Field(0.4, ge=0, le=1, description="answers below this confidence are refused")
    confidence: tuple[float, ...] | None = Field(
        None,
        description="intercept and weights over the fields of rag.confidence.Signals, as fit-confidence prints them",
    )
    reader: bool = Field(True, description="a small trained model reads the passages; off: likeness decides")

    llm: Literal["none", "local", "openai", "ollama", "anthropic"] = Field("none", description="who writes answers")
    llm_model: str = Field("", description="name of the language model, as its server knows it")
    llm_url: str = Field("", description="address of its server, for openai with /v1 at the end")
    llm_key: SecretStr = Field(SecretStr(""), description="key for its server")
    llm_window: int = Field(4096, ge=512, description="tokens that question, passages and answer take together at most")
    llm_answer_tokens: int = Field(400, ge=16, description="most tokens of an answer")
    llm_passages: int = Field(6, ge=1, le=100, description="best passages that it is shown")
    llm_seconds: float = Field(120, gt=0, description="an answer that takes longer is given up")
    llm_file: Path | None = Field(None, description="another GGUF file for the local model")
    llm_cache: Path = Field(Path("~/.cache/footnote"), description="where the local model is put together")

    sentence_memory: int = Field(4096, ge=0, description="chunks whose sentences stay embedded in memory, 10 kB each")

    # Serving
    users: Path | None = Field(None, description="file of those who may log in; unset: nobody needs to")
    host_names: tuple[Annotated[str, Field(pattern=_HOST_NAME)], ...] = Field(
        (), description="names or addresses that browsers may call this server by besides this machine's own"
    )
    api_token: SecretStr = Field(SecretStr(""), description="what programs show to be let in; 20 characters or more")
    upload_files: int = Field(200, ge=1, le=1000, description="most files in one upload")
    upload_megabytes: int = Field(200, ge=1, description="most of one upload")
    uploads_megabytes: int = Field(2000, ge=1, description="most of all that users have uploaded")

    # Evaluating
    gate: tuple[str, ...] = Field(
        ("correct", "evidence recall@10", "nDCG@10", "exactness"),
        description="measures whose significant loss closes the gate of `python -m eval compare`",
    )

    def __init__(self, **arguments: Any) -> None:
        _refuse_unknown_keys(arguments, "argument")
        _refuse_unknown_keys(_toml(), f"{TOML_FILE} key")
        _refuse_unknown_keys(_environment(), "environment variable", ENVIRONMENT_PREFIX)
        try:
            super().__init__(**arguments)
        except ValidationError as error:
            raise SettingsError("; ".join(_explain(fault) for fault in error.errors())) from None

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Arguments, then the environment, then the file; no .env files, no secret folders."""
        return init_settings, env_settings, _TomlFile(settings_cls)

    @field_validator("chroma_url", "reranker", "users", mode="before")
    @classmethod
    def _empty_means_unset(cls, value: object) -> object:
        return value or None

    @field_validator("chunk_overlap")
    @classmethod
    def _at_most_half(cls, value: int, fields: ValidationInfo) -> int:
        if value > fields.data.get("chunk_tokens", 0) // 2:
            raise ValueError("It may be at most half of chunk_tokens")
        return value

    @field_validator("reader")
    @classmethod
    def _on_for_reranking(cls, value: bool, fields: ValidationInfo) -> bool:
        if not value and fields.data.get("reranker") == READER:
            raise ValueError(f"It is off, but reranker={READER} asks for it. Turn it on, or name another reranker")
        return value

    @field_validator("confidence")
    @classmethod
    def _complete(cls, value: tuple[float, ...] | None) -> tuple[float, ...] | None:
        if value is not None and len(value) != _CONFIDENCE_NUMBERS:
            raise ValueError(
                f"It takes {_CONFIDENCE_NUMBERS} numbers, not {len(value)}. Fit them again: "
                "python -m eval fit-confidence GOLD.jsonl"
            )
        return value

    def changed(self, **arguments: Any) -> Settings:
        """These settings with some replaced, checked again."""
        _refuse_unknown_keys(arguments, "argument")
        return Settings(**(self.model_dump() | arguments))


class _TomlFile(PydanticBaseSettingsSource):
    """The settings that `rag.toml` holds."""

    def get_field_value(self, field: Any, field_name: str) -> tuple[Any, str, bool]:
        return _toml().get(field_name), field_name, False

    def __call__(self) -> dict[str, Any]:
        return _toml()


def _toml() -> dict[str, Any]:
    try:
        return tomllib.loads(Path(TOML_FILE).read_text("utf-8"))
    except FileNotFoundError:
        return {}
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"{TOML_FILE} is not valid TOML: {error}. Mend the file or remove it.") from None


def _environment() -> dict[str, str]:
    return {
        key.removeprefix(ENVIRONMENT_PREFIX).lower(): value
        for key, value in os.environ.items()
        if key.startswith(ENVIRONMENT_PREFIX)
    }


def _refuse_unknown_keys(given: dict[str, Any], kind: str, prefix: str = "") -> None:
    known = Settings.model_fields
    for key in given:
        if key in known:
            continue
        nearest = get_close_matches(key, known, n=1, cutoff=0)[0]
        shown, suggestion, names = (
            (prefix + name).upper() if prefix else name for name in (key, nearest, ", ".join(known))
        )
        allowed = ", ".join(known) if not prefix else f"{prefix} and one of {names.removeprefix(prefix)}"
        raise SettingsError(f"unknown {kind} {shown!r}: did you mean {suggestion!r}? Known: {allowed}.")


def _explain(fault: Any) -> str:
    key = ".".join(str(part) for part in fault["loc"])
    reason = fault["msg"].removeprefix("Value error, ")
    return f"setting {key!r} has the value {fault['input']!r}: {reason[:1].lower()}{reason[1:]}"
