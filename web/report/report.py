"""The whole report of one analysis as a document: page, paper, workbook and files are made of the same blocks."""

import json

from web.paper.document import Block, Bullets, Document, Facts, Heading, Table, Text
from web.report.explaining import caveats, glossary, method_words, parameters
from web.report.facts import ReportFacts, Speech
from web.report.figures import figures
from web.report.sentences import leading
from web.report.tables import tables
from web.telling import decimal, moment, percent
from web.words import Language

PARTS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("numbers", ("near_repeats", "repeats", "units")),
    ("shares", ("categories", "sources")),
    ("doubts", ("doubts",)),
)
"""Parts that are tables alone, in their order."""


def report(facts: ReportFacts, language: Language) -> Document:
    """The report in one language. The analysis must be done."""
    speech = Speech(facts, language)
    title = speech.word("report.title", area=facts.area, method=speech.word(f"method_name.{facts.method}"))
    footer = speech.word("report.footer", id=facts.analysis["id"], data=(facts.analysis["data_version"] or "–")[:12])
    return Document(
        language=language,
        title=title,
        subtitle=speech.word("report.subtitle", period=speech.period(), categories=speech.categories()),
        made_at=facts.made_at,
        header=f"{facts.district} · {speech.word('report.header')}",
        footer=" · ".join(part for part in (footer, facts.review_number) if part),
        page_of=speech.word("paper.page_of"),
        blocks=tuple(_blocks(speech)),
    )


def _blocks(speech: Speech) -> list[Block]:
    drawn = {figure.key: figure for figure in figures(speech)}
    told = {table.key: table for table in tables(speech)}
    blocks: list[Block] = [
        Heading(speech.word("paper.in_short"), key="short"),
        Bullets(leading(speech), "lead"),
        Facts(_title(speech), key="question"),
    ]
    if speech.facts.analysis["cut"]:
        blocks.append(Text(speech.word("report.cut"), "small"))
    blocks += [Heading(speech.word("report.part.map"), key="map"), drawn["map"]] if "map" in drawn else []
    blocks += _part(speech, "clusters", [told[name] for name in ("clusters", "details") if name in told])
    blocks += [Heading(speech.word("report.part.time"), key="time")] if "series" in drawn or "hours" in drawn else []
    blocks += [drawn[key] for key in ("series", "hours") if key in drawn]
    for key, names in PARTS:
        blocks += _part(speech, key, [told[name] for name in names if name in told])
    return blocks + _method(speech, told.get("other_cells")) + _end(speech)


def _part(speech: Speech, key: str, found: list[Table]) -> list[Block]:
    return [Heading(speech.word(f"report.part.{key}"), key=key), *found] if found else []


def _title(speech: Speech) -> list[tuple[str, str]]:
    facts, zone = speech.facts, speech.facts.time_zone
    summary = facts.summary
    return [
        (speech.word("report.area"), facts.area),
        (speech.word("report.asked_period"), speech.period()),
        (speech.word("report.categories"), speech.categories()),
        (speech.word("report.sources"), speech.sources()),
        (speech.word("report.method"), speech.word(f"method_name.{facts.method}")),
        (speech.word("report.unit_of"), speech.word(f"level.{facts.question['unit']}")),
        (speech.word("report.denominator"), speech.base()),
        (speech.word("report.n"), speech.number(summary["incidents"])),
        (speech.word("report.analysed"), f"{speech.number(summary.get('analysed', summary['areas']))} / {speech.number(summary['areas'])}"),
        (speech.word("report.made_at"), moment(facts.made_at, speech.language, zone)),
    ]


def _method(speech: Speech, other_cells: Table | None) -> list[Block]:
    blocks: list[Block] = [Heading(speech.word("report.part.method"), key="method"), *(Text(each) for each in method_words(speech))]
    blocks += [Facts(parameters(speech), key="parameters")]
    blocks += [Heading(speech.word("report.part.caveats"), key="caveats"), Bullets(caveats(speech))]
    if other_cells is not None:
        blocks.append(other_cells)
    return blocks + _accuracy(speech)


def _accuracy(speech: Speech) -> list[Block]:
    told = speech.facts.accuracy
    blocks: list[Block] = [Heading(speech.word("report.part.accuracy"), key="accuracy")]
    if not told:
        return [*blocks, Text(speech.word("report.accuracy_later"))]
    if told.get("refusal"):
        return [*blocks, Text(speech.word("report.accuracy_none"))]
    pairs = [
        (
            speech.word(f"report.score.{name}"),
            percent(told[name], 1) if name in ("hit_rate", "share_of_ground", "naive_hit_rate") else decimal(told[name], 2),
        )
        for name in ("hit_rate", "share_of_ground", "pai", "pei", "naive_hit_rate", "naive_pai")
        if told.get(name) is not None
    ]
    blocks += [Text(speech.word("report.accuracy_text", period=speech.days(told))), Facts(pairs)]
    if told["pai"] < 1 and speech.facts.question["denominator"] != "none":
        blocks.append(Text(speech.word("report.accuracy_thin")))
    return blocks


def _end(speech: Speech) -> list[Block]:
    analysis = speech.facts.analysis
    again = [
        (speech.word("report.number"), str(analysis["id"])),
        (speech.word("report.seed"), str(speech.facts.question["seed"])),
        (speech.word("report.data_version"), str(analysis["data_version"])),
        (speech.word("report.code_version"), str(analysis["code_version"])),
        (speech.word("report.question_hash"), str(analysis["question_hash"])),
        (speech.word("report.result_hash"), str(analysis["result_hash"])),
    ]
    asked = json.dumps(speech.facts.question, ensure_ascii=False, sort_keys=True)
    return [
        Heading(speech.word("report.part.glossary"), key="glossary"),
        Bullets([f"{term}{speech.word('report.colon')}{text}" for term, text in glossary(speech)]),
        Heading(speech.word("report.part.again"), key="again"),
        Text(speech.word("report.again")),
        *(Text(f"{name}{speech.word('report.colon')}{value}", "small") for name, value in again),
        Text(f"{speech.word('report.question')}{speech.word('report.colon')}{asked}", "small"),
    ]
