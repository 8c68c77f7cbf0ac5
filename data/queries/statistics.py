"""Counts that panels show: rollups plus what is not folded yet, cut to the communities a question reaches."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from itertools import groupby
from operator import itemgetter
from typing import Any
from zoneinfo import ZoneInfo

import psycopg
from sqlalchemy import Row, TextClause, text
from sqlalchemy.orm import Session

from data.database import once
from data.queries.present_ground import carried
from data.queries.reach import Reach
from data.scope import Scope
from data.statements import statements
from gis.errors import NotFound

YEAR = timedelta(days=365)
WEEK = timedelta(days=7)
MEASURES = (
    "reported", "filed", "ended", "closed", "on_spot", "closed_in_grid", "closed_in_community", "closed_late",
    "handled_s", "due", "due_closed", "due_on_time",
)  # fmt: skip
EPOCH = date(1970, 1, 1)
WAITING = ("open", "overdue", "due_later_today", "open_then", "overdue_then")
"""Columns of what waits, in their order."""
EVERY_CATEGORY = 0
"""Stands for all categories in slots of the whole ground and of what waits."""
EVERY_HOUR = 24
"""Stands for all hours in slots of what waits."""
PLACED = "community_id = ANY (:communities)"
IN_HOURS = "extract(hour FROM reported_at AT TIME ZONE :zone)::integer = ANY (:hours)"
EACH_HOUR = re.compile(r"\{([^{}]+)\}")
"""In a statement: what is added up for each hour asked for, in place, since no subquery is as fast."""
Rows = Sequence[Row[Any]]
Measures = dict[str, int]
Days = tuple[date, date]
"""From the first to before the second."""


@dataclass(frozen=True, slots=True)
class Moment:
    """What this deployment calls now, and the zone its days are cut in; `waiting_is_kept` says that folds keep what waits near it."""

    now: datetime
    zone: ZoneInfo
    waiting_is_kept: bool = False

    @property
    def today(self) -> date:
        """The deployment's day."""
        return self.now.astimezone(self.zone).date()

    @property
    def year(self) -> tuple[date, date]:
        """What is meant by a year's incidents: the last 365 days, today the last of them; from the first to before the second."""
        after = self.today + timedelta(days=1)
        return after - YEAR, after

    def starts(self, day: date) -> datetime:
        """When a day begins."""
        return datetime.combine(day, time(), self.zone)


@dataclass(frozen=True, slots=True)
class Asked:
    """What is counted: where, of which grid, categories and hours of report (none named: all), from the day `first` to before `after`."""

    reach: Reach
    first: date
    after: date
    categories: tuple[int, ...] = ()
    hours: tuple[int, ...] = ()
    grid: int | None = None

    def on(self, first: date, after: date) -> "Asked":
        """The same question about other days."""
        return replace(self, first=first, after=after)

    @property
    def chosen(self) -> bool:
        """Whether only some categories or hours count."""
        return bool(self.categories or self.hours)

    @property
    def crossed(self) -> bool:
        """Whether categories and hours cut each other."""
        return bool(self.categories and self.hours)

    def binds(self, moment: Moment) -> dict[str, object]:
        """Every bind a statement of this noun may have."""
        months, edges = whole_months(self.first, self.after)
        years = list(parts_of_years(months))
        return {
            "communities": list(self.reach.communities),
            "categories": list(self.categories),
            "every": not self.categories,
            "kinds": list(self.categories) or [EVERY_CATEGORY],
            "hours": list(self.hours),
            "all_day": not self.hours,
            "slots": list(self.hours) or [EVERY_HOUR],
            "grid": self.grid,
            # Without whole months all days lie before them.
            "months_from": months[0] if months else self.after,
            "months_to": months[1] if months else self.after,
            "years": [month.replace(month=1) for month, _ in years],
            "first_months": [month.month for month, _ in years],
            "last_months": [last.month for _, last in years],
            "first": self.first,
            "after": self.after,
            "starts": moment.starts(self.first),
            "ends": moment.starts(self.after),
            "zone": moment.zone.key,
            "now": moment.now,
            "today": moment.today,
        } | _named_parts([*parts_of_days(day for edge in edges for day in each_day(*edge))])


