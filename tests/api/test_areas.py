"""Areas: who sees which, what they hold, how they were."""

from tests.conftest import Clone


def test_the_whole_district_is_listed_with_what_it_holds(client) -> None:
    items = client().get("/api/v1/areas").json()["items"]
    assert [each["level"] for each in items].count("community") == 4
    district = next(each for each in items if each["level"] == "district")
    assert (district["households"], district["grids"], district["parent_code"]) == (8, 8, None)
    assert district["bbox"] == [113.0, 28.0, 113.015625, 28.0078125]


def test_children_of_a_street_are_its_communities(client) -> None:
    items = client().get("/api/v1/areas", params={"parent": "990101001000"}).json()["items"]
    assert [each["code"] for each in items] == ["990101001001", "990101001002"]
    assert items[0]["grids"] == 2
    west, south, east, north = items[0]["bbox"]
    assert west < items[0]["center"][0] < east
    assert south < items[0]["center"][1] < north


def test_a_community_scope_sees_itself_and_what_it_lies_in(client, district) -> None:
    items = client("clerk", "a1").get("/api/v1/areas").json()["items"]
    assert [each["code"] for each in items] == ["990101000000", "990101001000", "990101001001"]
    assert [each["grids"] for each in items] == [2, 2, 2]


def test_one_area_comes_with_its_ancestors(client) -> None:
    area = client().get("/api/v1/areas/990101001001").json()
    assert [each["level"] for each in area["ancestors"]] == ["district", "street"]


def test_an_area_outside_the_scope_is_not_there(client) -> None:
    answer = client("clerk", "a1").get("/api/v1/areas/990101002002")
    assert answer.status_code == 404
    assert answer.json() == client("clerk", "a1").get("/api/v1/areas/000000000000").json()


def test_an_area_is_shown_as_it_was(fresh: Clone, fresh_client) -> None:
    with fresh.owner() as owner:
        owner.execute("UPDATE area SET name = '新名', valid_from = '2024-01-01' WHERE code = '990101001001'")
    client = fresh_client()
    assert client.get("/api/v1/areas/990101001001").json()["name"] == "新名"
    then = client.get("/api/v1/areas/990101001001", params={"as_of": "2023-06-01"}).json()
    assert then["name"] == "枫一社区"
    assert then["valid_to"].startswith("2024-01-01")
    assert client.get("/api/v1/areas/990101001001", params={"as_of": "2019-06-01"}).status_code == 404


def test_a_moment_that_is_none_is_refused(client) -> None:
    answer = client().get("/api/v1/areas", params={"as_of": "last week"})
    assert answer.status_code == 422
    assert answer.json()["at"] == "as_of"
