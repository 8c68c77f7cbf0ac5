"""Levels of borders on one arrangement: grids tile communities, communities streets, streets the district, exactly."""

from collections.abc import Sequence
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from shapely.geometry import MultiPolygon, Polygon

from gis.certificate import tiles_exactly
from gis.crs import LocalMetres
from gis.division import Claims, divide, homes
from gis.errors import BadValue
from gis.faces import NOBODY, Faces, Ints, arrange
from gis.mending import codes_of, moved_ground, nothing_left, refused_frame, sound_polygons, with_shapes

GAP_WIDTH_M = 20.0


@dataclass(frozen=True)
class Hierarchy:
    """Levels that tile each other, finest first, degrees of EPSG:4490 on the lattice.

    `levels`: the frames with their columns and `parent_code` (None on the coarsest and where no parent was found).
    `outline`: the district, with every vertex of all. `moved`: level, from_code, to_code (None: nobody), area_m2.
    `homes`: level, code, parent_code, share of its ground within that parent before mending. `refused`: level, kind,
    codes, area_m2, reason, geometry. `repaired`: level, code, reason of polygons that were not valid. `exact`: whether
    every parent with children is tiled by them, and the outline by the coarsest, by the certificate.
    """

    levels: list[gpd.GeoDataFrame]
    outline: Polygon | MultiPolygon
    moved: pd.DataFrame
    homes: pd.DataFrame
    refused: gpd.GeoDataFrame
    repaired: pd.DataFrame
    exact: bool


@dataclass
class _Level:
    frame: gpd.GeoDataFrame
    codes: NDArray[np.object_]
    claims: Claims
    labels: Ints
    share: NDArray[np.float64]


def build_hierarchy(
    levels: Sequence[gpd.GeoDataFrame],
    *,
    metres: LocalMetres,
    truth: int = -1,
    gap_width_m: float = GAP_WIDTH_M,
) -> Hierarchy:
    """Make levels (degrees, finest first, each with a `code`) tile each other, around the outlines of one of them.

    Borders of level `truth` stay where they are, but for its own overlaps and for gaps narrower than `gap_width_m`.
    Finer levels are cut to it: each child belongs to its `parent_code` if it names one, else to the parent with most of
    its ground; pieces in other parents and gaps go to the neighbour within that parent with the longest shared
    border. Coarser levels become unions of whole children. Raises BadValue or BadGeometry as `mend` does, and
    BadValue for a parent_code that is not a code of the level above.
    """
    if not levels:
        raise BadValue("A hierarchy needs at least one level.")
    top = range(len(levels))[truth]
    codes = [codes_of(frame) for frame in levels]
    sound = [sound_polygons(frame, names) for frame, names in zip(levels, codes, strict=True)]
    faces = arrange([shapes for shapes, _ in sound], metres)
    built: list[_Level] = []
    for frame, names, (shapes, _) in zip(levels, codes, sound, strict=True):
        claims = Claims(*faces.origins(shapes), np.full(len(names), NOBODY))
        built.append(_Level(frame, names, claims, np.empty(0, dtype=np.int64), np.zeros(len(names))))
    _settle_truth(faces, built[top], gap_width_m)
    for level in range(top - 1, -1, -1):
        _cut_to_parents(faces, built[level], built[level + 1])
    for level in range(top + 1, len(built)):
        _gather_children(faces, built[level - 1], built[level])
    return _report(faces, built, [broken for _, broken in sound])


def _settle_truth(faces: Faces, level: _Level, gap_width_m: float) -> None:
    """The level whose outlines are true takes what it covers and the narrow gaps that it encloses."""
    claimed = np.zeros(len(faces.shapes), dtype=np.bool_)
    claimed[level.claims.face] = True
    gaps = (faces.enclosed(~claimed) & (faces.width_m < gap_width_m)) | faces.cracks(claimed)
    home = np.zeros(len(level.codes), dtype=np.int64)
    level.labels = divide(faces, np.where(claimed | gaps, 0, NOBODY), Claims(level.claims.face, level.claims.child, home))


def _cut_to_parents(faces: Faces, level: _Level, above: _Level) -> None:
    """Children keep their ground within their parent; what they hold elsewhere goes to children of that parent."""
    home, level.share = _homes(faces, level, above)
    level.claims = Claims(level.claims.face, level.claims.child, home)
    level.labels = divide(faces, above.labels, level.claims)


def _gather_children(faces: Faces, below: _Level, level: _Level) -> None:
    """A coarser unit becomes the union of the whole children that belong to it."""
    own = Claims(level.claims.face, level.claims.child, np.zeros(len(level.codes), dtype=np.int64))
    held = np.zeros(len(faces.shapes), dtype=np.bool_)
    held[own.face] = True
    level.labels = divide(faces, np.where(held, 0, NOBODY), own)
    home, below.share = _homes(faces, below, level)
    orphans = np.flatnonzero(home < 0)
    home[orphans] = NOBODY
    below.claims = Claims(below.claims.face, below.claims.child, home)
    level.labels = np.where(below.labels >= 0, home[below.labels], NOBODY)


