"""The tables of a report; the same rows go onto the page, onto paper, into the workbook, the GeoPackage and CSV files."""

from collections.abc import Sequence
from typing import Any

from web.paper.document import Column, Table
from web.report.facts import COUNTED, Answer, Speech
from web.report.figures import fill_words
from web.report.sentences import DENSITY, SPATIAL, band, peak
from web.telling import Kind, day, percent

SHOWN_UNITS, SHOWN_CLUSTERS = 20, 25
METHOD_COLUMNS: dict[str, tuple[str, ...]] = {
    "gi": ("z", "p", "q", "class"),
    "moran": ("i", "z", "p", "q", "class", "quadrant"),
    "rates": ("funnel",),
    "emerging": ("category", "tau", "trend_p"),
    "trend": ("pop", "yoy"),
}
"""What a method says of each unit."""
NUMBERS_OF_CLUSTER = (
    "rank", "observed", "expected", "ratio", "interval", "relative_risk", "p", "q", "class", "recurrence_days",
)  # fmt: skip
CERTAIN: tuple[tuple[str, Kind], ...] = (("p", "p"), ("q", "p"), ("class", "count"), ("recurrence_days", "count"))
"""What says how sure a cluster is."""
KINDS: dict[str, Kind] = {
    "z": "decimal2", "i": "decimal2", "tau": "decimal2", "p": "p", "q": "p", "trend_p": "p", "class": "count",
    "pop": "decimal2", "yoy": "decimal2",
}  # fmt: skip


def tables(speech: Speech) -> list[Table]:
    """Every table there is to this result; empty ones are left out."""
    found = [
        clusters(speech),
        details(speech),
        units(speech),
        _rows(speech),
        categories(speech),
        sources(speech),
        doubts(speech),
        cuts(speech),
    ]
    return [each for each in found if each is not None and each.rows]


def clusters(speech: Speech) -> Table | None:
    """Rank, place, numbers and how sure they are."""
    told = speech.facts.clusters
    if not told:
        return None
    timed = any(each["kind"] in ("cylinder", "near_repeat") for each in told) or speech.facts.method == "stdbscan"
    expects = any(each["expected"] is not None for each in told)
    differs = speech.facts.method not in SPATIAL | DENSITY
    columns = [
        Column("rank", speech.word("report.rank"), "count", 0.5),
        Column("place", speech.word("report.place"), share=2.2),
        *([Column("kind", speech.word("report.kind"), share=1.2)] if differs else []),
        *([Column("period", speech.word("report.period"), share=2.2)] if timed else []),
        Column("observed", speech.word("report.n"), "count", 0.8),
    ]
    if expects:
        columns += [
            Column("expected", speech.word("report.expected"), "decimal", 0.9),
            Column("ratio", speech.word("report.ratio"), "times", 0.7),
            Column("interval", speech.word("report.interval"), "interval", 1.1),
            Column("relative_risk", speech.word("report.rr"), "decimal2", 0.9),
        ]
    columns += [
        Column(name, speech.word(f"report.{name}_column"), kind, 0.8)
        for name, kind in CERTAIN
        if any(each[name] is not None for each in told) and (name != "class" or speech.facts.method != "rates")
    ]
    note = speech.word("report.clusters_note" if expects else "report.dense_note")
    rows = [_cluster(speech, each) for each in told]
    return Table(
        "clusters", speech.word("report.clusters_caption"), columns, rows, note,
        shown=SHOWN_CLUSTERS, rest=speech.word("report.rest", n=len(rows) - SHOWN_CLUSTERS),
    )  # fmt: skip


def _cluster(speech: Speech, each: Answer) -> Answer:
    period = each["period"]
    return {
        **{name: each[name] for name in NUMBERS_OF_CLUSTER},
        "place": speech.place(each), "kind": _kind(speech, each), "period": speech.days(period) if period else "",
    }  # fmt: skip


def _kind(speech: Speech, cluster: Answer) -> str:
    kind, ratio = cluster["kind"], cluster["ratio"]
    if speech.facts.method in ("rates", "moran") and kind in ("hot", "cold"):
        return fill_words(speech, f"{kind}-{cluster['class'] if speech.facts.method == 'rates' else 99}")
    told = speech.coded("pattern" if kind.endswith(("_hot", "_cold")) else "cluster", kind)
    # Gi* is of an area and its neighbours: a hot one may have less than its share, and a cold one more.
    owed = ratio is not None and ((kind == "hot" and ratio <= 1) or (kind == "cold" and ratio >= 1))
    return told + speech.word("report.bracketed", text=speech.word("report.neighbours")) if owed else told


