"""The door to everything about a set of polygons that should tile their outline: proof, defects, mending."""

from gis.certificate import loose_edges, tiles_exactly

__all__ = ["loose_edges", "tiles_exactly"]
