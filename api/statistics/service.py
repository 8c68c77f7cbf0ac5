"""Use cases of the panels: one answer for all of a panel's figures, each with the counts behind it."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, timedelta
from typing import Literal

from sqlalchemy.orm import Session

from api.actor import Actor
from api.period import Choice, refuse_unknown
from data.queries import categories, statistics
from data.queries.reach import reach
from data.queries.statistics import WAITING, Asked, Happened, Measures, Moment
from gis.hotspots.rates import LEAST_HOUSEHOLDS
from gis.indicators import INDICATORS, measured

TREND_DAYS = 14
NAMED = ("code", "name", "name_en", "households")
WEEK = timedelta(days=7)
DAY = timedelta(days=1)
RankedBy = Literal["count", "rate_per_1000", "open", "overdue"]
Days = Mapping[date, dict[str, int]]
Answer = dict[str, object]


def asked(session: Session, actor: Actor, choice: Choice) -> tuple[Asked, Moment]:
    """What is asked for, with the moment that is now; NotFound for ground out of scope, BadValue for unknown categories."""
    at = statistics.moment(session)
    first, after = choice.period.days(at)
    refuse_unknown(session, actor, choice.categories)
    area = choice.area if choice.grid is None else statistics.community_of(session, actor.scope, choice.grid)
    return Asked(reach(session, actor.scope, area), first, after, choice.categories, choice.hours, choice.grid), at


def overview(session: Session, actor: Actor, choice: Choice) -> Answer:
    """Key figures, trend, categories, hours and ranking of an area or a grid; a grid is ranked among those of its community."""
    actor.must("statistics")
    wanted, at = asked(session, actor, choice)
    shown = _days_before(wanted.after, TREND_DAYS)
    happened = statistics.happened(session, actor.scope, wanted, at, shown=(shown[0], at.today + DAY), summed=_now_and_before(wanted))
    waits = statistics.waiting(session, actor.scope, wanted, at)
    waiting = _together(waits) | {"today_then": statistics.today_then(session, actor.scope, wanted, at)}
    counts, by_hour = statistics.by_category_and_hour(session, actor.scope, wanted, at)
    return {
        "area": choice.area,
        "period": told(wanted),
        "now": at.now,
        "kpi": _key_figures(session, actor, wanted, at, happened, waiting, shown),
        "trend": _trend(happened.days, shown, at, waiting["due_later_today"]),
        "categories": _named_categories(session, actor, dict.fromkeys(wanted.categories, 0) | counts),
        "hours": by_hour,
        "ranking": _ranking(session, actor, replace(wanted, grid=None), at, waits),
    }


def ranked_grids(session: Session, actor: Actor, choice: Choice, order: RankedBy, limit: int) -> Answer:
    """The grids of an area with the highest figure of one kind, whatever community they lie in; grids without the figure are left out."""
    actor.must("statistics")
    wanted, at = asked(session, actor, choice)
    found = [each for each in _ranked_grids(session, actor, replace(wanted, grid=None), at) if each[order]]
    found.sort(key=lambda each: (-each[order], each["code"]))  # type: ignore[operator]
    return {"period": told(wanted), "now": at.now, "items": found[:limit]}


def indicators(session: Session, actor: Actor, choice: Choice) -> Answer:
    """Every indicator of the dictionary for one area and period, with numerator and denominator."""
    actor.must("statistics")
    wanted, at = asked(session, actor, choice)
    none_by_day = (wanted.first, wanted.first)
    happened = statistics.happened(session, actor.scope, wanted, at, shown=none_by_day, summed=_now_and_before(wanted))
    waiting = _together(statistics.waiting(session, actor.scope, wanted, at))
    counts = _counts(happened, wanted.first, wanted.after, at, waiting)
    before = _counts(happened, wanted.first - WEEK, wanted.after - WEEK, at, waiting | {"overdue": waiting["overdue_then"]})
    items = []
    for name in INDICATORS:
        value = measured(name, counts)
        items.append(
            {
                "id": name,
                "value": value.value,
                "unit": value.unit,
                "numerator": value.numerator,
                "denominator": value.denominator,
                "version": value.version,
                "reference": measured(name, before).value,
            }
        )
    return {"area": choice.area, "period": told(wanted), "now": at.now, "items": items}


def _together(waits: dict[int, Measures]) -> Measures:
    """What waits in all communities."""
    return {name: sum(each[name] for each in waits.values()) for name in WAITING}


def _key_figures(
    session: Session, actor: Actor, wanted: Asked, at: Moment, happened: Happened, waiting: dict[str, int], shown: list[date]
) -> list[Answer]:
    """Six figures; each reference is the same hour, or the same period, a week ago."""
    on_duty, officers = statistics.duty(session, actor.scope, wanted, at) if actor.may("officers") else (0, 0)
    days = happened.days
    now = _counts(happened, wanted.first, wanted.after, at, waiting)
    before = _counts(happened, wanted.first - WEEK, wanted.after - WEEK, at, waiting)
    by_day = [_counts(happened, day, day + DAY, at, waiting) for day in shown]
    figures = [
        _figure("today", days.get(at.today, {}).get("reported", 0), "count", waiting["today_then"], [each["reported"] for each in by_day]),
        _figure("open", waiting["open"], "count", waiting["open_then"], _open_series(days, shown, at, waiting["open"])),
        _figure("overdue", waiting["overdue"], "count", waiting["overdue_then"], _overdue_series(days, shown, at, waiting)),
    ]
    for name, indicator, unit in (("closing_rate", "closing_rate", "ratio"), ("mean_handling", "mean_handling_hours", "hours")):
        value = measured(indicator, now)
        series = [measured(indicator, each).value for each in by_day]
        figures.append(_figure(name, value.value, unit, measured(indicator, before).value, series, value.numerator, value.denominator))
    figures.append(_figure("on_duty", on_duty, "officers", None, [], on_duty, officers))
    return figures


def _figure(
    name: str, value: float | None, unit: str, reference: float | None, series: list[float | None] | list[int] | list[float],
    numerator: float | None = None, denominator: float | None = None,
) -> Answer:  # fmt: skip
    return {
        "id": name, "value": value, "unit": unit, "reference": reference,
        "numerator": value if numerator is None else numerator, "denominator": denominator, "series": series,
    }  # fmt: skip


def _counts(happened: Happened, first: date, after: date, at: Moment, waiting: dict[str, int]) -> dict[str, float]:
    """Counts of a period by the names of the indicators' dictionary.

    Due leaves out what is open and has its deadline later today: that can still be on time.
    """
    sums = happened.between(first, after)
    pending = waiting["due_later_today"] if first <= at.today < after else 0
    return {
        "reported": sums["reported"],
        "filed": sums["filed"],
        "closed": sums["closed"],
        "closed_at_grid": sums["closed_in_grid"],
        "closed_of_due": sums["due_closed"],
        "closed_on_time_of_due": sums["due_on_time"],
        "due": max(sums["due"] - pending, 0),
        "running_hours": sums["handled_s"] / 3600,
        "overdue": waiting["overdue"],
    }


def _open_series(days: Days, shown: list[date], at: Moment, now_open: int) -> list[int]:
    """Open at the end of each day: what is open now, less what came since, plus what ended since."""
    series = []
    for day in shown:
        since = [counts for each, counts in days.items() if day < each <= at.today]
        series.append(now_open - sum(each["reported"] for each in since) + sum(each["ended"] for each in since))
    return series


def _overdue_series(days: Days, shown: list[date], at: Moment, waiting: dict[str, int]) -> list[int]:
    """Open and late at the end of each day, told back from now in the same way."""
    series = []
    for day in shown:
        since = [each for each in days if day < each <= at.today]
        fell_due = sum(_fell_late(days, each, at, waiting["due_later_today"]) for each in since)
        series.append(max(waiting["overdue"] - fell_due + sum(days[each]["closed_late"] for each in since), 0))
    return series


def _fell_late(days: Days, day: date, at: Moment, due_later_today: int) -> int:
    """How many missed their deadline on a day."""
    counts = days.get(day)
    if counts is None:
        return 0
    pending = due_later_today if day == at.today else 0
    return max(counts["due"] - counts["due_on_time"] - pending, 0)


def _trend(days: Days, shown: list[date], at: Moment, due_later_today: int) -> list[Answer]:
    return [
        {
            "day": day,
            "reported": days.get(day, {}).get("reported", 0),
            "closed": days.get(day, {}).get("closed", 0),
            "overdue": _fell_late(days, day, at, due_later_today),
        }
        for day in shown
    ]


def _named_categories(session: Session, actor: Actor, counts: dict[int, int]) -> list[Answer]:
    """The categories that count anything, and those asked for in any case, most first."""
    named = [row._mapping for row in categories.every(session, actor.scope) if row.id in counts]
    fields = ("id", "code", "name", "name_en", "symbol")
    return sorted(
        ({field: row[field] for field in fields} | {"count": counts[row["id"]]} for row in named),
        key=lambda each: (-int(each["count"]), each["code"]),
    )


def _ranking(session: Session, actor: Actor, wanted: Asked, at: Moment, waits: dict[int, Measures]) -> list[Answer]:
    """The children of the area, most incidents first: streets of a district, communities of a street, grids of a community."""
    if wanted.reach.level == "community":
        ranked = _ranked_grids(session, actor, wanted, at)
    else:
        children = _streets_or_communities(session, actor, wanted, at)
        counts = statistics.by_community(session, actor.scope, wanted, at)
        waiting = {community: (each["open"], each["overdue"]) for community, each in waits.items()}
        ranked = [_ranked(child, counts, waiting) for child in children]
    return sorted(ranked, key=lambda each: (-each["count"], each["code"]))  # type: ignore[operator]


def _ranked_grids(session: Session, actor: Actor, wanted: Asked, at: Moment) -> list[Answer]:
    counts = statistics.by_grid(session, actor.scope, wanted, at)
    waiting = statistics.waiting_by_grid(session, actor.scope, wanted, at)
    return [
        _ranked({"grid_id": row.id, "level": "grid", "of": [row.id]} | {each: getattr(row, each) for each in NAMED}, counts, waiting)
        for row in statistics.grids(session, actor.scope, wanted, at)
    ]


def _streets_or_communities(session: Session, actor: Actor, wanted: Asked, at: Moment) -> list[Answer]:
    communities = statistics.communities(session, actor.scope, wanted, at)
    streets = wanted.reach.level == "district" or (wanted.reach.level == "scope" and len({row.street_id for row in communities}) > 1)
    children: dict[int, Answer] = {}
    for row in communities:
        if streets:
            one: Answer = {"code": row.street_code, "level": "street", "name": row.street_name, "name_en": row.street_name_en}
        else:
            one = {"code": row.code, "level": "community", "name": row.name, "name_en": row.name_en}
        child = children.setdefault(row.street_id if streets else row.community_id, one | {"households": 0, "of": []})
        child["households"] += int(row.households)  # type: ignore[operator]
        child["of"].append(row.community_id)  # type: ignore[attr-defined]
    return list(children.values())


def _ranked(child: Answer, counts: dict[int, int], waiting: dict[int, tuple[int, int]]) -> Answer:
    of: list[int] = child.pop("of")  # type: ignore[assignment]
    households: int = child["households"]  # type: ignore[assignment]
    count = sum(counts.get(each, 0) for each in of)
    return child | {
        "count": count,
        "rate_per_1000": rate_per_1000(count, households),
        "open": sum(waiting.get(each, (0, 0))[0] for each in of),
        "overdue": sum(waiting.get(each, (0, 0))[1] for each in of),
    }


def rate_per_1000(count: int, households: int) -> float | None:
    """Incidents per 1,000 households; None for too few households."""
    return None if households < LEAST_HOUSEHOLDS else round(count / households * 1000, 3)


def _now_and_before(wanted: Asked) -> list[tuple[date, date]]:
    """The period asked for and the same of a week ago, from the first day to before the second."""
    return [(wanted.first, wanted.after), (wanted.first - WEEK, wanted.after - WEEK)]


def _days_before(after: date, number: int) -> list[date]:
    return [after - timedelta(days=back) for back in range(number, 0, -1)]


def told(wanted: Asked) -> Answer:
    """The period as it is answered: first and last day."""
    return {"from": wanted.first, "to": wanted.after - DAY}