def _homes(faces: Faces, level: _Level, above: _Level) -> tuple[Ints, NDArray[np.float64]]:
    """The parent of each child, named or by most of its ground, and the share of its ground there."""
    face, child = level.claims.face, level.claims.child
    if len(level.labels):
        face = np.flatnonzero(level.labels >= 0)
        child = level.labels[face]
    home, share = homes(faces, face, child, above.labels, len(level.codes))
    if "parent_code" not in level.frame:
        return home, share
    named = level.frame["parent_code"]
    index = pd.Index(above.codes).get_indexer(named.to_numpy())
    lost = named.notna().to_numpy() & (index < 0)
    if lost.any():
        raise BadValue(
            "A parent_code is not a code of the level above.",
            code=str(level.codes[np.argmax(lost)]), parent_code=str(named.iloc[int(np.argmax(lost))]),
        )  # fmt: skip
    given = index >= 0
    inside = pd.Series(faces.area_m2[face] * (above.labels[face] == index[child])).groupby(child).sum()
    whole = pd.Series(faces.area_m2[face]).groupby(child).sum()
    part = (inside / whole).reindex(range(len(level.codes)), fill_value=0.0).to_numpy()
    return np.where(given, index, home), np.where(given, part, share)


def _report(faces: Faces, built: list[_Level], broken: list[pd.DataFrame]) -> Hierarchy:
    frames, shapes, moved, home_rows, refused = [], [], [], [], []
    for number, level in enumerate(built):
        held = np.flatnonzero(level.labels >= 0)
        united = faces.united(held, level.labels[held], len(level.codes))
        left = ~shapely.is_empty(united)
        above = built[number + 1] if number + 1 < len(built) else None
        parents = _named(above.codes, level.claims.home) if above else np.full(len(level.codes), None)
        frame = with_shapes(level.frame, united)
        frame["parent_code"] = parents
        frames.append(frame[left])
        shapes.append(united)
        moved.append(moved_ground(faces, level.claims, held, level.labels[held], level.codes).assign(level=number))
        home_rows.append(pd.DataFrame({"level": number, "code": level.codes, "parent_code": parents, "share": level.share}))
        refused += [{**row, "level": number} for row in nothing_left(level.codes[~left], level.claims.home[~left] < 0)]
        refused += [{**row, "level": number} for row in _childless(faces, level, above)]
    outline = _outline(faces, built[-1])
    exact = tiles_exactly(list(frames[-1].geometry), outline) and all(
        _tiled(built[number], shapes[number], shapes[number + 1]) for number in range(len(built) - 1)
    )
    rows = refused_frame(refused).assign(level=[row["level"] for row in refused])
    repaired = pd.concat([table.assign(level=number) for number, table in enumerate(broken)], ignore_index=True)
    return Hierarchy(
        frames, outline, pd.concat(moved, ignore_index=True), pd.concat(home_rows[:-1] or home_rows, ignore_index=True),
        rows, repaired, exact,
    )  # fmt: skip


def _named(codes: NDArray[np.object_], index: Ints) -> NDArray[np.object_]:
    named = np.array([*codes, None], dtype=object)
    return np.asarray(named[index], dtype=object)


def _childless(faces: Faces, level: _Level, above: _Level | None) -> list[dict[str, object]]:
    """Ground of parents that no child of theirs reaches."""
    if above is None:
        return []
    open_faces = np.flatnonzero((above.labels >= 0) & (level.labels < 0))
    parents = faces.united(open_faces, above.labels[open_faces], len(above.codes))
    area = np.bincount(above.labels[open_faces], faces.area_m2[open_faces], minlength=len(above.codes))
    reason = "no child of this parent reaches it"
    return [
        {"kind": "childless", "codes": (above.codes[parent],), "area_m2": float(area[parent]), "reason": reason,
         "geometry": parents[parent]}
        for parent in np.flatnonzero(~shapely.is_empty(parents))
    ]  # fmt: skip


def _outline(faces: Faces, coarsest: _Level) -> Polygon | MultiPolygon:
    held = np.flatnonzero(coarsest.labels >= 0)
    outline: Polygon | MultiPolygon = faces.united(held, np.zeros(len(held), dtype=np.int64), 1)[0]
    return outline


def _tiled(level: _Level, children: NDArray[np.object_], parents: NDArray[np.object_]) -> bool:
    """Whether each parent that has children is tiled by them."""
    for parent in np.unique(level.claims.home[level.claims.home >= 0]):
        own = children[level.claims.home == parent]
        own = own[~shapely.is_empty(own)]
        if len(own) and not tiles_exactly(list(own), parents[parent]):
            return False
    return True
