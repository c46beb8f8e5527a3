"""The events of the Ask view, without a browser."""

from __future__ import annotations

import json
from collections.abc import Iterator
from html import escape
from types import SimpleNamespace
from typing import Any

import pytest

from ingest.sync import sync
from rag.assistant import Assistant
from rag.errors import QuestionError
from rag.library import Library
from rag.page.access import Access
from rag.page.chat import Chat
from rag.page.conversation import MOST_EXCHANGES, ConversationError, read_conversation
from rag.page.evidence import Evidence
from rag.page.session import Session
from rag.settings import Settings
from rag.store import Store
from tests.conftest import SAMPLE

REQUEST: Any = SimpleNamespace(username=None, session_hash="tab")
QUESTION = "When was the armistice in Korea signed?"
AS_SET: tuple[Any, ...] = ("default", False, 0.4, 10, [], "", "")


@pytest.fixture
def access(settings: Settings) -> Iterator[Access]:
    with Store(settings, create=True) as store:
        sync(store, [SAMPLE / "korean-war-armistice.txt", SAMPLE / "nixon-1972-visit.md"])
        yield Access(Library(store))


@pytest.fixture
def chat(access: Access) -> Chat:
    return Chat(access)


@pytest.fixture
def evidence(access: Access) -> Evidence:
    return Evidence(access, lambda store, document, span: None)


def answered(chat: Chat, question: str, session: Session, wished: tuple[Any, ...] = AS_SET) -> list[tuple[Any, ...]]:
    return list(chat.answer(question, session, REQUEST, *wished))


def event(**values: Any) -> Any:
    return SimpleNamespace(**values)


def test_an_answer_is_streamed_then_checked_and_kept(chat: Chat) -> None:
    session = Session()
    shown = answered(chat, QUESTION, session)
    assert len(shown) > 4
    assert shown[1][0][-1]["content"] in shown[-2][0][-1]["content"]
    assert "(#cite-0-0)" in shown[-1][0][-1]["content"]
    kept = read_conversation(shown[-1][4])
    assert kept == session.conversation
    (exchange,) = kept.exchanges
    assert exchange.collection == "default"
    assert set(exchange.documents) == {citation.document_id for citation in exchange.answer.citations}


def test_a_question_that_leans_on_the_one_before_is_understood(chat: Chat) -> None:
    session = Session()
    answered(chat, QUESTION, session)
    answered(chat, "Where was it signed?", session)
    assert "armistice" in session.conversation.exchanges[1].answer.standalone_question.lower()


@pytest.mark.parametrize(
    ("wished", "refused"),
    [
        (("default", False, 1.0, 10, [], "", ""), True),  # strictness
        (("default", False, 0.4, 10, ["nixon-1972-visit.md"], "", ""), True),  # only in another document
        (("default", False, 0.4, 10, [], "2100", ""), True),  # written after
        (("default", True, 0.4, 1, [], "", ""), False),
    ],
)
def test_what_is_wished_takes_effect_at_once(chat: Chat, wished: tuple[Any, ...], refused: bool) -> None:
    session = Session()
    answered(chat, QUESTION, session, wished)
    (exchange,) = session.conversation.exchanges
    assert exchange.answer.refused == refused
    assert len(exchange.answer.passages) <= wished[3]


@pytest.mark.parametrize(
    ("question", "wished", "told"),
    [
        ("x" * 5000, AS_SET, "the question has 5,000 characters"),
        (QUESTION, ("nowhere", *AS_SET[1:]), "there is no collection 'nowhere'"),
        (QUESTION, (*AS_SET[:5], "last year", ""), "'last year' is no date"),
    ],
)
def test_what_a_user_can_mend_is_said_in_the_conversation_and_can_be_asked_again(
    chat: Chat, question: str, wished: tuple[Any, ...], told: str
) -> None:
    session = Session()
    shown = answered(chat, question, session, wished)
    assert told in shown[-1][0][-1]["content"].replace("\\", "")
    assert session.conversation.exchanges == ()
    again = chat.answer_again(event(index=1), session, REQUEST, *AS_SET)
    assert next(again)[0][0]["content"].startswith(question[:20])


