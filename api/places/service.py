"""Use cases of places."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
from shapely.geometry import Point
from sqlalchemy.orm import Session

from api.actor import Actor
from api.geojson import Region
from data.hot.ground import Placement
from data.hot.reads import HotReads
from data.queries import areas, grids, places
from data.queries.bound import now_of, scope_binds
from gis.errors import BadValue, NotFound
from gis.hotspots.rates import poisson_rates

Row = Mapping[str, Any]
SMALLEST_COUNT = 5
"""Fewer residents than this in a class of care are not counted out: one could tell who they are."""
LEAST_HOUSEHOLDS = 20
"""A rate per household needs at least this many households."""
NEEDED = {
    "buildings": ("map",),
    "grids": ("map",),
    "households": ("households",),
    "residents": ("residents", "care"),
    "facilities": ("facilities",),
    "incidents": ("incidents",),
    "officers": ("officers",),
}
WITH_PERIOD = frozenset({"incidents"})


@dataclass(frozen=True)
class Question:
    """What a request asks besides where; times are the deployment's."""

    zone: ZoneInfo
    as_of: datetime | None = None
    since: datetime | None = None
    until: datetime | None = None
    categories: Sequence[int] | None = None
    kind: str | None = None

    def day(self, session: Session) -> date:
        """The calendar day asked about."""
        return (self.as_of or now_of(session)).astimezone(self.zone).date()

    def wanted(self, session: Session) -> places.Wanted:
        """The same for a query."""
        return places.Wanted(self.day(session), self.as_of, self.since, self.until, self.categories, self.kind)


async def locate_now(reads: HotReads, actor: Actor, placement: Placement, day: date) -> Row:
    """Where a place lies now: the index has found the grid, one row by id tells its names as far as the actor may see them."""
    asked = {**scope_binds(actor.scope), "id": placement.grid_id, "day": day}
    rows = await reads.ask(actor.scope.token, grids.DESCRIBED, asked) if placement.grid_id is not None else []
    if not rows:
        return {"areas": [], "grid": None, "border_distance_m": None, "ambiguous": None, "officer": None}
    id, code, name, name_en, version, above, officer = rows[0]
    return {
        "areas": above,
        "grid": {"id": id, "code": code, "name": name, "name_en": name_en, "version": version},
        "border_distance_m": round(placement.border_distance_m, 3),
        "ambiguous": placement.ambiguous,
        "officer": officer,
    }


def locate_then(session: Session, actor: Actor, place: Point, question: Question, *, ambiguous_within_m: float) -> Row:
    """Where a place lay at a moment, from the borders of that time."""
    actor.must("map")
    as_of = question.as_of or now_of(session)
    grid = places.located(session, actor.scope, place, as_of=as_of, day=question.day(session))
    return {
        "areas": places.areas_at(session, actor.scope, place, as_of=as_of),
        "grid": grid,
        "border_distance_m": grid and grid["border_distance_m"],
        "ambiguous": grid and grid["border_distance_m"] < ambiguous_within_m,
        "officer": grid and grid["officer"],
    }


def answerable(session: Session, actor: Actor, place: Point, question: Question) -> Row:
    """Who answers for a place on a day."""
    actor.must("map")
    actor.must("officers")
    day, as_of = question.day(session), question.as_of or now_of(session)
    above = {each["level"]: each for each in places.areas_at(session, actor.scope, place, as_of=as_of)}
    grid = places.located(session, actor.scope, place, as_of=as_of, day=day)
    officers = places.answering(session, actor.scope, grid["id"], day=day) if grid else []
    main = next((each for each in officers if each["duty"] == "main"), None)
    why = "assigned" if main else "nobody_assigned" if grid else "no_grid" if "community" in above else "outside"
    return {
        "day": day,
        "why": why,
        **{level: above.get(level) for level in ("district", "street", "community")},
        "grid": grid,
        "officer": main,
        "assisting": [each for each in officers if each["duty"] == "assist"],
    }


def within(session: Session, actor: Actor, layer: str, region: Region, question: Question, *, after: int, limit: int) -> Row:
    """What lies in a region; residents are only ever counted."""
    _must(actor, layer)
    _fits(layer, question)
    where = places.Where(region.box, region.shape, region.centre, region.radius_m)
    if layer == "residents":
        return _residents(session, actor, where, question)
    wanted = question.wanted(session)
    items = places.within(session, actor.scope, layer, where, wanted, after=after, limit=limit + 1)
    total = places.count_within(session, actor.scope, layer, where, wanted) if after == 0 else None
    more = len(items) > limit
    return {"layer": layer, "items": items[:limit], "total": total, "next": items[limit - 1]["id"] if more else None}


def near(session: Session, actor: Actor, layer: str, region: Region, question: Question, *, limit: int) -> Row:
    """What lies within a distance, nearest first."""
    _must(actor, layer)
    _fits(layer, question)
    where = places.Where(region.box, None, region.centre, region.radius_m)
    return {"layer": layer, "items": places.near(session, actor.scope, layer, where, question.wanted(session), limit=limit)}


def nearest(session: Session, actor: Actor, layer: str, place: Point, question: Question, *, k: int) -> Row:
    """The k nearest things of a layer."""
    _must(actor, layer)
    _fits(layer, question)
    return {"layer": layer, "items": places.nearest(session, actor.scope, layer, place, question.wanted(session), k=k)}


def counts(session: Session, actor: Actor, by: str, question: Question, *, area: str | None) -> Row:
    """Incidents of each grid, community or street with rates per 1,000 households."""
    actor.must("incidents")
    actor.must("statistics")
    inside = None
    if area is not None:
        inside = areas.communities_in(session, actor.scope, area)
        if inside is None:
            raise NotFound("There is no such area.")
    parts = places.counts(session, actor.scope, by, question.wanted(session), within=inside)
    rates = poisson_rates([each["n"] for each in parts], [each["households"] for each in parts], least_exposure=LEAST_HOUSEHOLDS)
    items = [
        {**part, "rate": _told(rate), "rate_low": _told(low), "rate_high": _told(high), "small": bool(small)}
        for part, rate, low, high, small in zip(parts, rates.rate, rates.low, rates.high, rates.small, strict=True)
    ]
    return {"by": by, "since": question.since, "until": question.until, "least_households": LEAST_HOUSEHOLDS, "items": items}


def _residents(session: Session, actor: Actor, where: places.Where, question: Question) -> Row:
    by_class, total = places.care_within(session, actor.scope, where, day=question.day(session))
    items = [{"class": name, "n": n if n >= SMALLEST_COUNT else None, "suppressed": n < SMALLEST_COUNT} for name, n in by_class.items()]
    return {"layer": "residents", "items": items, "total": total if total >= SMALLEST_COUNT else None, "next": None}


def _must(actor: Actor, layer: str) -> None:
    for permission in NEEDED[layer]:
        actor.must(permission)


def _fits(layer: str, question: Question) -> None:
    """Refuse an option the layer cannot honour, rather than leave it out unsaid."""
    if question.as_of is not None and layer not in {"grids", "residents"}:
        raise BadValue("This layer keeps no past; as_of is for grids and for classes of care.", at="as_of", layer=layer)
    if (question.since or question.until or question.categories) and layer not in WITH_PERIOD:
        raise BadValue("from, to and category are for incidents.", at="from", layer=layer)
    if question.kind is not None and layer != "facilities":
        raise BadValue("kind is for facilities.", at="kind", layer=layer)


def _told(value: float) -> float | None:
    return None if np.isnan(value) else round(float(value), 4)
