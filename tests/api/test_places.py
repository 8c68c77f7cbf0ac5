"""Spatial questions: where a place lies, what lies where, how far away, and what is refused."""

import json
import math

import pytest
from pyproj import Geod
from starlette.testclient import TestClient

from data.database import Database, open_database
from data.scope import Scope
from gis import crs
from tests import factories
from tests.conftest import Clone, make_app, settings_for

SIDE = factories.CELL
CENTRE = (113.0 + SIDE / 2, 28.0 + SIDE / 2)
ALL = {"bbox": [112.99, 27.99, 113.02, 28.02]}
GEOD = Geod(ellps="GRS80")


def locate(client, lon: float, lat: float, **more) -> dict:
    answer = client.get("/api/v1/locate", params={"lon": lon, "lat": lat, **more})
    assert answer.status_code == 200, answer.text
    return answer.json()


def within(client, layer: str, region: object, **params):
    return client.post(f"/api/v1/{layer}/within", params=params, json=region)


def ids(answer) -> list[int]:
    assert answer.status_code == 200, answer.text
    return [each["id"] for each in answer.json()["items"]]


def test_a_place_lies_in_three_areas_and_a_grid_with_an_officer(client) -> None:
    found = locate(client(), *CENTRE)
    assert [each["level"] for each in found["areas"]] == ["district", "street", "community"]
    assert found["grid"]["code"] == "990101001001001"
    assert found["officer"]["id"] == 860001
    assert found["ambiguous"] is False


@pytest.mark.parametrize("as_of", [None, "2025-01-01"])
def test_on_a_shared_border_the_lowest_code_wins_on_every_path(client, as_of: str | None) -> None:
    more = {} if as_of is None else {"as_of": as_of}
    for lon, lat in ((113.0 + SIDE, 28.0 + SIDE / 2), (113.0 + SIDE, 28.0 + SIDE)):
        found = locate(client(), lon, lat, **more)
        assert found["grid"]["code"] == "990101001001001"
        assert found["border_distance_m"] == 0
        assert found["ambiguous"] is True
    answer = client().get("/api/v1/answerable", params={"lon": 113.0 + SIDE, "lat": 28.0 + SIDE}).json()
    assert answer["grid"]["code"] == "990101001001001"


def test_the_index_and_the_database_agree_on_the_distance_to_the_border(client) -> None:
    lon, lat = 113.0 + SIDE / 4, 28.0 + SIDE / 8
    quick, slow = locate(client(), lon, lat), locate(client(), lon, lat, as_of="2025-01-01")
    assert quick["grid"] == slow["grid"]
    assert quick["border_distance_m"] == pytest.approx(slow["border_distance_m"], rel=1e-4)


def test_a_place_outside_the_scope_says_nothing_of_its_grid(client) -> None:
    b2 = factories.outline(factories.AREAS["b2"]).centroid
    assert locate(client("clerk", "a1"), b2.x, b2.y) == {
        "areas": [],
        "grid": None,
        "border_distance_m": None,
        "ambiguous": None,
        "officer": None,
    }
    then = locate(client("clerk", "a1"), b2.x, b2.y, as_of="2025-01-01")
    assert then["grid"] is None
    assert [each["level"] for each in then["areas"]] == ["district"]


def test_a_changed_grid_shows_at_once_and_the_past_stays(fresh: Clone, fresh_database, data_dir) -> None:
    headers = {"Authorization": f"Bearer {factories.token('planner', 'district')}"}
    with TestClient(make_app(settings_for(fresh, data_dir), fresh_database), headers=headers) as client:
        assert locate(client, *CENTRE)["grid"]["id"] == 810001
        rename(fresh_database)
        assert locate(client, *CENTRE)["grid"]["name"] == "改名"
        assert locate(client, *CENTRE, as_of="2025-01-01")["grid"]["name"] == "枫一社区甲"


def rename(database: Database) -> None:
    with database.unit_of_work(scope()) as session:
        session.connection().exec_driver_sql("UPDATE grid SET name = '改名', valid_from = '2025-06-01' WHERE id = 810001")


def scope() -> Scope:
    return Scope(token=factories.token("planner", "district"), everything=True)


