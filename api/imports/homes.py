"""Households as rows: each finds its building or is refused; its head is sealed; where there are rows, counts are the rows."""

import unicodedata
from collections.abc import Callable

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from sqlalchemy.orm import Session

from api.imports import heads
from api.imports.mapping import BuildingLink, LayerMapping
from api.imports.prepared import Prepared
from data.queries import import_homes, imports
from data.scope import Scope
from data.sealing import Keyring
from gis.crs import local_metres
from gis.errors import BadMapping

TENURES = ("own", "rent", "public", "empty", "unknown")
FLAGS = ("floating", "has_address", "has_family", "has_work", "has_changes", "has_key_persons")
MOST_MEMBERS = 100
NONE, SEVERAL = -1, -2


class Homes:
    """The households of one file, part by part."""

    def __init__(self, session: Session, scope: Scope, mapping: LayerMapping, keys: Callable[[], Keyring]) -> None:
        assert mapping.building is not None
        self.session, self.scope, self.mapping, self.keys = session, scope, mapping, keys
        self.link: BuildingLink = mapping.building
        self.found = import_homes.buildings(session, scope, shapes=self.link.by == "place")
        if self.found.table.empty:
            raise BadMapping("There are no buildings yet: import the buildings before the households that live in them.")
        self.index = self._index()
        self.first: dict[str, int] = {}
        self.accepted = 0

    def add(self, prepared: Prepared) -> None:
        """Refuse what cannot be a household here, store the rest."""
        prepared.need("source_id")
        self._refuse_doubles(prepared)
        _refuse_odd_values(prepared)
        heads.refuse_unknown_care(prepared)
        building = self._buildings_of(prepared)
        rows = prepared.kept
        frame = self._frame(prepared, rows, building[rows])
        touched = import_homes.store(self.session, self.scope, self.mapping.source, frame)
        if self.mapping.resident:
            touched |= heads.store(self.session, self.scope, prepared, rows, self.keys())
        self.accepted += len(rows)
        loaded = int(frame["source_id"].isin(touched).sum())
        prepared.report.loaded += loaded
        prepared.report.unchanged += len(rows) - loaded

    def finish(self, prepared: Prepared) -> None:
        """Let the counts be the rows, and say so."""
        told = import_homes.count_rows(self.session, self.scope)
        report = prepared.report
        report.note(
            f"{told['households']} households in {told['grids']} grids: there the counts of grids and buildings are the rows now."
            + (f" {told['others']} grids have no household rows; their counts stay as they were." if told["others"] else "")
        )
        missing = import_homes.stored(self.session, self.scope, self.mapping.source) - self.accepted
        if missing > 0:
            report.note(f"{missing} households of this source are stored that this file does not bring; they stay.")
        if report.loaded or told["changed"]:
            rule = {"source": self.mapping.source, "estimated": bool(told["others"]), "by": "rows",
                    "rule": "counts are the household rows; grids without rows keep theirs", "total": int(told["households"])}  # fmt: skip
            imports.set_deployment(self.session, self.scope, {"households": rule})
            imports.tell_bulk(self.session, self.scope, ["household", "grid", "building"])

    def _refuse_doubles(self, prepared: Prepared) -> None:
        for row in prepared.kept:
            number = prepared.text("source_id", row)
            if number in self.first:
                prepared.refuse(row, f"source_id: {number!r} is the number of row {self.first[number]} already")
            self.first.setdefault(number, prepared.number(row))

    def _index(self) -> dict[object, int]:
        """What a household says about its building → the place of the building; SEVERAL where that is not one."""
        table, by = self.found.table, self.link.by
        if by == "place":
            return {}
        if by == "code":
            areas = imports.ground(self.session, self.scope, "community").names(self.link.community)
            keys: list[object] = list(zip(table["community_id"].map(areas), table["code"], strict=True))
        elif by == "address":
            keys = [_plain(address) for address in table["address"]]
        else:
            keys = [number if self.link.source in (None, source) else None
                    for number, source in zip(table["source_id"], table["source"], strict=True)]  # fmt: skip
        index: dict[object, int] = {}
        for place, key in enumerate(keys):
            if key not in (None, ""):
                index[key] = SEVERAL if key in index else place
        return index

    def _buildings_of(self, prepared: Prepared) -> NDArray[np.int64]:
        """The place of each row's building; rows without one are refused with what they said."""
        if self.link.by == "place":
            return self._by_place(prepared)
        building = np.full(len(prepared.layer), NONE, dtype=np.int64)
        for row in prepared.kept:
            said = prepared.text("building", row)
            community = prepared.text("community", row)
            key: object = (community, said) if self.link.by == "code" else _plain(said) if self.link.by == "address" else said
            building[row] = self.index.get(key, NONE)
            whose = f" in community {community!r}" if self.link.by == "code" else ""
            if not said:
                prepared.refuse(row, "building: the source has no value")
            elif building[row] == NONE:
                prepared.refuse(row, f"building: there is no building with the {self.link.by} {said[:80]!r}{whose}")
            elif building[row] == SEVERAL:
                prepared.refuse(row, f"building: several buildings have the {self.link.by} {said[:80]!r}{whose}")
        return building

    def _by_place(self, prepared: Prepared) -> NDArray[np.int64]:
        """The building that covers each place (the first by id where several do), or the nearest near enough."""
        building = np.full(len(prepared.layer), NONE, dtype=np.int64)
        for row in prepared.kept:
            if prepared.shapes[row] is None or prepared.shapes[row].is_empty:
                prepared.refuse(row, "There is no place.")
        rows = prepared.kept
        points = np.asarray(shapely.point_on_surface(prepared.shapes[rows]), dtype=object)
        tree = shapely.STRtree(self.found.shapes)
        which, place = tree.query(points, predicate="intersects")
        covering = pd.Series(place).groupby(which).min()
        building[rows[covering.index.to_numpy(dtype=np.int64)]] = covering.to_numpy(dtype=np.int64)
        open_rows = rows[building[rows] == NONE]
        if self.link.within_m > 0 and len(open_rows):
            west, south, east, north = shapely.total_bounds(self.found.shapes)
            metres = local_metres(float(west + east) / 2, float(south + north) / 2)
            near = shapely.STRtree(metres.to_metres(self.found.shapes))
            asked = metres.to_metres(np.asarray(shapely.point_on_surface(prepared.shapes[open_rows]), dtype=object))
            which, place = near.query_nearest(asked, max_distance=self.link.within_m, all_matches=False)
            building[open_rows[which]] = place
        within = f" and none lies within {self.link.within_m:g} m" if self.link.within_m else ""
        for row in rows[building[rows] == NONE]:
            prepared.refuse(row, f"No building covers the place{within}.")
        return building

    def _frame(self, prepared: Prepared, rows: NDArray[np.int64], building: NDArray[np.int64]) -> pd.DataFrame:
        table = self.found.table.iloc[building]
        frame = pd.DataFrame({"source_id": prepared.column("source_id")[rows].astype(str)}, dtype=object)
        frame["cell"], frame["building_id"], frame["community_id"] = (table[name].to_numpy() for name in ("cell", "id", "community_id"))
        frame["unit"] = prepared.column("unit", "")[rows]
        frame["tenure"] = prepared.column("tenure", "unknown")[rows]
        frame["members"] = prepared.column("members", 0)[rows]
        for name in FLAGS:
            frame[name] = prepared.column(name, False)[rows].astype(bool)
        return frame


def _refuse_odd_values(prepared: Prepared) -> None:
    tenure, members = prepared.column("tenure", "unknown"), prepared.column("members", 0)
    for row in prepared.kept:
        if tenure[row] not in TENURES:
            prepared.refuse(row, f"tenure: {tenure[row]!r} is not one of {', '.join(TENURES)}; give it a lookup in the mapping")
        elif not 0 <= members[row] <= MOST_MEMBERS:
            prepared.refuse(row, f"members: {members[row]!r} is not between 0 and {MOST_MEMBERS}")


def _plain(address: str) -> str:
    """An address as it is compared: full-width is plain, spaces and case do not count."""
    return "".join(unicodedata.normalize("NFKC", address).casefold().split())
