"""The trail is read by auditors only, and a request that is sent twice happens once."""

import secrets
import threading
from typing import Annotated, Any

import pytest
from fastapi import APIRouter, Body, FastAPI

from api.deps import CurrentActor, Session
from api.idempotency import Once
from data.queries import audit
from tests.conftest import clients_of
from tests.factories import District

router = APIRouter()


@router.post("/api/v1/test-notes")
def note(session: Session, actor: CurrentActor, once: Once, words: Annotated[str, Body(embed=True)]) -> Any:
    """A change made for this test: one row in the trail each time it really happens."""

    def act() -> dict[str, object]:
        audit.record(session, actor, "note", "test", words)
        return {"words": words, "made": secrets.token_hex(8)}

    return once.run(session, actor, 201, act)


@pytest.fixture
def noting(app: FastAPI):
    app.include_router(router)
    return clients_of(app)


def notes(client) -> list[dict[str, Any]]:
    return client("audit_admin").get("/api/v1/audit", params={"noun": "test"}).json()["items"]


def test_a_repeated_request_is_answered_the_same_and_happens_once(noting) -> None:
    first, second = (noting("planner").post("/api/v1/test-notes", json={"words": "x"}, headers={"Idempotency-Key": "k1"}) for _ in range(2))
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.json() == second.json()
    assert second.headers["idempotent-replayed"] == "true" and "idempotent-replayed" not in first.headers
    assert len(notes(noting)) == 1


def test_the_same_key_with_another_body_or_route_is_refused(noting) -> None:
    noting("planner").post("/api/v1/test-notes", json={"words": "x"}, headers={"Idempotency-Key": "k1"})
    other = noting("planner").post("/api/v1/test-notes", json={"words": "y"}, headers={"Idempotency-Key": "k1"})
    assert (other.status_code, other.json()["type"]) == (422, "/problems/idempotency-mismatch")
    assert len(notes(noting)) == 1


def test_keys_belong_to_their_person(noting) -> None:
    for role in ("planner", "operator"):
        assert noting(role).post("/api/v1/test-notes", json={"words": role}, headers={"Idempotency-Key": "k1"}).json()["words"] == role


def test_without_a_key_each_request_happens(noting) -> None:
    for _ in range(2):
        noting("planner").post("/api/v1/test-notes", json={"words": "x"})
    assert len(notes(noting)) == 2


@pytest.mark.parametrize("key", ["", "x" * 201, "with space"])
def test_a_bad_key_is_refused(noting, key: str) -> None:
    assert noting("planner").post("/api/v1/test-notes", json={"words": "x"}, headers={"Idempotency-Key": key}).status_code == 422


def test_ten_at_once_with_one_key_happen_once(fresh_client) -> None:
    app = fresh_client("planner").app
    app.include_router(router)
    answers: list[Any] = []
    start = threading.Barrier(10)

    def send() -> None:
        client = fresh_client("planner")
        start.wait()
        answers.append(client.post("/api/v1/test-notes", json={"words": "x"}, headers={"Idempotency-Key": "same"}))

    threads = [threading.Thread(target=send) for _ in range(10)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert {each.status_code for each in answers} == {201}
    assert len({each.json()["made"] for each in answers}) == 1
    assert len(notes(fresh_client)) == 1


def test_only_the_audit_administrator_reads_the_trail(client) -> None:
    for role in ("operator", "security_admin", "system_admin", "analyst"):
        assert client(role).get("/api/v1/audit").status_code == 403
    assert client("audit_admin").get("/api/v1/audit").status_code == 200


def test_reading_the_trail_is_itself_in_the_trail(client, district: District) -> None:
    client("audit_admin").get("/api/v1/audit", params={"action": "sign_in"})
    trail = client("audit_admin").get("/api/v1/audit").json()["items"]
    assert (trail[0]["action"], trail[0]["person_id"]) == ("read", district.people["audit_admin", "district"])
    assert trail[0]["facts"] == {"action": "sign_in", "limit": 100}


def test_the_trail_is_filtered_and_paged(noting) -> None:
    for words in ("1", "2", "3"):
        noting("planner").post("/api/v1/test-notes", json={"words": words})
    auditor = noting("audit_admin")
    page = auditor.get("/api/v1/audit", params={"noun": "test", "limit": 2}).json()
    assert [each["noun_id"] for each in page["items"]] == ["3", "2"]
    rest = auditor.get("/api/v1/audit", params={"noun": "test", "limit": 2, "before": page["next"]}).json()
    assert [each["noun_id"] for each in rest["items"]] == ["1"] and rest["next"] is None
    assert auditor.get("/api/v1/audit", params={"noun": "test", "outcome": "refused"}).json()["items"] == []
    assert auditor.get("/api/v1/audit", params={"noun": "test", "to": "2020-01-01T00:00:00Z"}).json()["items"] == []
    assert auditor.get("/api/v1/audit", params={"from": "yesterday"}).status_code == 422
