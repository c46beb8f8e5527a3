"""A row of a table is found and quoted by itself, with the names of its columns."""

from pathlib import Path

import pytest

from rag.assistant import Assistant
from rag.settings import Settings
from rag.store import Store
from tests.conftest import ingest

_TEAMS = ("Blues", "Flyers", "Leafs", "Sharks", "Kings", "Ducks", "Oilers", "Flames", "Stars", "Wild", "Jets", "Sabres")


@pytest.mark.parametrize("reader", [True, False])
def test_a_row_among_many_is_quoted_whole(settings: Settings, folder: Path, reader: bool) -> None:
    rows = [f"{team} {number},{1900 + number},Arena {number}" for number in range(30) for team in _TEAMS]
    (folder / "teams.csv").write_text("Team,Founded,Home arena\n" + "\n".join(rows))
    ingest(settings, folder)
    with Store(settings.changed(reader=reader)) as store:
        answer = Assistant(store).ask("What is the home arena of the Sharks 17?")
        quotes = [citation.quote for citation in answer.citations]
        assert quotes[0] == "| Team: Sharks 17 | Founded: 1917 | Home arena: Arena 17 |"
        assert all(quote.startswith("| Team: ") and quote.endswith(" |") for quote in quotes)
