"""Grids: lists, cards, borders, and how they were."""

import json

import shapely
from shapely.geometry import shape

from tests import factories
from tests.conftest import Clone


def test_grids_of_a_community_name_the_officer_who_answers(client) -> None:
    items = client().get("/api/v1/grids", params={"area": "990101001001"}).json()["items"]
    assert [each["id"] for each in items] == [810001, 810002]
    first = items[0]
    assert first["officer"] == {"id": 860001, "name": "枫一社区网格员1"}
    assert (first["community_code"], first["street_code"], first["version"]) == ("990101001001", "990101001000", 1)
    assert 150_000 < first["area_m2"] < 180_000


def test_grids_of_an_unknown_or_foreign_area_are_not_there(client) -> None:
    assert client().get("/api/v1/grids", params={"area": "1"}).status_code == 404
    assert client("clerk", "a1").get("/api/v1/grids", params={"area": "990101002002"}).status_code == 404


def test_a_scope_sees_only_its_grids(client) -> None:
    assert [each["id"] for each in client("clerk", "a1").get("/api/v1/grids").json()["items"]] == [810001, 810002]
    assert client("clerk", "a1").get("/api/v1/grids/810007").status_code == 404
    assert client("clerk", "a1").get("/api/v1/grids/810007/card").status_code == 404
    assert client("clerk", "a1").get("/api/v1/grids/810007/border").status_code == 404


def test_a_card_tells_what_a_grid_holds(client) -> None:
    card = client("clerk").get("/api/v1/grids/810001/card").json()
    assert card["id"] == 810001
    assert [each["level"] for each in card["ancestors"]] == ["district", "street", "community"]
    assert card["officer"] == {"id": 860001, "name": "枫一社区网格员1", "phone_masked": None, "on_duty": True}
    assert card["nearest_officers"][0]["id"] == 860001
    assert card["nearest_officers"][0]["distance_m"] < 1
    assert (card["open"], card["overdue"], card["today"], card["buildings"], card["households"]) == (1, 1, 0, 1, 1)
    assert card["hotspot"]["class"] == 0
    assert card["residents_by_care"] == {"lone_elder": 1}


def test_a_card_counts_what_was_chosen_as_the_key_figures_of_its_grid_do(client) -> None:
    reader = client("clerk")
    kinds = [each["id"] for each in reader.get("/api/v1/categories").json()["items"]]
    hours = [f"{hour}-{hour + 1}" for hour in range(24)]
    choices: list[dict[str, object]] = [{}, *({"category": each} for each in kinds), *({"hours": each} for each in hours)]
    choices += [{"category": kinds[:2], "hours": each} for each in hours]
    told = set()
    for choice in choices:
        card = reader.get("/api/v1/grids/810001/card", params=choice).json()
        figures = reader.get("/api/v1/overview", params={"grid": 810001, **choice}).json()["kpi"]
        key = {each["id"]: each["value"] for each in figures}
        assert [card[name] for name in ("today", "open", "overdue")] == [key[name] for name in ("today", "open", "overdue")], choice
        told.add(card["open"])
    assert told == {0, 1}
    refused = reader.get("/api/v1/grids/810001/card", params={"category": 7})
    assert (refused.status_code, refused.json()["categories"]) == (422, [7])


def test_a_card_keeps_back_what_a_role_may_not_know(client) -> None:
    card = client("planner").get("/api/v1/grids/810001/card").json()
    assert card["residents_by_care"] is None
    plain = client("system_admin").get("/api/v1/grids/810001/card").json()
    assert plain["open"] is None
    assert plain["officer"] is None
    assert plain["nearest_officers"] == []
    assert client("audit_admin").get("/api/v1/grids/810001/card").status_code == 403


def test_a_border_comes_with_every_digit(client) -> None:
    border = shape(json.loads(client().get("/api/v1/grids/810001/border").content))
    grid = factories.Place("", 0, "grid", None, "", "", "", 0, 0, 1, 1)
    assert shapely.equals(border, factories.outline(grid))
    assert shapely.get_coordinates(border).tolist()[0][0] in {113.0, 113.00390625}


def test_a_grid_is_shown_as_it_was_and_who_answered_then(fresh: Clone, fresh_client) -> None:
    with fresh.owner() as owner:
        owner.execute("UPDATE grid SET name = '新名', valid_from = '2024-06-01' WHERE id = 810001")
        owner.execute("UPDATE assignment SET valid = '[2024-01-01,2024-09-01)' WHERE id = 870001")
    client = fresh_client()
    now = client.get("/api/v1/grids/810001").json()
    assert (now["name"], now["officer"], now["version"]) == ("新名", None, 2)
    then = client.get("/api/v1/grids/810001", params={"as_of": "2024-03-01"}).json()
    assert (then["name"], then["officer"]["id"], then["version"]) == ("枫一社区甲", 860001, 1)
    between = client.get("/api/v1/grids/810001", params={"as_of": "2024-06-01T00:00:00Z"}).json()
    assert between["name"] == "新名"


def test_wrong_numbers_are_problems(client) -> None:
    for path in ("/api/v1/grids/0", "/api/v1/grids/x", "/api/v1/grids/99999999999999999999"):
        answer = client().get(path)
        assert answer.status_code == 422
        assert answer.headers["content-type"] == "application/problem+json"
