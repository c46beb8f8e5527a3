from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from playwright.sync_api import Browser

from rag.page.markdown import LONGEST, rendered, rendered_with_mark
from rag.page.source import MARKDOWN, Viewed, gone_html, page_html, view_html
from rag.recheck import Recheck, Standing
from rag.types import Document, Heading, Page, Span
from tests.hostile import HOSTILE, Looked, letters
from tests.odd_strings import ODD_STRINGS

FRAME = {"article", "header", "b", "span", "button", "div", "mark"}
UNCHANGED = "The words stand in the document where they stood."

MARKDOWN_TEXT = """# The *quiet* war

1. First, the [treaty](https://evil.example/a "t") of ![the map](https://evil.example/m.png) was signed
2. Then `code` came; see <https://evil.example> &amp; others

| Year | Sum |
|------|----:|
| 2018 | 12.5 |

```python
x = "<y>"
```

[ref]: https://evil.example
~~Never~~ **again**, 3 * 4.
"""


@dataclass(frozen=True)
class Box:
    left: float
    top: float
    width: float
    height: float


@dataclass(frozen=True)
class Picture:
    png: bytes
    width: int
    height: int
    marks: tuple[Box, ...]


PICTURE = Picture(b"png", 1000, 1400, (Box(0.1, 0.25, 0.5, 0.02), Box(0.1, 0.27, 0.2, 0.02)))


def viewed(document: Document, span: Span, label: str = "Answer 1, footnote 1") -> Viewed:
    return Viewed(document, Recheck(Standing.UNCHANGED, span, UNCHANGED), span, label, span.of(document.text))


def place(text: str, quote: str) -> Span:
    return Span(text.index(quote), text.index(quote) + len(quote))


@pytest.mark.parametrize("media_type", ["text/plain", MARKDOWN])
@pytest.mark.parametrize("text", HOSTILE)
def test_a_document_is_escaped_in_every_view(text: str, media_type: str) -> None:
    whole = f"before {text} after"
    headings = (Heading(1, text, 0),)
    document = Document("id", text, "title", whole, headings=headings, media_type=media_type)
    lost = Recheck(Standing.CHANGED, None, text)
    for html in (
        view_html(viewed(document, Span(7, 7 + len(text)), text)),
        view_html(viewed(document, Span(7, 7 + len(text)), text), PICTURE),
        view_html(Viewed(document, lost, Span(7, 8), text, text)),
        page_html(PICTURE, text),
        gone_html(text),
    ):
        looked = Looked(html)
        assert looked.tags <= FRAME | {"p", "q", "figure", "img"} | {
            "ul",
            "li",
            "h1",
            "ol",
            "blockquote",
            "pre",
            "code",
        }
        assert looked.dangers == []
        assert len(looked.ids) == len(set(looked.ids))
    plain = Looked(view_html(viewed(Document("id", text, "title", whole), Span(7, 7 + len(text)), text)))
    assert plain.tags == FRAME
    assert plain.marked == text


@settings(deadline=None)
@given(st.text(max_size=60), st.text(min_size=1, max_size=20), st.text(max_size=60))
def test_the_marked_words_are_exactly_the_cited_ones(before: str, quote: str, after: str) -> None:
    document = Document("id", "a", "A", before + quote + after)
    looked = Looked(view_html(viewed(document, Span(len(before), len(before) + len(quote)))))
    assert looked.marked == quote.replace("\0", "\ufffd")
    assert looked.ids == ["cited"]


TEXT_HELD = """html => {
  const at = document.createElement('div');
  at.innerHTML = html;
  return at.querySelector('.text').textContent;
}"""


def test_a_browser_holds_exactly_the_documents_text(browser: Browser) -> None:
    storable = [each for each in ODD_STRINGS if each.encode(errors="ignore").decode() == each]
    text = "\n\n first\tline \r\n" + " | ".join(storable)
    document = Document("id", "a.md", "A", text, media_type=MARKDOWN)
    page = browser.new_page()
    for html in (
        view_html(viewed(document, Span(3, 30))),
        view_html(viewed(Document("id", "a", "A", text), Span(3, 30)), PICTURE),
    ):
        assert page.evaluate(TEXT_HELD, html) == text.replace("\0", "\ufffd")
    page.close()


word = st.text("abcdefgh", min_size=1, max_size=6)
markup = st.sampled_from(
    [*("{}", "*{}*", "**{}**", "`{}`", "~~{}~~", "[{}](https://evil.example)", "![{}](x.png)", "{}.", "({})")]
)
line = st.lists(st.builds(str.format, markup, word), min_size=1, max_size=6).map(" ".join)
block = st.builds(str.format, st.sampled_from(["{}", "# {}", "- {}", "1. {}", "> {}", "| {} |\n|--|", "    {}"]), line)


@settings(deadline=None)
@given(st.lists(block, min_size=1, max_size=5).map("\n\n".join), st.data())
def test_what_is_marked_of_markdown_is_what_is_shown_of_the_span(text: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(text) - 1))
    span = Span(start, data.draw(st.integers(start + 1, len(text))))
    html = rendered_with_mark(text, span)
    if html is None:
        return
    looked = Looked(html)
    assert looked.text == Looked(rendered(text) or "").text
    # Addresses and the numbers of lists are in the Markdown, but are not shown.
    wanted = iter(letters(span.of(text)))
    assert all(letter in wanted for letter in letters(looked.marked))
    if "(" not in text and "1." not in text:
        assert letters(looked.marked) == letters(span.of(text))