def details(speech: Speech) -> Table | None:
    """What is behind each cluster: categories, hours, buildings, officers, deadlines."""
    told = [each for each in speech.facts.clusters if not each["partial"] and each["observed"] is not None]
    if not told:
        return None
    columns = [
        Column("rank", speech.word("report.rank"), "count", 0.5),
        Column("place", speech.word("report.place"), share=1.6),
        Column("categories", speech.word("report.categories"), share=2.2),
        Column("sources", speech.word("report.sources"), share=1.8),
        Column("hours", speech.word("report.hours"), share=1.2),
        Column("buildings", speech.word("report.buildings"), share=2.4),
        Column("officers", speech.word("report.officers"), share=1.6),
        Column("deadlines", speech.word("report.deadlines"), share=1.1),
        Column("overdue", speech.word("report.overdue"), "percent", 0.9),
        Column("overdue_around", speech.word("report.overdue_around"), "percent", 1.1),
    ]
    rows = [_detail(speech, each) for each in told]
    note = speech.word("report.details_note")
    return Table(
        "details", speech.word("report.details_caption"), columns, rows, note, shown=SHOWN_CLUSTERS,
        rest=speech.word("report.rest", n=len(rows) - SHOWN_CLUSTERS),
    )  # fmt: skip


def _detail(speech: Speech, each: Answer) -> Answer:
    names, kept, found = speech.facts.names, each["deadlines"] or {}, peak(each["hours"], each["observed"])
    at = "" if found is None else f"{found[0]:02d}–{(found[0] + 3) % 24 or 24:02d} {percent(found[1])}"
    return {
        "rank": each["rank"], "place": speech.place(each),
        "categories": _most(speech, each["categories"], lambda row: names.categories.get(row["category_id"], str(row["category_id"]))),
        "sources": _most(speech, each["sources"], lambda row: speech.coded("source", row["source"])),
        "hours": at,
        "buildings": _most(
            speech, (each["repeat"] or {}).get("top"),
            lambda row: names.buildings.get(row["building_id"]) or speech.word("report.building", id=row["building_id"]),
        ),
        "officers": _most(speech, each["officers"], lambda row: names.officers.get(row["officer_id"], str(row["officer_id"]))),
        "deadlines": f"{speech.number(kept.get('kept'))} / {speech.number(kept.get('due'))}" if kept.get("due") else "",
        "overdue": kept.get("overdue_share"), "overdue_around": kept.get("overdue_share_around"),
    }  # fmt: skip


def _most(speech: Speech, rows: Sequence[Answer] | None, name: Any, most: int = 3) -> str:
    comma = speech.word("report.comma")
    return comma.join(f"{name(row)}{speech.word('report.bracketed', text=speech.number(row['observed']))}" for row in (rows or [])[:most])


def units(speech: Speech) -> Table | None:
    """Every unit, those of note first; the document shows the first of them."""
    told = speech.facts.result["units"]
    if not told:
        return None
    rated = speech.facts.question["denominator"] in COUNTED
    own = METHOD_COLUMNS.get(speech.facts.method, ())
    columns = [
        Column("name", speech.word("report.unit"), share=2.2),
        Column("code", speech.word("paper.code"), share=1.7),
        Column("observed", speech.word("report.n"), "count", 0.7),
        *([Column("population", speech.base(), "count", 0.9)] if rated else []),
        *([Column("expected", speech.word("report.expected"), "decimal", 0.8)] if _any(told, "expected") else []),
        *([Column("ratio", speech.word("report.ratio"), "decimal2", 0.7)] if _any(told, "ratio") else []),
        *([Column("rate", speech.word("report.rate", base=speech.base()), "decimal", 0.9)] if _any(told, "rate") else []),
        *([Column("rate_interval", speech.word("report.rate_interval"), "interval", 1.3)] if _any(told, "rate_low") else []),
        *([Column("rate_smoothed", speech.word("report.smoothed"), "decimal", 0.8)] if _any(told, "rate_smoothed") else []),
        *(Column(each, speech.word(f"report.{each}_column"), KINDS.get(each, "text"), 0.8) for each in own),
        *([Column("cluster", speech.word("report.cluster_column"), "count", 0.6)] if _any(told, "cluster") else []),
        Column("flag", speech.word("report.flag"), share=1),
    ]
    rows = [_unit(speech, each) for each in sorted(told, key=_of_note)]
    notes = [speech.word("report.units_note", few=speech.number(None))]
    notes += [speech.word("report.smoothed_note")] if _any(told, "rate_smoothed") else []
    return Table(
        "units", speech.word("report.units_caption"), columns, rows, " ".join(notes),
        shown=SHOWN_UNITS, rest=speech.word("report.rest", n=len(rows) - SHOWN_UNITS),
    )  # fmt: skip


