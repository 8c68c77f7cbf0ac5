"""Degrees, metres and the three Chinese datums pass one door, and come back."""

import json

import numpy as np
import pyproj
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from gis import crs
from gis.errors import BadCoordinate, WrongCrs
from tests.gis.tessellations import shared

in_china = st.tuples(st.floats(75, 134), st.floats(4, 53))


@given(in_china)
def test_gcj02_and_bd09_come_back_to_a_hundredth_of_a_millimetre(place: tuple[float, float]) -> None:
    for there, back in ((crs.wgs84_to_gcj02, crs.gcj02_to_wgs84), (crs.wgs84_to_bd09, crs.bd09_to_wgs84)):
        again = back(*there(*place))
        assert np.abs(np.array(again) - place).max() < 1e-10


def test_published_pairs_of_cities_agree() -> None:
    cities = [each["coords"] for each in json.loads(shared("china/coords/gcoord_china-cities.json").read_text())]
    places = {datum: np.array([city[datum] for city in cities]).T for datum in ("WGS84", "GCJ02", "BD09")}
    # BD-09 agrees to the seven decimals given; the published GCJ-02 lies evenly half a metre off the published formula.
    assert np.abs(np.array(crs.bd09_to_gcj02(*places["BD09"])) - places["GCJ02"]).max() < 1e-7
    assert np.abs(np.array(crs.gcj02_to_wgs84(*places["GCJ02"])) - places["WGS84"]).max() < 8e-6
    assert np.abs(np.array(crs.wgs84_to_bd09(*places["WGS84"])) - places["BD09"]).max() < 8e-6


def test_outside_china_gcj02_moves_nothing() -> None:
    assert np.array_equal(crs.wgs84_to_gcj02(-80.0, 40.4), (-80.0, 40.4))


@given(st.floats(-20_000, 20_000), st.floats(-20_000, 20_000))
def test_local_metres_are_true_and_come_back(east: float, north: float) -> None:
    metres = crs.local_metres(114.3, 30.5)
    place = metres.to_degrees(shapely.Point(east, north))
    there = metres.to_metres(place)
    assert shapely.distance(there, shapely.Point(east, north)) < 1e-4
    true_length = pyproj.Geod(ellps="GRS80").inv(114.3, 30.5, place.x, place.y)[2]
    assert true_length == pytest.approx(np.hypot(east, north), rel=1e-5, abs=1e-3)


def test_many_shapes_are_projected_at_once() -> None:
    metres = crs.local_metres(-80.0, 40.4)
    shapes = np.array([shapely.Point(-80, 40.4), shapely.box(-80.01, 40.39, -79.99, 40.41)])
    assert shapely.area(metres.to_metres(shapes))[1] == pytest.approx(3_769_100, rel=1e-3)
    x, y = metres.xy([-80.0], [40.4])
    assert (x[0], y[0]) == (0, 0)


def test_a_source_in_feet_comes_out_in_degrees() -> None:
    pittsburgh = crs.geometry_from(2272, shapely.Point(1_343_000, 411_000))
    assert pittsburgh.x == pytest.approx(-80.0, abs=0.05)
    assert pittsburgh.y == pytest.approx(40.44, abs=0.05)


def test_cgcs2000_and_wgs84_are_equal_bit_by_bit() -> None:
    place = shapely.Point(116.123456789, 39.987654321)
    assert crs.geometry_from(4490, place) == crs.geometry_from("EPSG:4326", place) == place


def test_a_datum_of_amap_is_undone() -> None:
    bent = shapely.Point(*map(float, crs.wgs84_to_gcj02(114.3, 30.5)))
    assert shapely.distance(crs.geometry_from(4326, bent, datum="gcj02"), shapely.Point(114.3, 30.5)) < 1e-10


@pytest.mark.parametrize(
    ("system", "place", "datum"),
    [("EPSG:999999", (116, 40), "wgs84"), (4326, (538_000, 3_376_000), "wgs84"), (4490, (40, 116), "wgs84"),
     (5773, (116, 40), "wgs84"), (4544, (538_000, 3_376_000), "gcj02"), (4326, (116, 40), "mars")],
)  # fmt: skip
def test_a_system_that_does_not_fit_is_refused(system: object, place: tuple[float, float], datum: str) -> None:
    with pytest.raises(WrongCrs):
        crs.geometry_from(system, shapely.Point(place), datum=datum)  # type: ignore[arg-type]


@given(st.floats(-180, 179.99), st.floats(-85, 85), st.integers(0, 24))
def test_a_tile_holds_exactly_the_keys_of_its_places(lon: float, lat: float, zoom: int) -> None:
    key = int(crs.morton_key([lon], [lat])[0])
    row = (1 - np.arcsinh(np.tan(np.radians(lat))) / np.pi) / 2 * 2**zoom
    x, y = int((lon + 180) / 360 * 2**zoom), int(row)
    low, high = crs.tile_cells(zoom, x, y)
    assert low <= key < high
    assert high - low == 4 ** (24 - zoom)
    assert int(crs.cell_of([lon], [lat])[0]) == key >> 20


def test_places_beyond_the_map_go_to_its_edge_and_nonsense_is_refused() -> None:
    assert crs.cell_of([-180, 180], [90, -90]).tolist() == [0, 2**28 - 1]
    with pytest.raises(BadCoordinate):
        crs.morton_key([float("nan")], [0])
    with pytest.raises(BadCoordinate):
        crs.tile_cells(3, 8, 0)
    with pytest.raises(BadCoordinate):
        crs.local_metres(float("inf"), 0)
