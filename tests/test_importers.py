import gzip
import json
from collections.abc import Callable, Iterable
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

from eval.errors import GoldError
from eval.gold import load_gold
from eval.importers.beir import import_beir
from eval.importers.imported import Imported
from eval.importers.squad import import_squad
from eval.importers.tables import import_csv
from eval.importers.trec import import_trec
from eval.types import Evidence, GoldQuestion
from ingest.formats.parse_jsonl import parse_jsonl_gz
from rag.types import Document, Span

BEIR_HEADER = "query-id\tcorpus-id\tscore\n"
SGML = """<top>
<num> Number: 7
<title> Harbour dues
<desc> Description:
What do ships pay?
<narr> Narrative:
Only dues of today count.
</top>

<top>
<num>8</num><title></title>
<desc> Description: Who lit the
old &amp; the new lighthouse?</desc>
</top>
"""


def json_lines(path: Path, rows: Iterable[object]) -> None:
    data = "".join(json.dumps(row) + "\n" for row in rows).encode()
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)


def beir(folder: Path, qrels: str = "q1\tferry\t2\nq1\tmill\t0\n", **files: list[dict[str, Any]]) -> Path:
    """A BEIR folder of three documents and two queries, with other files where they are given."""
    given = {
        "corpus": [
            {"_id": "ferry", "title": "The ferry", "text": "It crosses twice a day."},
            {"_id": "mill", "title": "", "text": "The mill stands still."},
            {"_id": "weir", "title": "A weir", "text": " "},
        ],
        "queries": [{"_id": "q1", "text": "How often does it cross?"}, {"_id": "q2", "text": "Who built it?"}],
    }
    (folder / "qrels").mkdir()
    for name, rows in (given | files).items():
        json_lines(folder / f"{name}.jsonl", rows)
    (folder / "qrels" / "test.tsv").write_text(BEIR_HEADER + qrels)
    return folder


def squad(path: Path, context: str, *questions: dict[str, Any], title: str = "Old_Quay") -> Path:
    path.write_text(json.dumps({"data": [{"title": title, "paragraphs": [{"context": context, "qas": questions}]}]}))
    return path


def asked(id: str, *answers: tuple[str, int], **fields: object) -> dict[str, Any]:
    found = [{"text": text, "answer_start": start} for text, start in answers]
    return {"id": id, "question": "Which?", "answers": found, **fields}


def read(imported: Imported) -> tuple[dict[str, Document], tuple[GoldQuestion, ...]]:
    """The documents as ingest reads them, and the questions with their evidence looked up in these."""
    assert imported.corpus is not None
    parsed = list(parse_jsonl_gz(BytesIO(imported.corpus.read_bytes()), "corpus"))
    documents = {document.source: document for document in parsed if isinstance(document, Document)}
    assert len(parsed) == len(documents) == imported.documents
    questions = load_gold(imported.gold, documents)
    assert len(questions) == imported.questions
    return documents, questions


def message(run: Callable[[], Imported]) -> str:
    with pytest.raises(GoldError) as raised:
        run()
    return str(raised.value)


def test_beir_takes_the_judged_queries_and_every_document(tmp_path: Path, folder: Path) -> None:
    imported = import_beir(beir(folder), tmp_path / "out")
    documents, questions = read(imported)
    assert questions == (GoldQuestion("q1", "How often does it cross?", relevant={"ferry": 2, "mill": 0}),)
    assert documents["ferry"].title == "The ferry"
    assert imported.skipped == ("queries without judgements in test.tsv: 1",)


def test_a_beir_title_without_a_text_becomes_the_text(tmp_path: Path, folder: Path) -> None:
    documents, _ = read(import_beir(beir(folder), tmp_path / "out"))
    assert (documents["weir"].title, documents["weir"].text) == ("", "A weir")


def test_a_beir_document_without_a_word_is_left_out_with_its_judgements(tmp_path: Path, folder: Path) -> None:
    corpus: list[dict[str, Any]] = [
        {"_id": "ferry", "text": "Twice a day."},
        {"_id": "blank", "title": None, "text": ""},
    ]
    imported = import_beir(beir(folder, "q1\tferry\t1\nq1\tblank\t1\nq2\tblank\t1\n", corpus=corpus), tmp_path / "out")
    documents, questions = read(imported)
    assert documents.keys() == {"ferry"}
    assert [question.relevant for question in questions] == [{"ferry": 1}]
    assert imported.skipped == (
        "queries without judgements in test.tsv: 1",
        "documents with neither a title nor a text: 1",
        "judgements of documents with neither a title nor a text: 2",
    )