def _any(rows: Sequence[Answer], name: str) -> bool:
    return any(row.get(name) is not None for row in rows)


def _of_note(unit: Answer) -> tuple[Any, ...]:
    hot = unit.get("class") or {"above_998": 99, "above_95": 95}.get(unit.get("funnel") or "", 0)
    pattern = str(unit.get("category") or "none")
    return (
        -hot, not pattern.endswith("_hot"), unit["cluster"] if unit["cluster"] is not None else 1_000_000,
        -(unit.get("ratio") or 0), -(unit["observed"] or 0), unit["code"],
    )  # fmt: skip


def _unit(speech: Speech, unit: Answer) -> Answer:
    low, high = unit.get("rate_low"), unit.get("rate_high")
    told = {name: unit.get(name) for name in ("code", "observed", "population", "expected", "ratio", "rate", "rate_smoothed", "cluster")}
    told |= {name: unit.get(name) for name in METHOD_COLUMNS.get(speech.facts.method, ())}
    told |= {name: (unit.get(name) or {}).get("ratio") for name in ("pop", "yoy") if name in told}
    for name, family in (("funnel", "funnel"), ("category", "pattern"), ("quadrant", "quadrant")):
        if told.get(name):
            told[name] = speech.coded(family, told[name])
    return {
        **told, "name": (speech.language == "en" and unit["name_en"]) or unit["name"],
        "rate_interval": None if low is None or high is None else [low, high],
        "flag": speech.coded("unit_flag", unit["flag"]) if unit["flag"] else speech.word("report.held_back") if unit["suppressed"] else "",
    }  # fmt: skip


def _rows(speech: Speech) -> Table | None:
    method, rows = speech.facts.method, speech.facts.result["table"] or []
    if method == "knox":
        columns = [
            Column("distance", speech.word("report.distance"), share=1.4),
            Column("time", speech.word("report.time"), share=1.4),
            Column("observed", speech.word("report.pairs"), "count", 1),
            Column("expected", speech.word("report.expected"), "decimal", 1),
            Column("ratio", speech.word("report.ratio"), "decimal2", 1),
            Column("p", speech.word("report.p_column"), "p", 1),
        ]
        told: list[Answer] = [{**row, "distance": band(row, "m", speech), "time": band(row, "days", speech)} for row in rows]
        return Table("near_repeats", speech.word("report.knox_caption"), columns, told, speech.word("report.knox_note"))
    if method == "repeats":
        columns = [
            Column("place", speech.word("report.building_column"), share=3),
            Column("observed", speech.word("report.n"), "count", 1),
            Column("share", speech.word("report.share"), "percent", 1),
            Column("cumulative", speech.word("report.cumulative"), "percent", 1),
        ]
        told = [{**row, "place": _where(speech, row)} for row in rows]
        rest = speech.word("report.rest", n=len(told) - SHOWN_CLUSTERS)
        return Table("repeats", speech.word("report.repeats_caption"), columns, told, shown=SHOWN_CLUSTERS, rest=rest)
    return None


def _where(speech: Speech, row: Answer) -> str:
    name = speech.facts.names.buildings.get(row["building_id"]) if row["building_id"] is not None else None
    return name or f"{row['lon']:.5f}, {row['lat']:.5f}"


def categories(speech: Speech) -> Table | None:
    """What was reported."""
    return _shares(
        speech, "categories", lambda row: speech.facts.names.categories.get(row["category_id"], str(row["category_id"])), "report.category"
    )


