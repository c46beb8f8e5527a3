"""Settings -> a language model that writes a text piece by piece. The only importer of llama-index's model classes.

A stream that ends without saying that it is finished counts as broken: half an answer is never taken for a whole one.
"""

from __future__ import annotations

import importlib
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from time import monotonic
from typing import TYPE_CHECKING, Any

import httpx

from rag.errors import LanguageModelError, SettingsError
from rag.settings import Settings

if TYPE_CHECKING:
    from llama_index.core.base.llms.types import ChatResponse
    from llama_index.core.llms import LLM

_SEED = 1
_SHOWN = 200  # characters of a server's own message that are passed on


Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Ending:
    """How a text ended: whether the model was cut off at its most tokens, and how many it read and wrote."""

    cut_off: bool = False
    tokens: dict[str, int] = field(default_factory=dict)


class LanguageModel:
    """A chat model behind llama-index: local, an OpenAI-compatible server, Ollama or Anthropic. Thread-safe.

    `window` is how many tokens question, passages and answer may take together, `answer_tokens` the answer's share.
    """

    def __init__(self, client: LLM, name: str, place: str, settings: Settings) -> None:
        self.name = name
        self.window = settings.llm_window
        self.answer_tokens = settings.llm_answer_tokens
        self._client = client
        self._place = place
        self._seconds = settings.llm_seconds

    def write(self, system: str, turns: Sequence[tuple[str, str]]) -> Iterator[str | Ending]:
        """The model's text piece by piece, then how it ended. `turns` are pairs of "user" or "assistant" and text.

        Raises LanguageModelError, also after some pieces, if the server cannot be reached, refuses, takes longer than
        the settings' `llm_seconds` altogether, sends what is no answer, or stops without an end.
        """
        from llama_index.core.base.llms.types import ChatMessage, MessageRole  # takes seconds; most have no model

        messages = [ChatMessage(role=MessageRole.SYSTEM, content=system)]
        messages += [ChatMessage(role=MessageRole(role), content=text) for role, text in turns]
        started, finish, tokens, wrote = monotonic(), "", dict[str, int](), False
        try:
            for response in self._client.stream_chat(messages):
                if monotonic() - started > self._seconds:
                    raise self._failure(
                        f"was not finished after {self._seconds:g} seconds", "RAG_LLM_SECONDS allows more"
                    )
                finish = _finish(response) or finish
                tokens |= _tokens(response)
                if response.delta:
                    wrote = wrote or not response.delta.isspace()
                    yield response.delta
        except LanguageModelError:
            raise
        except Exception as error:  # three clients with exceptions of their own; none of them may end the answer
            raise self._explained(error) from error
        if not finish:
            what = "broke off in the middle" if wrote else "sent nothing that is an answer"
            raise self._failure(what, "check that RAG_LLM_URL is the address of its API")
        if not wrote:
            raise self._failure("wrote nothing", "try again or another model")
        yield Ending(finish in ("length", "max_tokens"), tokens)

    def _explained(self, error: Exception) -> LanguageModelError:
        status = getattr(error, "status_code", None)
        said = " ".join(str(error).split())[:_SHOWN]
        if status == 429:
            return self._failure("is busy or its quota is used up (429)", "wait a moment")
        if status in (401, 403):
            return self._failure(f"refuses the key ({status})", "check RAG_LLM_KEY")
        if status == 404:
            return self._failure(
                f"does not know the model {self.name!r} or the address (404)", "check RAG_LLM_MODEL and RAG_LLM_URL"
            )
        if isinstance(status, int) and status > 0:
            return self._failure(f"answered with the error {status}: {said}", "try again, or look at its log")
        if isinstance(error, httpx.TimeoutException) or "timed out" in said.lower():
            return self._failure(f"sent nothing for {self._seconds:g} seconds", "RAG_LLM_SECONDS allows more")
        if isinstance(error, json.JSONDecodeError | UnicodeDecodeError):
            return self._failure("sent what is no answer", "check that RAG_LLM_URL is the address of its API")
        if isinstance(error, httpx.RemoteProtocolError | httpx.ReadError):
            return self._failure("broke off in the middle", "try again, or look at its log")
        return self._failure(f"cannot be reached or failed: {said or type(error).__name__}", "is it running?")

    def _failure(self, what: str, advice: str) -> LanguageModelError:
        return LanguageModelError(f"the language model {self.name!r} at {self._place} {what}; {advice}.")


