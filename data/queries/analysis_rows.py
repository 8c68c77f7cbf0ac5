"""The rows a question reads: incidents in columns, units with borders, and the fingerprint that tells one state of them from another."""

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

import numpy as np
import orjson
import psycopg
import shapely
from numpy.typing import NDArray
from shapely.geometry import MultiPolygon
from sqlalchemy import TextClause
from sqlalchemy.orm import Session

from data.scope import Scope
from data.statements import statements
from gis.errors import TooLarge

MOST_INCIDENTS = 12_000_000
"""At the peak up to 255 bytes each (measured at one and at ten million), so some 3 GB."""
CHUNK = 16_000_000
"""Bytes parsed at once."""
COPY_HEADER = 19
MICROSECONDS_2000 = 946_684_800_000_000
AMBIGUOUS, DUE, KEPT, STALE = 1, 2, 4, 8
NONE = -1

# Binary COPY: a row is its number of fields and each field's length before its big-endian value; none is NULL, so all rows are alike.
COLUMNS = (
    ("id", ">i8"), ("at", ">i8"), ("category", ">i4"), ("source", ">i4"), ("community", ">i4"), ("grid", ">i8"), ("building", ">i8"),
    ("officer", ">i8"), ("lon", ">f8"), ("lat", ">f8"), ("address", ">i4"), ("marks", ">i4"), ("hash", ">i8"),
)  # fmt: skip
WIRE = np.dtype([("fields", ">i2"), *((f"{kind}{name}", code) for name, of in COLUMNS for kind, code in (("length_", ">i4"), ("", of)))])
KEPT_AS = {"at": "i8", "category": "i4", "source": "i2", "community": "i4", "grid": "i8", "building": "i8", "officer": "i8", "lon": "f8",
           "lat": "f8", "address": "i4", "marks": "u1"}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Incidents:
    """Columns of equal length, by id. `at`: microseconds since 1970 in UTC; `source`: 1 and up into `sources`, 0 unknown;
    `grid`, `building`, `officer`: ids or NONE; `lon`, `lat`: degrees, NaN without a place; `address`: a hash, 0 for none;
    `marks`: AMBIGUOUS, DUE, KEPT, STALE.
    """

    at: NDArray[np.int64]
    category: NDArray[np.int32]
    source: NDArray[np.int16]
    community: NDArray[np.int32]
    grid: NDArray[np.int64]
    building: NDArray[np.int64]
    officer: NDArray[np.int64]
    lon: NDArray[np.float64]
    lat: NDArray[np.float64]
    address: NDArray[np.int32]
    marks: NDArray[np.uint8]

    def __len__(self) -> int:
        return len(self.at)

    def only(self, which: NDArray[np.bool_]) -> "Incidents":
        """Some of them."""
        return Incidents(*(getattr(self, each.name)[which] for each in fields(self)))


@dataclass(frozen=True, slots=True)
class Units:
    """What counts are of, grids or communities, in the order of their codes; borders in degrees."""

    ids: NDArray[np.int64]
    communities: NDArray[np.int32]
    codes: list[str]
    names: list[str]
    names_en: list[str]
    versions: NDArray[np.int32]
    area_m2: NDArray[np.float64]
    households: NDArray[np.float64]
    borders: list[MultiPolygon]
    are_grids: bool

    def __len__(self) -> int:
        return len(self.ids)

    def fingerprint(self) -> bytes:
        """Of ids and versions, in order: one version of the borders."""
        told = hashlib.sha256(b"grids" if self.are_grids else b"communities")
        told.update(self.ids.astype("<i8").tobytes())
        told.update(self.versions.astype("<i4").tobytes())
        return told.digest()

    def rows_of(self, ids: NDArray[np.int64]) -> NDArray[np.int64]:
        """The row of each id, NONE where there is no such unit."""
        order = np.argsort(self.ids)
        at = np.minimum(np.searchsorted(self.ids[order], ids), max(len(order) - 1, 0))
        if not len(order):
            return np.full(len(ids), NONE, dtype=np.int64)
        return np.where(self.ids[order][at] == ids, order[at], NONE)


