"""Planted clusters: what a good statistic has to find, kept as the truth beside the incidents made for it."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from data.demo.taxonomy import KINDS
from data.demo.timing import DAY, Rhythm

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

EMERGING_DAYS = 56
NEAR_M = 160.0
NEAR_DAYS = 14.0
HOT_CODES = (
    ("governance", "08"),
    ("governance", "01"),
    ("governance", "09"),
    ("governance", "05"),
    ("governance", "06"),
    ("governance", "02"),
)
RISK = {"constant": 3.2, "emerging": 4.5, "weekly_market": 22.0, "noisy_building": 8.0, "near_repeat": 2.2}


@dataclass(frozen=True)
class Ground:
    """What clusters are planted on: neighbours of each grid, its base share by category, and the buildings."""

    neighbours: list[Integers]
    shares: Floats  # categories × grids, each row sums to 1
    buildings_of: list[Integers]
    building_xy: Floats  # metres
    homes: Integers  # households of each building


@dataclass(frozen=True)
class Extra:
    """Incidents made for clusters, beside those that happen anyway."""

    category: Integers
    moment: Integers
    grid: Integers
    building: Integers  # -1: anywhere in the grid
    cluster: Integers


def plant(ground: Ground, rhythm: Rhythm, total: int, each: int, now_us: int, rng: np.random.Generator) -> tuple[pd.DataFrame, Extra]:
    """Clusters of every kind in grids that do not touch each other, and the incidents they add."""
    rows: list[dict[str, object]] = []
    parts: list[tuple[Integers, Integers, Integers, Integers]] = []
    blocked = np.array([len(own) == 0 for own in ground.buildings_of])
    for kind in RISK:
        for turn in range(each):
            grids = _grids(ground, blocked, {"constant": 3, "emerging": 2, "near_repeat": 5}.get(kind, 1), rng)
            if not len(grids):
                continue
            blocked[np.concatenate([grids, *(ground.neighbours[grid] for grid in grids)])] = True
            row, extra = _cluster(kind, turn, grids, ground, rhythm, total, now_us, rng)
            parts.append((np.full(len(extra[0]), len(rows)), *extra))
            rows.append(row)
    number, moment, building, grid = (np.concatenate(column) for column in zip(*parts, strict=True))
    category = np.array([row["category"] for row in rows], dtype=np.int64)[number]
    return pd.DataFrame(rows), Extra(category, moment, grid, building, number)


def _cluster(
    kind: str, turn: int, grids: Integers, ground: Ground, rhythm: Rhythm, total: int, now_us: int, rng: np.random.Generator
) -> tuple[dict[str, object], tuple[Integers, Integers, Integers]]:  # fmt: skip
    code = HOT_CODES[turn % len(HOT_CODES)]
    code = {"weekly_market": ("governance", "08"), "noisy_building": ("governance", "09"), "near_repeat": ("governance", "01")}.get(
        kind, code
    )
    category = next(at for at, each in enumerate(KINDS) if (each.catalogue, each.code) == code)
    days = {"emerging": EMERGING_DAYS, "near_repeat": 365, "noisy_building": 200}.get(kind)
    start = max(now_us - days * DAY, rhythm.start) if days else rhythm.start
    weights = rhythm.weights(KINDS[category])
    open_hours = rhythm.between(start, now_us)
    if kind == "weekly_market":
        open_hours &= rhythm.hours(5, 6, 13)
    if kind == "noisy_building":
        open_hours &= rhythm.hours(None, 20, 24)
    inside = np.where(open_hours, weights, 0.0)
    expected = total * KINDS[category].share * ground.shares[category, grids] * inside.sum() / weights.sum()
    wanted = np.maximum(rng.poisson((RISK[kind] - 1) * expected), 3)
    building = -1
    grid = np.repeat(grids, wanted)
    houses = np.full(len(grid), -1, dtype=np.int64)
    moment = rhythm.draw(inside, len(grid), rng)
    if kind == "noisy_building":
        own = ground.buildings_of[grids[0]]
        building = int(own[np.argmax(ground.homes[own])])
        houses[:] = building
    if kind == "near_repeat":
        moment, houses, grid = _repeats(ground, grids, moment, now_us, rng)
    row = {
        "kind": kind, "category": category, "grids": grids.tolist(), "start": start, "end": now_us, "building": building,
        "relative_risk": float(1 + len(grid) / max(expected.sum(), 1e-9)), "extra": len(grid),
    }  # fmt: skip
    return row, (moment, houses, grid)


def _grids(ground: Ground, blocked: NDArray[np.bool_], count: int, rng: np.random.Generator) -> Integers:
    """Some grids that hang together, away from other clusters, where enough people live."""
    shares = np.where(blocked, 0.0, ground.shares[0])
    good = np.flatnonzero(shares > np.median(ground.shares[0]) * 0.6)
    if not len(good):
        return np.empty(0, dtype=np.int64)
    chosen = [int(rng.choice(good))]
    while len(chosen) < count:
        around = np.setdiff1d(np.concatenate([ground.neighbours[grid] for grid in chosen]), chosen)
        around = around[~blocked[around]]
        if not len(around):
            break
        chosen.append(int(rng.choice(around)))
    return np.sort(np.array(chosen, dtype=np.int64))


def _repeats(
    ground: Ground, grids: Integers, moment: Integers, now_us: int, rng: np.random.Generator
) -> tuple[Integers, Integers, Integers]:
    """A few first cases, each followed within two weeks and 160 m by others."""
    own = np.concatenate([ground.buildings_of[grid] for grid in grids])
    of_grid = np.repeat(grids, [len(ground.buildings_of[grid]) for grid in grids])
    spots = ground.building_xy[own]
    moments: list[int] = []
    picks: list[int] = []
    for first in np.sort(moment)[:: max(1, min(4, len(moment)))]:
        origin = int(rng.integers(0, len(own)))
        near = np.flatnonzero(np.hypot(*(spots - spots[origin]).T) < NEAR_M)
        after = first + np.sort(rng.exponential(NEAR_DAYS / 3, 3) * DAY).astype(np.int64)
        for at, when in zip((origin, *rng.choice(near, 3)), (first, *after), strict=True):
            if when < now_us and when - first < NEAR_DAYS * DAY:
                moments.append(int(when))
                picks.append(int(at))
    return np.array(moments, dtype=np.int64), own[picks], of_grid[picks]