def test_a_bug_is_told_in_one_sentence_with_a_number(chat: Chat, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> Any:
        raise ZeroDivisionError("/srv/secret/place")

    monkeypatch.setattr(Assistant, "find", broken)
    shown = answered(chat, QUESTION, Session())
    told = shown[-1][0][-1]["content"]
    assert "Something went wrong (error " in told
    assert "secret" not in told


def test_asking_again_and_editing_leave_out_what_followed(chat: Chat) -> None:
    session = Session()
    for question in (QUESTION, "When did Nixon visit China?", "Who won?"):
        answered(chat, question, session)
    list(chat.answer_again(event(index=3), session, REQUEST, *AS_SET))
    assert [one.answer.question for one in session.conversation.exchanges] == [QUESTION, "When did Nixon visit China?"]
    list(
        chat.answer_edited(event(index=[0, 0], value="When was the \\*armistice\\* signed?"), session, REQUEST, *AS_SET)
    )
    assert [one.answer.question for one in session.conversation.exchanges] == ["When was the *armistice* signed?"]


def test_a_stopped_answer_says_that_it_was_not_checked(chat: Chat) -> None:
    session = Session()
    answering = chat.answer(QUESTION, session, REQUEST, *AS_SET)
    shown = [next(answering), next(answering)]
    chat.stop(REQUEST)
    shown += answering
    said = shown[-1][0][-1]["content"]
    assert said.endswith("*Stopped before it was checked.*")
    assert said.startswith(shown[1][0][-1]["content"])
    assert session.conversation.exchanges == ()
    answering = chat.answer(QUESTION, session, REQUEST, *AS_SET)
    next(answering)
    next(answering)
    fresh, *_ = chat.begin(REQUEST)
    *_, (messages, shown_now, *_) = answering
    assert (messages, shown_now) == ([], fresh)
    chat.stop(REQUEST)  # nothing is waited for
    assert "27 July" in answered(chat, QUESTION, session)[-1][0][-1]["content"]


def test_a_conversation_is_gone_on_with_where_it_was_left(chat: Chat) -> None:
    session = Session()
    answered(chat, QUESTION, session)
    resumed, messages, *_ = chat.resume(event(text=session.conversation.to_json()), REQUEST)
    assert messages == session.messages()
    answered(chat, "Where was it signed?", resumed)
    assert "armistice" in resumed.conversation.exchanges[1].answer.standalone_question.lower()


@pytest.mark.parametrize("text", ["", "{}", "[]", "null", '{"format": 1, "id": "x", "exchanges": 5}'])
def test_what_is_no_conversation_is_refused(chat: Chat, text: str) -> None:
    with pytest.raises(ConversationError):
        chat.resume(event(text=text), REQUEST)


def test_a_conversation_that_could_not_be_read_again_is_not_gone_on_with(chat: Chat) -> None:
    session = Session()
    answered(chat, QUESTION, session)
    conversation = session.conversation
    session.conversation = type(conversation)(conversation.id, conversation.exchanges * MOST_EXCHANGES)
    shown = answered(chat, QUESTION, session)
    assert "too long to be kept" in shown[-1][0][-1]["content"]


def test_a_footnote_opens_its_place_whatever_the_page_claims(chat: Chat, evidence: Evidence) -> None:
    session = Session()
    answered(chat, QUESTION, session)
    citation = session.conversation.exchanges[0].answer.citations[0]
    *_, (html, _, opened) = evidence.open(session, event(turn=0, number=0, place="cite"), REQUEST)
    assert f"<mark id='cited' class='cited'>{escape(citation.quote)}</mark>" in html
    assert opened.opened == ("default", citation.document_id)
    for claimed in (
        {"turn": 5, "number": 0},
        {"turn": 0, "number": 99},
        {"turn": "0", "number": 0},
        {"turn": -1, "number": 0},
    ):
        *_, (html, _, _) = evidence.open(session, event(place="cite", **claimed), REQUEST)
        assert "Select a footnote" in html
    *_, (html, _, _) = evidence.open(session, event(turn=0, number=0, place="elsewhere"), REQUEST)
    assert "Select a footnote" in html


def test_a_citation_of_a_changed_document_says_so_and_is_found_again(
    access: Access, chat: Chat, evidence: Evidence, tmp_path: Any
) -> None:
    session = Session()
    answered(chat, QUESTION, session)
    citation = session.conversation.exchanges[0].answer.citations[0]
    changed = tmp_path / "korean-war-armistice.txt"
    changed.write_text("A preface that was not there before.\n\n" + (SAMPLE / changed.name).read_text())
    store = access.library.first
    with store.writing() as writer:
        writer.remove_file(changed.name)
    sync(store, [changed])
    *_, (html, _, _) = evidence.open(session, event(turn=0, number=0, place="cite"), REQUEST)
    assert "The document has changed since; the words now stand further down." in html
    assert f">{escape(citation.quote)}</mark>" in html


def test_why_and_why_not(chat: Chat, evidence: Evidence) -> None:
    session = Session()
    with pytest.raises(QuestionError, match="nothing to export"):
        chat.export(session, "json")
    assert "Ask a question first" in evidence.why_not("nixon-1972-visit.md", session, REQUEST, *AS_SET)
    answered(chat, QUESTION, session)
    html, _ = evidence.why(session, event(turn=0))
    assert "#passage-0-0" in html
    assert "nixon-1972-visit.md" in evidence.why_not("nixon-1972-visit.md", session, REQUEST, *AS_SET)
    with pytest.raises(QuestionError, match=r"no document 'nothing\.txt'"):
        evidence.why_not("nothing.txt", session, REQUEST, *AS_SET)


def test_an_export_is_a_file_to_be_handed_over(chat: Chat) -> None:
    session = Session()
    answered(chat, QUESTION, session)
    for kind, ending in (("markdown", ".md"), ("html", ".html"), ("json", ".json")):
        file = json.loads(chat.export(session, kind))
        assert file["name"].endswith(ending)
        assert "1953" in file["text"]
