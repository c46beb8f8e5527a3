"""The trained reader: what it is shown, what is made of what it says, and how it is trained."""

from __future__ import annotations

import json
import lzma
import os
import random
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import BertConfig, BertModel

from eval import reader_lessons as lessons
from eval import train_reader as training
from eval.metrics.text import normalise
from eval.reader_examples import Task, load_examples
from eval.reader_tables import asked_tables
from eval.reader_twists import exchanged, twisted, with_exchanged
from eval.reader_words import OtherWords
from rag import reader as reading
from rag.errors import ModelError, SettingsError
from rag.models import BUNDLED_EMBEDDER, embedder_folder, load_tokenizer
from rag.reader import Reader, load_reader
from rag.reader_network import Batch, Heads, ReaderNetwork, batch_of, packed, unpacked
from rag.reader_pairs import PairTokenizer
from rag.settings import Settings
from rag.types import Chunk, Span
from tests.conftest import ROOT

PASSAGE = "The lamp was lit in 1811. Its keeper was Thomas Reid, a sailor from Arbroath. It burned sperm oil."


@pytest.fixture(scope="session")
def tokenizer() -> Any:
    return load_tokenizer(embedder_folder(BUNDLED_EMBEDDER))


def small_network() -> ReaderNetwork:
    torch.manual_seed(3)
    config = BertConfig(hidden_size=32, num_hidden_layers=1, num_attention_heads=2, intermediate_size=64)
    return ReaderNetwork(BertModel(config, add_pooling_layer=False))


def test_a_pair_is_one_stretch_whose_offsets_are_the_passages(tokenizer: Any) -> None:
    (stretch,) = PairTokenizer(tokenizer, 64, 16).stretches([("Who kept it?", PASSAGE)])
    words = [PASSAGE[start:end].lower() for start, end in stretch.offsets]
    assert words == [tokenizer.id_to_token(id).removeprefix("##") for id in stretch.ids[stretch.begin : -1]]
    assert stretch.kinds == [0] * stretch.begin + [1] * (len(stretch.ids) - stretch.begin)


def test_a_long_passage_is_seen_whole_in_stretches_that_overlap(tokenizer: Any) -> None:
    passage = " ".join(f"word{number}" for number in range(200))
    stretches = PairTokenizer(tokenizer, 64, 16).stretches([("Who?", passage), ("What?", "Nothing.")])
    assert [stretch.pair for stretch in stretches] == [0] * (len(stretches) - 1) + [1]
    assert all(len(stretch.ids) <= 64 for stretch in stretches)
    seen = [offset for stretch in stretches[:-1] for offset in stretch.offsets]
    assert {place for start, end in seen for place in range(start, end)} == {
        place for place, letter in enumerate(passage) if letter != " "
    }
    assert len(seen) > len(set(seen))


def test_padding_changes_nothing(tokenizer: Any) -> None:
    network = small_network().eval()
    short, long = PairTokenizer(tokenizer, 128, 16).stretches([("Who?", "Reid."), ("Who kept it?", PASSAGE)])
    with torch.inference_mode():
        alone, together = network(batch_of([short])), network(batch_of([short, long]))
    count = len(short.ids)
    assert torch.allclose(alone.start[0], together.start[0, :count], atol=1e-5)
    assert torch.allclose(alone.support[0], together.support[0], atol=1e-5)


class Scripted(torch.nn.Module):
    """Finds its answer where the passage has these tokens."""

    def __init__(self, first: int, last: int, nothing: float) -> None:
        super().__init__()
        self.first, self.last, self.nothing = first, last, nothing

    def forward(self, batch: Batch) -> Heads:
        start, end = (torch.where(batch.ids == token, 5.0, -5.0) for token in (self.first, self.last))
        start[:, 0] = end[:, 0] = self.nothing
        support = torch.zeros((len(batch.ids), 3))
        return Heads(start, end, batch.mask.sum(dim=1).float(), support)


