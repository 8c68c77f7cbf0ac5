"""A storm of random operations on one coverage: what was applied, what was refused, and whether everything still fits."""

import argparse
import json
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import geopandas as gpd
import numpy as np
import shapely

from bench._storm import CROSSING, City, Storm, Tally
from data.demo.generate import begin
from gis.borders.follow import outline_of
from gis.borders.model import Shape, Shapes
from gis.certificate import loose_edges, tiles_exactly
from gis.crs import LocalMetres, geometry_from, local_metres
from gis.hierarchy import build_hierarchy
from gis.lattice import STEP, to_integers
from gis.mending import mend

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"
NOTHING = np.array([], dtype=object)
NOW = datetime(2026, 10, 1, 4, tzinfo=UTC)


def main() -> int:
    asked = _arguments()
    city = {"demo": _demo, "realcity": _realcity, "taiwan": _taiwan}.get(asked.data, lambda: _file(Path(asked.data)))()
    before, shapes = city.state(), city.shapes[: len(city.slot)].copy()
    print(
        f"{asked.data}: {len(shapes)} grids, {int(shapely.get_num_coordinates(shapes).sum())} vertices, {len(city.lines)} lines",
        file=sys.stderr,
    )
    storm = Storm(city, asked.seed, asked.crossing)
    began = time.perf_counter()
    tally = storm.run(asked.operations, watch=asked.watch, hard=asked.hard, each=_progress(asked.operations))
    told = {"data": asked.data, "operations": asked.operations, "seed": asked.seed, "grids": [len(shapes), len(city.slot)]}
    told |= _of_tally(tally) | {"seconds": round(time.perf_counter() - began, 1)} | _proof(city, shapes)
    storm.undo_all()
    told["undo_all_identical"] = city.state() == before
    print(json.dumps(told, indent=None if asked.json else 2, ensure_ascii=False))
    sound = told["certificate"] and told["undo_all_identical"] and not tally.exceptions and not tally.broken
    return 0 if sound else 1


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--operations", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument(
        "--data", default="demo", help="demo, realcity, taiwan, or a file of polygons; a column `community` keeps grids apart"
    )
    parser.add_argument("--crossing", type=float, default=CROSSING, help="share of operations that may move borders of communities")
    parser.add_argument("--watch", action="store_true", help="ask coverage_is_valid about the neighbourhood after every operation")
    parser.add_argument("--hard", action="store_true", help="half of the operations are drawn to do harm")
    parser.add_argument("--json", action="store_true", help="on one line")
    return parser.parse_args()


def _progress(total: int):
    def tell(number: int) -> None:
        if sys.stderr.isatty() and number % 100 == 0:
            print(f"\r{number}/{total}", end="", file=sys.stderr)

    return tell


def _of_tally(tally: Tally) -> dict[str, object]:
    spent = np.array([each for times in tally.ms.values() for each in times])
    return {
        "applied": sum(tally.applied.values()),
        "applied_by_kind": dict(tally.applied.most_common()),
        "refused": sum(count for reason, count in tally.refused.items() if " in " not in reason),
        "refused_by_reason": dict(tally.refused.most_common()),
        "exceptions": len(tally.exceptions),
        "first_exceptions": tally.exceptions[:5],
        "broken_neighbourhoods": tally.broken[:20],
        "met_the_outer_border": tally.outer,
        "ms_cpu": _times(spent),
        "ms_cpu_by_kind": {kind: _times(np.array(times)) for kind, times in tally.ms.items()},
    }  # fmt: skip


def _times(spent: np.ndarray) -> dict[str, float]:
    found = {"mean": spent.mean(), "p95": np.percentile(spent, 95), "max": spent.max()}
    return {name: round(float(value), 2) for name, value in found.items()}


def _proof(city: City, first: Shapes) -> dict[str, object]:
    """Whether all grids tile the ground exactly, and how far its outer border moved by rounding."""
    last = np.array([city.shapes[city.slot[int(each)]] for each in city.alive], dtype=object)
    outline, outline_first = outline_of(last), outline_of(first)
    exact = tiles_exactly(list(last), outline) and bool(shapely.coverage_is_valid(last))
    inner = _doubled_area(last) == _doubled_area(np.array([outline], dtype=object))
    drift = _doubled_area(last) - _doubled_area(first)
    # Steps and squares, not projected metres: a vertex put into a long edge of degrees bends it in any projection.
    moved = float(shapely.hausdorff_distance(outline, outline_first)) / STEP
    x, y = city.metres.xy([city.metres.lon0, city.metres.lon0 + 1e-3], [city.metres.lat0, city.metres.lat0 + 1e-3])
    square_m2 = float((x[1] - x[0]) * (y[1] - y[0])) * (STEP / 1e-3) ** 2
    return {
        "certificate": exact and inner,
        "outer_edges_that_differ": len(loose_edges([outline], [outline_first])),
        "outer_border_moved_steps": round(moved, 3),
        "area_drift_m2": round(drift / 2 * square_m2, 6),
        "area_drift_lattice_squares": drift / 2,
        "area_of_grids_is_area_of_outline_to_the_lattice": inner,
    }


