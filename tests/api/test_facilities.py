"""Facilities: one, its kinds, the nearest."""


def test_the_nearest_facilities_come_first(client) -> None:
    items = client().get("/api/v1/facilities/nearest", params={"lon": 113.002, "lat": 28.002, "k": 3}).json()["items"]
    assert items[0]["id"] == 850001
    assert [each["distance_m"] for each in items] == sorted(each["distance_m"] for each in items)
    assert len(items) == 3


def test_a_kind_nobody_has_finds_nothing(client) -> None:
    assert client().get("/api/v1/facilities/nearest", params={"lon": 113.002, "lat": 28.002, "kind": "volcano"}).json() == {"items": []}


def test_kinds_are_counted_in_scope(client) -> None:
    assert client().get("/api/v1/facilities/kinds").json() == {"items": [{"kind": "lamp", "n": 8}]}
    assert client("clerk", "a1").get("/api/v1/facilities/kinds").json() == {"items": [{"kind": "lamp", "n": 2}]}


def test_one_facility_is_shown_within_the_scope_only(client) -> None:
    assert client().get("/api/v1/facilities/850007").json()["community"]["code"] == "990101002002"
    assert client("clerk", "a1").get("/api/v1/facilities/850007").status_code == 404
    assert client("system_admin").get("/api/v1/facilities/850001").status_code == 403