def load_language_model(settings: Settings, progress: Progress) -> LanguageModel | None:
    """The language model that the settings name; None if they name none.

    Raises SettingsError if the settings do not say which model, or ModelError if its package or files are missing.
    """
    if settings.llm == "local":
        from rag.local_model import LOCAL_MODEL, served  # needs an extra of its own

        return _at(served(settings, progress), settings.llm_model or LOCAL_MODEL, settings)
    return None if settings.llm == "none" else _LOADERS[settings.llm](settings)


def _openai_compatible(settings: Settings) -> LanguageModel:
    if not settings.llm_url:
        raise SettingsError(
            "llm is 'openai', but llm_url is not set. Set RAG_LLM_URL, such as http://127.0.0.1:8000/v1."
        )
    return _at(settings.llm_url, _named(settings), settings)


def _at(url: str, name: str, settings: Settings) -> LanguageModel:
    client = _client_class("llama_index.llms.openai_like", "OpenAILike")(
        model=name,
        api_base=url,
        api_key=settings.llm_key.get_secret_value() or "none",
        is_chat_model=True,
        context_window=settings.llm_window,
        max_tokens=settings.llm_answer_tokens,
        temperature=0.0,
        timeout=settings.llm_seconds,
        max_retries=0,
        additional_kwargs={"seed": _SEED, "stream_options": {"include_usage": True}},
    )
    return LanguageModel(client, name, url, settings)


def _ollama(settings: Settings) -> LanguageModel:
    url, name = settings.llm_url or "http://127.0.0.1:11434", _named(settings)
    client = _client_class("llama_index.llms.ollama", "Ollama")(
        model=name,
        base_url=url,
        temperature=0.0,
        context_window=settings.llm_window,
        request_timeout=settings.llm_seconds,
        additional_kwargs={"num_predict": settings.llm_answer_tokens, "seed": _SEED},
    )
    return LanguageModel(client, name, url, settings)


def _anthropic(settings: Settings) -> LanguageModel:
    if not settings.llm_key.get_secret_value():
        raise SettingsError("llm is 'anthropic', but llm_key is not set. Set RAG_LLM_KEY to your key.")
    url, name = settings.llm_url or "https://api.anthropic.com", _named(settings)
    client = _client_class("llama_index.llms.anthropic", "Anthropic")(
        model=name,
        base_url=url,
        max_tokens=settings.llm_answer_tokens,
        temperature=0.0,
        timeout=settings.llm_seconds,
        max_retries=0,
        api_key=settings.llm_key.get_secret_value(),
    )
    try:
        _ = client.metadata  # the client looks the model up before it asks the server
    except ValueError:
        raise SettingsError(
            f"llm_model is {name!r}, which llama-index-llms-anthropic does not know. Write the name as in Anthropic's "
            "list of models, and update the package for a new one."
        ) from None
    return LanguageModel(client, name, url, settings)


_LOADERS = {"openai": _openai_compatible, "ollama": _ollama, "anthropic": _anthropic}


def _named(settings: Settings) -> str:
    if not settings.llm_model:
        raise SettingsError(
            f"llm is {settings.llm!r}, but llm_model is not set. Set RAG_LLM_MODEL to the model's name."
        )
    return settings.llm_model


@lru_cache
def _client_class(module: str, name: str) -> Callable[..., LLM]:
    try:
        found: Callable[..., LLM] = getattr(importlib.import_module(module), name)
    except ImportError:
        extra = "anthropic" if "anthropic" in module else "llm"
        raise SettingsError(f"this language model needs more packages. Run: pip install 'footnote[{extra}]'") from None
    return found


def _finish(response: ChatResponse) -> str:
    """Why the model stopped, where this piece tells: each client keeps it somewhere else."""
    raw: Any = response.raw
    if choices := getattr(raw, "choices", None):
        return choices[0].finish_reason or ""
    if isinstance(raw, dict) and raw.get("done"):
        return raw.get("done_reason") or "stop"
    return response.message.additional_kwargs.get("stop_reason") or ""


def _tokens(response: ChatResponse) -> dict[str, int]:
    """How many tokens were read and written, where this piece tells."""
    raw: Any = response.raw
    counts = {**response.additional_kwargs, **(response.message.additional_kwargs.get("usage") or {})}
    if isinstance(raw, dict) and raw.get("done"):
        counts |= {"prompt_tokens": raw.get("prompt_eval_count"), "completion_tokens": raw.get("eval_count")}
    read = counts.get("prompt_tokens") or counts.get("input_tokens")
    written = counts.get("completion_tokens") or counts.get("output_tokens")
    return {name: count for name, count in (("read", read), ("written", written)) if count}