@dataclass(frozen=True, slots=True)
class Selection:
    """Which incidents: on a ground (a multirange), from one moment up to another, of some categories and sources (none: all)."""

    ground: str
    starts: datetime
    ends: datetime
    categories: Sequence[int] = ()
    sources: Sequence[str] = ()

    def binds(self) -> dict[str, Any]:
        """What the statements take."""
        return {
            "ground": self.ground, "starts": self.starts, "ends": self.ends, "categories": list(self.categories),
            "every": not self.categories, "sources": list(self.sources), "all_sources": not self.sources,
        }  # fmt: skip


def sources(session: Session, scope: Scope) -> list[str]:
    """Every source that ever reported."""
    return list(session.scalars(_named("sources")))


def units(session: Session, scope: Scope, ground: str, scheme_id: int, *, of: str = "grid") -> Units:
    """The current grids or communities of a ground."""
    rows = session.execute(_named("grids" if of == "grid" else "communities"), {"ground": ground, "scheme_id": scheme_id}).all()
    return Units(
        np.array([row.id for row in rows], dtype=np.int64),
        np.array([row.community_id for row in rows], dtype=np.int32),
        [row.code for row in rows],
        [row.name for row in rows],
        [row.name_en for row in rows],
        np.array([row.version for row in rows], dtype=np.int32),
        np.array([row.area_m2 for row in rows], dtype=np.float64),
        np.array([row.households for row in rows], dtype=np.float64),
        list(shapely.from_wkb([bytes(row.border) for row in rows])),
        of == "grid",
    )


def communities(session: Session, scope: Scope, ground: str) -> list[dict[str, Any]]:
    """Code and names of the communities of a ground."""
    return [dict(row._mapping) for row in session.execute(_named("names"), {"ground": ground})]


def population(session: Session, scope: Scope, found: Units, ground: str, denominator: str) -> NDArray[np.float64]:
    """Households or residents, by unit of the primary scheme or community; ones where rates are per nothing."""
    if denominator == "households":
        return found.households
    if denominator == "none":
        return np.ones(len(found))
    rows = session.execute(_named("residents"), {"ground": ground}).all()
    at = found.rows_of(np.array([row.grid_id if found.are_grids else row.community_id for row in rows], dtype=np.int64))
    residents = np.array([row.residents for row in rows], dtype=np.float64)
    return np.bincount(at[at >= 0], weights=residents[at >= 0], minlength=len(found)).astype(np.float64)


def homes(session: Session, scope: Scope, ground: str) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Longitude, latitude and households of every building where somebody lives."""
    rows = session.execute(_named("homes"), {"ground": ground}).all()
    lon, lat, households = (np.array([getattr(row, name) for row in rows], dtype=np.float64) for name in ("lon", "lat", "households"))
    return lon, lat, households


def residents_at(session: Session, scope: Scope, ground: str) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Longitude, latitude and residents of every building where somebody lives."""
    rows = session.execute(_named("residents_at"), {"ground": ground}).all()
    lon, lat, residents = (np.array([getattr(row, name) for row in rows], dtype=np.float64) for name in ("lon", "lat", "residents"))
    return lon, lat, residents


def roads(session: Session, scope: Scope, box: NDArray[np.float64]) -> NDArray[np.object_]:
    """Roads that meet a box (west, south, east, north), lines in degrees."""
    rows = session.execute(_named("roads"), _box(box)).all()
    return np.array(shapely.from_wkb([bytes(row.line) for row in rows]), dtype=object)


def roads_version(session: Session, scope: Scope, box: NDArray[np.float64]) -> bytes:
    """Which roads those are, without reading their lines: base features are replaced, never changed."""
    row = session.execute(_named("roads_version"), _box(box)).one()
    return orjson.dumps([row.number, row.newest])


def _box(box: NDArray[np.float64]) -> dict[str, float]:
    return dict(zip(("west", "south", "east", "north"), box.tolist(), strict=True))


def merged(session: Session, scope: Scope, chosen: Selection) -> int:
    """Incidents of a selection that were merged into others, and so are not read."""
    return int(session.execute(_named("merged"), chosen.binds()).scalar_one())