def sources(speech: Speech) -> Table | None:
    """Who reported it: a source that reports more is not a place where more happens."""
    return _shares(speech, "sources", lambda row: speech.coded("source", row["source"] or "none"), "report.source")


def _shares(speech: Speech, which: str, name: Any, label: str) -> Table | None:
    rows, whole = speech.facts.summary.get(which) or [], speech.facts.summary["incidents"] or 0
    columns = [
        Column("name", speech.word(label), share=3),
        Column("observed", speech.word("report.n"), "count", 1),
        Column("share", speech.word("report.share"), "percent", 1),
    ]
    told = [
        {
            "name": name(row),
            "observed": row["observed"],
            "share": row["observed"] / whole if whole and row["observed"] is not None else None,
        }
        for row in rows
    ]
    held = any(row["observed"] is None for row in rows)
    note = speech.word("report.held_note", few=speech.number(None)) if held else ""
    return Table(which, speech.word(f"report.{which}_caption"), columns, told, note) if told else None


def doubts(speech: Speech) -> Table | None:
    """What may be the records' habits: how many, and what was done about them."""
    columns = [
        Column("check", speech.word("report.check"), share=2.4),
        Column("incidents", speech.word("report.n"), "count", 0.8),
        Column("share", speech.word("report.share"), "percent", 0.7),
        Column("done", speech.word("report.done"), share=1.7),
        Column("detail", speech.word("report.detail"), share=3.3),
    ]
    rows = [_doubt(speech, each) for each in speech.facts.result["doubts"] or []]
    return Table("doubts", speech.word("report.doubts_caption"), columns, rows, speech.word("report.doubts_note")) if rows else None


def _doubt(speech: Speech, each: Answer) -> Answer:
    if not each.get("asked", True):
        return {
            "check": speech.coded("doubt", each["code"]),
            "incidents": None,
            "share": None,
            "done": speech.word("report.not_asked"),
            "detail": "",
        }
    done = speech.word(f"doubt_done.{each['done']}") if each["incidents"] else speech.word("report.nothing_found")
    return {"check": speech.coded("doubt", each["code"]), "incidents": each["incidents"], "share": each["share"], "done": done,
            "detail": _doubted(speech, each["facts"])}  # fmt: skip


def _doubted(speech: Speech, facts: Answer) -> str:
    told = [
        speech.word(
            "report.pile_default" if pile["likely_default"] else "report.pile", lon=f"{pile['lon']:.5f}", lat=f"{pile['lat']:.5f}",
            n=speech.number(pile["incidents"]),
        )
        for pile in facts.get("piles", [])[:3]
    ]  # fmt: skip
    told += [
        speech.word(
            "report.busy_day", day=day(busy["day"], speech.language), n=speech.number(busy["incidents"]), usual=f"{busy['usual']:.0f}"
        )
        for busy in facts.get("days", [])[:3]
    ]
    told += [
        speech.word(
            "report.level", source=speech.coded("source", level["source"]), day=day(level["from"], speech.language),
            before=f"{level['before']:.1f}", after=f"{level['after']:.1f}",
        )
        for level in facts.get("levels", [])[:3]
    ]  # fmt: skip
    return speech.word("report.joint").join(told)


def cuts(speech: Speech) -> Table | None:
    """The same question at other sizes of cells."""
    alternate = speech.facts.result["alternate"]
    if not alternate:
        return None
    columns = [
        Column("cell", speech.word("report.cell"), "hectares", 1),
        Column("moved", speech.word("report.moved"), share=1),
        Column("cells", speech.word("report.cells"), "count", 1),
        Column("hot_cells", speech.word("report.hot_cells"), "count", 1),
        Column("jaccard", speech.word("report.jaccard"), "percent", 1),
        Column("refusal", speech.word("report.flag"), share=2),
    ]
    rows: list[Answer] = [
        {**cut, "cell": cut["cell_m2"], "moved": speech.word("report.half_a_cell") if cut["moved"] else "",
         "refusal": speech.word("report.too_few") if cut["refusal"] else ""}
        for cut in alternate["cuts"]
    ]  # fmt: skip
    return Table("other_cells", speech.word("report.cuts_caption"), columns, rows, speech.word("report.cuts_note"))