def moment(session: Session) -> Moment:
    """The moment and zone of this deployment."""

    def ask() -> Moment:
        row = session.execute(_named("moment")).one()
        return Moment(row.now, ZoneInfo(row.zone), row.waiting_is_kept)

    return once(session, "moment", ask)


@dataclass(frozen=True, slots=True)
class Happened:
    """Measures by day; of whole months between them by month, where these are told apart."""

    days: Mapping[date, Measures]
    months: Mapping[date, Measures] | None = None

    def between(self, first: date, after: date) -> Measures:
        """The sums of days from one to before another."""
        within, edges = (None, [(first, after)]) if self.months is None else whole_months(first, after)
        told = [self.days[day] for edge in edges for day in each_day(*edge) if day in self.days]
        told += [counts for month, counts in (self.months or {}).items() if within and within[0] <= month < within[1]]
        return {measure: sum(map(itemgetter(measure), told)) for measure in MEASURES}


def happened(session: Session, scope: Scope, asked: Asked, at: Moment, *, shown: Days, summed: Sequence[Days]) -> Happened:
    """Measures of the days `shown`, one by one, and of the periods `summed`, of which the whole months may be told at once."""
    by_month = _by_month(asked)
    if by_month is None:
        spans = [shown, *summed]
        return Happened(days(session, scope, asked.on(min(first for first, _ in spans), max(after for _, after in spans)), at))
    cut = [whole_months(*each) for each in summed]
    apart = {day for edge in (shown, *(edge for _, edges in cut for edge in edges)) for day in each_day(*edge)}
    months = {month for within, _ in cut for month in each_month(within)}
    told = _told_by_day(session, asked, at, apart)
    if not months:
        return Happened(told)
    whole = asked.on(min(months), _next_month(max(months)))
    return Happened(told, _by(session.execute(_named(by_month, asked.hours), whole.binds(at))))


def days(session: Session, scope: Scope, asked: Asked, at: Moment) -> dict[date, Measures]:
    """MEASURES of each day that has any; days are the deployment's."""
    return _told_by_day(session, asked, at, each_day(asked.first, asked.after))


def _by_month(asked: Asked) -> str | None:
    """The statement that tells whole months; None where days are told as fast, or nothing else is kept."""
    if not asked.chosen:
        return None
    if asked.grid is not None:
        return None if asked.crossed else "months_of_grid_hours" if asked.hours else "months_of_grid_categories"
    if asked.reach.whole:
        return "months_of_ground_hours" if asked.hours else None
    return "months_of_both" if asked.crossed else "months_of_hours" if asked.hours else "months_of_categories"


def _by_day(asked: Asked) -> str:
    """The statement that tells days one by one."""
    if asked.grid is not None:
        return "days_of_chosen_in_grid" if asked.chosen else "days_of_grid"
    if asked.reach.whole:
        return "days_of_ground_hours" if asked.hours else "days_of_ground_categories" if asked.categories else "days_of_ground"
    return (
        "days_of_both" if asked.crossed else "days_of_hours" if asked.hours else "days_of_kept_categories" if asked.categories else "days"
    )


def _told_by_day(session: Session, asked: Asked, at: Moment, days: Iterable[date]) -> dict[date, Measures]:
    told, name = sorted(days), _by_day(asked)
    binds = asked.binds(at) | _named_parts([*parts_of_days(told)]) | _named_runs([*runs_of_days(told)], at)
    binds |= {"days": told, "months_of_days": sorted({day.replace(day=1) for day in told})}
    rows = session.execute(_named(name, asked.hours), binds)
    return _by_cell(rows) if name == "days_of_both" else _by(rows)


def _by_cell(rows: Iterable[Any]) -> dict[date, Measures]:
    by_day: dict[date, Measures] = {}
    for cell, amount in rows:
        since, measure = divmod(cell, len(MEASURES))
        by_day.setdefault(EPOCH + timedelta(days=since), dict.fromkeys(MEASURES, 0))[MEASURES[measure]] = amount
    return by_day


def _by(rows: Iterable[Row[Any]]) -> dict[date, Measures]:
    return {row[0]: dict(zip(MEASURES, row[1:], strict=True)) for row in rows}