def test_a_shifted_datum_is_undone_when_it_is_named(client) -> None:
    for datum, shifted in (("gcj02", crs.wgs84_to_gcj02(*CENTRE)), ("bd09", crs.wgs84_to_bd09(*CENTRE))):
        lon, lat = float(shifted[0]), float(shifted[1])
        assert locate(client(), lon, lat, datum=datum)["grid"]["id"] == 810001
        assert locate(client(), lon, lat)["grid"] is None or locate(client(), lon, lat)["grid"]["id"] != 810001


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("lon=28.002&lat=113.002", "bad-coordinate"),
        ("lon=nan&lat=28", "bad-coordinate"),
        ("lon=inf&lat=28", "bad-coordinate"),
        ("lon=1e400&lat=28", "bad-coordinate"),
        ("lon=181&lat=28", "bad-coordinate"),
        ("lon=x&lat=28", "bad-value"),
        ("lat=28", "bad-value"),
        ("lon=-80&lat=40", "outside-district"),
        ("lon=113&lat=28&crs=EPSG:3857", "wrong-crs"),
        ("lon=113&lat=28&datum=mars", "bad-value"),
        ("lon=113&lat=28&as_of=never", "bad-value"),
    ],
)
def test_a_place_that_is_none_is_refused_with_its_reason(client, query: str, code: str) -> None:
    for route in ("locate?", "answerable?", "nearest?layer=facilities&", "near?layer=facilities&radius_m=10&"):
        answer = client().get(f"/api/v1/{route}{query}")
        assert answer.status_code == 422, answer.text
        assert answer.json()["type"] == f"/problems/{code}"


def test_swapped_axes_are_hinted_at(client) -> None:
    assert client().get("/api/v1/locate?lon=28.002&lat=89.9").json()["hint"] is None
    assert client().get("/api/v1/locate?lon=28.002&lat=113.002").json()["hint"] == "swapped-axes"


def test_a_city_at_the_other_end_of_the_world_is_as_sensible(empty: Clone, data_dir) -> None:
    with empty.owner() as owner:
        owner.execute(
            "INSERT INTO area (level, code, name, geom) VALUES ('district', 'PGH', 'Pittsburgh', ST_Multi(ST_MakeEnvelope(-80.125, 40.25, -79.875, 40.5, 4490)))"
        )
        owner.execute("INSERT INTO scheme (code, name, code_pattern, is_primary) VALUES ('blocks', 'Blocks', '.*', true)")
        owner.execute("INSERT INTO person (sign_in_name, display_name, roles) VALUES ('someone', 'Someone', '{operator}')")
        owner.execute(
            "INSERT INTO person_scope (person_id, area_id) SELECT person.id, area.id FROM person, area WHERE sign_in_name = 'someone'"
        )
        owner.execute(
            "SELECT gate.open_session((SELECT id FROM person WHERE sign_in_name = 'someone'), sha256('0123456789-0123456789'), 'browser', '1 day', NULL, '', NULL)"
        )
    database = open_database(empty.app_url, pool_size=2)
    client = TestClient(make_app(settings_for(empty, data_dir), database), headers={"Authorization": "Bearer 0123456789-0123456789"})
    assert client.get("/api/v1/near?layer=buildings&radius_m=100&lon=-80&lat=40.4").status_code == 200
    assert client.get("/api/v1/near?layer=buildings&radius_m=100&lon=113&lat=28").json()["type"] == "/problems/outside-district"
    assert client.get("/api/v1/near?layer=buildings&radius_m=100&lon=40.4&lat=-80").json()["hint"] == "swapped-axes"
    database.close()


@pytest.mark.parametrize(
    ("layer", "base"), [("buildings", 820000), ("households", 830000), ("facilities", 850000), ("incidents", 890000), ("grids", 810000)]
)
def test_what_lies_in_a_box_a_polygon_and_a_circle(client, layer: str, base: int) -> None:
    inner = {
        "type": "Polygon",
        "coordinates": [[[113.0005, 28.0005], [113.0035, 28.0005], [113.0035, 28.0035], [113.0005, 28.0035], [113.0005, 28.0005]]],
    }
    for region in (
        inner,
        {"type": "Feature", "properties": {}, "geometry": inner},
        {"bbox": [113.0005, 28.0005, 113.0035, 28.0035]},
        {"center": CENTRE, "radius_m": 100},
    ):
        answer = within(client(), layer, region)
        assert ids(answer) == [base + 1]
        assert answer.json()["total"] == 1
    assert ids(within(client(), layer, ALL)) == [base + number for number in range(1, 9)]
    assert ids(within(client("clerk", "a1"), layer, ALL)) == [base + 1, base + 2]


