"""Gold questions, progress, runs and comparisons -> HTML made of escaped text, for the chat's Evaluation view."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

from eval.compare import Change, Comparison
from eval.measures import INVARIANTS, MEASURES
from eval.outcome import Outcome
from eval.page.evaluation import Progress
from eval.report.page import report_html
from eval.report.words import interval, number, verdict
from eval.run import Header, Run
from eval.stats import Estimate
from eval.summary import estimates
from eval.types import Evidence, GoldQuestion
from rag.progress import duration

EMPTY = (
    "<div class='empty'><h3>No gold questions yet</h3><p>A gold question is one whose right answer you know. "
    "Press thumbs down under an answer in the chat and say what it should have said, or add a gold file "
    "(.jsonl, one question a line).</p></div>"
)
_CARDS = ("correct", "hallucination rate", "error rate", "citation F1", "exactness", "evidence recall@5")
_MOST_SHOWN = 200  # rows of a list; the report and the gold file hold all of them
_LONGEST_SHOWN = 280  # characters of a quote or an answer in a list


def questions_html(questions: Sequence[GoldQuestion]) -> str:
    """The gold questions as a table, each with a button that deletes it; what to do next where there are none."""
    if not questions:
        return EMPTY
    rows = "".join(map(_question_row, questions[:_MOST_SHOWN]))
    return (
        f"<h3 id='gold-questions' tabindex='-1'>Gold questions <span>{len(questions):,}</span></h3>"
        "<table class='questions' aria-labelledby='gold-questions'><thead><tr><th>Id</th><th>Question</th>"
        "<th>Expected</th><th>Evidence</th><th><span class='unseen'>Delete</span></th></tr></thead>"
        f"<tbody>{rows}</tbody></table>{_rest(len(questions))}"
    )


def _question_row(question: GoldQuestion) -> str:
    id = escape(question.id)
    if question.answers is None:
        expected = "<em>not judged</em>"
    elif question.answers:
        expected = " <i>or</i> ".join(map(escape, question.answers))
    else:
        expected = "<em>not answered by the documents</em>"
    evidence = "".join(map(_evidence, question.evidence or ())) or "<em>none given</em>"
    return (
        f"<tr><td class='id'>{id}</td><td class='asked'>{escape(question.question)}</td>"
        f"<td class='expected'>{expected}</td><td class='evidence'>{evidence}</td>"
        f"<td><button type='button' data-remove='{id}' aria-label='Delete {id}'>Delete</button></td></tr>"
    )


def _evidence(evidence: Evidence) -> str:
    quoted = f"<q>{escape(_short(evidence.quote))}</q>" if evidence.quote else ""
    return f"<div><b>{escape(evidence.source)}</b>{quoted}</div>"


def status_html(text: str, kind: str = "") -> str:
    """A sentence, or several lines, about what was just done. `kind` is "", "wrong" or "unseen"."""
    if text[:1].islower() and text.split()[0].isalpha():  # a word, not the name of a file
        text = text[0].upper() + text[1:]
    return f"<p class='status {kind}'>{escape(text)}</p>" if text else ""


def progress_html(progress: Progress, *, stopping: bool = False) -> str:
    """A bar with the questions asked, the time left and the last question."""
    done, total = progress.done, progress.total
    share = 100 * done / total if total else 0
    counted = f"<b>{done:,} of {total:,}</b> questions" if total else "<b>Reading the questions and models…</b>"
    left = f" · about {duration(progress.seconds_left)} left" if progress.seconds_left and done < total else ""
    last = f"<p class='last'>{escape(_short(progress.question))}</p>" if progress.question else ""
    ending = " · stopping after this question" if stopping else left
    return (
        f"<div class='running'><div role='progressbar' aria-label='Questions asked' aria-valuemin='0' "
        f"aria-valuemax='{total}' aria-valuenow='{done}' aria-valuetext='{done} of {total} questions'>"
        f"<i style='width:{share:.2f}%'></i></div><p class='counted'>{counted}{ending}</p>{last}</div>"
    )


def announcement(progress: Progress) -> str:
    """The progress in words that change only four times, for a screen reader."""
    quarter = 25 * (4 * progress.done // progress.total) if progress.total else 0
    return f"The evaluation runs; {quarter} % of the questions are asked."


def summary_html(run: Run, compared: Comparison | None, before: Run | None) -> str:
    """A run's headline numbers, what changed since the run before, and the questions that went wrong."""
    when = run.times.finished[:16].replace("T", " ")
    facts = f"{_count(len(run.outcomes), 'question')}, {when} UTC, {duration(run.times.seconds)}"
    sentences = "".join(f"<p class='verdict'>{escape(sentence)}</p>" for sentence in verdict(run.outcomes))
    cards = "".join(_card(name, one) for name, one in estimates(run.outcomes, _CARDS).items())
    return (
        f"<section aria-labelledby='last-run'><h3 id='last-run'>{escape(run.name)} <span>{facts}</span></h3>"
        f"{sentences}<ul class='cards'>{cards}</ul></section>"
        f"{_comparison(compared, before, run)}{_wrong(run.outcomes)}"
    )


