"""Counts that panels show: rollups plus what is not folded yet, cut to the communities a question reaches."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
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
HOUR_S, DAY_S = 3_600, 86_400
MEASURES = (
    "reported", "filed", "ended", "closed", "on_spot", "closed_in_grid", "closed_in_community", "closed_late",
    "handled_s", "due", "due_closed", "due_on_time",
)  # fmt: skip
WAITING = ("open", "overdue", "due_later_today", "open_then", "overdue_then")
"""Columns of what waits, in their order."""
EVERY_CATEGORY = 0
"""Stands for all categories in slots of the whole ground."""
PLACED = "community_id = ANY (:communities)"
IN_HOURS = "extract(hour FROM reported_at AT TIME ZONE :zone)::integer = ANY (:hours)"
ANY_CATEGORY = "(:every OR category_id = ANY (:categories))"
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
    def counted(self) -> bool:
        """Whether the incidents themselves are counted: nothing else holds all measures of a grid."""
        return self.grid is not None

    @property
    def chosen(self) -> bool:
        """Whether only some of the incidents count; what is kept without categories and hours holds them all."""
        return bool(self.categories or self.hours) or self.counted

    @property
    def crossed(self) -> bool:
        """Whether categories and hours cut each other: kept of what communities reported and of the days of the whole ground alone."""
        return bool(self.categories and self.hours) or self.counted

    def binds(self, moment: Moment) -> dict[str, object]:
        """Every bind a statement of this noun may have."""
        months, edges = whole_months(self.first, self.after)
        parts = list(parts_of_months(edges))
        years = list(parts_of_years(months))
        return {
            "communities": list(self.reach.communities),
            "categories": list(self.categories),
            "every": not self.categories,
            "kinds": list(self.categories) or [EVERY_CATEGORY],
            "hours": list(self.hours),
            "grid": self.grid,
            # Without whole months all days lie before them.
            "months_from": months[0] if months else self.after,
            "months_to": months[1] if months else self.after,
            "parts": [day.replace(day=1) for day, _ in parts],
            "first_days": [day.day for day, _ in parts],
            "last_days": [last.day for _, last in parts],
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
        }


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
    if asked.crossed or asked.reach.whole or not asked.chosen:
        spans = [shown, *summed]
        return Happened(days(session, scope, asked.on(min(first for first, _ in spans), max(after for _, after in spans)), at))
    by_day, by_month = ("days_of_hours", "months_of_hours") if asked.hours else ("days_of_kept_categories", "months_of_categories")
    cut = [whole_months(*each) for each in summed]
    apart = {day for edge in (shown, *(edge for _, edges in cut for edge in edges)) for day in each_day(*edge)}
    told = _by(session.execute(_named(by_day), asked.binds(at) | _named_days(apart)))
    months = [within for within, _ in cut if within]
    if not months:
        return Happened(told)
    whole = asked.on(min(first for first, _ in months), max(after for _, after in months))
    return Happened(told, _by(session.execute(_named(by_month), whole.binds(at))))


def days(session: Session, scope: Scope, asked: Asked, at: Moment) -> dict[date, Measures]:
    """MEASURES of each day that has any; days are the deployment's."""
    whole = asked.reach.whole
    if asked.counted or (asked.crossed and not whole):
        told = _choosing("days_of_categories", asked)
    elif asked.hours:
        told = _named("days_of_ground_hours" if whole else "days_of_hours")
    elif asked.categories:
        told = _named("days_of_ground_categories" if whole else "days_of_kept_categories")
    else:
        told = _named("days_of_ground" if whole else "days")
    return _by(session.execute(told, asked.binds(at) | _named_days(each_day(asked.first, asked.after))))


def _by(rows: Iterable[Row[Any]]) -> dict[date, Measures]:
    return {row[0]: dict(zip(MEASURES, row[1:], strict=True)) for row in rows}


def _named_days(days: Iterable[date]) -> dict[str, object]:
    told = sorted(days)
    return {"days": told, "months_of_days": sorted({day.replace(day=1) for day in told})}


def waiting(session: Session, scope: Scope, asked: Asked, at: Moment) -> dict[int, Measures]:
    """By community what is open and overdue now, what of it is due later today, and what was open and overdue at the same hour a week ago.

    Where folds keep what waits, the week ends at the last of them, which is seconds ago.
    """
    if at.waiting_is_kept and not asked.crossed:
        told = _named("waiting_of_hours_kept" if asked.hours else "waiting_kept")
    else:
        told = _choosing("waiting", asked)
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
    of_ground = asked.reach.whole and even and not asked.counted
    told = _named("today_then_of_ground") if of_ground else _choosing("today_then", asked)
    return int(session.execute(told, binds).scalar_one())


def by_category_and_hour(session: Session, scope: Scope, asked: Asked, at: Moment) -> tuple[dict[int, int], list[int]]:
    """Reported by category in the hours asked for, and by hour of the deployment's day in the categories asked for."""
    counted_hours = asked.hours or range(24)
    months, edges = whole_months(asked.first, asked.after)
    name = "categories_by_month"
    if asked.grid is not None:
        months, edges = None, [(asked.first, asked.after)]
    elif asked.reach.whole:
        months, edges, name = (asked.first, asked.after), [], "categories_of_ground"  # its own days before and after months
    counts: Counter[int] = Counter()
    hours: Counter[int] = Counter()
    if months:
        for row in session.execute(_named(name), asked.on(*months).binds(at)):
            counts[row.category_id] += sum(int(row.hours[hour]) for hour in counted_hours)
            if not asked.categories or row.category_id in asked.categories:
                hours.update({hour: int(count) for hour, count in enumerate(row.hours)})
    for edge in edges:
        if asked.counted:
            _count_edge(session, asked.on(*edge), at, counts, hours)
            continue
        binds = asked.on(*edge).binds(at)
        told = session.execute(_named("categories_of_hours" if asked.hours else "categories_by_day"), binds)
        counts.update({row.category_id: int(row.reported) for row in told})
        told = session.execute(_named("hours_of_categories" if asked.categories else "hours_by_day"), binds)
        hours.update({row.hour: int(row.reported) for row in told})
    return {category: count for category, count in counts.items() if count}, [hours[hour] for hour in range(24)]


