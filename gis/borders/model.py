"""What an operation on borders reads and what it answers with."""

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry import MultiPolygon, Polygon

from gis.crs import LocalMetres

Shape = Polygon | MultiPolygon
Shapes = NDArray[np.object_]
Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Place = tuple[float, float]


@dataclass(frozen=True)
class Notice:
    """What a person should see before accepting: a code and its facts.

    thin (grid, width_m), enclave (grid, within), multipart (grid, parts), part_followed (grid, to, area_m2),
    sliver_kept (grid, area_m2).
    """

    code: str
    facts: dict[str, object]


@dataclass(frozen=True)
class Ground:
    """The grids that one operation may read: those it touches and all around them.

    Degrees of EPSG:4490 on the lattice; together an exact coverage of wherever they are. Where none of them lies is
    nobody's ground to an operation, so all grids within `reach` have to be here.
    """

    ids: Ints
    shapes: Shapes
    communities: Ints
    metres: LocalMetres

    @cached_property
    def index(self) -> dict[int, int]:
        """Where each grid stands in the arrays."""
        return {int(each): at for at, each in enumerate(self.ids)}

    @cached_property
    def bounds(self) -> Floats:
        """West, south, east, north of each grid, degrees."""
        return np.asarray(shapely.bounds(self.shapes), dtype=np.float64)

    def near(self, shape: shapely.Geometry, degrees: float) -> Ints:
        """Positions of the grids within a distance of a shape."""
        west, south, east, north = shapely.bounds(shape)
        box = self.bounds
        close = (box[:, 0] <= east + degrees) & (box[:, 2] >= west - degrees)
        close &= (box[:, 1] <= north + degrees) & (box[:, 3] >= south - degrees)
        at = np.flatnonzero(close)
        if not len(at):
            return at
        shapely.prepare(shape)
        return at[shapely.dwithin(self.shapes[at], shape, degrees)]


@dataclass(frozen=True)
class Change:
    """What an accepted operation does to borders; what is not named here is the same to the last bit.

    `before` and `after`: every grid whose border differs; one that ends is in `before` only, a new one in `after` only.
    `noded_only`: those that keep their ground and gain vertices. `moved_m2`: ground that has another grid now.
    `outer`: whether the outer border of the ground gained vertices too, so that outlines above have to follow.
    `communities`: grids that change community, and to which.
    """

    before: dict[int, Shape]
    after: dict[int, Shape]
    noded_only: frozenset[int] = frozenset()
    moved_m2: float = 0.0
    warnings: tuple[Notice, ...] = ()
    communities: dict[int, int] = field(default_factory=dict)
    outer: bool = False

    @property
    def touched(self) -> frozenset[int]:
        """Grids whose ground changes, ended and new ones among them: those that locks and versions speak of."""
        return (frozenset(self.before) | frozenset(self.after)) - self.noded_only