@settings(deadline=None)
@given(st.lists(word, min_size=1, max_size=30).map(" ".join), st.data())
def test_of_plain_sentences_every_letter_is_marked(text: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(text) - 1))
    span = Span(start, data.draw(st.integers(start + 1, len(text))))
    html = rendered_with_mark(text, span)
    assert (html is None) == (not letters(span.of(text)))
    assert Looked(html or "").marked == (span.of(text).strip() if html else "")


@pytest.mark.parametrize(
    ("quote", "marked"),
    [
        ("The *quiet* war", "The quiet war"),
        ('1. First, the [treaty](https://evil.example/a "t") of', "First, the treaty of"),
        ("the [treaty](https://evil.ex", "the treaty"),
        ("![the map](https://evil.example/m.png) was", "the map was"),
        ("<https://evil.example>", "https://evil.example"),
        ("amp; others", "others"),
        ("| 2018 | 12.5 |", "201812.5"),
        ('x = "<y>', 'x = "<y'),
        ("~~Never~~ **again**", "Never again"),
        ("**again**, 3 * 4.", "again, 3 * 4."),
        ("python", None),
        ("[ref]: https://evil.example", None),
        ("|------|", None),
    ],
)
def test_markdown_is_marked_through_its_markup_or_not_at_all(quote: str, marked: str | None) -> None:
    html = rendered_with_mark(MARKDOWN_TEXT, place(MARKDOWN_TEXT, quote))
    assert (Looked(html).marked.replace("\n", "") if html else None) == marked
    document = Document("id", "a.md", "A", MARKDOWN_TEXT, media_type=MARKDOWN)
    view = view_html(viewed(document, place(MARKDOWN_TEXT, quote)))
    assert view.count("id='cited'") == 1
    assert ("class='rendered'" in view) == ("class='as-text'" in view) == (marked is not None)


def test_rendered_markdown_loads_nothing_and_leads_nowhere() -> None:
    html = rendered(MARKDOWN_TEXT)
    assert html
    looked = Looked(html)
    assert looked.dangers == []
    assert not looked.tags & {"a", "img", "script"}
    assert "<span class='link'>treaty</span>" in html
    assert "<span class='picture'>the map</span>" in html
    assert "&lt;https://evil.example&gt;" in html


def test_a_long_markdown_document_is_shown_as_text() -> None:
    text = "word " * (LONGEST // 5 + 1)
    view = view_html(viewed(Document("id", "a.md", "A", text, media_type=MARKDOWN), Span(0, 4)))
    assert "class='rendered'" not in view
    assert f"<mark id='cited' class='cited'>word</mark>{text[4:]}</div>" in view


def test_the_header_says_where_the_words_stand() -> None:
    text = "# A\n\n## B\n\nOne.\n\n### C\n\nTwo.\n\n## D\n\nThree."
    headings = tuple(
        Heading(level, title, text.index(f"# {title}")) for level, title in ((1, "A"), (2, "B"), (3, "C"), (2, "D"))
    )
    markdown = Document("id", "a.md", "A", text, headings=headings, media_type=MARKDOWN)
    assert "<span role='status'>Answer 1, footnote 1, B &gt; C</span>" in view_html(
        viewed(markdown, place(text, "Two"))
    )
    assert "<span role='status'>Answer 1, footnote 1, D</span>" in view_html(viewed(markdown, place(text, "Three")))
    paged = Document("id", "a.pdf", "A", text, (Page(7, Span(0, 12)), Page(8, Span(12, len(text)))), headings)
    assert "<span role='status'>Answer 1, footnote 1, page 8</span>" in view_html(viewed(paged, place(text, "Two")))


def test_a_notice_tells_of_a_changed_document() -> None:
    document = Document("id", "a.txt", "A", "One. Two.")
    moved = "The document has changed since; the words now stand further down."
    view = view_html(Viewed(document, Recheck(Standing.MOVED, Span(5, 9), moved), Span(0, 4), "Answer 1", "Two."))
    assert f"<p class='notice'>{moved}</p>" in view
    assert "One. <mark id='cited' class='cited'>Two.</mark></div>" in view
    assert "class='notice'" not in view_html(viewed(document, Span(0, 4)))
    lost = Viewed(document, Recheck(Standing.CHANGED, None, "Not there."), Span(0, 6), "Answer 1", "Three.")
    assert "<p class='notice'>Not there. Cited were characters 0-6: <q>Three.</q></p>" in view_html(lost)
    assert "<mark" not in view_html(lost)


def test_a_page_is_shown_as_a_picture_with_marks_and_its_text_behind_a_button() -> None:
    document = Document("id", "a.pdf", "A", 'It "rained".', (Page(1, Span(0, 12)),))
    view = view_html(viewed(document, Span(3, 12)), PICTURE)
    assert (
        "<figure class='page' tabindex='0'><img src='data:image/png;base64,cG5n' width='1000' height='1400' "
        "alt='&quot;rained&quot;.'><mark id='cited' class='cited' "
        "style='left:10.000%;top:25.000%;width:50.000%;height:2.000%'></mark><mark class='cited' "
    ) in view
    assert "<button type='button' class='as-text' aria-pressed='false'>As text</button>" in view
    assert "<div class='text' hidden tabindex='0'" in view
    without_marks = Picture(b"png", 1, 1, ())
    assert "<figure" not in view_html(viewed(document, Span(3, 12)), without_marks)


def test_opening_the_same_place_again_is_a_new_value() -> None:
    one = viewed(Document("id", "a.txt", "A", "One."), Span(0, 4))
    assert view_html(one) != view_html(one)