def _card(name: str, one: Estimate) -> str:
    measure = MEASURES[name]
    lower = "" if measure.higher_is_better else " <i>lower is better</i>"
    low, high = (one.value, one.value) if one.low is None or one.high is None else (one.low, one.high)
    return (
        f"<li><span class='name'>{escape(name)}{lower}</span><b>{number(one.value)}</b>"
        f"<span class='scale' aria-hidden='true'><i style='left:{100 * low:.1f}%;width:{100 * (high - low):.1f}%'></i>"
        f"<u style='left:{100 * one.value:.1f}%'></u></span><span class='interval'>{interval(one)} n = {one.n}</span>"
        f"<span class='meaning'>{escape(measure.meaning)}</span></li>"
    )


def _comparison(compared: Comparison | None, before: Run | None, after: Run) -> str:
    if compared is None or before is None:
        return ""
    moved = [change for change in compared.changes if change.difference.value or change.failed]
    still = [change.measure for change in compared.changes if change not in moved]
    head = "<tr><th>Measure</th><th>Before</th><th>After</th><th>Difference</th><th>Won, lost</th><th>Chance?</th></tr>"
    body = "".join(map(_change_row, moved))
    table = f"<table class='changes'><thead>{head}</thead><tbody>{body}</tbody></table>" if moved else ""
    same = f"<p class='quiet'>The same in both: {escape(', '.join(still))}.</p>" if still else ""
    shared = f"{_count(compared.questions, 'question')} asked in both runs"
    changed = escape("; ".join(differences(before.header, after.header)) or "nothing but the time")
    return (
        f"<section aria-labelledby='compared'><h3 id='compared'>Since {escape(compared.before)} <span>{shared}</span>"
        f"</h3><p class='quiet'>What is different: {changed}.</p>{table}{same}</section>"
    )


def _change_row(change: Change) -> str:
    if change.failed:
        words = "must be 1.000" if change.measure in INVARIANTS else "a loss beyond chance"
        kind = "loss"
    elif change.significant:
        words, kind = "a gain beyond chance", "gain"
    else:
        words, kind = "no clear change", "unclear"
    return (
        f"<tr><th scope='row'>{escape(change.measure)}</th><td>{number(change.before)}</td>"
        f"<td>{number(change.after)}</td>"
        f"<td>{change.difference.value:+.3f} <small>{interval(change.difference)}</small></td>"
        f"<td>{change.won}, {change.lost}</td><td class='{kind}'>{words} "
        f"<small>p = {change.adjusted_p:.3f}</small></td></tr>"
    )


def differences(before: Header, after: Header) -> list[str]:
    """What decides a run's outcomes and is not the same in two runs."""
    settings = [
        f"{name} {before.settings.get(name)} → {value}"
        for name, value in after.settings.items()
        if before.settings.get(name) != value
    ]
    others = {
        "the models": before.models != after.models,
        "the documents": before.corpus_sha256 != after.corpus_sha256,
        "the gold questions": before.gold_sha256 != after.gold_sha256,
        "Footnote itself": before.code != after.code,
        "the machine": before.machine != after.machine,
    }
    return settings + [name for name, is_different in others.items() if is_different]


def _wrong(outcomes: Iterable[Outcome]) -> str:
    failed = [outcome for outcome in outcomes if outcome.failure]
    if not failed:
        return ""
    rows = "".join(map(_wrong_row, failed[:_MOST_SHOWN]))
    return (
        f"<section aria-labelledby='went-wrong'><h3 id='went-wrong'>Answered wrongly <span>{len(failed):,}</span></h3>"
        f"<ul class='failures'>{rows}</ul>{_rest(len(failed))}</section>"
    )


def _wrong_row(outcome: Outcome) -> str:
    expected = " or ".join(outcome.gold.answers or ()) or "that the documents do not answer this"
    said = outcome.reply.text if outcome.reply else "nothing: it was only searched for"
    return (
        f"<li><details><summary><span class='kind'>{escape(outcome.failure or '')}</span>"
        f"<span class='asked'>{escape(outcome.gold.question)}</span><span class='id'>{escape(outcome.gold.id)}</span>"
        f"</summary><dl><dt>Expected</dt><dd>{escape(_short(expected))}</dd>"
        f"<dt>Answered</dt><dd>{escape(_short(said))}</dd></dl></details></li>"
    )


def report_frame_html(run: Run) -> str:
    """The whole report in a frame that can reach nothing of the page, and the two files to download."""
    name = escape(run.name)
    return (
        "<div class='downloads'>"
        f"<button type='button' data-download='report' data-name='{name}.html'>Download the report (HTML)</button>"
        f"<button type='button' data-download='run' data-name='{name}.json'>Download the run (JSON)</button></div>"
        f"<iframe sandbox='allow-scripts' title='Report of {name}' data-report=\"{escape(report_html(run))}\"></iframe>"
        f"<pre hidden>{escape(run.to_json())}</pre>"
    )


def _rest(count: int) -> str:
    return f"<p class='quiet'>The first {_MOST_SHOWN} of {count:,} are shown.</p>" if count > _MOST_SHOWN else ""


def _short(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= _LONGEST_SHOWN else text[: _LONGEST_SHOWN - 1] + "…"


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'s' if number != 1 else ''}"
