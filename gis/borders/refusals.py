"""Why an operation on borders is refused: one table of reasons, so that each has words in every language."""

from collections.abc import Mapping

import shapely

from gis.errors import EditRefused

REASONS: Mapping[str, str] = {
    "does_not_cross": "The line does not cut what it is to cut.",
    "nothing_moved": "Nothing would change hands.",
    "not_contiguous": "A grid would fall into pieces.",
    "community_border": "Ground would cross the border of a community.",
    "outer_border": "The outer border of the district stays where it is.",
    "locked": "A grid is locked.",
    "would_be_empty": "A grid would have no ground left.",
    "crosses_itself": "A border would cross itself or another.",
    "not_certified": "The new borders cannot be proved to fit exactly.",
    "too_thin": "A piece would be thinner than 0.3 m.",
    "not_a_neighbour": "The grids have no border in common.",
    "no_vertex_here": "There is no border at that place.",
    "too_many_vertices": "The line has more vertices than an operation may have.",
    "unknown_grid": "There is no such grid on this ground.",
    "same_grid": "The same grid is named twice.",
    "no_path": "The lines offer no way from one end of the border to the other.",
    "overlaps": "Two of the new grids overlap.",
    "leaves_a_gap": "The new grids leave ground to nobody.",
    "outside_plan": "Ground outside the plan would change.",
    "unknown_community": "There is no such community in this plan.",
    "no_balance": "The grid cannot be balanced with its neighbours; split it or merge it.",
}


def refused(reason: str, where: shapely.Geometry | tuple[float, float] | None, **facts: object) -> EditRefused:
    """The refusal for a reason, with the place [lon, lat] in degrees where a person should look."""
    return EditRefused(REASONS[reason], reason=reason, place=_place(where), **facts)


def _place(where: shapely.Geometry | tuple[float, float] | None) -> list[float] | None:
    if where is None:
        return None
    if isinstance(where, tuple):
        return [float(where[0]), float(where[1])]
    if shapely.is_empty(where):
        return None
    inside = shapely.point_on_surface(where)
    return [float(inside.x), float(inside.y)]