def _named_runs(runs: Sequence[Days], at: Moment) -> dict[str, object]:
    return {
        "run_firsts": [first for first, _ in runs],
        "run_afters": [after for _, after in runs],
        "run_starts": [at.starts(first) for first, _ in runs],
        "run_ends": [at.starts(after) for _, after in runs],
    }


def _named_parts(parts: Sequence[tuple[date, int, int]]) -> dict[str, object]:
    return {
        "parts": [month for month, _, _ in parts],
        "first_days": [first for _, first, _ in parts],
        "last_days": [last for _, _, last in parts],
    }


def waiting(session: Session, scope: Scope, asked: Asked, at: Moment) -> dict[int, Measures]:
    """By community what is open and overdue now, what of it is due later today, and what was open and overdue at the same hour a week ago.

    Where folds keep what waits, the week ends at the last of them, which is seconds ago.
    """
    kept = "waiting_kept" if asked.grid is None else "waiting_of_grid_kept"
    told = _named(kept) if at.waiting_is_kept else _choosing("waiting", asked)
    binds = asked.binds(at) | {"then": at.now - WEEK, "day_ends": at.starts(at.today + timedelta(days=1))}
    return {id: dict(zip(WAITING, counts, strict=True)) for id, *counts in session.execute(told, binds).all()}


def today_then(session: Session, scope: Scope, asked: Asked, at: Moment) -> int:
    """What was reported on the day a week ago, up to the same time."""
    then = at.now - WEEK
    local = then.astimezone(at.zone)
    hours = asked.hours or range(24)
    binds = asked.binds(at) | {
        "then": then,
        "then_day": at.starts(at.today - WEEK),
        "then_date": local.date(),
        "hours_before": [hour for hour in hours if hour < local.hour],
        "then_hour_counts": local.hour in hours,
        "then_hour_starts": local.replace(minute=0, second=0, microsecond=0),
    }
    # Where the clocks were changed that day, an hour of the clock is not one of the day.
    even = local.utcoffset() == at.starts(local.date()).utcoffset() and local.date() == at.today - WEEK
    of_ground = asked.reach.whole and even and asked.grid is None
    told = _named("today_then_of_ground") if of_ground else _choosing("today_then", asked)
    return int(session.execute(told, binds).scalar_one())


def by_category_and_hour(session: Session, scope: Scope, asked: Asked, at: Moment) -> tuple[dict[int, int], list[int]]:
    """Reported by category in the hours asked for, and by hour of the deployment's day in the categories asked for."""
    counts: Counter[int] = Counter()
    hours: Counter[int] = Counter()
    if asked.grid is not None:
        _count_grid(session, asked, at, counts, hours)
    else:
        _count_communities(session, asked, at, counts, hours)
    return {category: count for category, count in counts.items() if count}, [hours[hour] for hour in range(24)]


def _count_grid(session: Session, asked: Asked, at: Moment, counts: Counter[int], hours: Counter[int]) -> None:
    for category, hour, reported in session.execute(_named("categories_of_grid"), asked.binds(at)):
        if not asked.hours or hour in asked.hours:
            counts[category] += reported
        if not asked.categories or category in asked.categories:
            hours[hour] += reported


def _count_communities(session: Session, asked: Asked, at: Moment, counts: Counter[int], hours: Counter[int]) -> None:
    """Whole months first, then what is left of the period; the whole ground has its own days before and after months."""
    months, edges = whole_months(asked.first, asked.after)
    name = "categories_by_month"
    if asked.reach.whole:
        months, edges, name = (asked.first, asked.after), [], "categories_of_ground"
    if months:
        for row in session.execute(_named(name), asked.on(*months).binds(at)):
            counts[row.category_id] += sum(int(row.hours[hour]) for hour in asked.hours or range(24))
            if not asked.categories or row.category_id in asked.categories:
                hours.update({hour: int(count) for hour, count in enumerate(row.hours)})
    for edge in edges:
        binds = asked.on(*edge).binds(at)
        told = session.execute(_named("categories_of_hours" if asked.hours else "categories_by_day", asked.hours), binds)
        counts.update({row.category_id: int(row.reported) for row in told})
        told = session.execute(_named("hours_of_categories" if asked.categories else "hours_by_day"), binds)
        hours.update({row.hour: int(row.reported) for row in told})


