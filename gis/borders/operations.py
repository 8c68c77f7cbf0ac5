"""The door to every operation on borders: ground in, a certified change out, or a refusal with the place and the reason.

All coordinates are degrees of EPSG:4490; what is drawn is moved to the lattice first. Each raises EditRefused with
`reason` (gis.borders.refusals) and `place`, BadCoordinate and BadGeometry for what cannot be used at all.
"""

from gis.borders.giving import give
from gis.borders.merging import merge
from gis.borders.model import Change, Ground, Notice
from gis.borders.reaching import reach
from gis.borders.redrawing import redraw
from gis.borders.replacing import replace
from gis.borders.splitting import split
from gis.borders.tracing import straighten, trace
from gis.borders.vertices import move_vertex

__all__ = ["Change", "Ground", "Notice", "give", "merge", "move_vertex", "reach", "redraw", "replace", "split", "straighten", "trace"]
