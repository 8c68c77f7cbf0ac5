"""Sound GeoJSON comes in as it stands; anything else is refused with what, where and a hint, and never with a crash."""

import json
import math
from typing import Any

import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from gis.errors import BadCoordinate, BadGeometry, OutsideDistrict, Refusal, TooLarge
from gis.geojson_gate import line_from_geojson, point_from_geojson, polygon_from_geojson
from tests.gis.tessellations import shared

BOUNDS = (116.0, 39.0, 117.0, 40.0)
RING = [[116.1, 39.1], [116.2, 39.1], [116.2, 39.2], [116.1, 39.1]]


def polygon(*rings: Any) -> dict[str, Any]:
    return {"type": "Polygon", "coordinates": list(rings)}


def answer(value: object) -> str:
    """The shape as text, or the words of the refusal; anything else that is raised fails the test."""
    try:
        return polygon_from_geojson(value, bounds=None).wkt
    except Refusal as refusal:
        return refusal.message


def test_sound_shapes_come_in_as_they_stand() -> None:
    assert polygon_from_geojson(polygon(RING), bounds=BOUNDS).wkt == shapely.Polygon(RING).wkt
    many = {"type": "MultiPolygon", "coordinates": [[RING]]}
    assert polygon_from_geojson(many, bounds=BOUNDS).geom_type == "MultiPolygon"
    assert polygon_from_geojson({"type": "Feature", "geometry": polygon(RING)}, bounds=None).is_valid
    assert point_from_geojson({"type": "Point", "coordinates": [116.5, 39.5, 40.0]}, bounds=BOUNDS).wkt == "POINT (116.5 39.5)"
    assert line_from_geojson({"type": "LineString", "coordinates": RING}, bounds=BOUNDS).length > 0


@pytest.mark.parametrize(
    ("value", "refusal", "fact"),
    [
        (None, BadGeometry, {"found": "NoneType"}),
        ([], BadGeometry, {"found": "list"}),
        ({"type": "Point", "coordinates": [1, 2]}, BadGeometry, {"found": "Point"}),
        ({"type": "Polygon"}, BadGeometry, {"where": "coordinates"}),
        (polygon(), BadGeometry, {"where": "coordinates"}),
        (polygon([]), BadGeometry, {"where": "coordinates[0]"}),
        (polygon(RING[:3]), BadGeometry, {"positions": 3}),
        (polygon([*RING[:3], [116.1, 39.15]]), BadGeometry, {"where": "coordinates[0]", "first": (116.1, 39.1)}),
        (polygon([116.1, 39.1]), BadGeometry, {"where": "coordinates[0][0]"}),
        (polygon([[1]]), BadGeometry, {"numbers": 1}),
        (polygon([["116", "39"]]), BadCoordinate, {"where": "coordinates[0][0]"}),
        (polygon([[True, 39]]), BadCoordinate, {"where": "coordinates[0][0]"}),
        (polygon([[math.nan, 39]]), BadCoordinate, {"where": "coordinates[0][0]"}),
        (polygon([[116.1, math.inf]]), BadCoordinate, {"where": "coordinates[0][0]"}),
        (polygon([[116.1, 39.1, math.nan]]), BadCoordinate, {"where": "coordinates[0][0]"}),
        (polygon([[10**400, 39]]), BadCoordinate, {"where": "coordinates[0][0]"}),
        (polygon([[538000.0, 3376000.0]]), BadCoordinate, {"hint": "metres"}),
        (polygon([[39.1, 116.1]]), BadCoordinate, {"hint": "swapped-axes"}),
        (polygon([[-80.0, 40.0]]), OutsideDistrict, {"lon": -80.0, "hint": None, "bounds": BOUNDS}),
        (polygon([RING[0], RING[1], RING[0], RING[0]]), BadGeometry, {}),
        ({**polygon(RING), "crs": {}}, BadGeometry, {"where": "crs"}),
    ],
)  # fmt: skip
def test_broken_shapes_are_refused_with_what_and_where(value: object, refusal: type[Refusal], fact: dict[str, object]) -> None:
    with pytest.raises(refusal) as refused:
        polygon_from_geojson(value, bounds=BOUNDS)
    assert {name: refused.value.facts[name] for name in fact} == fact


def test_a_self_intersection_is_refused_with_its_place_and_not_repaired() -> None:
    bow = [[116.1, 39.1], [116.2, 39.2], [116.2, 39.1], [116.1, 39.2], [116.1, 39.1]]
    with pytest.raises(BadGeometry) as refused:
        polygon_from_geojson(polygon(bow), bounds=BOUNDS)
    assert str(refused.value.facts["reason"]).startswith("Self-intersection[116.15")


def test_too_many_vertices_are_refused_before_they_are_looked_at() -> None:
    with pytest.raises(TooLarge) as refused:
        polygon_from_geojson(polygon([["nonsense"]] * 1_000_000), bounds=BOUNDS)
    assert refused.value.facts["maximum"] == 100_000
    rings = [RING] * 30
    with pytest.raises(TooLarge):
        polygon_from_geojson(polygon(*rings), bounds=BOUNDS, max_vertices=100)


def test_a_line_needs_two_places() -> None:
    with pytest.raises(BadGeometry):
        line_from_geojson({"type": "LineString", "coordinates": [[116.1, 39.1], [116.1, 39.1]]}, bounds=BOUNDS)


junk = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.sampled_from(["type", "coordinates", "geometry"]), inner, max_size=3),
)


@given(junk, st.sampled_from(["Polygon", "MultiPolygon", "Feature"]))
@settings(max_examples=300)
def test_whatever_comes_is_a_shape_or_a_refusal(inner: object, kind: str) -> None:
    for value in (inner, {"type": kind, "coordinates": inner}, {"type": kind, "geometry": inner}):
        assert answer(value)


def test_every_published_fixture_is_a_shape_or_a_refusal() -> None:
    files = sorted(shared("dirty/geojson_fixtures").rglob("*.*json"))
    assert files
    for file in files:
        try:
            value = json.loads(file.read_bytes())
        except ValueError:
            continue
        features = value.get("features", [value]) if isinstance(value, dict) else [value]
        for feature in features if isinstance(features, list) else [features]:
            assert answer(feature)
