"""Hot spots as people meet them: asked for, worked out once, cut to who looks, refused where nothing can be said."""

import asyncio

from api import worker
from api.hotspots import service
from api.work import Work
from tests.factories import District


def test_the_newest_run_is_cut_to_who_looks(client, district: District):
    seen = client("operator", "a1").get("/api/v1/hotspots/latest").json()
    assert seen["run"]["id"] == district.own.hotspot_run
    assert {item["grid_id"] for item in seen["items"]} == set(district.own.grids)
    assert len(client("operator").get("/api/v1/hotspots/latest").json()["items"]) == 8


def test_a_run_is_asked_for_by_an_analyst_and_by_nobody_else(client):
    asked = client("analyst").post("/api/v1/hotspots", json={})
    assert asked.status_code == 202
    assert asked.json()["state"] == "asked"
    assert client("clerk").post("/api/v1/hotspots", json={}).status_code == 403
    assert client("analyst").post("/api/v1/hotspots", json={"category_ids": [999999]}).status_code == 422
    assert client("analyst").get("/api/v1/hotspots/999999").status_code == 404


def test_too_few_grids_are_stored_as_a_refusal(fresh, fresh_client):
    caller = fresh_client("analyst")
    run = caller.post("/api/v1/hotspots", json={}).json()["id"]
    asyncio.run(worker.work(fresh.schema_url, wait=False))
    told = caller.get(f"/api/v1/hotspots/{run}").json()
    assert told["run"]["state"] == "refused"
    assert told["run"]["refusal"]["code"] == "nothing-to-analyse"
    assert told["items"] == []


def test_asking_twice_with_one_key_asks_once(fresh, fresh_client):
    caller = fresh_client("analyst")
    first = caller.post("/api/v1/hotspots", json={}, headers={"Idempotency-Key": "h"}).json()
    assert caller.post("/api/v1/hotspots", json={}, headers={"Idempotency-Key": "h"}).json() == first
    with fresh.owner() as connection:
        assert connection.execute("SELECT count(*) FROM procrastinate_jobs").fetchone() == (1,)


def test_a_deployment_without_ground_has_no_first_hot_spots_due(empty):
    work = Work(empty.schema_url)
    try:
        with work.unit() as (session, scope):
            assert service.first_run(session, scope) == "nothing due"
    finally:
        work.close()
