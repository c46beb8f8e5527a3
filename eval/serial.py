"""Frozen dataclasses <-> JSON. What is read is checked against the types."""

from __future__ import annotations

import json
from collections.abc import Hashable
from functools import lru_cache
from typing import Any, TypeVar, cast

from pydantic import TypeAdapter

Value = TypeVar("Value")


def to_json(value: object, indent: int | None = None) -> str:
    """A dataclass as JSON, its fields in their order; equal values give equal text."""
    return json.dumps(
        _adapter(cast(Hashable, type(value))).dump_python(value, mode="json"), ensure_ascii=False, indent=indent
    )


def from_json(kind: type[Value], content: str) -> Value:
    """A dataclass from JSON. Raises pydantic's ValidationError if it does not fit."""
    value: Value = _adapter(cast(Hashable, kind)).validate_json(content)
    return value


@lru_cache
def _adapter(kind: Any) -> TypeAdapter[Any]:
    return TypeAdapter(kind)
