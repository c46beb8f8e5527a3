"""The page's events, called as its own script calls them, without a browser."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import httpx

PATIENCE = httpx.Timeout(300)


@dataclass(frozen=True)
class Called:
    """What came of a call: the status of the request that made it, whether it succeeded, all that was sent back."""

    status: int
    success: bool
    text: str


class PageEvents:
    """The events and components of a page, as its configuration names them."""

    def __init__(self, client: httpx.Client) -> None:
        config = client.get("/config").json()
        self._ids = {each["props"].get("elem_id"): each["id"] for each in config["components"]}
        self._values = {each["id"]: each["props"].get("value") for each in config["components"]}
        self._events: list[dict[str, Any]] = config["dependencies"]

    def of(self, component: str, name: str) -> dict[str, Any]:
        """The event of a component."""
        return next(each for each in self._events if [self._ids[component], name] in each["targets"])

    def at_first(self, component: str) -> list[dict[str, Any]]:
        """The events of an opened page that fill a component."""
        wanted = self._ids[component]
        return [each for each in self._events if wanted in each["outputs"] and each["targets"][0][1] == "load"]

    def taking(self, component: str) -> list[dict[str, Any]]:
        """Every event of the server that is told a component's value."""
        return [each for each in self._events if self._ids[component] in each["inputs"] and each["backend_fn"]]

    def call(
        self,
        client: httpx.Client,
        event: Mapping[str, Any],
        values: Mapping[str, Any],
        *,
        data: Any = None,
        session: str | None = None,
    ) -> Called:
        """Trigger an event with these components' values, the others' as they were at first, and its own data."""
        given = {self._ids[name]: value for name, value in values.items()}
        body = {
            "data": [given.get(id, self._values.get(id)) for id in event["inputs"]],
            "fn_index": event["id"],
            "event_data": data,
            "session_hash": session or uuid4().hex,
        }
        if event["queue"] is False:
            answered = client.post("/gradio_api/run/predict", json=body)
            return Called(answered.status_code, answered.is_success, answered.text)
        joined = client.post("/gradio_api/queue/join", json=body)
        if joined.status_code != 200:
            return Called(joined.status_code, False, joined.text)
        lines: list[str] = []
        parameters = {"session_hash": body["session_hash"]}
        with client.stream("GET", "/gradio_api/queue/data", params=parameters) as events:
            for line in events.iter_lines():
                lines.append(line)
                message = json.loads(line.removeprefix("data:")) if line.startswith("data:") else {}
                if message.get("msg") == "process_completed":
                    return Called(200, message["success"], "\n".join(lines))
        return Called(200, False, "\n".join(lines))
