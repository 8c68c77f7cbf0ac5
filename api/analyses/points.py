"""Methods on places as questions ask for them: density clusters, near repeats, kernel density, repeat addresses."""

import base64
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry import MultiPoint

from api.analyses.findings import Findings, Found
from api.analyses.study import Study
from gis.errors import NothingToAnalyse, TooLarge
from gis.hotspots import dbscan, kde, knox
from gis.hotspots.dbscan import Density
from gis.hotspots.doubts import spots
from gis.hotspots.permutation import Progress

MOST_CLUSTERS = 200
MOST_REPEATS = 200
HULL_PLACES = 100_000
MOST_HIERARCHY = 30_000
"""Places: the library's hierarchy cannot be stopped half-way, and takes a second or two for so many."""
DAY_S = 86_400.0


def clustered(study: Study, tell: Progress) -> Findings:
    """DBSCAN, ST-DBSCAN or HDBSCAN; the largest clusters first. They have no p: chance makes clusters too."""
    asked, method = study.parameters, study.question["method"]
    if method == "hdbscan":
        if len(study.rows) and len(np.unique(study.xy, axis=0)) > MOST_HIERARCHY:
            raise TooLarge("There are too many places for a hierarchy of densities; use dbscan or a shorter period.", most=MOST_HIERARCHY)
        found = dbscan.hdbscan(study.xy, min_points=asked["min_points"])
    elif method == "stdbscan":
        days = (study.rows.at - study.rows.at.min()) / 1e6 / DAY_S if len(study.rows) else np.empty(0)
        found = dbscan.st_dbscan(study.xy, days, reach_m=asked["reach_m"], reach_days=asked["reach_days"], min_points=asked["min_points"])
    else:
        found = dbscan.dbscan(study.xy, reach_m=asked["reach_m"], min_points=asked["min_points"])
    tell(1, 2)
    clusters = _clusters(study, found)
    in_clusters = int((found.labels >= 0).sum())
    hot = np.zeros(len(study.units), dtype=np.bool_)
    for each in clusters:
        hot[each.members] = True
    return Findings(clusters=clusters, summary={"in_clusters": in_clusters, "noise": len(found.labels) - in_clusters,
                                                "density_clusters": int(found.labels.max(initial=-1)) + 1},
                    caveats=[("no_significance", {})], hot=hot)  # fmt: skip


def near_repeats(study: Study, tell: Progress) -> Findings:
    """The Knox table."""
    asked = study.parameters
    days = study.rows.at / 1e6 / DAY_S
    found = knox.knox(study.xy, days, bands_m=asked["bands_m"], bands_days=asked["bands_days"], permutations=asked["permutations"],
                      seed=study.seed, progress=tell)  # fmt: skip
    columns = ["from_m", "to_m", "from_days", "to_days", "observed", "expected", "median", "ratio", "p"]
    table = [{name: row[name] for name in columns} for row in found.table.to_dict("records")]
    return Findings(table=table, summary={"pairs": found.pairs})


def density(study: Study, tell: Progress) -> Findings:
    """Incidents per km² as a raster within the ground."""
    asked = study.parameters
    found = kde.density(study.xy, bandwidth_m=asked["bandwidth_m"], cell_m=asked["cell_m"], kernel=asked["kernel"],
                        outline=study.outline)  # fmt: skip
    corner = study.metres.to_degrees(shapely.Point(found.west, found.north))
    rows, columns = found.values.shape
    raster = {
        "west": found.west, "north": found.north, "cell_m": found.cell_m, "columns": columns, "rows": rows, "unit": "per km²",
        "crs": {"kind": "local_metres", "lon0": study.metres.lon0, "lat0": study.metres.lat0}, "corner": [corner.x, corner.y],
        "values": base64.b64encode(found.values.astype("<f4").tobytes()).decode(),
    }  # fmt: skip
    tell(1, 1)
    summary = {"bandwidth_m": found.bandwidth_m, "kernel": found.kernel, "largest": float(np.nanmax(found.values))}
    return Findings(raster=raster, summary=summary, caveats=[("no_significance", {})])


def repeated(study: Study, tell: Progress) -> Findings:
    """Buildings, or coordinates, that come again and again; most first."""
    asked = study.parameters
    if asked["by"] == "building":
        known = np.flatnonzero(study.rows.building >= 0)
        key, first, number = np.unique(study.rows.building[known], return_index=True, return_counts=True)
    else:
        known = np.flatnonzero(np.isfinite(study.xy).all(axis=1))
        _, first, number = np.unique(spots(*study.xy[known].T), return_index=True, return_counts=True)
        key = np.full(len(first), -1)
    if not len(known):
        raise NothingToAnalyse("No incident names a building or a place.", incidents=len(study.rows))
    order = np.argsort(-number, kind="stable")
    least = max(asked["least"], study.question["small_cell"])
    order = order[number[order] >= least]
    share = number[order] / len(study.rows)
    table: list[dict[str, Any]] = []
    for at, each in enumerate(order[:MOST_REPEATS].tolist()):
        row = int(known[first[each]])
        table.append({
            "building_id": int(key[each]) if key[each] >= 0 else None, "lon": study.rows.lon[row], "lat": study.rows.lat[row],
            "grid_id": _unit_id(study, row), "observed": int(number[each]), "share": share[at], "cumulative": float(share[: at + 1].sum()),
        })  # fmt: skip
    tell(1, 1)
    times = np.bincount(np.minimum(number, 10))
    summary = {"places": len(number), "repeated": len(order), "times": times.tolist(), "unnamed": len(study.rows) - len(known)}
    return Findings(table=table, summary=summary)


def _unit_id(study: Study, row: int) -> int | None:
    unit = int(study.unit[row])
    return int(study.units.ids[unit]) if unit >= 0 and study.units.are_grids else None


def _clusters(study: Study, found: Density) -> list[Found]:
    order = np.argsort(found.labels, kind="stable")
    number = int(found.labels.max(initial=-1)) + 1
    begins = np.searchsorted(found.labels[order], np.arange(number + 1))
    largest = np.argsort(-np.diff(begins), kind="stable")[:MOST_CLUSTERS]
    return [_cluster(study, np.sort(order[begins[each] : begins[each + 1]])) for each in largest.tolist()]


def _corners(places: NDArray[np.float64]) -> MultiPoint:
    """Corners of their hull; of the hulls of parts, since a geometry of millions of points is ten times their numbers."""
    parts = [MultiPoint(places[at : at + HULL_PLACES]).convex_hull for at in range(0, len(places), HULL_PLACES)]
    return MultiPoint(shapely.get_coordinates(parts))


def _cluster(study: Study, rows: NDArray[np.int64]) -> Found:
    places = study.xy[rows]
    middle = places.mean(axis=0)
    radius = float(np.hypot(*(places - middle).T).max())
    hull = study.metres.to_degrees(_corners(places).convex_hull)
    there = study.metres.to_degrees(shapely.Point(middle))
    units = np.unique(study.unit[rows])
    days = (int(study.day[rows].min()), int(study.day[rows].max()))
    place = {"lon": there.x, "lat": there.y, "radius_m": radius, "hull": shapely.get_coordinates(hull).tolist()}
    return Found("density", units[units >= 0], days=days, incidents=rows, place=place)
