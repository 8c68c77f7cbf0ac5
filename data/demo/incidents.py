"""A million incidents with places, times and a life: drawn by category, then worked off as far as now."""

from collections.abc import Iterator
from dataclasses import dataclass, fields
from datetime import datetime

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from data.demo.clusters import Extra
from data.demo.fabric import Fabric
from data.demo.facilities import beside_roads
from data.demo.model import LEVELS, NEVER, SOURCES, STATES, Incidents
from data.demo.taxonomy import KINDS
from data.demo.timing import HOUR, Rhythm, WorkingClock

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Rows = NDArray[np.int32]  # eight bytes for each would be most of the memory of a city

CORNERS = 64  # places beside roads in each grid
WOBBLE_M = 1.5
SOURCE_SHARES = (0.60, 0.20, 0.10, 0.05, 0.03, 0.02)
UNPLACED, OUTSIDE, ON_BORDER = 0.012, 0.0006, 0.0008
NOT_FILED, STUCK = 0.03, 0.019
MINUTE = HOUR // 60


@dataclass(frozen=True)
class Scene:
    """Where things can happen, rows of one grid together; metres."""

    corner_xy: Floats
    corner_of_grid: Integers  # first corner of each grid, one more at the end
    building_xy: Floats
    building_order: Integers  # buildings by grid
    building_weight: Floats  # in that order
    building_of_grid: Integers  # first of each grid, one more at the end


@dataclass(frozen=True)
class Drawn:
    """Incidents before anybody has dealt with them."""

    moment: Integers
    category: Rows
    grid: Rows
    building: Rows
    corner: Rows
    cluster: Rows

    def parts(self, at_most: int) -> Iterator["Drawn"]:
        """The same in their order, cut into parts."""
        columns = [getattr(self, field.name) for field in fields(self)]
        for start in range(0, len(self.moment), at_most):
            yield Drawn(*(column[start : start + at_most] for column in columns))


def scene(fabric: Fabric, grid_of_piece: Integers, grids: int, buildings: pd.DataFrame, rng: np.random.Generator) -> Scene:
    """Corners beside the roads of each grid and its buildings, some of which are in the news more often."""
    rows = np.concatenate([np.column_stack([np.arange(len(fabric.sides)), fabric.sides[:, side]]) for side in (0, 1)])
    weight = np.concatenate([fabric.lengths * (0.05 + np.minimum(fabric.ranks, 3))] * 2)
    rows, weight = rows[rows[:, 1] >= 0], weight[rows[:, 1] >= 0]
    own = grid_of_piece[rows[:, 1]]
    order = np.argsort(own, kind="stable")
    rows, total = rows[order], np.concatenate([[0.0], np.cumsum(weight[order])])
    bounds = np.searchsorted(own[order], np.arange(grids + 1))
    low, high = total[bounds[:-1]], total[bounds[1:]]
    draw = (low[:, None] + (high - low)[:, None] * rng.random((grids, CORNERS))).ravel()
    row = rows[np.clip(np.searchsorted(total, draw, side="right") - 1, 0, len(rows) - 1)]
    left = rng.random(len(row)) < 0.5
    metres = rng.uniform(3.0, 8.0, len(row))
    spots, piece = beside_roads(fabric, row[:, 0], rng.uniform(0.03, 0.97, len(row)), left, metres)
    hearts = shapely.get_coordinates(shapely.point_on_surface(fabric.metres))
    astray = piece != row[:, 1]
    spots[astray] = (0.7 * spots + 0.3 * hearts[row[:, 1]])[astray]
    missed = ~shapely.contains_xy(fabric.metres[row[:, 1]], spots[:, 0], spots[:, 1])
    spots[missed] = hearts[row[missed, 1]]
    order = np.argsort(buildings["grid"].to_numpy(), kind="stable")
    fame = rng.gamma(0.7, 1.0, len(buildings)) + 0.05
    popular = (buildings["households"].to_numpy() + 4.0 + 0.01 * shapely.area(buildings["metres"].to_numpy())) * fame
    return Scene(
        spots, np.arange(grids + 1) * CORNERS, shapely.get_coordinates(shapely.point_on_surface(buildings["metres"].to_numpy())), order,
        popular[order], np.searchsorted(buildings["grid"].to_numpy()[order], np.arange(grids + 1)),
    )  # fmt: skip


def grid_shares(fabric: Fabric, grid_of_piece: Integers, households: Integers, hearts: Floats, rng: np.random.Generator) -> Floats:
    """Share of each category (rows) that falls into each grid, with a mild and smooth unevenness."""
    grids = len(households)
    road = np.zeros(grids)
    for side in fabric.sides.T:
        road += np.bincount(grid_of_piece[side[side >= 0]], (fabric.lengths * fabric.ranks)[side >= 0], minlength=grids)
    shops = np.isin(fabric.uses, ("commercial", "market", "office", "hospital"))
    trade = np.bincount(grid_of_piece[shops], shapely.area(fabric.metres[shops]), minlength=grids)
    street = road / road.sum() + 1.5 * trade / max(float(trade.sum()), 1.0)
    living = (households + 6.0) / (households + 6.0).sum()
    scale = np.ptp(hearts, axis=0).max()
    waves = sum(np.sin(hearts @ rng.normal(0, 9.0 / scale, 2) + rng.uniform(0, 7)) for _ in range(5))
    risk = np.exp(0.10 * waves + rng.normal(0, 0.13, grids))
    shares = np.stack(
        [(k.homes * living + (1 - k.homes) * street / street.sum()) * np.exp(rng.normal(0, 0.06, grids)) * risk for k in KINDS]
    )
    return np.asarray(shares / shares.sum(axis=1, keepdims=True))


