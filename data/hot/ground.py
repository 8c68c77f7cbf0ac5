"""The current ground in memory, so that placing an incident or looking a place up asks no spatial question of the database.

The index holds the whole current coverage of the primary scheme, whoever asks: where a place belongs is a fact.
What of an answer a caller may see is cut by scope afterwards, by the query that fetches names and people.
"""

import threading
import time
from dataclasses import dataclass, fields
from typing import Literal
from weakref import WeakKeyDictionary

import numpy as np
import shapely
from numpy.typing import ArrayLike, NDArray
from shapely import MultiPolygon
from sqlalchemy import Connection, Engine, text
from sqlalchemy.orm import Session

from data.database import Database
from data.hot.commits import commits, has_written
from gis.assignment import NOBODY, TOLERANCE_M, Assignment, GridLocator

LOOK_EVERY_S = 1.0
"""How old the index may be when another process changed the ground; a change of this process shows at once."""
PlacedBy = Literal["none", "covers", "border"]


@dataclass(frozen=True, slots=True)
class Placement:
    """Where a place belongs now. No grid: `grid_id` None; outside every community as well: `community_id` 0.

    `border_distance_m`: metres to the nearest border of a grid, exact up to 200 and 200 beyond.
    """

    grid_id: int | None
    grid_version: int | None
    community_id: int
    placed_by: PlacedBy
    border_distance_m: float
    ambiguous: bool


@dataclass(frozen=True, slots=True)
class Placements:
    """Where many places belong, in their order; a missing grid is -1, a missing version or community 0."""

    grid_ids: NDArray[np.int64]
    grid_versions: NDArray[np.int32]
    community_ids: NDArray[np.int32]
    on_border: NDArray[np.bool_]
    border_distance_m: NDArray[np.float32]
    ambiguous: NDArray[np.bool_]

    def rows(self, which: NDArray[np.int64]) -> "Placements":
        """Some of them, by row number."""
        return Placements(*(getattr(self, field.name)[which] for field in fields(self)))


class GroundIndex:
    """One version of the ground; safe to ask from several threads."""

    def __init__(self, stamp: str, grids: list[tuple[int, int, int, bytes]], areas: list[tuple[int, bytes]], tolerance_m: float) -> None:
        """`grids` are id, version, community and border (WKB) in the order of their codes; so are the communities."""
        self.stamp, self.tolerance_m = stamp, tolerance_m
        ids = np.array([row[0] for row in grids], dtype=np.int64)
        self._order = np.argsort(ids)
        self._sorted = ids[self._order]
        self._versions = np.array([row[1] for row in grids], dtype=np.int32)
        self._communities = np.array([row[2] for row in grids], dtype=np.int32)
        self._grids = GridLocator(_borders([row[3] for row in grids]), ids, tolerance_m=tolerance_m)
        self.bounds = _bounds(grids, areas)
        # Only for ground that has no grids yet.
        self._areas = GridLocator(_borders([row[1] for row in areas]), [row[0] for row in areas])

    def place(self, lon: float, lat: float) -> Placement:
        """The grid of one place (degrees); on a shared border the grid with the lowest code. Some microseconds."""
        at = self._grids.locate_one(lon, lat)
        if at.id == NOBODY:
            community = self._areas.locate_one(lon, lat).id
            return Placement(None, None, max(community, 0), "none", at.distance_m, at.ambiguous)
        row = self._order[np.searchsorted(self._sorted, at.id)]
        version, community = int(self._versions[row]), int(self._communities[row])
        placed_by: PlacedBy = "border" if at.on_border else "covers"
        return Placement(at.id, version, community, placed_by, at.distance_m, at.ambiguous)

    def place_many(self, lon: ArrayLike, lat: ArrayLike) -> Placements:
        """The grids of many places (degrees), the same answers as `place` gives one by one."""
        at = self._grids.assign(lon, lat)
        versions, communities = np.zeros(len(at.ids), dtype=np.int32), np.zeros(len(at.ids), dtype=np.int32)
        found = at.ids != NOBODY
        rows = self._order[np.searchsorted(self._sorted, at.ids[found])]
        versions[found], communities[found] = self._versions[rows], self._communities[rows]
        communities[~found] = np.maximum(self._community_of(lon, lat, ~found).ids, 0)
        return Placements(at.ids, versions, communities, at.on_border, at.distance_m, at.ambiguous)

    def _community_of(self, lon: ArrayLike, lat: ArrayLike, wanted: NDArray[np.bool_]) -> Assignment:
        return self._areas.assign(np.asarray(lon)[wanted], np.asarray(lat)[wanted], distances=False)


