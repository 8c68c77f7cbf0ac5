"""Households, the people in them, who needs care, and the officers with the grids they answered for."""

from datetime import date, timedelta

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from data.demo import names

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

MEMBERS = (0.27, 0.30, 0.24, 0.13, 0.06)  # share of households with 1, 2, 3, 4, 5 members
CARE = {
    "poor": 0.011, "lone_elder": 0.55, "left_behind_child": 0.02, "disabled": 0.013, "unemployed": 0.014, "floating": 0.10,
    "correction": 0.0005, "drug_recovery": 0.0008, "mental_health": 0.0028,
}  # fmt: skip
VACANT = 0.03  # share of grids without an officer
CHANGED = 0.35  # share of grids whose officer changed within the three years


def homes(buildings: pd.DataFrame, number: Integers, rng: np.random.Generator) -> pd.DataFrame:
    """One row a household; `number` is the building's own number within its estate."""
    count = buildings["households"].to_numpy()
    building = np.repeat(np.arange(len(buildings)), count)
    floors = np.maximum(buildings["levels"].to_numpy(), 1)
    a_floor = np.maximum(-(-count // floors), 1)[building]
    turn = np.arange(len(building)) - np.repeat(np.cumsum(count) - count, count)
    room = turn % a_floor
    unit = number[building].astype("U4")
    for mark, part in (("-", room // 4 + 1), ("-", turn // a_floor + 1)):
        unit = np.char.add(np.char.add(unit, mark), part.astype("U3"))
    unit = np.char.add(np.char.add(unit, "0"), (room % 4 + 1).astype("U1"))
    village = (buildings["use"].to_numpy() == "residential") & (floors <= 5) & (count > 3)
    floating = rng.random(len(building)) < np.where(village, 0.42, 0.11)[building]
    draw = rng.random(len(building))
    tenure = np.where(
        floating & (draw < 0.85),
        "rent",
        np.where(draw < 0.80, "own", np.where(draw < 0.92, "rent", np.where(draw < 0.96, "public", "empty"))),
    )
    members = rng.choice(np.arange(1, 6), p=MEMBERS, size=len(building))
    members[tenure == "empty"] = 0
    hukou = np.where(floating, np.where(draw < 0.5, "other_county", "other_province"), np.where(draw < 0.85, "local", "other_street"))
    frame = pd.DataFrame({"building": building, "unit": unit, "tenure": tenure, "hukou": hukou, "floating": floating, "members": members})
    for column, share in (("address", 0.99), ("family", 0.93), ("work", 0.78), ("changes", 0.66), ("key_persons", 0.84)):
        frame[f"has_{column}"] = rng.random(len(frame)) < share
    return frame


def residents(households: pd.DataFrame, county: Integers, today: date, rng: np.random.Generator) -> pd.DataFrame:
    """One row a person, the head of each household first; `county` is the six-digit code of each household."""
    members = households["members"].to_numpy()
    household = np.repeat(np.arange(len(members)), members)
    turn = np.arange(len(household)) - np.repeat(np.cumsum(members) - members, members)
    size = members[household]
    age = np.where(
        turn == 0,
        rng.normal(47, 15, len(household)),
        np.where(turn == 1, rng.normal(45, 15, len(household)), rng.normal(17, 11, len(household))),
    )
    age = np.where((size == 1) & (rng.random(len(household)) < 0.3), rng.normal(74, 7, len(household)), age)
    age = np.clip(np.where(turn == 0, np.maximum(age, 20), age), 0, 99).astype(np.int64)
    year = today.year - 1 - age
    female = np.where(turn == 1, rng.random(len(household)) < 0.86, rng.random(len(household)) < 0.42)
    born = year * 10_000 + rng.integers(1, 13, len(household)) * 100 + rng.integers(1, 29, len(household))
    return pd.DataFrame({
        "household": household, "head": turn == 0, "name": names.people(len(household), rng),
        "sex": np.where(female, "female", "male"), "birth_year": year, "phone": names.phones(len(household), rng),
        "number": names.identity_numbers(county[household], born, female, rng),
    })  # fmt: skip


def care(households: pd.DataFrame, people: pd.DataFrame, today: date, rng: np.random.Generator) -> pd.DataFrame:
    """Who needs care of which class, since when."""
    household = people["household"].to_numpy()
    age = today.year - 1 - people["birth_year"].to_numpy()
    alone = households["members"].to_numpy()[household] == 1
    floating = households["floating"].to_numpy()[household]
    grown = (age >= 18) & (age < 60)
    fits = {"lone_elder": (age >= 65) & alone, "left_behind_child": (age < 16) & ~floating, "unemployed": grown, "floating": floating}
    fits |= dict.fromkeys(("correction", "drug_recovery"), grown)
    parts = []
    for kind, share in CARE.items():
        chosen = np.flatnonzero((rng.random(len(people)) < share) & fits.get(kind, True))
        since = np.datetime64(today) - rng.integers(30, 2400, len(chosen)).astype("timedelta64[D]")
        parts.append(pd.DataFrame({"resident": chosen, "kind": kind, "since": since}))
    return pd.concat(parts, ignore_index=True).sort_values(["resident", "kind"], ignore_index=True)


def officers(community: Integers, today: date, rng: np.random.Generator) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Officers and their dated assignments; `community` is the area of each grid, grids of one community together.

    Every grid has one main officer at a time, a few have none now and are looked after by a neighbour's officer.
    """
    count = len(community)
    begin = today - timedelta(days=3 * 365 + 40)
    vacant = rng.random(count) < VACANT
    vacant[rng.integers(0, count)] = True
    alone = np.flatnonzero(np.bincount(community, ~vacant)[community] == 0)
    vacant[alone] = False
    own = np.full(count, -1, dtype=np.int64)
    own[~vacant] = np.arange((~vacant).sum())
    rows: list[tuple[int, date | None]] = [(int(community[grid]), None) for grid in np.flatnonzero(~vacant)]
    duties: list[tuple[int, int, str, date, date | None, str]] = []
    changed = rng.random(count) < CHANGED
    days = rng.integers(60, 3 * 365, count)
    for grid in range(count):
        change = today - timedelta(days=int(days[grid]))
        if changed[grid] or vacant[grid]:
            rows.append((int(community[grid]), change))
            duties.append((len(rows) - 1, grid, "main", begin, change, "离岗" if vacant[grid] else "轮岗"))
        if not vacant[grid]:
            duties.append((int(own[grid]), grid, "main", change if changed[grid] else begin, None, "接任" if changed[grid] else "定岗"))
            continue
        beside = np.flatnonzero((community == community[grid]) & ~vacant)
        nearest = beside[np.argmin(np.abs(beside - grid))]
        duties.append((int(own[nearest]), grid, "assist", change, None, "代管空缺网格"))
    frame = pd.DataFrame(rows, columns=["community", "ended_on"])
    frame["name"] = names.people(len(frame), rng)
    frame["phone"] = names.phones(len(frame), rng)
    frame["staff_number"] = [f"WG{number + 1:06d}" for number in range(len(frame))]
    frame["on_duty"] = frame["ended_on"].isna() & (rng.random(len(frame)) < 0.72)
    return frame, pd.DataFrame(duties, columns=["officer", "grid", "duty", "since", "until", "why"])
