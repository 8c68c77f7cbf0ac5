"""The page's own reader of vector tiles, beside the geometry that PostGIS made them of."""

import base64
from typing import Any

import pytest
import shapely
from playwright.sync_api import Page

from tests.conftest import Clone

pytestmark = pytest.mark.browser

SHAPES = {
    "a point": "POINT(8 16)",
    "several points": "MULTIPOINT((0 0), (4096 4096), (17 5))",
    "a line": "LINESTRING(0 0, 100 0, 100 900, 4096 900)",
    "two lines": "MULTILINESTRING((0 0, 64 64), (8 8, 8 4000, 16 4000))",
    "beyond the sides": "POLYGON((-64 -64, 4160 -64, 4160 4160, -64 4160, -64 -64))",
    "a ring with a hole": "POLYGON((0 0, 800 0, 800 800, 0 800, 0 0), (200 200, 200 400, 400 400, 400 200, 200 200))",
    "two parts": "MULTIPOLYGON(((0 0, 64 0, 64 64, 0 0)), ((1000 1000, 1800 1000, 1800 1900, 1000 1000)))",
}
TILE = """
    SELECT ST_AsMVT(each, 'shapes', 4096, 'geom') || ST_AsMVT(each, 'again', 2048, 'geom') || ST_AsMVT(each, 'numbered', 4096, 'geom', 'small')
      FROM (SELECT name, geom::geometry AS geom, 7 AS small, 5000000000 AS large, -3 AS below, 0.25::float8 AS share, true AS yes,
                   '楼' || name AS text, NULL::text AS nothing
              FROM unnest(%s::text[], %s::text[]) AS given (name, geom)) AS each"""
READ = """async ([tile, points]) => {
    const { layersOf } = await import("/static/js/mvt.js");
    const told = (feature) => ({
        type: feature.type, properties: feature.properties, box: feature.box,
        rings: feature.rings.map((ring) => [...ring]), held: points.map(([x, y]) => feature.holds(x, y)),
    });
    const layers = layersOf(Uint8Array.from(atob(tile), (each) => each.charCodeAt(0)), 4096);
    return Object.fromEntries(Object.entries(layers).map(([name, features]) => [name, features.map(told)]));
}"""
POINTS = [(300.5, 300.5), (100.5, 100.5), (60.5, 30.5), (1700.5, 1200.5), (4100.5, 4100.5), (-30.5, 700.5)]


@pytest.fixture(scope="module")
def read(modules: Page, shared: Clone) -> dict[str, list[dict[str, Any]]]:
    """The layers of one tile as the page reads them, at the tile's own resolution."""
    with shared.owner() as connection:
        row = connection.execute(TILE, [list(SHAPES), list(SHAPES.values())]).fetchone()
    assert row is not None
    found: dict[str, list[dict[str, Any]]] = modules.evaluate(READ, [base64.b64encode(row[0]).decode(), POINTS])
    return found


def test_every_feature_of_every_layer_keeps_its_properties(read: dict[str, list[dict[str, Any]]]) -> None:
    for layer in ("shapes", "again"):
        assert [each["properties"] for each in read[layer]] == [
            {"name": name, "small": 7, "large": 5_000_000_000, "below": -3, "share": 0.25, "yes": True, "text": f"楼{name}"}
            for name in SHAPES
        ]


def test_a_feature_that_has_a_number_of_its_own_is_known_by_it(read: dict[str, list[dict[str, Any]]]) -> None:
    assert [each["properties"]["id"] for each in read["numbered"]] == [7] * len(SHAPES)
    assert "small" not in read["numbered"][0]["properties"]


def test_every_geometry_is_the_one_the_tile_was_made_of(read: dict[str, list[dict[str, Any]]]) -> None:
    for feature in read["shapes"]:
        wanted = shapely.from_wkt(SHAPES[feature["properties"]["name"]])
        assert rebuilt(feature).equals(wanted), feature
        assert feature["box"] == list(wanted.bounds)


def test_a_layer_of_another_extent_is_scaled_to_the_same_tile(read: dict[str, list[dict[str, Any]]]) -> None:
    for once, again in zip(read["shapes"], read["again"], strict=True):
        assert [[place * 2 for place in ring] for ring in once["rings"]] == again["rings"]


def test_a_polygon_holds_what_lies_inside_and_not_what_lies_in_its_hole(read: dict[str, list[dict[str, Any]]]) -> None:
    for feature in read["shapes"]:
        if feature["type"] == 3:
            wanted = shapely.from_wkt(SHAPES[feature["properties"]["name"]])
            assert feature["held"] == [wanted.contains(shapely.Point(point)) for point in POINTS], feature["properties"]["name"]


def rebuilt(feature: dict[str, Any]) -> shapely.Geometry:
    """The geometry of rings as the page has them; what is a hole follows from which ring holds which."""
    rings = [list(zip(ring[::2], ring[1::2], strict=True)) for ring in feature["rings"]]
    if feature["type"] == 1:
        return shapely.MultiPoint([place for ring in rings for place in ring])
    if feature["type"] == 2:
        return shapely.MultiLineString(rings)
    whole = shapely.Polygon()
    for ring in rings:
        whole = whole.symmetric_difference(shapely.Polygon(ring))
    return whole
