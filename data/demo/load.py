"""Puts a demo district into a migrated, empty database: all of it or nothing."""

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import numpy as np
import pandas as pd
import psycopg
import shapely
from numpy.typing import NDArray

from data.demo import copying, generate, names
from data.demo.beside import Beside
from data.demo.history import history, remembered
from data.demo.model import LEVELS, NEVER, SOURCES, STATES, District, Incidents, Scenes
from data.demo.timing import WorkingClock
from data.hot.ground import Placements
from data.queries.incident_load import Aside, Loaded, finish_load, load_many
from data.sealing import Keyring, packed
from gis import crs
from gis.assignment import NOBODY
from gis.errors import Conflict

Integers = NDArray[np.int64]
Progress = Callable[[str, float], None]

GENERATED = 0.25  # share of the whole work
PEOPLE = 250_000  # residents that are sealed and sent at once: sealed and in text they take many times their own memory
KNOWN_SINCE = timedelta(days=4 * 366)  # areas and grids are older than any incident
SCHEME = ("governance", "治理网格", "Governance grids", "{community}{serial:03d}")
CITY = names.Name("云麓市", "Yunlu City")  # of districts that each have a name of their own
CATALOGUE_SINCE = date(2024, 1, 1)
HOMES = ["building", "household", "resident", "care"]
GROUND = ["area", "scheme", "grid", "facility", "officer", "assignment", "base_feature"]
RECORD = ["intake", "incident_log"]
WORDS = ["category_catalogue", "category", "category_rule", "calendar_year", "calendar_day"]


@dataclass(frozen=True)
class LoadReport:
    """How many rows of each table came in, and how many seconds each step took."""

    size: str
    rows: dict[str, int]
    seconds: dict[str, float]


def load_demo(
    schema_url: str, app_url: str, size: str, progress: Progress | None = None, *,
    now: datetime | None = None, seed: int = 7, keys: Keyring | None = None,
) -> LoadReport:  # fmt: skip
    """Generate a district and load it through the owner of the schema; `app_url` is only asked whether it can see it.

    `now` is the moment at which the district stands (default: this one). `keys` seal the personal fields; without
    them names, phones and numbers are left out. Raises Conflict if there is a district already.
    """
    tell = progress or (lambda step, share: None)
    with psycopg.connect(_plain(schema_url)) as connection:
        _must_be_empty(connection)
    begun = generate.begin(size, seed=seed, now=now or datetime.now(UTC), progress=lambda step, share: tell(step, share * GENERATED))
    loading = _Loading(begun.district, keys, tell)
    # The connection is opened after the copy of this process is made, so that the copy never holds it.
    with Beside(begun.happen) as past, psycopg.connect(_plain(schema_url)) as connection:
        connection.execute("SET client_connection_check_interval = '1s'")
        _must_be_empty(connection)
        loading.ground(connection)
        loading.past(connection, past.results())
    loading.done("commit", 0.9)
    finish_load(schema_url, [*HOMES, *GROUND, *RECORD])
    loading.done("statistics", 1.0)
    with psycopg.connect(_plain(app_url)) as connection:
        connection.execute("SELECT 1 FROM area LIMIT 1")
    return LoadReport(size, loading.rows, {**begun.district.seconds, **loading.seconds})


def _plain(url: str) -> str:
    return url.replace("postgresql+psycopg://", "postgresql://", 1)


def _must_be_empty(connection: psycopg.Connection) -> None:
    found = connection.execute("SELECT code FROM area LIMIT 1").fetchone()
    if found:
        raise Conflict("There is a district already; a demo goes only into an empty database.", code=found[0])