class _Keeper:
    """Holds the newest index of one database and knows when to look whether it still is."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.index: GroundIndex | None = None
        self.looked_at = float("-inf")
        self.commits_seen = -1

    def holds(self, tolerance_m: float) -> bool:
        """Whether this process has committed nothing since the last look, and that was not long ago."""
        recent = time.monotonic() - self.looked_at < LOOK_EVERY_S and self.commits_seen == commits()
        return recent and self.index is not None and self.index.tolerance_m == tolerance_m


_keepers: WeakKeyDictionary[Engine, _Keeper] = WeakKeyDictionary()
_keepers_lock = threading.Lock()


def ground_index(source: Session | Database, *, tolerance_m: float = TOLERANCE_M) -> GroundIndex:
    """The index of the newest committed ground of a database, or of what a session sees that has changed the ground itself."""
    if isinstance(source, Session):
        return _seen_by(source, tolerance_m)
    if isinstance(source.bind, Engine):
        keeper = _keeper_of(source.bind)
        if keeper.index is not None and keeper.holds(tolerance_m):
            return keeper.index
    with source.unit_of_work() as session:
        return _seen_by(session, tolerance_m)


def ready_index(database: Database, tolerance_m: float) -> GroundIndex | None:
    """The index if it is known to be true without asking the database, for those who must not wait."""
    keeper = _keeper_of(database.bind) if isinstance(database.bind, Engine) else None
    return keeper.index if keeper is not None and keeper.holds(tolerance_m) else None


def _seen_by(session: Session, tolerance_m: float) -> GroundIndex:
    connection = session.connection()
    keeper = _keeper_of(connection.engine)
    private = isinstance(session.get_bind(), Connection) or has_written(connection)
    with keeper.lock:
        if not private and keeper.index is not None and keeper.holds(tolerance_m):
            return keeper.index
        before = commits()
        stamp = session.execute(text("SELECT gate.ground_stamp()")).scalar_one()
        index = keeper.index
        if index is None or index.stamp != stamp or index.tolerance_m != tolerance_m:
            index = _read(session, stamp, tolerance_m)
        if not private:
            # What only this transaction sees must not be shown to others.
            keeper.index, keeper.looked_at, keeper.commits_seen = index, time.monotonic(), before
        return index


def _read(session: Session, stamp: str, tolerance_m: float) -> GroundIndex:
    grids = session.execute(text("SELECT id, version, community_id, border FROM gate.current_grids()")).all()
    areas = session.execute(text("SELECT id, border FROM gate.current_communities()")).all()
    return GroundIndex(stamp, [(r[0], r[1], r[2], bytes(r[3])) for r in grids], [(r[0], bytes(r[1])) for r in areas], tolerance_m)


def _keeper_of(engine: Engine) -> _Keeper:
    with _keepers_lock:
        return _keepers.setdefault(engine, _Keeper())


def _borders(stored: list[bytes]) -> list[MultiPolygon]:
    return list(shapely.from_wkb(stored))


def _bounds(grids: list[tuple[int, int, int, bytes]], areas: list[tuple[int, bytes]]) -> tuple[float, float, float, float] | None:
    """West, south, east, north of all ground, degrees."""
    borders = _borders([row[1] for row in areas] or [row[3] for row in grids])
    west, south, east, north = shapely.total_bounds(borders) if borders else (np.nan,) * 4
    return (float(west), float(south), float(east), float(north)) if borders else None