def draw(
    scenery: Scene, shares: Floats, rhythm: Rhythm, extra: Extra, total: int, rng: np.random.Generator
) -> Drawn:  # fmt: skip
    """Exactly `total` incidents in order of time, those of the clusters among them."""
    usual = rng.multinomial(total - len(extra.moment), [kind.share for kind in KINDS])
    moment, grid = [extra.moment], [extra.grid]
    for number, count in enumerate(usual):
        if count:
            moment.append(rhythm.draw(rhythm.weights(KINDS[number]), count, rng))
            grid.append(np.minimum(np.searchsorted(np.cumsum(shares[number]), rng.random(count)), shares.shape[1] - 1))
    category = np.concatenate([extra.category, np.repeat(np.arange(len(KINDS)), usual)])
    when, where = np.concatenate(moment), np.concatenate(grid)
    order = np.argsort(when, kind="stable")
    fill = np.full(total - len(extra.moment), -1, dtype=np.int64)
    building, cluster = (np.concatenate([column, fill])[order] for column in (extra.building, extra.cluster))
    when, where, category = when[order], where[order], category[order]
    indoors = rng.random(total) < np.array([kind.indoors for kind in KINDS])[category]
    building = np.where((building < 0) & indoors, _houses(scenery, where, rng), building)
    corner = np.where(building < 0, scenery.corner_of_grid[where] + rng.integers(0, CORNERS, total), -1)
    return Drawn(when, *(column.astype(np.int32) for column in (category, where, building, corner, cluster)))


def _houses(scenery: Scene, grid: Integers, rng: np.random.Generator) -> Integers:
    """A building of each grid, famous ones more often; -1 where there is none."""
    total = np.concatenate([[0.0], np.cumsum(scenery.building_weight)])
    first, last = scenery.building_of_grid[grid], scenery.building_of_grid[grid + 1]
    at = np.searchsorted(total, total[first] + rng.random(len(grid)) * (total[last] - total[first]), side="right") - 1
    return np.where(last > first, scenery.building_order[np.clip(at, first, np.maximum(last - 1, first)) % len(scenery.building_order)], -1)


def places(scenery: Scene, drawn: Drawn, border_xy: Floats, side_m: float, rng: np.random.Generator) -> tuple[Floats, Integers]:
    """Metres of each incident, NaN without a place; and which lie on a border vertex (its row in `border_xy`, else -1)."""
    count = len(drawn.moment)
    spots = np.where((drawn.building >= 0)[:, None], scenery.building_xy[drawn.building], scenery.corner_xy[drawn.corner])
    # Those of clusters stay where they are: a wobble could carry one across a border, and out of the truth.
    still = (drawn.building >= 0) | (drawn.cluster >= 0)
    spots += np.where(still[:, None], 0.0, rng.uniform(-WOBBLE_M, WOBBLE_M, (count, 2)))
    free = np.flatnonzero(drawn.cluster < 0)
    odd = rng.permutation(free)[: max(4, round(count * (UNPLACED + OUTSIDE + ON_BORDER)))]
    bounds = np.cumsum([max(2, round(count * share)) for share in (OUTSIDE, ON_BORDER)])
    outside, border, unplaced = np.split(odd, bounds)
    angle = rng.uniform(0, 2 * np.pi, len(outside))
    spots[outside] = np.column_stack([np.cos(angle), np.sin(angle)]) * (side_m * rng.uniform(0.85, 1.1, len(outside)))[:, None]
    vertex = np.full(count, -1, dtype=np.int64)
    vertex[border] = rng.integers(0, len(border_xy), len(border))
    spots[unplaced] = np.nan
    return spots, vertex


@dataclass(frozen=True)
class Placed:
    """Where incidents lie, exactly: degrees, grid row or -1, and how far from a border."""

    lon: Floats
    lat: Floats
    grid: Integers
    border_distance_m: NDArray[np.float32]
    on_border: NDArray[np.bool_]
    ambiguous: NDArray[np.bool_]