def test_pages_follow_each_other_without_gap_or_repeat(client) -> None:
    seen, after = [], 0
    while True:
        page = within(client(), "buildings", ALL, limit=3, after=after).json()
        assert (page["total"] == 8) == (after == 0)
        seen += [each["id"] for each in page["items"]]
        if page["next"] is None:
            break
        after = page["next"]
    assert seen == [820000 + number for number in range(1, 9)]


def test_incidents_are_cut_by_category_and_period(client) -> None:
    assert ids(within(client(), "incidents", ALL, category=410)) == [890001, 890003, 890005, 890007]
    assert ids(within(client(), "incidents", ALL, to="2020-01-01")) == []
    assert len(ids(within(client(), "incidents", ALL, **{"from": "2020-01-01"}))) == 8


def test_residents_are_counted_by_care_and_small_numbers_held_back(client, fresh: Clone, fresh_client) -> None:
    assert within(client("planner"), "residents", ALL).status_code == 403
    few = within(client("clerk"), "residents", ALL).json()
    assert few["items"] == [{"class": "lone_elder", "n": None, "suppressed": True}]
    assert few["total"] == 8
    with fresh.owner() as owner:
        owner.execute(
            "INSERT INTO care (cell, resident_id, class, community_id, since) SELECT cell, id, 'poor', community_id, '2025-01-01' FROM resident"
        )
    many = within(fresh_client("clerk"), "residents", ALL).json()
    assert {"class": "poor", "n": 8, "suppressed": False} in many["items"]
    before = within(fresh_client("clerk"), "residents", ALL, as_of="2024-06-01").json()
    assert "poor" not in {each["class"] for each in before["items"]}


def test_grids_within_a_region_are_those_of_the_day_asked(fresh: Clone, fresh_client) -> None:
    with fresh.owner() as owner:
        owner.execute("UPDATE grid SET name = '新名', valid_from = '2024-06-01' WHERE id = 810001")
    region = {"center": CENTRE, "radius_m": 50}
    assert [each["name"] for each in within(fresh_client(), "grids", region).json()["items"]] == ["新名"]
    assert [each["name"] for each in within(fresh_client(), "grids", region, as_of="2024-01-01").json()["items"]] == ["枫一社区甲"]
    assert ids(within(fresh_client(), "grids", region, as_of="2019-01-01")) == []


def ring(*points) -> dict:
    return {"type": "Polygon", "coordinates": [list(points)]}


BAD_REGIONS = {
    "open ring": (ring([113, 28], [113.01, 28], [113.01, 28.01], [113, 28.01]), "bad-geometry"),
    "too few": (ring([113, 28], [113.01, 28], [113, 28]), "bad-geometry"),
    "bow tie": (ring([113, 28], [113.01, 28.01], [113.01, 28], [113, 28.01], [113, 28]), "bad-geometry"),
    "no ground": (ring([113, 28], [113.01, 28], [113, 28], [113, 28]), "bad-geometry"),
    "swapped": (ring([28, 113], [28, 113.01], [28.01, 113.01], [28, 113]), "bad-coordinate"),
    "elsewhere": (ring([-80, 40], [-80, 40.01], [-79.99, 40.01], [-80, 40]), "outside-district"),
    "metres": (ring([500000, 3000000], [500100, 3000000], [500100, 3000100], [500000, 3000000]), "bad-coordinate"),
    "words": (ring(["a", "b"], ["c", "d"], ["e", "f"], ["a", "b"]), "bad-coordinate"),
    "one number": (ring([113], [113], [113], [113]), "bad-geometry"),
    "point": ({"type": "Point", "coordinates": [113, 28]}, "bad-geometry"),
    "mercator crs": (
        {**ring([113, 28], [113.01, 28], [113.01, 28.01], [113, 28]), "crs": {"type": "name", "properties": {"name": "EPSG:3857"}}},
        "wrong-crs",
    ),
    "no shape": ({}, "bad-geometry"),
    "a list": ([1, 2], "bad-geometry"),
    "null": (None, "bad-value"),
    "text": ("POLYGON", "bad-geometry"),
    "no coordinates": ({"type": "Polygon"}, "bad-geometry"),
    "negative radius": ({"center": CENTRE, "radius_m": -1}, "bad-value"),
    "zero radius": ({"center": CENTRE, "radius_m": 0}, "bad-value"),
    "huge radius": ({"center": CENTRE, "radius_m": 1e9}, "bad-value"),
    "no radius": ({"center": CENTRE}, "bad-value"),
    "radius in words": ({"center": CENTRE, "radius_m": "wide"}, "bad-value"),
    "center of three": ({"center": [113, 28, 1], "radius_m": 5}, "bad-value"),
    "bbox of three": ({"bbox": [113, 28, 114]}, "bad-value"),
    "bbox backwards": ({"bbox": [113.01, 28, 113, 28.01]}, "bad-coordinate"),
    "bbox elsewhere": ({"bbox": [-80, 40, -79, 41]}, "outside-district"),
    "bbox swapped": ({"bbox": [28.0, 80.0, 28.1, 89.0]}, "outside-district"),
    "number too long": (ring([10**300, 28], [113.01, 28], [113.01, 28.01], [10**300, 28]), "bad-coordinate"),
    "number no machine holds": (ring([10**400, 28], [113.01, 28], [113.01, 28.01], [10**400, 28]), "bad-value"),
    "nested": ({"type": "Polygon", "coordinates": [[[[[[113]]]]]]}, "bad-geometry"),
}