def test_the_likeliest_words_are_told_with_their_odds_over_none(tokenizer: Any) -> None:
    network = Scripted(tokenizer.token_to_id("thomas"), tokenizer.token_to_id("reid"), nothing=1.5)
    pairs = [("Who kept it?", passage) for passage in (PASSAGE, "", "Nothing of it.")]
    read = Reader(network, tokenizer).read_pairs(pairs)
    likeliest, *others = read[0].spans(40)
    assert likeliest.span.of(PASSAGE) == "Thomas Reid"
    assert read[0].answers == likeliest.score == pytest.approx(10 - 3)
    assert others
    assert all(scored.score < 7 for scored in others)
    oil = Span(PASSAGE.index("It burned"), len(PASSAGE))
    inside = read[0].spans(40, oil)
    assert inside
    assert all(oil.start <= scored.span.start and scored.span.end <= oil.end for scored in inside)
    assert (read[1].spans(40), read[1].answers) == ([], float("-inf"))
    assert read[2].answers == pytest.approx(-10 - 3)


def test_an_answer_begins_and_ends_with_whole_words(tokenizer: Any) -> None:
    passage = "The dredging of Skerryvoreheim took months."
    pieces = tokenizer.encode("skerryvoreheim", add_special_tokens=False).ids
    assert len(pieces) > 2
    (read,) = Reader(Scripted(pieces[1], pieces[-2], nothing=0.0), tokenizer).read_pairs([("Where?", passage)])
    words = {word.strip(".") for word in passage.split()}
    for scored in read.spans(40):
        assert set(scored.span.of(passage).strip(".").split()) <= words


def test_an_answer_far_into_a_long_passage_is_found_once(tokenizer: Any) -> None:
    network = Scripted(tokenizer.token_to_id("thomas"), tokenizer.token_to_id("reid"), nothing=0.0)
    passage = "It burned oil. " * 150 + PASSAGE + " It burned oil." * 150
    (read,) = Reader(network, tokenizer).read_pairs([("Who kept it?", passage)])
    found = [scored.span for scored in read.spans(40) if scored.score > 5]
    assert [span.of(passage) for span in found] == ["Thomas Reid"]


def test_title_and_headings_are_read_but_hold_no_answer(tokenizer: Any) -> None:
    network = Scripted(tokenizer.token_to_id("thomas"), tokenizer.token_to_id("reid"), nothing=0.0)
    chunk = Chunk("c", "d", "a.txt", Span(0, len(PASSAGE)), PASSAGE, "Thomas Reid", "Keepers")
    (above,) = Reader(network, tokenizer).read("Who kept it?", [replace(chunk, text="He burned sperm oil.")])
    assert above.answers < 0
    assert all(scored.span.start >= 0 for scored in above.spans(40))
    (both,) = Reader(network, tokenizer).read("Who kept it?", [chunk])
    assert both.spans(1)[0].span.of(PASSAGE) == "Thomas Reid"


def test_the_shipped_reader_finds_the_answer_or_says_that_there_is_none() -> None:
    reader = load_reader(Settings(reader=True))
    assert reader
    pairs = [("Who was the keeper of the lamp?", PASSAGE), ("What is the capital of Peru?", PASSAGE)]
    keeper, capital = reader.read_pairs(pairs)
    assert "Thomas Reid" in keeper.spans(1)[0].span.of(PASSAGE)
    assert keeper.answers > 0 > capital.answers
    assert keeper.relevance > capital.relevance
    supported, refuted = reader.judge([("The lamp burned oil.", PASSAGE), ("The lamp did not burn oil.", PASSAGE)])
    assert supported[0] > refuted[0]
    assert [reading.spans(40) for reading in reader.read_pairs(pairs)] == [keeper.spans(40), capital.spans(40)]


