"""Prompt templates: Markdown files beside this one, loaded by name. Placeholders are written {like_this}."""

from importlib.resources import files
from string import Formatter


def load(name: str) -> str:
    """The template `name`.md without its trailing newline."""
    return (files(__name__) / f"{name}.md").read_text("utf-8").strip()


def fill(name: str, **values: str) -> str:
    """The template with its placeholders filled. Raises KeyError unless exactly its placeholders are given."""
    template = load(name)
    wanted = {field for _, field, _, _ in Formatter().parse(template) if field}
    if wanted != values.keys():
        raise KeyError(f"prompt {name!r} has the placeholders {sorted(wanted)}, got {sorted(values)}")
    return template.format_map(values)
