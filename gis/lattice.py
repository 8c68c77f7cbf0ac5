"""The dyadic lattice on which every border lies, so that equality of coordinates is exact everywhere.

A step is a power of two, so every lattice coordinate and every difference of two is an exact double:
shapely, PostGIS and JSON at nine decimals agree to the bit. One step is 0.83 mm of latitude.
"""

from typing import TypeVar

import numpy as np
import shapely
from numpy.typing import ArrayLike, NDArray

from gis.errors import BadGeometry

STEP = 2.0**-27  # degrees

Shapes = TypeVar("Shapes")


def snap(geoms: Shapes) -> Shapes:
    """Move every vertex (degrees) to its nearest lattice point, by at most half a step on each axis.

    Works on one geometry or an array of them. Only rounds: vertices that fall together stay, shapes may
    become invalid, and what touched within a step may cross. `gis.coverage.mend` nodes them again.
    """
    return shapely.transform(geoms, _rounded)  # type: ignore[call-overload, no-any-return]


def on_lattice(geoms: ArrayLike) -> NDArray[np.bool_]:
    """For each geometry (degrees) whether every vertex is a lattice point; an empty or missing one is."""
    shapes = np.atleast_1d(np.asarray(geoms, dtype=object))
    coords, owner = shapely.get_coordinates(shapes, return_index=True)
    off = (_rounded(coords) != coords).any(axis=1)
    verdict = np.ones(len(shapes), dtype=np.bool_)
    verdict[owner[off]] = False
    return verdict


def to_integers(coords: ArrayLike) -> NDArray[np.int64]:
    """Lattice coordinates (degrees, any shape) as whole numbers of steps; BadGeometry if one is off the lattice."""
    degrees = np.asarray(coords, dtype=np.float64)
    steps = degrees / STEP
    whole = np.rint(steps)
    if not np.isfinite(steps).all() or (whole != steps).any():
        off = np.argwhere(~(whole == steps))[0]
        raise BadGeometry("A vertex does not lie on the lattice of 2^-27 degree.", coordinate=float(degrees[tuple(off)]))
    return whole.astype(np.int64)


def to_coordinates(integers: ArrayLike) -> NDArray[np.float64]:
    """Whole numbers of steps as degrees, exact."""
    return np.asarray(integers, dtype=np.float64) * STEP


def _rounded(coords: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.rint(coords / STEP) * STEP + 0.0  # + 0.0: minus zero would differ in WKB