def _count_edge(session: Session, asked: Asked, at: Moment, counts: Counter[int], hours: Counter[int]) -> None:
    """Add what the index says of days that are no whole months, where categories and hours cut each other."""
    for row in session.execute(_choosing("categories_by_time", replace(asked, hours=())), asked.binds(at)):
        if not asked.hours or row.hour in asked.hours:
            counts[row.category_id] += row.reported
        if not asked.categories or row.category_id in asked.categories:
            hours[row.hour] += row.reported


def by_community(session: Session, scope: Scope, asked: Asked, at: Moment) -> dict[int, int]:
    """Reported by community."""
    if asked.counted:
        told = _choosing("communities_by_time", asked)
    elif asked.crossed:
        told = _named("communities_of_both")
    elif asked.categories:
        told = _named("communities_of_categories")
    else:
        told = _named("communities_by_hour" if asked.hours else "communities_by_day")
    return {row.community_id: int(row.reported) for row in session.execute(told, asked.binds(at))}


def by_grid(session: Session, scope: Scope, asked: Asked, at: Moment) -> dict[int, int]:
    """Reported by the grids of today, as kept; some categories in some hours, or one grid, from the index."""
    binds = asked.binds(at)
    if asked.counted:
        told = _choosing("grids_by_time", asked)
    elif asked.crossed:
        told = _named("grids_of_both")
        binds["utc_hours"], binds["exact"] = utc_hours(asked.hours, at.zone, asked.first, asked.after)
    elif asked.categories:
        told = _named("grids_of_categories")
    else:
        told = _named("grids_by_hour" if asked.hours else "grids_by_day")
    counts: dict[int, int] = dict(session.execute(told, binds).all())
    moved = carried(
        session, scope, at.starts(asked.first), at.starts(asked.after),
        categories=asked.categories, communities=asked.reach.communities, hours=asked.hours,
    )  # fmt: skip
    for grid, change in moved.items():
        counts[grid] = counts.get(grid, 0) + change
    return counts


def waiting_by_grid(session: Session, scope: Scope, asked: Asked, at: Moment) -> dict[int, tuple[int, int]]:
    """Open and overdue now by grid."""
    kept = at.waiting_is_kept and not asked.chosen
    told = _named("waiting_by_grid_kept") if kept else _choosing("waiting_by_grid", asked)
    return {id: (still_open, overdue) for id, still_open, overdue in session.execute(told, asked.binds(at)).all()}


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


def parts_of_months(edges: list[tuple[date, date]]) -> Iterator[tuple[date, date]]:
    """The first and the last day of each month that the edges hold days of."""
    for first, after in edges:
        begins = first
        while begins < after:
            ends = min(_next_month(begins), after)
            yield begins, ends - timedelta(days=1)
            begins = ends


def parts_of_years(months: Days | None) -> Iterator[Days]:
    """The first and the last month of each year within whole months."""
    first, after = months or (date.max, date.min)
    while first < after:
        following = min(date(first.year + 1, 1, 1), after)
        yield first, (following - timedelta(days=1)).replace(day=1)
        first = following


def utc_hours(hours: Iterable[int], zone: ZoneInfo, first: date, after: date) -> tuple[list[int], bool]:
    """The hours of UTC in which some hours of a zone's clock lie from one day to before another, and whether nothing else lies in them."""
    offsets = {_offset_s(day, zone) for day in each_day(first, after + timedelta(days=1))}
    begins = {(hour * HOUR_S - offset) % DAY_S for hour in hours for offset in offsets}
    within = {moment // HOUR_S % 24 for begin in begins for moment in (begin, begin + HOUR_S - 1)}
    return sorted(within), len(offsets) == 1 and not any(begin % HOUR_S for begin in begins)


def _offset_s(day: date, zone: ZoneInfo) -> int:
    offset = datetime.combine(day, time(), zone).utcoffset()
    assert offset is not None, "a zone has an offset"
    return int(offset.total_seconds())


def each_day(first: date, after: date) -> Iterator[date]:
    """Every day from one to before another."""
    return (first + timedelta(days=ahead) for ahead in range((after - first).days))


def _next_month(day: date) -> date:
    return (day.replace(day=28) + timedelta(days=4)).replace(day=1)


def _named(name: str) -> TextClause:
    return statements("statistics")[name]


def _choosing(name: str, asked: Asked) -> TextClause:
    """The statement, cut to a grid and to hours of the day only where some are asked for: without them the covering indexes are enough."""
    if not asked.hours and asked.grid is None:
        return _named(name)
    cuts = [PLACED, *([IN_HOURS] if asked.hours else []), *(["grid_id = :grid"] if asked.grid is not None else [])]
    told = _named(name).text
    if ANY_CATEGORY not in told:
        told = told.replace("category_id = ANY (:categories)", ANY_CATEGORY)
    return text(told.replace(PLACED, " AND ".join(cuts)))