class _Loading:
    """One load; remembers the ids that rows got, because later tables refer to them."""

    def __init__(self, district: District, keys: Keyring | None, tell: Progress) -> None:
        self._district, self._keys, self._tell = district, keys, tell
        self.rows: dict[str, int] = {}
        self.seconds: dict[str, float] = {}
        self._since = time.perf_counter()
        self._ids: dict[str, Integers] = {}

    def ground(self, connection: psycopg.Connection) -> None:
        """All that stands before anything happens, in the order of references."""
        self.done("connect", GENERATED)
        # Sorting a million keys for an index is the dearest thing here.
        connection.execute("SET LOCAL maintenance_work_mem = '512MB'")
        with copying.bare(connection, [*GROUND, *WORDS, *HOMES]):
            self._words(connection)
            self._ground(connection)
            self.done("borders loaded", 0.3)
            self._homes(connection)
            self.done("homes loaded", 0.38)
            self._residents(connection)
            self.done("people loaded", 0.5)
            self._equipment(connection)
        self.done("indexes", 0.6)

    def past(self, connection: psycopg.Connection, told: Iterator[Scenes | Incidents]) -> None:
        """What has happened, with its history, part by part as it is told."""
        loaded = 0
        with copying.bare(connection, RECORD), Aside(connection) as aside:
            for part in told:
                if isinstance(part, Scenes):
                    self._district = self._district.among(part)
                    continue
                self._incidents(connection, part, loaded, aside)
                loaded += len(part)
                self._tell("incidents", 0.6 + 0.2 * loaded / self._district.size.incidents)
        self._itself(connection)
        self.done("incidents loaded", 0.85)

    def done(self, step: str, share: float) -> None:
        now = time.perf_counter()
        self.seconds[step] = round(now - self._since, 3)
        self._since = now
        self._tell(step, share)

    def _copy(self, connection: psycopg.Connection, table: str, rows: pd.DataFrame) -> None:
        copying.copy(connection, table, rows)
        self.rows[table] = self.rows.get(table, 0) + len(rows)

    def _fresh(self, connection: psycopg.Connection, table: str, count: int) -> Integers:
        self._ids[table] = copying.ids(connection, table, count)
        return self._ids[table]

    def _words(self, connection: psycopg.Connection) -> None:
        """Categories, their deadlines and the calendar."""
        own = self._district
        catalogue = self._fresh(connection, "category_catalogue", len(own.catalogues))
        listed = pd.DataFrame(own.catalogues, columns=["code", "version", "name", "name_en"])
        self._copy(connection, "category_catalogue", listed.assign(id=catalogue, valid_from=CATALOGUE_SINCE))
        category = self._fresh(connection, "category", len(own.categories))
        frame = own.categories
        row_of = {(c, code): at for at, (c, code) in enumerate(zip(frame["catalogue"], frame["code"], strict=True))}
        parents = [row_of.get((c, code)) for c, code in zip(frame["catalogue"], frame["parent_code"], strict=True)]
        self._copy(connection, "category", frame.drop(columns=["catalogue", "parent_code"]).assign(
            id=category, catalogue_id=frame["catalogue"].map(dict(zip(listed["code"], catalogue, strict=True))),
            parent_id=pd.array([None if at is None else category[at] for at in parents], dtype="Int64"),
        ))  # fmt: skip
        rule = self._fresh(connection, "category_rule", len(own.rules))
        self._copy(
            connection, "category_rule", own.rules.drop(columns="category").assign(id=rule, category_id=category[own.rules["category"]])
        )
        self._copy(connection, "calendar_year", pd.DataFrame({"year": own.years}))
        self._copy(connection, "calendar_day", own.calendar)

    def _ground(self, connection: psycopg.Connection) -> None:
        own = self._district
        since = own.now - KNOWN_SINCE
        area = self._fresh(connection, "area", len(own.areas))
        by_code = pd.Series(area, index=own.areas["code"])
        self._copy(connection, "area", pd.DataFrame({
            "id": area, "level": own.areas["level"], "parent_id": by_code.reindex(own.areas["parent_code"]).astype("Int64").to_numpy(),
            "code": own.areas["code"], "name": own.areas["name"], "name_en": own.areas["name_en"], "class_code": "111",
            "geom": copying.hexed(own.areas.geometry.to_numpy()), "valid_from": since, "source": "demo", "source_id": own.areas["code"],
        }))  # fmt: skip
        scheme = self._fresh(connection, "scheme", 1)
        low, high = own.size.band
        self._copy(connection, "scheme", pd.DataFrame(
            [(scheme[0], *SCHEME, low, high, True)],
            columns=["id", "code", "name", "name_en", "code_pattern", "household_min", "household_max", "is_primary"],
        ))  # fmt: skip
        grid = self._fresh(connection, "grid", len(own.grids))
        self._copy(connection, "grid", pd.DataFrame({
            "id": grid, "scheme_id": scheme[0], "community_id": area[own.grids["community"]], "code": own.grids["code"],
            "name": own.grids["name"], "name_en": own.grids["name_en"], "kind": own.grids["kind"], "households": own.grids["households"],
            "geom": copying.hexed(own.grids.geometry.to_numpy()), "valid_from": since, "source": "demo", "source_id": own.grids["code"],
        }))  # fmt: skip

    def _homes(self, connection: psycopg.Connection) -> None:
        own, area, grid = self._district, self._ids["area"], self._ids["grid"]
        shapes = own.buildings.geometry.to_numpy()
        spots = shapely.get_coordinates(shapely.point_on_surface(shapes))
        self._cell = crs.cell_of(spots[:, 0], spots[:, 1])
        building = self._fresh(connection, "building", len(shapes))
        kept = own.buildings[["code", "name", "address", "use", "levels", "height_m", "built_year", "households"]]
        self._copy(connection, "building", pd.DataFrame(kept).assign(
            cell=self._cell, id=building, community_id=area[own.buildings["community"]], grid_id=grid[own.buildings["grid"]],
            geom=copying.hexed(copying.multi(shapes)), source="demo", source_id=building.astype(str),
        ))  # fmt: skip
        household = self._fresh(connection, "household", len(own.households))
        within = own.households["building"].to_numpy()
        self._copy(connection, "household", own.households.drop(columns=["building", "hukou"]).assign(
            cell=self._cell[within], id=household, building_id=building[within], community_id=area[own.buildings["community"]][within],
        ))  # fmt: skip

    def _residents(self, connection: psycopg.Connection) -> None:
        own = self._district
        household = own.residents["household"].to_numpy()
        building = own.households["building"].to_numpy()[household]
        cell, community = self._cell[building], self._ids["area"][own.buildings["community"]][building]
        resident = self._fresh(connection, "resident", len(own.residents))
        for start in range(0, len(resident), PEOPLE):
            some = slice(start, start + PEOPLE)
            people = own.residents.iloc[some]
            frame = people[["head", "sex", "birth_year"]].assign(
                cell=cell[some], id=resident[some], household_id=self._ids["household"][household[some]], community_id=community[some],
            )  # fmt: skip
            if self._keys:
                frame = frame.assign(**_sealed(self._keys, people, resident[some]))
            self._copy(connection, "resident", frame)
        at = own.care["resident"].to_numpy()
        self._copy(connection, "care", pd.DataFrame({
            "cell": cell[at], "resident_id": resident[at], "class": own.care["kind"], "community_id": community[at],
            "since": own.care["since"].dt.date,
        }))  # fmt: skip

    def _equipment(self, connection: psycopg.Connection) -> None:
        """Facilities, officers with their grids, and the base map."""
        own, area, grid = self._district, self._ids["area"], self._ids["grid"]
        spots = shapely.get_coordinates(own.facilities.geometry.to_numpy())
        kept = own.facilities[["kind", "code", "name", "name_en", "status"]]
        self._copy(connection, "facility", pd.DataFrame(kept).assign(
            id=self._fresh(connection, "facility", len(kept)), cell=crs.cell_of(*spots.T), qk=crs.morton_key(*spots.T),
            community_id=area[own.grids["community"]][own.facilities["grid"]], grid_id=grid[own.facilities["grid"]],
            geom=copying.hexed(own.facilities.geometry.to_numpy()),
        ))  # fmt: skip
        officer = self._fresh(connection, "officer", len(own.officers))
        frame = pd.DataFrame(own.officers[["name", "staff_number", "on_duty", "last_seen_at", "ended_on"]]).assign(
            id=officer, community_id=area[own.officers["community"]], last_place=copying.hexed(own.officers.geometry.to_numpy()),
        )  # fmt: skip
        if self._keys:
            phones = [bytes(phone) for phone in own.officers["phone"]]
            sealed = self._keys.seal_many("officer.phone_sealed", officer.tolist(), phones)
            frame = frame.assign(phone_sealed=["\\x" + each.hex() for each in sealed])
        self._copy(connection, "officer", frame)
        duties = own.assignments
        spans = [
            f"[{since},{'' if until is None or pd.isna(until) else until})"
            for since, until in zip(duties["since"], duties["until"], strict=True)
        ]
        self._copy(connection, "assignment", pd.DataFrame({
            "officer_id": officer[duties["officer"]], "grid_id": grid[duties["grid"]],
            "community_id": area[own.grids["community"]][duties["grid"]], "duty": duties["duty"], "valid": spans, "why": duties["why"],
        }))  # fmt: skip
        base = pd.DataFrame(own.base[["layer", "class", "name", "name_en", "min_zoom"]])
        self._copy(connection, "base_feature", base.assign(geom=copying.hexed(own.base.geometry.to_numpy())))

    def _incidents(self, connection: psycopg.Connection, own: Incidents, before: int, aside: Aside) -> None:
        """One part of the incidents, `before` of which were loaded already."""
        places = self._places(own)
        loaded = load_many(connection, self._frame(own, before), places=places, aside=aside)
        self.rows["incident"] = self.rows.get("incident", 0) + int((loaded.ids >= 0).sum())
        self._history(connection, own, places, loaded)

    def _places(self, own: Incidents) -> Placements:
        """Where the generator, which asked these same borders, found each incident."""
        there = own.grid >= 0
        grids = self._ids["area"][self._district.grids["community"].to_numpy()]
        return Placements(
            np.where(there, self._ids["grid"][own.grid], NOBODY), there.astype(np.int32),
            np.where(there, grids[own.grid], 0).astype(np.int32), own.on_border, own.border_distance_m, own.ambiguous,
        )  # fmt: skip

    def _history(self, connection: psycopg.Connection, own: Incidents, places: Placements, loaded: Loaded) -> None:
        """The log of what people still look at; of a year long past that may be nothing."""
        now_us = round(self._district.now.timestamp() * 1e6)
        kept = remembered(own, now_us)
        if not len(kept):
            return
        log = history(own.rows(kept), now_us, WorkingClock(self._district.years, self._district.calendar))
        row = kept[log["row"].to_numpy()]
        has_place = np.isfinite(own.lon[row])
        cell = np.where(has_place, crs.cell_of(np.where(has_place, own.lon[row], 0), np.where(has_place, own.lat[row], 0)), 0)
        self._copy(connection, "incident_log", log.drop(columns="row").assign(
            at=pd.Series(log["at"].to_numpy().astype("datetime64[us]")).dt.tz_localize("UTC"),
            cell=cell, incident_id=loaded.ids[row], community_id=places.community_ids[row],
        ))  # fmt: skip

    def _frame(self, own: Incidents, before: int) -> pd.DataFrame:
        """A part of the incidents as the bulk loader takes them; they are numbered on from those before."""
        rule = np.full(len(self._ids["category"]), -1, dtype=np.int64)
        rule[self._district.rules["category"]] = self._ids["category_rule"]
        serial = names.digits(np.arange(before + 1, before + len(own) + 1), 9).astype(str)
        moments = {name: pd.Series(getattr(own, name).astype("datetime64[us]")).dt.tz_localize("UTC") for name in _MOMENTS}
        return pd.DataFrame({
            "source": _chosen(SOURCES, own.source), "source_id": np.char.add("YL", serial), "lon": own.lon, "lat": own.lat,
            "category_id": self._ids["category"][own.category], "rule_id": rule[own.category], "severity": own.severity,
            "title": _chosen(self._district.titles, own.title), "address": _chosen(self._district.addresses, own.address),
            "state": _chosen(STATES, own.state), "level": _chosen(LEVELS, own.level),
            "urgent": own.urgent, "supervised": own.supervised, "on_spot": own.on_spot,
            "officer_id": _id_or_none(self._ids["officer"], own.officer),
            "building_id": _id_or_none(self._ids["building"], own.building), **moments,
        })  # fmt: skip

    def _itself(self, connection: psycopg.Connection) -> None:
        """What the deployment knows of its demo: size, seed, moment and the planted clusters."""
        own = self._district
        truth = own.clusters.drop(columns=["grids"]).to_dict("records")
        for row in truth:
            row["category_id"] = int(self._ids["category"][int(row.pop("category"))])
            row["building_id"] = None if row["building"] < 0 else int(self._ids["building"][int(row["building"])])
            del row["building"]
        facts = {"demo": {"size": own.size.name, "seed": own.seed, "now": own.now.isoformat()}, "demo_clusters": truth}
        if own.size.districts > 1:
            facts |= {"name": CITY.zh, "name_en": CITY.en}
        with connection.cursor() as cursor:
            cursor.executemany("INSERT INTO deployment (key, value) VALUES (%s, %s) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
                               [(key, json.dumps(value, default=int)) for key, value in facts.items()])  # fmt: skip