def test_beir_names_the_fields_that_it_does_not_take_over(tmp_path: Path, folder: Path) -> None:
    queries = [{"_id": "q1", "text": "How?", "metadata": {"author": "me"}}, {"_id": "q2", "text": "Who?", "empty": {}}]
    imported = import_beir(beir(folder, queries=queries), tmp_path / "out")
    assert "the field 'metadata' of queries.jsonl" in imported.skipped
    assert not any("empty" in line for line in imported.skipped)


def test_beir_files_may_be_compressed_and_the_split_chosen(tmp_path: Path, folder: Path) -> None:
    beir(folder)
    for name in ("corpus", "queries"):
        path = folder / f"{name}.jsonl"
        (folder / f"{name}.jsonl.gz").write_bytes(gzip.compress(path.read_bytes()))
        path.unlink()
    (folder / "qrels" / "dev.tsv").write_text(BEIR_HEADER + "q2\tmill\t-1\n")
    _, questions = read(import_beir(folder, tmp_path / "out", split="dev"))
    assert [(question.id, question.relevant) for question in questions] == [("q2", {"mill": 0})]


def test_a_missing_beir_split_names_those_there_are(tmp_path: Path, folder: Path) -> None:
    found = message(lambda: import_beir(beir(folder), tmp_path / "out", split="train"))
    assert "no split 'train'. Choose one of: test." in found


@pytest.mark.parametrize("name", ["corpus.jsonl", "queries.jsonl", "qrels/test.tsv"])
def test_a_folder_that_is_no_beir_set_is_refused(name: str, tmp_path: Path, folder: Path) -> None:
    (beir(folder) / name).unlink()
    assert "Give the folder of a BEIR set" in message(lambda: import_beir(folder, tmp_path / "out"))


@pytest.mark.parametrize(
    ("files", "parts"),
    [
        (
            {"qrels": "q1\tferry\t1\nq9\tferry\t1\nq1\tpier\t1\n"},
            ("line 3: there is no question 'q9'", "line 4: there"),
        ),
        ({"qrels": "q1\tferry\tmuch\nq1 mill 1\n"}, ("2 fault(s)", "line 2: ['q1', 'ferry', 'much']", "line 3: [")),
        ({"qrels": "q1\tferry\t1\nq1\tferry\t2\n"}, ("line 3: 'ferry' has another grade for question 'q1'",)),
        ({"qrels": ""}, ("no question", "queries without judgements in test.tsv: 2")),
        (
            {"corpus": [{"_id": "a", "text": "A."}, {"_id": "a", "text": "B."}, {"_id": "c"}, [1]]},
            ("line 2: the id 'a'", "line 3: the field 'text' is missing", "line 4: it is no JSON object"),
        ),
        (
            {"queries": [{"_id": " ", "text": "Q?"}, {"_id": "q1", "text": ""}, {"_id": 3, "text": ""}]},
            ("4 fault(s)", "line 1: the field '_id'", "line 2, line 3: the field 'text'", "value '3': input should be"),
        ),
    ],
)
def test_all_faults_of_a_beir_file_are_listed(
    files: dict[str, Any], parts: tuple[str, ...], tmp_path: Path, folder: Path
) -> None:
    found = message(lambda: import_beir(beir(folder, **files), tmp_path / "out"))
    for part in parts:
        assert part in found
    assert not (tmp_path / "out").exists()


def test_a_beir_file_that_cannot_be_read_is_refused(tmp_path: Path, folder: Path) -> None:
    beir(folder)
    (folder / "queries.jsonl").write_bytes(b'{"_id": "q1", "text": "\xff"}')
    assert "queries.jsonl cannot be read" in message(lambda: import_beir(folder, tmp_path / "out"))
    (folder / "corpus.jsonl").unlink()
    (folder / "corpus.jsonl.gz").write_bytes(gzip.compress(b"{}" * 50)[:-9])
    assert "corpus.jsonl.gz cannot be read" in message(lambda: import_beir(folder, tmp_path / "out"))


