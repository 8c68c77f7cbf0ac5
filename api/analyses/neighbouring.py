"""Who is whose neighbour in a study, by the weights its question names."""

import hashlib

import shapely
from sqlalchemy.orm import Session

from api.analyses.study import Study
from data.queries import analyses, analysis_rows
from data.scope import Scope
from gis.hotspots import weights
from gis.hotspots.network import network_band
from gis.hotspots.weights import Neighbours

ACCESS_M = 500.0
"""The middle of a grid may lie deep in a block."""


def neighbours(session: Session, scope: Scope, study: Study) -> Neighbours:
    """By the weights the question names; islands are left in, without neighbours."""
    asked = {"weights": "queen"} | study.parameters
    match asked["weights"]:
        case "distance":
            return weights.distance_band(study.centres, asked["reach_m"])
        case "nearest":
            return weights.nearest(study.centres, min(asked["nearest"], len(study.units) - 1))
        case "network":
            return _along_roads(session, scope, study, asked["reach_m"])
    return weights.of_borders(asked["weights"], study.units.borders)


def _along_roads(session: Session, scope: Scope, study: Study, reach_m: float) -> Neighbours:
    """Kept in the database for each version of borders and roads: minutes of shortest paths in a large city."""
    box = shapely.total_bounds(study.units.borders)
    version = hashlib.sha256(study.units.fingerprint() + analysis_rows.roads_version(session, scope, box)).digest()
    kind = f"network:{reach_m:g}"
    kept = analyses.neighbours(session, scope, version, kind)
    if kept is not None:
        return kept
    roads = study.metres.to_metres(analysis_rows.roads(session, scope, box))
    found = network_band(study.centres, roads, reach_m, access_m=ACCESS_M)
    analyses.keep_neighbours(session, scope, version, kind, found)
    return found