def by_community(session: Session, scope: Scope, asked: Asked, at: Moment) -> dict[int, int]:
    """Reported by community; of no grid, which `by_grid` tells."""
    if asked.crossed:
        told = _named("communities_of_both", asked.hours)
    elif asked.categories:
        told = _named("communities_of_categories")
    else:
        told = _named("communities_by_hour" if asked.hours else "communities_by_day", asked.hours)
    return {row.community_id: int(row.reported) for row in session.execute(told, asked.binds(at))}


def by_grid(session: Session, scope: Scope, asked: Asked, at: Moment) -> dict[int, int]:
    """Reported by the grids of today, or by the one that is asked for."""
    if asked.crossed:
        told = _named("grids_of_both", asked.hours)
    elif asked.categories:
        told = _named("grids_of_categories")
    else:
        told = _named("grids_by_hour" if asked.hours else "grids_by_day", asked.hours)
    counts: dict[int, int] = dict(session.execute(told, asked.binds(at)).all())
    moved = carried(
        session, scope, at.starts(asked.first), at.starts(asked.after),
        categories=asked.categories, communities=asked.reach.communities, hours=asked.hours,
    )  # fmt: skip
    for grid, change in moved.items():
        counts[grid] = counts.get(grid, 0) + change
    return counts if asked.grid is None else {asked.grid: counts.get(asked.grid, 0)}


def waiting_by_grid(session: Session, scope: Scope, asked: Asked, at: Moment) -> dict[int, tuple[int, int]]:
    """Open and overdue now by grid."""
    kept = _named("waiting_by_grid_kept", asked.hours or (EVERY_HOUR,))
    told = kept if at.waiting_is_kept else _choosing("waiting_by_grid", asked)
    counts = {id: (still_open, overdue) for id, still_open, overdue in session.execute(told, asked.binds(at))}
    return counts if asked.grid is None else {asked.grid: counts.get(asked.grid, (0, 0))}


def homes(session: Session, scope: Scope, asked: Asked, at: Moment) -> dict[int, int]:
    """Households of the current grids of the primary scheme, by code."""
    return dict(session.execute(_named("homes"), asked.binds(at)).all())


def grids(session: Session, scope: Scope, asked: Asked, at: Moment) -> Rows:
    """Current grids of the primary scheme with households, by code."""
    return session.execute(_named("grids"), asked.binds(at)).all()


def communities(session: Session, scope: Scope, asked: Asked, at: Moment) -> Rows:
    """The communities reached, each with its street and its households."""
    return session.execute(_named("areas_above"), asked.binds(at)).all()


def community_of(session: Session, scope: Scope, grid: int) -> str:
    """The code of the community of a current grid in scope; NotFound otherwise."""
    row = session.execute(_named("community_of"), {"grid": grid}).one_or_none()
    if row is None or not scope.covers(row.id):
        raise NotFound("There is no such grid in your scope.", grid=grid)
    return str(row.code)


def duty(session: Session, scope: Scope, asked: Asked, at: Moment) -> tuple[int, int]:
    """Officers on duty and officers in all."""
    row = session.execute(_named("duty"), asked.binds(at)).one()
    return row.on_duty, row.officers


def answering(session: Session, scope: Scope, asked: Asked, at: Moment) -> Rows:
    """Who answers for each grid today."""
    return session.execute(_named("answering"), asked.binds(at)).all()


def caring(session: Session, scope: Scope, asked: Asked, at: Moment) -> dict[int, int]:
    """Households of each grid in which somebody needs care today, of the classes the caller may know of."""
    return {row.grid_id: int(row.households) for row in session.execute(_named("caring"), asked.binds(at))}


def served(session: Session, scope: Scope, asked: Asked, at: Moment) -> dict[int, tuple[int, int]]:
    """Households of each grid within `service_circle_m()` of a service point that works, and households in all."""
    rows = session.execute(_named("served"), asked.binds(at))
    return {row.grid_id: (int(row.near), int(row.households)) for row in rows}


def reported_by_officers(session: Session, scope: Scope, asked: Asked, at: Moment) -> tuple[int, int]:
    """Reported by officers in the period, and filed of these."""
    row = session.execute(_named("reported_by_officers"), asked.binds(at)).one()
    return row.reported, row.filed