def test_beir_judgements_without_their_header_are_refused(tmp_path: Path, folder: Path) -> None:
    (beir(folder) / "qrels" / "test.tsv").write_text("q1\tferry\t1\n")
    found = message(lambda: import_beir(folder, tmp_path / "out"))
    assert "line 1: the header is ['q1', 'ferry', '1'], not ['query-id', 'corpus-id', 'score']" in found


def test_squad_keeps_each_distinct_span_and_answer(tmp_path: Path) -> None:
    context = "A crane, a red crane."
    path = squad(tmp_path / "s.json", context, asked("1", ("crane", 15), ("crane", 2), ("crane", 15), ("A crane", 0)))
    documents, (question,) = read(import_squad(path, tmp_path / "out"))
    assert documents["Old_Quay/00"].text == context
    assert documents["Old_Quay/00"].title == "Old Quay"
    assert question.answers == ("crane", "A crane")
    assert [evidence.span for evidence in question.evidence or ()] == [Span(15, 20), Span(2, 7), Span(0, 7)]
    assert question.relevant == {"Old_Quay/00": 1}
    assert question.tags == ("Old_Quay", "answerable")


def test_an_impossible_squad_question_has_no_answers_and_says_what_became_of_plausible_ones(tmp_path: Path) -> None:
    plausible = [{"text": "red", "answer_start": 2}]
    entries = asked("1", is_impossible=True, plausible_answers=plausible), asked("2", ("red", 2), is_impossible=False)
    imported = import_squad(squad(tmp_path / "s.json", "A red crane.", *entries), tmp_path / "out")
    _, (impossible, possible) = read(imported)
    assert (impossible.answers, impossible.evidence, impossible.relevant) == ((), (), None)
    assert impossible.tags == ("Old_Quay", "unanswerable")
    assert possible.answerable
    assert imported.skipped == ("plausible answers, which answer nothing: 1",)


def test_paragraphs_of_a_squad_title_that_comes_again_are_counted_on(tmp_path: Path) -> None:
    article = {"title": "Pier", "paragraphs": [{"context": "One.", "qas": [asked("1", ("One", 0))]}]}
    other = {"title": "Pier", "paragraphs": [{"context": "Two.", "qas": [asked("2", ("Two", 0))]}]}
    (tmp_path / "s.json").write_text(json.dumps({"data": [article, other]}))
    documents, _ = read(import_squad(tmp_path / "s.json", tmp_path / "out"))
    assert {source: document.text for source, document in documents.items()} == {"Pier/00": "One.", "Pier/01": "Two."}


def test_squad_spans_point_into_the_text_that_ingest_stores(tmp_path: Path) -> None:
    context = "\ufeffThe cafe\u0301\r\nby the quay\x00 sells cafe\u0301 noir."
    start = context.index("cafe", 20)
    path = squad(tmp_path / "s.json", context, asked("1", ("cafe\u0301 noir", start)))
    documents, (question,) = read(import_squad(path, tmp_path / "out"))
    text = documents["Old_Quay/00"].text
    assert text == "The caf\u00e9\nby the quay sells caf\u00e9 noir."
    assert question.evidence == (Evidence("Old_Quay/00", "caf\u00e9 noir", Span(27, 36)),)


@pytest.mark.parametrize(
    ("entries", "part"),
    [
        ([asked("1", ("crane", 3))], "Old_Quay/00, question '1': its answer 'crane' is not at 3, but 'ed cr'. Correct"),
        ([asked("1", ("crane", 90))], "is not at 90, but ''"),
        ([asked("1", ("", 3))], "its answer '' is not at 3"),
        ([asked("1", ("red", -10))], "answers.0.answer_start' has the value '-10'"),
        ([asked("1", ("red", 2), is_impossible=True)], "it has 1 answers, but is_impossible is True"),
        ([asked("1", is_impossible=False)], "it has 0 answers, but is_impossible is False"),
        ([asked("1"), asked("1")], "Old_Quay/00: the id '1' is an earlier question's too"),
        ([{"id": "1", "question": " "}, {"id": "2"}], "paragraphs.0.qas.1.question' is missing"),
        ([], "there is no question"),
    ],
)
def test_a_squad_file_with_faults_is_refused(entries: list[dict[str, Any]], part: str, tmp_path: Path) -> None:
    path = squad(tmp_path / "s.json", "A red crane.", *entries)
    assert part in message(lambda: import_squad(path, tmp_path / "out"))