def test_the_reader_can_be_turned_off_and_is_no_other_than_the_one_published(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAG_READER", "off")
    assert load_reader(Settings()) is None
    monkeypatch.setenv("RAG_READER", "on")
    monkeypatch.setattr(reading, "_SHA256", "0" * 64)
    reading._load_reader.cache_clear()
    with pytest.raises(ModelError, match=r"reader\.safetensors have sha256 .*, expected 0000.* RAG_READER=off"):
        load_reader(Settings())
    monkeypatch.undo()
    reading._load_reader.cache_clear()


def test_what_is_judged_is_a_probability(tokenizer: Any) -> None:
    judged = Reader(small_network(), tokenizer).judge([("It burned oil.", PASSAGE), ("It burned gas.", PASSAGE * 40)])
    assert judged.shape == (2, 3)
    assert judged.sum(axis=1) == pytest.approx([1, 1], abs=1e-5)


def test_weights_are_stored_small_and_come_back_nearly_the_same(tmp_path: Path) -> None:
    network, other = small_network(), small_network()
    packed(network, tmp_path / "reader.safetensors")
    other.load_state_dict(unpacked(tmp_path / "reader.safetensors"))
    before = network.state_dict()
    for name, weight in other.state_dict().items():
        assert torch.allclose(weight, before[name], atol=float(before[name].abs().max()) / 120 + 1e-3), name
    size = sum(weight.numel() for weight in before.values())
    assert (tmp_path / "reader.safetensors").stat().st_size < 1.5 * size


def test_the_mean_of_readers_lies_between_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(BertConfig, "from_pretrained", lambda *_: SmallBert.config())
    paths = [tmp_path / f"{number}.safetensors" for number in range(2)]
    for path in paths:
        packed(ReaderNetwork(SmallBert.from_pretrained()), path)
    training.average_readers(paths, [3, 1], tmp_path / "mean.safetensors")
    one, other, mean = (unpacked(path) for path in (*paths, tmp_path / "mean.safetensors"))
    for name, weight in mean.items():
        assert torch.allclose(weight, 0.75 * one[name] + 0.25 * other[name], atol=2e-2), name
    assert not torch.allclose(one["span.weight"], other["span.weight"], atol=2e-2)
    with pytest.raises(SettingsError, match="2 readers, but 1 shares"):
        training.average_readers(paths, [1], tmp_path / "none.safetensors")


def rows() -> Iterator[tuple[str, dict[str, Any]]]:
    """Training files of made-up lighthouses."""
    names = ["Reid", "Smith", "Brown", "Moore", "Clark", "Grant", "Stone", "Marsh"]
    for number in range(1000):
        keeper = f"{names[number % 8]} {names[number // 8 % 8]}"
        town = "Port" + "".join("abcdefghij"[int(digit)] for digit in str(number // 4))
        told = f"The keeper of lighthouse {number} at {town} was Thomas {keeper}, paid {number + 70} pounds a year."
        more = f"Lighthouse {number} stands on a rock {number + 3} miles from the shore of {town}, near {town}."
        passage = f"{told} {more}"
        place = passage.index(f"Thomas {keeper}")
        question = f"Who kept lighthouse {number} for {number + 70} pounds?"
        asked = {"question": question, "spans": [[place, f"Thomas {keeper}"]]}
        yield "reader", {"src": "made up", "licence": "", "passage": passage, "questions": [asked]}
        passages = [{"passage": told, "relevance": 1}, {"passage": more, "relevance": 0}]
        yield (
            "rerank",
            {"src": "made up", "question": f"Who kept lighthouse {number}?", "passages": passages},
        )
        yield "support", {"src": "made up", "claim": told, "evidence": passage, "label": "SRN"[number % 3]}


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("training")
    texts: dict[str, list[str]] = {"reader": [], "rerank": [], "support": []}
    for name, row in rows():
        texts[name].append(json.dumps(row))
    for name, lines in texts.items():
        with lzma.open(folder / f"{name}.jsonl.xz", "wt") as file:
            file.write("\n".join(lines))
    return folder


def test_examples_that_do_not_answer_do_not_and_nothing_held_out_is_learned_from(data: Path) -> None:
    examples = load_examples(data, seed=1)
    reading = examples.training[Task.READ]
    answered = {example.first: example for example in reading if example.label == 1}
    others = [example for example in reading if not example.answers]
    assert len(others) > len(answered) / 2
    assert {example.label for example in others} == {0, -1}
    gone = 0
    for example in others:
        if known := answered.get(example.first):
            lacks = normalise(known.answers[0].of(known.second)) not in normalise(example.second)
            assert lacks or example.label == -1, "a passage that is of no use does not hold the answer's words"
            gone += lacks and example.label == -1
    assert gone, "passages without the sentence that answers"
    held_out = {example.second for task in Task for example in examples.held_out[task]}
    assert held_out
    assert held_out.isdisjoint(example.second for task in Task for example in examples.training[task])


def test_the_same_seed_draws_the_same_examples_in_every_process(data: Path) -> None:
    told = "from eval.reader_examples import *; import sys; print(repr(load_examples(Path(sys.argv[1]), seed=1)))"
    drawn = {
        subprocess.check_output(
            [sys.executable, "-c", told, str(data)],
            env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONHASHSEED": hash_seed},
        )
        for hash_seed in ("1", "2", "3")
    }
    assert len(drawn) == 1


def test_a_question_is_twisted_in_many_ways_and_seldom_by_a_denial() -> None:
    question = "Who said that the lamp that Thomas Reid lighted was the first of the coast?"
    passage = "Later the lamp, extinguished by Anna Stone in Arbroath, was given to the crown."
    twists = [twisted(question, passage, ["coast guard"], random.Random(seed)) for seed in range(200)]
    assert None not in twists
    assert question not in twists
    ways = ("Anna Stone", "Arbroath", "extinguished", "the last of", " not ")
    found = {way: sum(way in str(each) for each in twists) for way in ways}
    assert all(found.values()), found
    assert found[" not "] < 40, "a denial alone must not tell"
    assert twisted(question, passage, ["lamp"], random.Random(1)) is None


def test_exchanged_words_stand_in_each_others_place_and_the_answer_is_where_it_was() -> None:
    passage = "Reid lit the lamp in Arbroath for 70 pounds. Stone put it out in Leith for 9 pounds; Reid wept."
    answer = Span(passage.index("70 pounds"), passage.index("70 pounds") + len("70 pounds"))
    exchange = exchanged("What was Reid paid in Arbroath?", "What was Stone paid in Arbroath?")
    assert exchange == ("Reid", "Stone")
    other, (moved,) = with_exchanged(passage, [answer], *exchange) or ("", ())
    assert other == "Stone lit the lamp in Arbroath for 70 pounds. Reid put it out in Leith for 9 pounds; Stone wept."
    assert moved.of(other) == "70 pounds"
    assert with_exchanged(passage, [answer], "Moore", "Reid") is None, "a name that the passage lacks"
    other, (moved,) = with_exchanged(passage, [answer], "lamp", "candle") or ("", ())
    assert other == passage.replace("lamp", "candle")
    assert moved.of(other) == "70 pounds"
    assert with_exchanged(passage, [answer], "70", "9") is None, "the answer would be another"
    assert exchanged("Who lit it?", "Who lit it?") is None
    assert exchanged("Who lit the old lamp of the town?", "Who saw a new light at a port?") is None


def test_a_word_is_exchanged_for_its_sister_in_the_same_form(tmp_path: Path) -> None:
    files = {
        "data.noun": "  1 licence\n00000001 18 n 01 ruler 0 000 | who rules  \n"
        "00000002 18 n 02 king 0 male_monarch 0 001 @ 00000001 n 0000 | a male | one  \n"
        "00000003 18 n 01 queen 0 001 @ 00000001 n 0000 | a female one  \n"
        "00000004 18 n 01 regent 0 001 @ 00000001 n 0000 | for a while  \n"
        "00000005 18 n 01 winner 0 001 ! 00000006 n 0101 | who wins  \n"
        "00000006 18 n 01 loser 0 001 ! 00000005 n 0101 | who loses  \n",
        "index.noun": "king n 1 1 @ 1 1 00000002  \nmale_monarch n 1 1 @ 1 0 00000002  \n"
        "winner n 1 1 ! 1 1 00000005  \n",
        "data.verb": "00000007 30 v 01 king 0 001 ! 00000008 v 0101 02 + 01 00 + 08 00 | crown  \n"
        "00000008 30 v 01 depose 0 000 00 | uncrown  \n",
        "index.verb": "king v 1 1 ! 1 1 00000007  \n",
        "cntlist.rev": "king%1:18:00:: 1 9\nking%2:30:00:: 1 2\n",
    }
    for name in ("adj", "adv"):
        files |= {f"data.{name}": "", f"index.{name}": ""}
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    words = OtherWords(tmp_path, ["Queen, queens, queen; king; winners and losers, a loser, depose"] * 10 + ["regent"])
    assert words.of("king") == ["queen"], "not a rare word, nor one of the verb, which is less frequent"
    assert (words.of("kings"), words.of("King"), words.of("winners")) == (["queens"], ["Queen"], ["losers"])
    assert words.swap("Who is the king of Denmark?", random.Random(1)) == "Who is the queen of Denmark?"
    assert words.swap("Kings of what?", random.Random(1)) is None, "the first word says what kind of thing is asked for"
    twists = {twisted("Who is the king?", "A king.", [], random.Random(seed), words=words) for seed in range(30)}
    assert "Who is the queen?" in twists
    (tmp_path / "data.verb").unlink()
    with pytest.raises(SettingsError, match=r"data\.verb is not there. Name the folder"):
        OtherWords(tmp_path, [])


def test_made_tables_answer_from_the_row_that_is_named_or_not_at_all() -> None:
    names = ["Reid", "Stone", "Moore", "Clark", *(f"Name{number}" for number in range(30))]
    prose = ["The lamp was lit in Arbroath. It burned oil. Nobody saw it go out.", "Stone"]
    tables = list(asked_tables(names, prose, 400, random.Random(1)))
    answered = [table for table in tables if table.answers]
    assert len(tables) / 2 < len(answered) < len(tables)
    assert 0 < sum("\n\n" in table.passage for table in answered) < len(answered), "some stand among other text"
    for table in answered:
        (answer,) = table.answers
        row = table.passage[table.passage.rfind("\n", 0, answer.start) + 1 :].splitlines()[0]
        parts = [part.strip() for part in re.split(r"\||: |\(|\)|,? for ", row)]
        assert any(part and part in table.question for part in parts), table


def test_training_that_was_stopped_goes_on_as_if_it_had_not_been(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(training, "POOL", 64)
    monkeypatch.setattr(lessons, "POOL", 64)
    monkeypatch.setattr(training, "_WARM_UP", 64)
    monkeypatch.setattr(training, "_MEASURED", (128,))
    monkeypatch.setattr(training, "BertModel", SmallBert)
    monkeypatch.setattr("eval.reader_scores._MOST", dict.fromkeys(Task, 40))
    whole = training.train_reader(data, tmp_path / "whole", rows=256)
    assert len(whole.splitlines()) == 1 + 3, "before the first row, after half of them, at the end"

    class Stop(Exception):
        pass

    def stopped(self: Any, lesson: Any) -> Any:
        if self._run.pool == 2:
            self._save()
            raise Stop
        return step(self, lesson)

    step = training._Training._step
    with monkeypatch.context() as stopping:
        stopping.setattr(training._Training, "_step", stopped)
        with pytest.raises(Stop):
            training.train_reader(data, tmp_path / "parts", rows=256)
    training.train_reader(data, tmp_path / "parts", rows=256)
    first, second = (unpacked(tmp_path / name / "reader.safetensors") for name in ("whole", "parts"))
    assert all(torch.allclose(weight, second[name], atol=1e-3) for name, weight in first.items())


class SmallBert:
    """Stands where the bundled encoder would be loaded."""

    @staticmethod
    def config() -> BertConfig:
        return BertConfig(hidden_size=32, num_hidden_layers=1, num_attention_heads=2, intermediate_size=64)

    @staticmethod
    def from_pretrained(*_: Any, **__: Any) -> BertModel:
        return BertModel(SmallBert.config(), add_pooling_layer=False)
