"""Why these passages, and why not that document: ranks at every stage as a chart, and all numbers in a table."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from html import escape

from rag.explain import STAGES, Explanation
from rag.page.bump import MOST_WAYS, Way, bump_svg
from rag.types import Chunk, Passage

NO_PASSAGES = "<div class='empty'>The passages found for the latest question appear here.</div>"
_NAMES = {"dense": "Meaning", "keyword": "Words", "fused": "Both", "final": "Rescored", "reranked": "Reranked"}
_MEANT = {
    "dense": "rank by meaning",
    "keyword": "rank by words",
    "fused": "rank by meaning and words together",
    "final": "rank after a closer look at the words",
    "reranked": "rank by the reranking model",
}
_PARTS = {"lexical": "Words rescored", "late": "Nearest words"}  # scores without a rank of their own
_LONGEST_NAME = 22  # characters beside the chart
_IN_THE_PASSAGES = "in the passages"
_LEFT_OUT = "left out: "


def passages_html(passages: Sequence[Passage], turn: int) -> str:
    """The passages found for a question: how their ranks came about as a chart, and each with all its numbers."""
    if not passages:
        return NO_PASSAGES
    stages = [stage for stage in STAGES if any(stage in passage.ranks for passage in passages)]
    heads = "".join(f"<th title='{_MEANT[stage]}'>{_NAMES[stage]}</th>" for stage in stages)
    rows = "".join(
        f"<tr><td><a class='note' href='#passage-{turn}-{number}'>{number + 1}</a></td>"
        f"<td>{passage.score:.2f}</td>{_rank_cells(passage.ranks, stages)}"
        f"<td><b>{escape(passage.chunk.source)}</b>{_where(passage.chunk)}<br>{escape(passage.chunk.text)}"
        f"<small class='scores'>{escape(_scores(passage.scores))}</small></td></tr>"
        for number, passage in enumerate(passages)
    )
    return (
        f"{_chart(passages, stages, turn)}<table class='passages'><thead><tr><th></th>"
        f"<th title='all stages in one, about 0 to 1'>Score</th>{heads}<th>Passage</th></tr></thead>"
        f"<tbody>{rows}</tbody></table>"
    )


def why_not_html(explanations: Sequence[Explanation], source: str) -> str:
    """How far a document got: its best passage, with its rank at every stage and what became of it, then the others."""
    if not explanations:
        return (
            f"<section class='why-not'><p class='fate'>{escape(source)} holds no text that can be found.</p></section>"
        )
    best, *others = explanations
    stages = [stage for stage in STAGES if any(one.ranks.get(stage) for one in explanations)]
    ranks = "".join(
        f"<div><dt title='{_MEANT[stage]}'>{_NAMES[stage]}</dt><dd>{best.ranks.get(stage) or 'not found'}</dd></div>"
        for stage in stages
    )
    heads = "".join(f"<th title='{_MEANT[stage]}'>{_NAMES[stage]}</th>" for stage in stages)
    rows = "".join(
        f"<tr>{_rank_cells(one.ranks, stages)}<td>{escape(textwrap.shorten(one.chunk.text, 120, placeholder=' …'))}"
        f"{_where(one.chunk)}<small class='scores'>{escape(_scores(one.scores))}</small></td>"
        f"<td>{escape(one.fate)}</td></tr>"
        for one in others
    )
    table = (
        f"<details><summary>Its other passages: {len(others)}</summary><table class='others'><thead><tr>{heads}"
        f"<th>Passage</th><th>Outcome</th></tr></thead><tbody>{rows}</tbody></table></details>"
    )
    return (
        f"<section class='why-not'><p class='fate'>{escape(_fate(best, source))}</p><dl class='ranks'>{ranks}</dl>"
        f"<blockquote>{escape(best.chunk.text)}{_where(best.chunk)}"
        f"<small class='scores'>{escape(_scores(best.scores))}</small></blockquote>{table if others else ''}</section>"
    )


def _chart(passages: Sequence[Passage], stages: Sequence[str], turn: int) -> str:
    if len(stages) < 2:
        return ""
    ways = [
        Way(
            tuple(passage.ranks.get(stage) for stage in stages),
            f"{number}  {_short(passage.chunk.source)}",
            _told(passage, stages, number),
        )
        for number, passage in enumerate(passages, start=1)
    ]
    shown = f" The first {MOST_WAYS} of {len(ways)} are drawn." if len(ways) > MOST_WAYS else ""
    svg = bump_svg([_NAMES[stage] for stage in stages], ways, f"bump-{turn}", "Ranks of the passages at each stage")
    return (
        f"<figure class='ranks'>{svg}<figcaption>Each line is a passage, from its rank at the first stage to its rank "
        f"at the last; the best three are coloured.{shown}</figcaption></figure>"
    )


def _short(name: str) -> str:
    return name if len(name) <= _LONGEST_NAME else name[: _LONGEST_NAME - 1] + "…"


def _told(passage: Passage, stages: Sequence[str], number: int) -> str:
    ranks = (
        f"{_NAMES[stage].lower()} {passage.ranks[stage]} ({passage.scores.get(stage, passage.score):.2f})"
        if stage in passage.ranks
        else f"{_NAMES[stage].lower()} not found"
        for stage in stages
    )
    return f"Passage {number}, {passage.chunk.source}: {', '.join(ranks)}."


def _rank_cells(ranks: Mapping[str, int | None], stages: Sequence[str]) -> str:
    return "".join(
        f"<td class='rank'>{rank}</td>" if (rank := ranks.get(stage)) else "<td class='rank' title='not found'>–</td>"
        for stage in stages
    )


def _scores(scores: Mapping[str, float]) -> str:
    """Each score by its name; what has none is no score of ours."""
    names = _NAMES | _PARTS
    return " · ".join(f"{name} {scores[stage]:.2f}" for stage, name in names.items() if stage in scores)


def _where(chunk: Chunk) -> str:
    """The headings and the page that a chunk stands under."""
    places = [chunk.heading, f"page {chunk.page}" if chunk.page else ""]
    where = " · ".join(filter(None, places))
    return f" <span class='where'>{escape(where)}</span>" if where else ""


def _fate(best: Explanation, source: str) -> str:
    if best.fate == _IN_THE_PASSAGES:
        return f"{source} is among the passages."
    if best.fate.startswith(_LEFT_OUT):
        return f"The best passage of {source} was left out: {best.fate.removeprefix(_LEFT_OUT)}."
    return f"No passage of {source} was found: {best.fate}."