def test_all_faults_of_a_squad_file_are_listed(tmp_path: Path) -> None:
    path = squad(tmp_path / "s.json", "A red crane.", asked("1", ("blue", 2)), asked("2", ("crane", 5)))
    found = message(lambda: import_squad(path, tmp_path / "out"))
    assert "2 fault(s)" in found
    assert "question '1'" in found
    assert "question '2'" in found


@pytest.mark.parametrize(
    ("text", "part"), [("{", "it is not JSON"), ("[]", "no JSON object"), ("{}", "'data' is missing")]
)
def test_a_file_that_is_no_squad_is_refused(text: str, part: str, tmp_path: Path) -> None:
    (tmp_path / "s.json").write_text(text)
    assert part in message(lambda: import_squad(tmp_path / "s.json", tmp_path / "out"))


def trec(folder: Path, topics: str, qrels: str) -> Imported:
    (folder / "topics").write_text(topics)
    (folder / "qrels").write_text(qrels)
    return import_trec(folder / "topics", folder / "qrels", folder / "out")


def test_a_trec_question_is_the_title_or_else_the_description(tmp_path: Path) -> None:
    imported = trec(tmp_path, SGML, "7 0 LOG-1 1\n8 0 LOG-2 -2\n8 0 LOG-3 2\n")
    assert load_gold(imported.gold) == (
        GoldQuestion("7", "Harbour dues", relevant={"LOG-1": 1}),
        GoldQuestion("8", "Who lit the old & the new lighthouse?", relevant={"LOG-2": 0, "LOG-3": 2}),
    )
    assert (imported.corpus, imported.documents) == (None, 0)
    assert imported.skipped == ("topics' descriptions and narratives: 1",)


def test_trec_topics_may_stand_on_one_line_without_closing_tags(tmp_path: Path) -> None:
    topics = "<TOP><num> Number: 1 <title> Topic: Red cranes <desc> Which? <narr> All.<top><num> 2<title>Piers"
    imported = trec(tmp_path, topics, "1 0 a 1\n2 0 a 1\n")
    assert [question.question for question in load_gold(imported.gold)] == ["Red cranes", "Piers"]


def test_trec_topics_may_be_lines_with_a_tab(tmp_path: Path) -> None:
    imported = trec(tmp_path, "1\tRed cranes\r\n\r\n2\tPiers\n", "2\tQ0\tLOG-9\t1\n")
    assert [question.id for question in load_gold(imported.gold)] == ["2"]
    assert imported.skipped == ("topics without judgements in qrels: 1",)


@pytest.mark.parametrize(
    ("topics", "qrels", "parts"),
    [
        (
            "1\tCranes\n",
            "1 0 a 1\n2 0 a 1\n2 0 b 1\n",
            ("qrels has 2 fault(s)", "line 2, line 3: there is no question '2'"),
        ),
        (
            "1\tCranes\n",
            "1 a 1\n1 0 a x\n",
            ("line 1: ['1', 'a', '1'] is not topic iteration document grade", "line 2"),
        ),
        ("1 Cranes\n2\ta\tb\n", "", ("topics has 2 fault(s)", "line 1: no id and question", "('1 Cranes')", "line 2")),
        ("1\tCranes\n1\tPiers\n", "", ("line 2: the topic '1' stands further up too",)),
        ("<top>\n<num> 1\n</top>\n<top>\n<title> Piers\n</top>\n", "", ("line 1: no id", "line 4: no id")),
        ("1\tCranes\n", "", ("no question", "topics without judgements in qrels: 1")),
        ("", "", ("the set is empty",)),
    ],
)
def test_trec_files_with_faults_are_refused(topics: str, qrels: str, parts: tuple[str, ...], tmp_path: Path) -> None:
    found = message(lambda: trec(tmp_path, topics, qrels))
    for part in parts:
        assert part in found


def rows(folder: Path, text: str) -> Imported:
    (folder / "set.csv").write_text(text, "utf-8")
    return import_csv(folder / "set.csv", folder / "out")


