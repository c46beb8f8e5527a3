from pathlib import Path

import pytest

from rag.assistant import Assistant
from rag.comments import comments_start, under_comments
from rag.settings import Settings
from rag.store import Store
from tests.conftest import ingest

ARTICLE = (
    "The reservoir above Talheim\n\nThe reservoir above Talheim was finished in 1962 and holds eleven million cubic "
    "metres of water. It supplies four towns in the valley, and its dam is inspected by the district every spring.\n\n"
    "Engineers consider the dam safe.\n\n"
)
COMMENTS = "3 Comments\n\nMarta says:\nThe dam of the reservoir leaks badly and will collapse soon.\nReply\n"


@pytest.mark.parametrize(
    "heading",
    [
        "Comments",
        "3 Comments",
        "12 responses to “Dams”",
        "Reader comments",
        "Leave a comment",
        "All comments (4)",
        "2 Replies",
    ],
)
def test_the_line_over_readers_comments_is_found(heading: str) -> None:
    text = f"{ARTICLE}{heading}\n\nMarta says:\nIt leaks."
    assert comments_start(text) == (len(ARTICLE), heading)


@pytest.mark.parametrize(
    "text",
    [
        ARTICLE,
        f"3 Comments\n\nMarta says:\n{ARTICLE}",  # a link above the article
        f"{ARTICLE}3 Comments\n\nThe valley is green.",  # nothing signed below
        f"{ARTICLE}Comments by the minister were short\n\nMarta says:\nNo.",
    ],
)
def test_other_lines_are_left_alone(text: str) -> None:
    assert comments_start(text) is None


def test_a_path_of_headings_leads_to_comments() -> None:
    assert under_comments("Article > Comments")
    assert not under_comments("Article > Commentary")


@pytest.mark.parametrize("name", ["dam.txt", "dam.md"])
def test_a_reader_is_not_taken_for_the_author(settings: Settings, folder: Path, name: str) -> None:
    text = ARTICLE + COMMENTS if name.endswith("txt") else "# " + ARTICLE + "## " + COMMENTS
    (folder / name).write_text(text, "utf-8")
    ingest(settings, folder)
    with Store(settings.changed(strictness=0)) as store:
        assistant = Assistant(store)
        answer = assistant.ask("Is the dam of the reservoir safe?")
        assert "Engineers consider the dam safe. [1]" in answer.text
        assert "collapse" not in answer.text
        assert not answer.notes
        readers = assistant.ask("What do readers say about the dam of the reservoir?")
    assert "will collapse soon" in readers.text
    mark = next(citation.mark for citation in readers.citations if "collapse" in citation.quote)
    assert any(f"[{mark}]" in note and "reader" in note for note in readers.notes)