def _doubled_area(shapes: Shapes) -> int:
    """Twice the area in lattice steps squared, without rounding: Python's whole numbers do not overflow."""
    rings = shapely.get_rings(shapely.get_parts(shapely.orient_polygons(shapes)))
    total = 0
    for ring in rings:
        at = to_integers(shapely.get_coordinates(ring))
        x, y = (at - at[0]).T.astype(object)
        total += int((x[:-1] * y[1:] - x[1:] * y[:-1]).sum())
    return total


def _city(shapes: list[Shape], communities: np.ndarray, metres: LocalMetres, lines: Shapes = NOTHING) -> City:
    multi = [each if isinstance(each, shapely.MultiPolygon) else shapely.MultiPolygon([each]) for each in shapes]
    _, number = np.unique(communities.astype(str), return_inverse=True)
    return City(np.array(multi, dtype=object), number, metres, lines)


def _demo() -> City:
    district = begin("district", seed=7, now=NOW).district
    base = district.base
    lines = shapely.get_parts(np.array(base.geometry[base["layer"].isin(["road", "water"])].array, dtype=object))
    lines = lines[shapely.get_type_id(lines) == shapely.GeometryType.LINESTRING]
    grids = district.grids
    return _city(list(grids.geometry), grids["community"].to_numpy(), _metres_of(grids), lines)


def _realcity() -> City:
    folder = SHARED / "realcity"
    grids = _read(folder / "grids/Block_Group_2010_noprj.zip", "GEOID10", 2272)
    communities = _read(folder / "communities/Pittsburgh_Neighborhoods.zip", "hood")
    wards = _read(folder / "districts/PGHWards.zip", "ward").dissolve("code", as_index=False)
    metres = local_metres(-79.98, 40.43)
    finest = build_hierarchy([grids, communities, wards], metres=metres, truth=1).levels[0]
    return _city(list(finest.geometry), finest["parent_code"].fillna("").to_numpy(), metres)


def _taiwan() -> City:
    frame = gpd.read_file(f"/vsizip/{SHARED / 'china/taiwan/taiwan_villages-10t.topojson.zip'}", layer="villages")
    frame = frame[~(frame.geometry.is_empty | frame.geometry.isna())]
    shapes = np.array(frame.geometry.array, dtype=object)
    villages = gpd.GeoDataFrame(
        {"code": [str(each) for each in range(len(frame))], "town": frame["TOWNCODE"].to_numpy()}, geometry=list(shapes), crs=4490
    )
    metres = _metres_of(villages)
    outline = shapely.union_all(shapely.make_valid(shapes))
    report = mend(villages, outline, steps=("snap", "slivers", "outline"), metres=metres)
    if not report.exact:
        raise SystemExit("the villages could not be mended to an exact coverage")
    return _city(list(report.frame.geometry), report.frame["town"].to_numpy(), metres)


def _file(path: Path) -> City:
    frame = gpd.read_file(path)
    system = frame.crs if frame.crs is not None else 4326
    shapes = geometry_from(system, np.array(frame.geometry.array, dtype=object))
    ready = gpd.GeoDataFrame({"code": [str(each) for each in range(len(frame))]}, geometry=list(shapes), crs=4490)
    metres = _metres_of(ready)
    report = mend(ready, shapely.union_all(shapely.make_valid(shapes)), steps=("snap", "slivers", "outline"), metres=metres)
    if not report.exact:
        raise SystemExit("the polygons could not be mended to an exact coverage")
    kept = report.frame["code"].astype(int).to_numpy()
    homes = frame["community"].to_numpy()[kept] if "community" in frame else np.zeros(len(kept))
    return _city(list(report.frame.geometry), homes, metres)


def _read(path: Path, code: str, crs: int = 4326) -> gpd.GeoDataFrame:
    frame = gpd.read_file(path)
    shapes = geometry_from(crs, np.array(frame.geometry.array, dtype=object))
    return gpd.GeoDataFrame({"code": frame[code].astype(str)}, geometry=list(shapes), crs=4490)


def _metres_of(frame: gpd.GeoDataFrame) -> LocalMetres:
    west, south, east, north = frame.total_bounds
    return local_metres((west + east) / 2, (south + north) / 2)


if __name__ == "__main__":
    sys.exit(main())