_MOMENTS = ("reported_at", "filed_at", "dispatched_at", "handled_at", "closed_at", "due_at")
assert np.datetime64("NaT", "us").astype(np.int64) == NEVER


def _sealed(keys: Keyring, people: pd.DataFrame, resident: Integers) -> dict[str, list[str]]:
    """Name, phone and number of some residents as one sealed field; phone and number also as blind indexes."""
    phones, numbers = ([text.decode() for text in people[column]] for column in ("phone", "number"))
    plain = [packed({"name": n, "phone": p, "number": i}) for n, p, i in zip(people["name"], phones, numbers, strict=True)]
    fields = {
        "sealed": keys.seal_many("resident.sealed", resident.tolist(), plain),
        "phone_index": keys.blind_indexes("resident.phone", phones),
        "number_index": keys.blind_indexes("resident.number", numbers),
    }  # fmt: skip
    return {column: ["\\x" + each.hex() for each in values] for column, values in fields.items()}


def _chosen(words: tuple[str, ...] | list[str], index: NDArray[np.signedinteger]) -> pd.Series:
    """Words by their number, each distinct one kept once."""
    number, distinct = pd.factorize(np.array(words, dtype=object))
    chosen: pd.Series = pd.Series(pd.Categorical.from_codes(number[index], categories=distinct))  # type: ignore[call-overload]
    return chosen


def _id_or_none(ids: Integers, row: NDArray[np.signedinteger]) -> pd.Series:
    return pd.Series(ids[row], dtype="Int64").where(row >= 0)