def test_a_csv_row_tells_not_judged_from_not_answered(tmp_path: Path) -> None:
    imported = rows(tmp_path, "question,answers\nHow many?,two | 2 |\nHow big?,\nHow old?,-\n")
    assert [question.answers for question in load_gold(imported.gold)] == [("two", "2"), None, ()]
    assert imported == Imported(tmp_path / "out" / "gold.jsonl", None, 3, 0, ())


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_csv_reads_every_column_it_knows_whatever_the_delimiter(delimiter: str, tmp_path: Path) -> None:
    header = ["ID", "User Input", "Ground_Truth", "source", "quote", "Tags"]
    cells = ["", '"Who, or; what\t""it"""', "Ann", "log.md", '"Ann\r\nwas ill."', '"log,staff|log"']
    imported = rows(tmp_path, "\ufeff" + "\n".join([delimiter.join(header), "", delimiter.join(cells)]))
    (question,) = load_gold(imported.gold)
    assert question == GoldQuestion(
        "q1",
        'Who, or; what\t"it"',
        answers=("Ann",),
        evidence=(Evidence("log.md", "Ann\nwas ill."),),
        tags=("log", "staff"),
    )


def test_a_csv_source_without_a_quote_is_a_relevant_document(tmp_path: Path) -> None:
    (question,) = load_gold(rows(tmp_path, "query;source\nWho?;log.md\n").gold)
    assert question.relevant == {"log.md": 1}
    assert question.evidence is None


def test_csv_ids_are_kept_or_else_counted_by_row(tmp_path: Path) -> None:
    imported = rows(tmp_path, "id,question\nfirst,Who?\n,,\n,What?\n,Why?\n")
    assert [question.id for question in load_gold(imported.gold)] == ["first", "q2", "q3"]


def test_csv_columns_that_are_not_known_are_named(tmp_path: Path) -> None:
    imported = rows(tmp_path, ",question,response\n0,Who?,Ann\n")
    assert imported.skipped == ("the column number 1, which has no name", "the column response")


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("", ("is empty. Write a header row",)),
        ("question\n", ("there is no question",)),
        ("text,answer\nWho?,Ann\n", ("line 1: none of the columns ['text', 'answer'] is named question",)),
        ("question,answer,reference\n", ("line 1: 'answer' and 'reference' both name the answers",)),
        ("question\nWho?\nWho, exactly?\n", ("line 3: it has more cells than the header (1)",)),
        ('question\n"Who?\n', ("line 2: unexpected end of data",)),
        (
            'question,answer\n"Two\nlines?",|\n,Ann\n',
            ("2 fault(s)", "line 2: its answers '|' hold none", "line 4: its"),
        ),
        ("question,quote\nWho?,Ann was ill.\n", ("line 2: the quote 'Ann was ill.' has no source",)),
        ("id,question\nq2,Who?\n,What?\n", ("line 3: the id 'q2' is an earlier row's too",)),
    ],
)
def test_a_csv_file_with_faults_is_refused(text: str, parts: tuple[str, ...], tmp_path: Path) -> None:
    found = message(lambda: rows(tmp_path, text))
    for part in parts:
        assert part in found


@pytest.mark.parametrize("name", ["gold.jsonl", "corpus.jsonl.gz"])
def test_nothing_is_overwritten(name: str, tmp_path: Path, folder: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / name).write_text("mine")
    path = squad(tmp_path / "s.json", "A red crane.", asked("1", ("red", 2)))
    for run in (lambda: import_beir(beir(folder), tmp_path / "out"), lambda: import_squad(path, tmp_path / "out")):
        assert f"{name} exists already" in message(run)
    assert [(path.name, path.read_text()) for path in (tmp_path / "out").iterdir()] == [(name, "mine")]


def test_questions_alone_may_be_imported_beside_a_corpus(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "corpus.jsonl.gz").write_text("mine")
    assert rows(tmp_path, "question\nWho?\n").questions == 1
    assert "gold.jsonl exists already" in message(lambda: rows(tmp_path, "question\nWho?\n"))
    assert "gold.jsonl exists already" in message(lambda: trec(tmp_path, "1\tCranes\n", "1 0 a 1\n"))


def test_an_out_that_is_no_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("mine")
    assert "out cannot be written" in message(lambda: rows(tmp_path, "question\nWho?\n"))


def test_importing_twice_gives_the_same_bytes(tmp_path: Path, folder: Path) -> None:
    beir(folder)
    first, second = (import_beir(folder, tmp_path / name) for name in ("first", "second"))
    assert first.corpus is not None
    assert second.corpus is not None
    assert first.corpus.read_bytes() == second.corpus.read_bytes()
    assert first.gold.read_bytes() == second.gold.read_bytes()
    assert b"corpus" not in first.corpus.read_bytes()[:20]