def data_version(
    read: tuple[int, int, int], merged_rows: int, found: Units, people: NDArray[np.float64], names: Sequence[Mapping[str, Any]]
) -> bytes:
    """One hash of everything a question reads: rows (number, mixed and summed hashes), units with names, their population."""
    told = hashlib.sha256(found.fingerprint())
    told.update(people.astype("<f8").tobytes())
    told.update(orjson.dumps([*read, merged_rows, found.codes, found.names, found.names_en, list(names)]))
    return told.digest()


def fingerprint(session: Session, scope: Scope, chosen: Selection) -> tuple[int, int, int]:
    """Number of rows, and two sums of their hashes, as `incidents` gives them for the rows it read."""
    row = session.execute(_named("fingerprint"), chosen.binds()).one()
    return int(row.number), int(row.mixed), int(row.total) % 2**63


def incidents(
    session: Session, scope: Scope, chosen: Selection, known: Sequence[str], tell: Callable[[int, int], None],
) -> tuple[Incidents, tuple[int, int, int]]:  # fmt: skip
    """The rows of a selection by id, and their fingerprint, taken of these very rows. TooLarge above MOST_INCIDENTS.

    `known`: the sources in the order that `source` counts them; `tell` is called now and then, and may raise.
    """
    parts: list[dict[str, NDArray[Any]]] = []
    number, mixed, total = 0, 0, 0
    for chunk in _chunks(session, chosen.binds() | {"known": list(known)}):
        hashes = chunk["hash"].astype(np.int64)
        number, mixed, total = number + len(chunk), mixed ^ int(np.bitwise_xor.reduce(hashes)), total + _exact_sum(hashes)
        tell(number, 2 * number)
        if number > MOST_INCIDENTS:
            raise TooLarge("The question reads too many incidents; take a shorter period or a smaller area.", most=MOST_INCIDENTS)
        parts.append({name: chunk[name].astype(kind) for name, kind in (("id", "i8"), *KEPT_AS.items())})
    joined = {name: _joined(parts, name, kind) for name, kind in (("id", "i8"), *KEPT_AS.items())}
    joined["at"] += MICROSECONDS_2000
    order = np.argsort(joined.pop("id"), kind="stable")
    # Column by column, for the same reason.
    return Incidents(**{name: joined.pop(name)[order] for name in KEPT_AS}), (number, mixed, total % 2**63)


def _joined(parts: list[dict[str, NDArray[Any]]], name: str, kind: str) -> NDArray[Any]:
    # Each part is given up as it is joined, so that a column lies in memory once and a half at most.
    return np.concatenate([part.pop(name) for part in parts]) if parts else np.empty(0, dtype=kind)


def _exact_sum(hashes: NDArray[np.int64]) -> int:
    """A sum that does not wrap around: high and low halves apart."""
    return (int((hashes >> 32).sum()) << 32) + int((hashes & 0xFFFFFFFF).sum())


def _chunks(session: Session, binds: Mapping[str, Any]) -> Iterator[NDArray[Any]]:
    connection = session.connection()
    compiled = _named("incidents").compile(dialect=connection.dialect)
    driver = connection.connection.driver_connection
    assert isinstance(driver, psycopg.Connection), "the project speaks to PostgreSQL through psycopg"
    waiting = bytearray()
    with driver.cursor() as cursor, cursor.copy(f"COPY ({compiled.string}) TO STDOUT (FORMAT BINARY)", dict(binds)) as stream:
        begun = False
        for data in stream:
            waiting += data
            if not begun:
                del waiting[:COPY_HEADER]
                begun = True
            if len(waiting) >= CHUNK:
                whole = len(waiting) // WIRE.itemsize * WIRE.itemsize
                yield np.frombuffer(bytes(waiting[:whole]), dtype=WIRE)
                del waiting[:whole]
    # What is left ends with a mark of two bytes.
    whole = len(waiting) // WIRE.itemsize * WIRE.itemsize
    if whole:
        yield np.frombuffer(bytes(waiting[:whole]), dtype=WIRE)


def _named(name: str) -> TextClause:
    return statements("analysis_rows")[name]