@pytest.mark.parametrize("name", BAD_REGIONS)
def test_a_region_that_is_none_is_refused_with_its_reason(client, name: str) -> None:
    region, code = BAD_REGIONS[name]
    answer = within(client(), "buildings", region)
    assert answer.status_code == 422, answer.text
    assert answer.json()["type"] == f"/problems/{code}"


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999"])
def test_numbers_that_are_not_finite_are_refused(client, number: str) -> None:
    for body in (
        f'{{"type": "Polygon", "coordinates": [[[{number}, 28], [113.01, 28], [113.01, 28.01], [{number}, 28]]]}}',
        f'{{"bbox": [{number}, 28, 113, 29]}}',
        f'{{"center": [{number}, 28], "radius_m": 5}}',
        f'{{"center": [113.001, 28.001], "radius_m": {number}}}',
    ):
        answer = client().post("/api/v1/buildings/within", content=body, headers={"Content-Type": "application/json"})
        assert answer.status_code == 422, answer.text
        assert answer.json()["type"] in {"/problems/bad-coordinate", "/problems/bad-value"}


def test_a_million_vertices_are_too_many(client) -> None:
    circle = [[113 + 0.01 * math.cos(step / 1e6 * math.tau), 28 + 0.01 * math.sin(step / 1e6 * math.tau)] for step in range(1_000_000)]
    body = json.dumps({"type": "Polygon", "coordinates": [[*circle, circle[0]]]})
    answer = client().post("/api/v1/buildings/within", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == 413
    assert answer.headers["content-type"] == "application/problem+json"
    some = [[round(lon, 5), round(lat, 5)] for lon, lat in circle[::40]]
    answer = within(client(), "buildings", {"type": "Polygon", "coordinates": [[*some, some[0]]]})
    assert answer.json()["type"] == "/problems/too-large"
    assert answer.status_code == 413


def test_json_that_is_none_is_a_problem(client) -> None:
    for body in (b"", b"{", b"\xff\xfe", b"[" * 100_000):
        answer = client().post("/api/v1/buildings/within", content=body, headers={"Content-Type": "application/json"})
        assert answer.status_code in {400, 422}, body[:10]
        assert answer.headers["content-type"] == "application/problem+json"


def test_a_crs_of_degrees_is_taken(client) -> None:
    polygon = ring([113, 28], [113.02, 28], [113.02, 28.02], [113, 28])
    for named in ("urn:ogc:def:crs:OGC:1.3:CRS84", "EPSG:4490", "EPSG:4326"):
        assert within(client(), "buildings", {**polygon, "crs": {"type": "name", "properties": {"name": named}}}).status_code == 200
        assert within(client(), "buildings", polygon, crs=named).status_code == 200
    assert within(client(), "buildings", polygon, crs="EPSG:4513").json()["type"] == "/problems/wrong-crs"


def test_a_shifted_region_is_undone(client) -> None:
    lon, lat = (float(part) for part in crs.wgs84_to_gcj02(*CENTRE))
    assert ids(within(client(), "facilities", {"center": [lon, lat], "radius_m": 5}, datum="gcj02")) == [850001]
    square = ring(*[[lon + dx, lat + dy] for dx, dy in ((-1e-4, -1e-4), (1e-4, -1e-4), (1e-4, 1e-4), (-1e-4, 1e-4), (-1e-4, -1e-4))])
    assert ids(within(client(), "facilities", square, datum="gcj02")) == [850001]


def test_near_is_measured_on_the_ellipsoid_and_sorted(client) -> None:
    lon, lat = 113.0 + SIDE * 0.7, 28.0 + SIDE * 0.4
    for layer, key in (("facilities", "place"), ("incidents", "place"), ("officers", "place")):
        items = client().get("/api/v1/near", params={"lon": lon, "lat": lat, "radius_m": 600, "layer": layer}).json()["items"]
        truth = [GEOD.inv(lon, lat, *each[key])[2] for each in items]
        assert [each["distance_m"] for each in items] == pytest.approx(truth, abs=1e-3)
        assert truth == sorted(truth)
        edge = truth[-1]
        just = client().get("/api/v1/near", params={"lon": lon, "lat": lat, "radius_m": edge - 0.01, "layer": layer}).json()["items"]
        assert len(just) == len(items) - 1


def test_nearest_is_nearest_in_metres_not_in_degrees(fresh: Clone, fresh_client) -> None:
    lon, lat = CENTRE
    with fresh.owner() as owner:
        owner.execute("DELETE FROM facility")
        for number, (dx, dy) in enumerate([(0.00105, 0), (0, 0.001), (-0.00104, 0), (0, -0.00102)]):
            key = int(crs.morton_key([lon + dx], [lat + dy])[0])
            owner.execute(
                "INSERT INTO facility (cell, id, qk, community_id, kind, code, name, geom) VALUES (1, %s, %s, 7111, %s, %s, 'x', ST_SetSRID(ST_MakePoint(%s, %s), 4490))",
                (number, key, "hydrant" if number == 1 else "lamp", f"f{number}", lon + dx, lat + dy),
            )
    truth = sorted(
        (GEOD.inv(lon, lat, lon + dx, lat + dy)[2], number)
        for number, (dx, dy) in enumerate([(0.00105, 0), (0, 0.001), (-0.00104, 0), (0, -0.00102)])
    )
    for k in (1, 2, 3, 4, 10):
        items = fresh_client().get("/api/v1/nearest", params={"lon": lon, "lat": lat, "layer": "facilities", "k": k}).json()["items"]
        assert [each["id"] for each in items] == [number for _, number in truth[:k]]
    hydrants = (
        fresh_client().get("/api/v1/nearest", params={"lon": lon, "lat": lat, "layer": "facilities", "kind": "hydrant"}).json()["items"]
    )
    assert [each["id"] for each in hydrants] == [1]


def test_nearest_looks_only_within_the_scope(client) -> None:
    b2 = factories.outline(factories.AREAS["b2"]).centroid
    for layer, base in (("facilities", 850000), ("officers", 860000), ("incidents", 890000), ("buildings", 820000)):
        items = client("clerk", "a1").get("/api/v1/nearest", params={"lon": b2.x, "lat": b2.y, "layer": layer, "k": 9}).json()["items"]
        assert {each["id"] for each in items} == {base + 1, base + 2}


@pytest.mark.parametrize("query", ["k=0", "k=101", "k=1000000000000", "k=x", "layer=secrets", "kind=" + "x" * 99])
def test_wrong_options_of_nearest_are_problems(client, query: str) -> None:
    answer = client().get(f"/api/v1/nearest?layer=facilities&lon=113.001&lat=28.001&{query}")
    assert answer.status_code == 422


def test_an_option_a_layer_cannot_honour_is_refused(client) -> None:
    assert within(client(), "buildings", ALL, as_of="2024-01-01").json()["at"] == "as_of"
    assert within(client(), "grids", ALL, category=410).json()["at"] == "from"
    assert within(client(), "incidents", ALL, kind="lamp").json()["at"] == "kind"
    assert within(client(), "incidents", ALL, **{"from": "2026-02-01", "to": "2026-01-01"}).json()["at"] == "from"


def test_layers_need_their_permission(client) -> None:
    assert within(client("system_admin"), "incidents", ALL).status_code == 403
    assert within(client("integration"), "households", ALL).status_code == 403
    assert client("integration").get("/api/v1/answerable?lon=113.001&lat=28.001").status_code == 403
    assert client("security_admin").get("/api/v1/locate?lon=113.001&lat=28.001").status_code == 403
    for path in (
        "locate?lon=113&lat=28",
        "near?lon=113&lat=28&layer=grids&radius_m=5",
        "nearest?lon=113&lat=28&layer=facilities",
        "counts?by=grid",
    ):
        assert client(None).get(f"/api/v1/{path}").status_code == 401
    assert within(client(None), "grids", ALL).status_code == 401


def test_who_answers_depends_on_the_day(fresh: Clone, fresh_client) -> None:
    with fresh.owner() as owner:
        owner.execute("UPDATE assignment SET valid = '[2024-01-01,2024-09-01)' WHERE id = 870001")
        owner.execute(
            "INSERT INTO assignment (officer_id, grid_id, community_id, duty, valid) VALUES (860002, 810001, 7111, 'assist', '[2024-01-01,)')"
        )
    ask = {"lon": CENTRE[0], "lat": CENTRE[1]}
    client = fresh_client()
    then = client.get("/api/v1/answerable", params={**ask, "as_of": "2024-08-31"}).json()
    assert (then["why"], then["officer"]["id"], then["community"]["code"]) == ("assigned", 860001, "990101001001")
    assert [each["id"] for each in then["assisting"]] == [860002]
    day_after = client.get("/api/v1/answerable", params={**ask, "as_of": "2024-09-01"}).json()
    assert (day_after["why"], day_after["officer"]) == ("nobody_assigned", None)
    outside = client.get("/api/v1/answerable", params={"lon": 113.05, "lat": 28.05}).json()
    assert (outside["why"], outside["grid"]) == ("outside", None)


def test_counts_come_with_rates_and_hold_back_small_grounds(fresh: Clone, fresh_client, client) -> None:
    small = client().get("/api/v1/counts", params={"by": "grid"}).json()["items"]
    assert [each["n"] for each in small] == [1] * 8
    assert all(each["small"] and each["rate"] is None for each in small)
    with fresh.owner() as owner:
        owner.execute("UPDATE grid SET households = 250")
    client = fresh_client()
    streets = client.get("/api/v1/counts", params={"by": "street"}).json()["items"]
    assert [(each["code"], each["n"], each["households"], each["rate"]) for each in streets] == [
        ("990101001000", 4, 1000, 4.0),
        ("990101002000", 4, 1000, 4.0),
    ]
    assert streets[0]["rate_low"] == pytest.approx(1.0899, abs=1e-3)
    assert streets[0]["rate_high"] == pytest.approx(10.2416, abs=1e-3)
    one = client.get("/api/v1/counts", params={"by": "community", "category": 410, "area": "990101001000"}).json()["items"]
    assert [(each["code"], each["n"], each["open"]) for each in one] == [("990101001001", 1, 1), ("990101001002", 1, 1)]
    assert [each["n"] for each in client.get("/api/v1/counts", params={"by": "grid", "to": "2020-01-01"}).json()["items"]] == [0] * 8
    own = fresh_client("operator", "a1").get("/api/v1/counts", params={"by": "grid"}).json()["items"]
    assert [each["grid_id"] for each in own] == [810001, 810002]


def test_every_route_of_places_has_an_example(client) -> None:
    described = client().get("/api/openapi.json").json()["paths"]
    for path in ("/api/v1/locate", "/api/v1/answerable", "/api/v1/near", "/api/v1/nearest", "/api/v1/counts"):
        parameters = described[path]["get"]["parameters"]
        assert any("examples" in json.dumps(each) for each in parameters), path
    assert described["/api/v1/{layer}/within"]["post"]["requestBody"]["content"]["application/json"]["examples"]


def test_every_route_says_in_which_form_it_refuses(client) -> None:
    described = client().get("/api/openapi.json").json()["paths"]
    for path, methods in described.items():
        for operation in methods.values():
            assert "422" not in operation["responses"], path
            assert operation["responses"]["4XX"]["content"].keys() == {"application/problem+json"}, path
