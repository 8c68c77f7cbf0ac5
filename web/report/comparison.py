"""Two analyses of one method side by side: two periods, or two areas."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from gis.hotspots.trend import compared
from web.paper.document import Block, Bullets, Column, Document, Figure, Heading, Table
from web.report.explaining import caveats
from web.report.facts import Answer, ReportFacts, Speech
from web.report.figures import figures
from web.report.tables import clusters
from web.telling import count, decimal, percent
from web.words import Language

SIDES = ("first", "second")


def comparison(first: ReportFacts, second: ReportFacts, language: Language) -> Document:
    """The two as one document: what changed in sentences, then figures, maps and clusters beside each other."""
    sides = Speech(first, language), Speech(second, language)
    speech = sides[1]
    made = max(first.made_at, second.made_at)
    footer = speech.word("compared.footer", first=first.analysis["id"], second=second.analysis["id"])
    return Document(
        language=language,
        title=speech.word("compared.title", method=speech.word(f"method_name.{first.method}")),
        subtitle=speech.word("compared.subtitle", first=_named(sides[0]), second=_named(sides[1])),
        made_at=made,
        header=f"{second.district} · {speech.word('report.header')}",
        footer=" · ".join(part for part in (footer, second.review_number) if part),
        page_of=speech.word("paper.page_of"),
        blocks=tuple(_blocks(sides)),
    )


def _named(speech: Speech) -> str:
    return speech.word("compared.one", area=speech.facts.area, period=speech.period())


def _blocks(sides: tuple[Speech, Speech]) -> list[Block]:
    speech = sides[1]
    blocks: list[Block] = [Heading(speech.word("paper.in_short"), key="short"), Bullets(_sentences(sides), "lead")]
    blocks += [_figures(sides), Heading(speech.word("report.part.map"), key="map"), *_drawn(sides, "map")]
    for side, one in zip(SIDES, sides, strict=True):
        table = clusters(one)
        if table is not None and table.rows:
            caption = f"{table.caption}{speech.word('report.bracketed', text=_named(one))}"
            blocks.append(replace(table, key=f"clusters_{side}", caption=caption))
    blocks += [Heading(speech.word("report.part.time"), key="time"), *_drawn(sides, "series")]
    blocks += [Heading(speech.word("report.part.shares"), key="shares"), _categories(sides)]
    told = [*caveats(sides[0]), *(each for each in caveats(sides[1]) if each not in caveats(sides[0]))]
    return [*blocks, Heading(speech.word("report.part.caveats"), key="caveats"), Bullets(told)]


def _sentences(sides: tuple[Speech, Speech]) -> list[str]:
    first, second = (one.facts for one in sides)
    speech = sides[1]
    told = []
    numbers = first.summary["incidents"], second.summary["incidents"]
    days = tuple((facts.last - facts.first).days + 1 for facts in (first, second))
    if None not in numbers:
        found = compared([numbers[1]], [numbers[0]], later_days=days[1], earlier_days=days[0]).iloc[0]
        change = {
            name: f"{100 * (found[name] - 1):+.1f}%" if found["ratio"] == found["ratio"] else "–" for name in ("ratio", "low", "high")
        }
        told.append(
            speech.word(
                "compared.daily", first=decimal(numbers[0] / days[0]), second=decimal(numbers[1] / days[1]), n1=count(numbers[0]),
                n2=count(numbers[1]), change=change["ratio"], low=change["low"], high=change["high"],
            )
        )  # fmt: skip
    told += _hot(sides)
    late = [facts.summary.get("overdue_share") for facts in (first, second)]
    if late[0] is not None and late[1] is not None:
        told.append(speech.word("compared.overdue", first=percent(late[0]), second=percent(late[1])))
    if first.question["category_ids"] != second.question["category_ids"] or first.question["sources"] != second.question["sources"]:
        told.append(speech.word("compared.unlike"))
    return told


def _hot(sides: tuple[Speech, Speech]) -> list[str]:
    """Which units are hot in both, or in one alone; only where both speak of the same ground."""
    hot = [{id for id, unit in one.facts.units.items() if unit.get("hot")} for one in sides]
    known = [set(one.facts.units) for one in sides]
    if not known[0] & known[1] or not any(hot):
        return []
    both = hot[0] & hot[1]
    return [sides[1].word("compared.hot", both=count(len(both)), first=count(len(hot[0] - both)), second=count(len(hot[1] - both)))]


def _figures(sides: tuple[Speech, Speech]) -> Table:
    speech = sides[1]
    columns = [
        Column("figure", speech.word("impact.figure"), share=2),
        *(Column(side, _named(one), share=2) for side, one in zip(SIDES, sides, strict=True)),
    ]
    rows = [
        {"figure": speech.word(f"compared.{name}"), **{side: _said(one, name) for side, one in zip(SIDES, sides, strict=True)}}
        for name in ("incidents", "per_day", "rate", "overdue_share", "clusters", "hot_units")
    ]
    return Table("figures", speech.word("compared.figures_caption"), columns, rows)


def _said(speech: Speech, name: str) -> str:
    facts, summary = speech.facts, speech.facts.summary
    n, days = summary["incidents"], (facts.last - facts.first).days + 1
    told: dict[str, Any] = {name: summary.get(name) for name in ("incidents", "rate", "overdue_share", "clusters")}
    told["per_day"] = None if n is None else n / days
    told["hot_units"] = sum(bool(unit.get("hot")) for unit in facts.units.values())
    value = told[name]
    if value is None:
        return "–"
    return percent(value, 1) if name == "overdue_share" else decimal(value) if name in ("per_day", "rate") else count(value)


def _drawn(sides: tuple[Speech, Speech], which: str) -> list[Figure]:
    drawn = []
    for side, one in zip(SIDES, sides, strict=True):
        for figure in figures(one):
            if figure.key == which:
                drawn.append(
                    replace(figure, key=f"{which}-{side}", caption=f"{figure.caption}{one.word('report.bracketed', text=_named(one))}")
                )
    return drawn


def _categories(sides: tuple[Speech, Speech]) -> Table:
    speech = sides[1]
    shares = [_shares(one.facts) for one in sides]
    columns = [Column("name", speech.word("report.category"), share=2)]
    for side, one in zip(SIDES, sides, strict=True):
        columns += [Column(side, _named(one), "count", 1.6), Column(f"{side}_share", speech.word("report.share"), "percent", 0.7)]
    ids = sorted({*shares[0], *shares[1]}, key=lambda id: -max((row.get(id, (0, 0))[1] or 0) for row in shares))
    rows: list[Answer] = [
        {"name": speech.facts.names.categories.get(id, str(id)),
         **{side: found.get(id, (0, 0.0))[0] for side, found in zip(SIDES, shares, strict=True)},
         **{f"{side}_share": found.get(id, (0, 0.0))[1] for side, found in zip(SIDES, shares, strict=True)}}
        for id in ids
    ]  # fmt: skip
    return Table("categories", speech.word("report.categories_caption"), columns, rows)


def _shares(facts: ReportFacts) -> Mapping[int, tuple[int | None, float | None]]:
    whole = facts.summary["incidents"] or 0
    return {
        row["category_id"]: (row["observed"], row["observed"] / whole if whole and row["observed"] is not None else None)
        for row in facts.summary.get("categories") or []
    }
