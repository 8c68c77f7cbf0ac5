"""The door to everything about a set of polygons that should tile their outline: proof, defects, mending."""

from gis.certificate import loose_edges, tiles_exactly
from gis.defects import KINDS, defects
from gis.hierarchy import Hierarchy, build_hierarchy
from gis.mending import STEPS, MendReport, mend

__all__ = ["KINDS", "STEPS", "Hierarchy", "MendReport", "build_hierarchy", "defects", "loose_edges", "mend", "tiles_exactly"]