def kept_breaks(session: Session, scope: Scope, day: date, question: bytes) -> list[float] | None:
    """The class breaks this question has today, None when it is asked for the first time."""
    breaks: list[float] | None = session.execute(_named("breaks"), {"day": day, "question": question}).scalar_one_or_none()
    return breaks


def keep_breaks(session: Session, scope: Scope, day: date, question: bytes, breaks: Sequence[float]) -> list[float]:
    """Keep class breaks for the day; whoever was first is right."""
    kept: list[float] = session.execute(_named("keep_breaks"), {"day": day, "question": question, "breaks": list(breaks)}).scalar_one()
    return kept


def rebuild_statistics(connection: Session | psycopg.Connection) -> int:
    """Make the rollups equal a recount, as the owner of the schema; returns the cells that differed. Safe beside writers."""
    if isinstance(connection, Session):
        return int(connection.execute(text("SELECT statistics_mend()")).scalar_one())
    row = connection.execute("SELECT statistics_mend()").fetchone()
    assert row is not None, "a function answers with one row"
    return int(row[0])


def fold_statistics(session: Session) -> int:
    """Move the deltas into the rollups, as the owner of the schema, and what waits on to now; 0 while another fold is at work."""
    session.execute(text("SELECT waiting_fold()"))
    return int(session.execute(text("SELECT statistics_fold()")).scalar_one())


def whole_months(first: date, after: date) -> tuple[tuple[date, date] | None, list[tuple[date, date]]]:
    """The whole months within [first, after), and what is left of it at both ends."""
    begin = first if first.day == 1 else _next_month(first)
    end = after.replace(day=1)
    if begin >= end:
        return None, [(first, after)] if first < after else []
    edges = [(first, begin), (end, after)]
    return (begin, end), [edge for edge in edges if edge[0] < edge[1]]


def runs_of_days(days: Iterable[date]) -> Iterator[Days]:
    """Days that follow each other: from the first to before the day after the last."""
    # What follows each other keeps its distance from its place in the row.
    for _, run in groupby(enumerate(sorted(days)), lambda each: each[1] - timedelta(days=each[0])):
        told = [day for _, day in run]
        yield told[0], told[-1] + timedelta(days=1)


def parts_of_days(days: Iterable[date]) -> Iterator[tuple[date, int, int]]:
    """Days that follow each other within a month: the month, the first and the last of them."""
    for month, of_month in groupby(sorted(days), lambda day: day.replace(day=1)):
        for first, after in runs_of_days(of_month):
            yield month, first.day, (after - timedelta(days=1)).day


def parts_of_years(months: Days | None) -> Iterator[Days]:
    """The first and the last month of each year within whole months."""
    first, after = months or (date.max, date.min)
    while first < after:
        following = min(date(first.year + 1, 1, 1), after)
        yield first, (following - timedelta(days=1)).replace(day=1)
        first = following


def each_day(first: date, after: date) -> Iterator[date]:
    """Every day from one to before another."""
    return (first + timedelta(days=ahead) for ahead in range((after - first).days))


def each_month(months: Days | None) -> Iterator[date]:
    """The first day of each of some whole months."""
    first, after = months or (date.max, date.min)
    while first < after:
        yield first
        first = _next_month(first)


def _next_month(day: date) -> date:
    return (day.replace(day=28) + timedelta(days=4)).replace(day=1)


def _named(name: str, hours: Iterable[int] = ()) -> TextClause:
    """The statement, with what stands in braces added up for some hours."""

    def added(found: re.Match[str]) -> str:
        return "(" + " + ".join(re.sub(r"\bhour\b", str(hour), found[1]) for hour in hours) + ")"

    statement = statements("statistics")[name]
    return text(EACH_HOUR.sub(added, statement.text)) if hours else statement


def _choosing(name: str, asked: Asked) -> TextClause:
    """The statement, cut to a grid and to hours of the day only where some are asked for: without them the covering indexes are enough."""
    cuts = [PLACED, *([IN_HOURS] if asked.hours else []), *(["grid_id = :grid"] if asked.grid is not None else [])]
    return text(_named(name).text.replace(PLACED, " AND ".join(cuts)))
