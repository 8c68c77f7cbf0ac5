"""Steps by which tests take a draft to the ground in force, and what they ask of the database afterwards."""

from datetime import UTC, datetime

from api.plans import publish as publishing
from tests import plan_drafts
from tests.factories import CELL, SOUTH, WEST
from tests.plan_drafts import Draft


def stored(fresh, district, draft: Draft) -> int:
    with fresh.owner() as connection:
        plan = plan_drafts.store(connection, district, draft)
        connection.commit()
    return plan


def approved(planner, reviewer, plan: int) -> None:
    assert planner.post(f"/api/v1/plans/{plan}/submit").status_code == 200
    assert reviewer.post(f"/api/v1/plans/{plan}/approve", json={"note": "同意"}).status_code == 200


def published(fresh, district, work, planner, reviewer, draft: Draft, at: datetime | None = None) -> int:
    plan = stored(fresh, district, draft)
    approved(planner, reviewer, plan)
    answer = reviewer.post(f"/api/v1/plans/{plan}/publish", json={"effective_at": None if at is None else at.isoformat()})
    assert answer.status_code == 202
    assert answer.json()["state"] == "publishing"
    assert publishing.publish(work, plan) == "published", failure_of(fresh, plan)
    return plan


def asked(fresh, query: str, *values):
    with fresh.owner() as connection:
        return connection.execute(query, values).fetchall()


def failure_of(fresh, plan: int):
    return asked(fresh, "SELECT failure FROM plan WHERE id = %s", plan)[0][0]


def add_incident(connection, id: int, x: float, y: float, grid: int, community: int, **more) -> None:
    """An open incident at a place in halves of a grid."""
    lon, lat = WEST + x * CELL / 2, SOUTH + y * CELL / 2
    row = {"placed_by": "covers", "state": "handling", "building_id": None, "days_ago": 2} | more
    connection.execute(
        "INSERT INTO incident (cell, id, reported_at, source, source_id, category_id, place, qk, community_id, grid_id, grid_version, placed_by,"
        " state, closed_at, building_id) VALUES (1, %s, now() - make_interval(days => %s), 'test', %s, 410, ST_SetSRID(ST_MakePoint(%s, %s), 4490), 1,"
        " %s, %s, 1, %s, %s, %s, %s)",
        (id, row["days_ago"], f"N{id}", lon, lat, community, grid, row["placed_by"], row["state"], datetime.now(UTC) if row["state"] == "closed" else None,
         row["building_id"]),
    )  # fmt: skip
