"""Officers: who answers for which grid on which day."""

from data import sealing
from tests.conftest import Clone


def test_officers_come_with_their_grids_and_last_places(client) -> None:
    items = client().get("/api/v1/officers", params={"area": "990101001001"}).json()["items"]
    assert [(each["id"], each["grids"], each["on_duty"]) for each in items] == [(860001, [810001], True), (860002, [810002], True)]
    assert items[0]["last_place"] == [113.001953125, 28.001953125]


def test_officers_of_other_areas_are_not_there(client) -> None:
    assert [each["id"] for each in client("clerk", "a1").get("/api/v1/officers").json()["items"]] == [860001, 860002]
    assert client("clerk", "a1").get("/api/v1/officers/860008").status_code == 404
    assert client("clerk", "a1").get("/api/v1/officers", params={"area": "990101002002"}).status_code == 404
    assert client("integration").get("/api/v1/officers").status_code == 403


def test_a_duty_ends_on_its_last_day(fresh: Clone, fresh_client) -> None:
    with fresh.owner() as owner:
        owner.execute("UPDATE assignment SET valid = '[2024-01-01,2024-09-01)' WHERE id = 870001")
    grids = {
        day: fresh_client().get("/api/v1/officers", params={"as_of": day}).json()["items"][0]["grids"]
        for day in ("2024-08-31", "2024-09-01")
    }
    assert grids == {"2024-08-31": [810001], "2024-09-01": []}


def test_a_phone_is_masked(fresh: Clone, fresh_client, data_dir) -> None:
    with fresh.owner() as owner:
        owner.execute(
            "UPDATE officer SET phone_sealed = %s WHERE id = 860001",
            [sealing.keyring(data_dir).seal("officer.phone_sealed", 860001, b"13912345678")],
        )
    assert fresh_client().get("/api/v1/officers/860001").json()["phone_masked"] == "139****5678"
    assert fresh_client().get("/api/v1/grids/810001/card").json()["officer"]["phone_masked"] == "139****5678"
    assert "13912345678" not in fresh_client().get("/api/v1/officers").text
