"""Mend polygons that nearly tile their outline, so that they do exactly, and say how much ground changed hands.

Nothing is repaired unasked: every step is asked for by name, and every square metre that moves is in the report.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from shapely.geometry import MultiPolygon, Polygon

from gis.certificate import tiles_exactly
from gis.crs import STORAGE_EPSG, LocalMetres
from gis.division import Claims, divide
from gis.errors import BadGeometry, BadValue, CoverageBroken
from gis.faces import NOBODY, Faces, Ints, Shapes, arrange, polygonal
from gis.junctions import bent
from gis.lattice import on_lattice

STEPS = ("snap", "slivers", "fit", "outline")


@dataclass(frozen=True)
class MendReport:
    """What mending did. All shapes in degrees of EPSG:4490, on the lattice.

    `frame`: the children with their columns, less those with no ground left. `outline`: with every vertex of the
    children. `moved`: columns from_code, to_code (None: nobody), area_m2. `refused`: kind, codes, area_m2, reason,
    geometry of what was not mended. `repaired`: code, reason of polygons that were not valid. `exact`: the certificate.
    """

    frame: gpd.GeoDataFrame
    outline: Polygon | MultiPolygon
    moved: pd.DataFrame
    refused: gpd.GeoDataFrame
    repaired: pd.DataFrame
    exact: bool


def mend(children: gpd.GeoDataFrame, outline: Polygon | MultiPolygon, *, steps: Sequence[str], metres: LocalMetres) -> MendReport:
    """Make children (degrees, with a `code`) tile an outline exactly, by the steps asked for.

    "snap" moves borders to the lattice and nodes them together; broken rings are rebuilt and listed. "slivers" gives
    gaps and overlaps to the neighbour with the longest shared border. "fit" cuts children off at the outline;
    "outline" makes the outline the union of the children instead. What no step allows stays as it is and is refused.
    Raises BadValue for an unknown step or codes that are missing or double, CoverageBroken without "snap" if a
    border is off the lattice, BadGeometry if a child has no ground.
    """
    _check_steps(steps)
    codes = codes_of(children)
    shapes, repaired = sound_polygons(children, codes)
    edge = np.array([polygonal(shapely.make_valid(outline))], dtype=object)
    if "snap" not in steps and not (on_lattice(shapes).all() and on_lattice(edge).all()):
        raise CoverageBroken("Borders are off the lattice; ask for the step snap.", steps=list(steps))
    faces = arrange([shapes, edge], metres)
    claims = Claims(*faces.origins(shapes), np.zeros(len(shapes), dtype=np.int64))
    ground, border = _grounds(faces, claims, edge, steps)
    labels = divide(faces, ground, claims, fill="slivers" in steps)
    if "slivers" in steps:
        held, holder = np.flatnonzero(labels >= 0), labels[labels >= 0]
    else:
        held, holder = claims.face[ground[claims.face] >= 0], claims.child[ground[claims.face] >= 0]
    united = faces.united(held, holder, len(shapes))
    left = ~shapely.is_empty(united)
    beyond = np.bincount(claims.child[border[claims.face]], minlength=len(shapes)) == 0
    new_outline = faces.united(np.flatnonzero(border), np.zeros(border.sum(), dtype=np.int64), 1)[0]
    rows = [*_open_ground(faces, border, held, holder, codes), *nothing_left(codes[~left], beyond[~left])]
    return MendReport(
        frame=with_shapes(children[left], united[left]),
        outline=new_outline,
        moved=moved_ground(faces, claims, held, holder, codes),
        refused=refused_frame(rows),
        repaired=repaired,
        exact=bool(left.any()) and tiles_exactly(list(united[left]), new_outline),
    )


def codes_of(frame: gpd.GeoDataFrame) -> NDArray[np.object_]:
    """The codes of a frame in its order; BadValue if there is no such column, or a code is missing or double."""
    if "code" not in frame:
        raise BadValue("The polygons need a column named code.", columns=[str(each) for each in frame.columns])
    codes = frame["code"]
    if codes.isna().any():
        raise BadValue("A polygon has no code.", row=int(np.flatnonzero(codes.isna())[0]))
    if codes.duplicated().any():
        double = codes[codes.duplicated()].iloc[0]
        raise BadValue("Two polygons have one code.", code=str(double))
    return np.asarray(codes.to_numpy(), dtype=object)


def sound_polygons(frame: gpd.GeoDataFrame, codes: NDArray[np.object_]) -> tuple[Shapes, pd.DataFrame]:
    """The polygons of a frame, broken rings rebuilt, and a list (code, reason) of those that were broken."""
    shapes = np.array(frame.geometry.array, dtype=object)
    broken = ~shapely.is_valid(shapes)
    reasons = shapely.is_valid_reason(shapes[broken])
    shapes[broken] = [polygonal(shapely.make_valid(shape)) for shape in shapes[broken]]
    empty = shapely.is_missing(shapes) | (shapely.area(shapes) == 0)
    if empty.any():
        raise BadGeometry("A polygon has no ground.", code=str(codes[np.argmax(empty)]))
    return shapes, pd.DataFrame({"code": codes[broken], "reason": reasons})


def moved_ground(faces: Faces, claims: Claims, held: Ints, holder: Ints, codes: NDArray[np.object_]) -> pd.DataFrame:
    """Who lost ground to whom: from_code, to_code (None: nobody), area_m2, the largest first.

    `held` and `holder` are the pairs (face, child) of the result. In an overlap, the claimants that do not keep it
    lose it to the one that does.
    """
    before = pd.DataFrame({"face": claims.face, "before": claims.child})
    after = pd.DataFrame({"face": held, "after": holder})
    table = before.merge(after, on="face", how="outer").fillna(NOBODY).astype(np.int64)
    kept = table[table["before"] == table["after"]]
    table = table.merge(kept.assign(kept=True), on=["face", "before"], how="left", suffixes=("", "_kept"))
    table = table[table["kept"].isna()]
    table = table.assign(area_m2=shapely.area(bent(faces.shapes[table["face"].to_numpy()], faces.metres)))
    table = table.groupby(["before", "after"])["area_m2"].sum().reset_index()
    named = np.array([*codes, None], dtype=object)
    moved = pd.DataFrame(
        {
            "from_code": pd.Series(named[table["before"]], dtype=object),
            "to_code": pd.Series(named[table["after"]], dtype=object),
            "area_m2": table["area_m2"],
        }
    )
    return moved.sort_values("area_m2", ascending=False, ignore_index=True)


def refused_frame(rows: list[dict[str, object]]) -> gpd.GeoDataFrame:
    """What was not mended: kind, codes, area_m2, reason, geometry."""
    columns = ["kind", "codes", "area_m2", "reason", "geometry"]
    return gpd.GeoDataFrame(rows, columns=columns, geometry="geometry", crs=STORAGE_EPSG)


def nothing_left(codes: NDArray[np.object_], beyond: NDArray[np.bool_]) -> list[dict[str, object]]:
    """Rows of `refused` for polygons that have no ground: others hold all of it, or it lies `beyond` the outline."""
    reasons = ["all of it lies outside" if each else "others hold all its ground" for each in beyond]
    return [
        {"kind": "nothing_left", "codes": (code,), "area_m2": 0.0, "reason": reason, "geometry": Polygon()}
        for code, reason in zip(codes, reasons, strict=True)
    ]


def with_shapes(frame: gpd.GeoDataFrame, shapes: Shapes) -> gpd.GeoDataFrame:
    """The same rows and columns with new geometry, EPSG:4490."""
    plain = pd.DataFrame(frame.drop(columns=frame.geometry.name))
    return gpd.GeoDataFrame(plain, geometry=list(shapes), crs=STORAGE_EPSG)


def _check_steps(steps: Sequence[str]) -> None:
    unknown = [step for step in steps if step not in STEPS]
    if unknown:
        raise BadValue("There is no such mending step.", unknown=unknown, steps=list(STEPS))
    if "fit" in steps and "outline" in steps:
        raise BadValue("Either the children give way (fit) or the outline does (outline), not both.")


def _grounds(faces: Faces, claims: Claims, edge: Shapes, steps: Sequence[str]) -> tuple[Ints, NDArray[np.bool_]]:
    """Where children may be (0, else NOBODY), and which faces make the outline that they are to tile."""
    inside = np.zeros(len(faces.shapes), dtype=np.bool_)
    inside[faces.origins(edge)[0]] = True
    inside |= faces.cracks(inside)
    claimed = np.zeros(len(faces.shapes), dtype=np.bool_)
    claimed[claims.face] = True
    if "outline" in steps:
        gaps = inside & faces.enclosed(~claimed) if "slivers" in steps else np.zeros_like(inside)
        return np.where(claimed | gaps, 0, NOBODY), claimed | gaps
    allowed = inside if "fit" in steps else inside | claimed
    return np.where(allowed, 0, NOBODY), inside


def _open_ground(faces: Faces, border: NDArray[np.bool_], held: Ints, holder: Ints, codes: NDArray[np.object_]) -> list[dict[str, object]]:
    """Rows of `refused` for faces inside that nobody holds or several hold, and faces outside that somebody holds."""
    holders = np.bincount(held, minlength=len(border))
    kinds = {
        "gap": (border & (holders == 0), "the step slivers was not asked for, or no neighbour shares a border"),
        "overlap": (holders > 1, "the step slivers was not asked for"),
        "outside": (~border & (holders > 0), "neither fit nor outline was asked for"),
    }
    return [
        {"kind": kind, "codes": tuple(codes[holder[held == face]]), "area_m2": float(faces.area_m2[face]),
         "reason": reason, "geometry": faces.shapes[face]}
        for kind, (where, reason) in kinds.items()
        for face in np.flatnonzero(where)
    ]  # fmt: skip