def live(drawn: Drawn, placed: Placed, clock: WorkingClock, now: datetime, rng: np.random.Generator) -> dict[str, NDArray[np.generic]]:
    """State, stamps and deadline of each incident as they stand now."""
    count = len(drawn.moment)
    now_us = round(now.timestamp() * 1e6)
    source = np.searchsorted(np.cumsum(SOURCE_SHARES)[:-1], rng.random(count))
    urban = np.array([kind.catalogue != "governance" for kind in KINDS])[drawn.category]
    source[urban] = SOURCES.index("city_management")
    urgent = rng.random(count) < np.array([kind.urgent for kind in KINDS])[drawn.category]
    on_spot = (source == 0) & ~urgent & (rng.random(count) < 0.22)
    refused = ~on_spot & (rng.random(count) < NOT_FILED)
    limit = np.array([kind.limit for kind in KINDS])[drawn.category]
    unit = np.array([kind.unit for kind in KINDS])[drawn.category]
    due = clock.deadlines(drawn.moment, limit, unit)
    median = np.maximum(np.array([kind.hours for kind in KINDS])[drawn.category], 0.43 * (due - drawn.moment) / HOUR)
    hours = median * np.where(urgent, 0.6, 1.0) * rng.lognormal(0, 0.45, count)
    stuck = ~on_spot & (rng.random(count) < STUCK)
    hours[stuck] = rng.lognormal(np.log(500), 0.9, int(stuck.sum()))
    spans = [rng.lognormal(np.log(minutes), 0.7, count) * MINUTE for minutes in (12, 8)] + [
        hours * HOUR,
        rng.lognormal(np.log(45), 0.8, count) * MINUTE,
    ]
    filed, dispatched, handled, closed = (drawn.moment + np.cumsum(np.stack(spans), axis=0)).astype(np.int64)
    closed = np.where(on_spot, drawn.moment + (rng.lognormal(np.log(22), 0.6, count) * MINUTE).astype(np.int64), closed)
    closed = np.where(refused, filed, closed)
    state = _states(now_us, (filed, dispatched, handled, closed), on_spot, refused, rng)
    skipped = on_spot | refused
    stamps = {
        "filed_at": np.where(skipped | (filed > now_us), NEVER, filed),
        "dispatched_at": np.where(skipped | (dispatched > now_us), NEVER, dispatched),
        "handled_at": np.where(refused | (np.where(on_spot, closed, handled) > now_us), NEVER, np.where(on_spot, closed, handled)),
        "closed_at": np.where(closed > now_us, NEVER, closed),
        "due_at": due,
    }
    open_now = stamps["closed_at"] == NEVER
    level = np.searchsorted(np.cumsum((0.70, 0.20, 0.08)), rng.random(count))
    level[on_spot] = LEVELS.index("grid")
    severity = np.where(urgent, 3, np.where(rng.random(count) < 0.22, 2, 1))
    return {
        "source": source, "urgent": urgent, "on_spot": on_spot, "state": state, "level": level, "severity": severity,
        "supervised": open_now & (rng.random(count) < 0.03), **stamps,
    }  # fmt: skip


def _states(
    now_us: int, stamps: tuple[Integers, ...], on_spot: NDArray[np.bool_], refused: NDArray[np.bool_], rng: np.random.Generator
) -> Integers:  # fmt: skip
    filed, dispatched, handled, closed = (stamp <= now_us for stamp in stamps)
    draw = rng.random(len(filed))
    number = {name: at for at, name in enumerate(STATES)}

    def mixed(*shares: tuple[str, float]) -> Integers:
        return np.array([number[name] for name, _ in shares])[np.searchsorted(np.cumsum([share for _, share in shares])[:-1], draw)]

    working = mixed(("dispatched", 0.14), ("handling", 0.74), ("suspended", 0.06), ("rework", 0.03), ("returned", 0.03))
    checked = mixed(("feedback", 0.35), ("checking", 0.65))
    fresh = mixed(("reported", 0.8), ("verifying", 0.2))
    state = np.select([handled, dispatched, filed], [checked, working, np.full(len(draw), number["filed"])], fresh)
    state = np.where(on_spot | refused, fresh, state)
    return np.where(closed, np.where(refused, number["not_filed"], number["closed"]), state)


def assemble(
    drawn: Drawn, placed: Placed, life: dict[str, NDArray[np.generic]], officer: Integers, address: Integers, rng: np.random.Generator
) -> Incidents:
    """All columns in their final types."""
    first = np.cumsum([0, *(len(kind.titles) for kind in KINDS)])
    choices = np.array([max(len(kind.titles), 1) for kind in KINDS])
    title = first[drawn.category] + (rng.random(len(drawn.moment)) ** 1.3 * choices[drawn.category]).astype(np.int64)
    gone = placed.grid < 0
    building = np.where(gone | placed.on_border, -1, drawn.building)
    stamps = {name: column for name, column in life.items() if name.endswith("_at")}
    marks = {name: column if column.dtype == np.bool_ else column.astype(np.int8) for name, column in life.items() if name not in stamps}
    return Incidents(
        reported_at=drawn.moment, lon=placed.lon, lat=placed.lat, category=drawn.category.astype(np.int16),
        grid=placed.grid.astype(np.int32), border_distance_m=placed.border_distance_m, on_border=placed.on_border,
        ambiguous=placed.ambiguous, building=building.astype(np.int32), officer=np.where(gone, -1, officer).astype(np.int32),
        title=title.astype(np.int16), address=address.astype(np.int32), cluster=drawn.cluster.astype(np.int16), **stamps, **marks,  # type: ignore[arg-type]
    )  # fmt: skip
