"""The stream of changes: who hears what, in which order, and what a listener finds who was away."""

import re
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest

from api import live
from data.hot import reads
from tests import factories
from tests.conftest import Clone, serve, serving
from tests.events import ask, listening
from tests.factories import AREAS, CELL, SOUTH, WEST, District

A1 = {"lon": WEST + 0.5 * CELL, "lat": SOUTH + 0.5 * CELL}
B2 = {"lon": WEST + 3.5 * CELL, "lat": SOUTH + 1.5 * CELL}


@pytest.fixture
def address(fresh: Clone, data_dir: Path) -> Iterator[str]:
    with serve(fresh, data_dir) as address:
        yield address


def report(address: str, **facts: object) -> int:
    status, told = ask(address, "POST", "/api/v1/incidents", {"category_id": 410} | A1 | facts)
    assert status == 201, told
    return int(told["id"])


def test_a_report_is_heard_at_once(address: str) -> None:
    with listening(address) as listener:
        began = time.monotonic()
        number = report(address)
        (change,) = listener.changes(1)
        assert time.monotonic() - began < 10  # a hung stream, not a speed: bench/live.py measures that
    assert (change["layer"], change["op"], change["id"]) == ("incident", "insert", number)
    assert change["community_id"] == AREAS["a1"].id
    assert set(change) == {"number", "at", "layer", "op", "id", "cell", "community_id"}


def test_a_clerk_hears_of_the_own_community_only(address: str) -> None:
    with listening(address, "clerk", "a1") as clerk, listening(address) as operator:
        elsewhere, here = report(address, **B2), report(address)
        assert [each["id"] for each in operator.changes(2)] == [elsewhere, here]
        (heard,) = clerk.changes(1)
        assert heard["id"] == here


def test_nobody_hears_of_what_their_role_may_not_see(address: str, fresh: Clone, district: District) -> None:
    with fresh.owner() as connection:
        connection.execute(
            "INSERT INTO outbox (layer, op, noun_id, community_id) VALUES ('plan', 'update', %s, 0), ('plan', 'update', %s, 0),"
            " ('incident', 'update', 77, 0), ('hotspot', 'bulk', 5, 0), ('area', 'update', %s, 0), ('grid', 'bulk', NULL, %s)",
            [district.own.plans[0], district.foreign.plans[0], AREAS["b2"].id, AREAS["a1"].id],
        )
    with listening(address, "planner", "a1", after=0) as planner:
        heard = planner.until("grid")
    assert [(each["layer"], each["id"]) for each in heard] == [
        ("plan", district.own.plans[0]), ("hotspot", None), ("area", None), ("grid", None),
    ]  # fmt: skip
    with listening(address, "officer", "a1", after=0) as officer:
        heard = officer.until("grid")
    assert [each["layer"] for each in heard] == ["area", "grid"]


def test_every_layer_that_is_published_has_a_permission_by_which_it_is_heard() -> None:
    root = Path(live.__file__).parent.parent
    sources = [file.read_text("utf-8") for room in ("api", "data") for file in (root / room).rglob("*.py")]
    published = {layer for source in sources for layer in re.findall(r"\bChange\(\s*\"([a-z_]+)\"", source)}
    assert published >= {"incident", "plan", "hotspot"}
    assert published - set(live.NEEDS) == set()


def test_what_becomes_visible_late_is_missed_by_nobody_who_comes_back(address: str, fresh: Clone) -> None:
    slow = fresh.owner()
    slow.execute("INSERT INTO outbox (layer, op, noun_id) VALUES ('grid', 'update', 1)")
    with listening(address) as listener:
        quick = report(address)
        (first,) = listener.changes(1)
        assert first["id"] == quick
        number = listener.heard[-1].number
    slow.commit()
    slow.close()
    with listening(address, last_event_id=number) as again:
        heard = again.heard[0].content if again.heard[0].name == "changes" else again.changes(1)
        assert [each["id"] for each in heard] == [1]
        assert heard[0]["number"] > first["number"]


def test_who_comes_while_the_first_changes_are_being_numbered_hears_all_of_them(address: str, fresh: Clone) -> None:
    with fresh.owner() as relaying:
        relaying.execute("SELECT pg_advisory_xact_lock(8420, 9)")
        relaying.execute("INSERT INTO outbox (layer, op, noun_id, number) VALUES ('grid', 'update', 1, nextval('outbox_number_seq'))")
        with listening(address, after=0, seconds=20) as listener:
            assert listener.heard[0].name == "beat"
            relaying.commit()
            second = report(address)
            assert [each["id"] for each in listener.changes(2)] == [1, second]


def test_who_was_away_for_too_long_is_told_to_begin_anew(address: str, fresh: Clone) -> None:
    with listening(address) as listener:
        report(address)
        report(address)
        listener.changes(2)
        newest = listener.heard[-1].number
    with fresh.owner() as connection:
        connection.execute("DELETE FROM outbox WHERE number < %s", [newest])
    with listening(address, last_event_id=0, seconds=0) as early:
        assert [(event.name, event.number) for event in early.heard] == [("reset", newest)]
    with listening(address, last_event_id=newest, seconds=0) as present:
        assert present.heard[0].name == "beat"
    with listening(address, after=newest + 1000, seconds=0) as restored:
        assert restored.heard[0].name == "reset"


def test_a_stream_ends_after_its_time_and_goes_on_where_it_was(address: str) -> None:
    with listening(address, seconds=1) as listener:
        assert [event.name for event in listener.rest()] == []
        number = listener.heard[0].number
    missed = report(address)
    with listening(address, last_event_id=number) as again:
        heard = again.heard[0].content if again.heard[0].name == "changes" else again.changes(1)
    assert [each["id"] for each in heard] == [missed]


def test_a_stream_ends_when_its_session_is_revoked(address: str, fresh: Clone, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "CHECK_S", 0.2)
    monkeypatch.setattr(reads, "CALLER_KEPT_S", 0.1)
    with listening(address, "clerk", "a1") as listener:
        with fresh.owner() as connection:
            connection.execute("DELETE FROM session WHERE token_hash = sha256(convert_to(%s, 'UTF8'))", [factories.token("clerk", "a1")])
        assert [(event.name, event.content) for event in listener.rest()] == [("end", {"reason": "signed-out"})]


def test_a_stream_says_when_its_listener_may_not_hear_it_any_more(address: str, fresh: Clone, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "CHECK_S", 0.2)
    monkeypatch.setattr(reads, "CALLER_KEPT_S", 0.1)
    with listening(address, "clerk", "a1") as listener:
        with fresh.owner() as connection:
            connection.execute(
                "UPDATE session SET permissions = array_remove(permissions, 'map') WHERE token_hash = sha256(convert_to(%s, 'UTF8'))",
                [factories.token("clerk", "a1")],
            )
        assert [(event.name, event.content) for event in listener.rest()] == [("end", {"reason": "not-permitted"})]


def test_a_scope_that_shrinks_is_heard_by_the_open_stream(address: str, fresh: Clone, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "CHECK_S", 0.2)
    monkeypatch.setattr(reads, "CALLER_KEPT_S", 0.1)
    with listening(address, "clerk", "a1") as listener:
        with fresh.owner() as connection:
            connection.execute(
                "UPDATE session SET scope = '{[7122,7123)}' WHERE token_hash = sha256(convert_to(%s, 'UTF8'))",
                [factories.token("clerk", "a1")],
            )
        threading.Event().wait(0.6)  # the stream's own look, as its clock runs it
        report(address)
        there = report(address, **B2)
        (heard,) = listener.changes(1)
        assert heard["id"] == there


def test_a_crowd_of_changes_is_told_once_for_each_community(address: str, fresh: Clone) -> None:
    with listening(address) as listener, listening(address, "clerk", "a1") as clerk:
        with fresh.owner() as connection:
            connection.execute(
                "INSERT INTO outbox (layer, op, noun_id, cell, community_id)"
                " SELECT 'incident', 'insert', n, n, CASE WHEN n %% 2 = 0 THEN %s ELSE %s END FROM generate_series(1, 1000) AS n",
                [AREAS["a1"].id, AREAS["b2"].id],
            )
        told = listener.changes(2)
        assert {(each["op"], each["id"], each["community_id"]) for each in told} == {
            ("bulk", None, AREAS["a1"].id), ("bulk", None, AREAS["b2"].id),
        }  # fmt: skip
        assert [each["community_id"] for each in clerk.changes(1)] == [AREAS["a1"].id]


def test_two_servers_of_one_database_tell_each_change_once(address: str, fresh: Clone, data_dir: Path) -> None:
    with serve(fresh, data_dir) as other, listening(address) as here, listening(other) as there:
        reported = [report(each) for each in (address, other, address, other)]
        for listener in (here, there):
            changes = listener.changes(4)
            assert [each["id"] for each in changes] == reported
            numbers = [each["number"] for each in changes]
            assert numbers == sorted(set(numbers))


def test_a_hundred_streams_hold_no_connection_of_the_database(address: str, fresh: Clone) -> None:
    def connections() -> int:
        with psycopg.connect(fresh.schema_url.replace("+psycopg", "")) as asking:
            row = asking.execute("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()").fetchone()
        assert row
        return int(row[0])

    with ExitStack() as opened:
        opened.enter_context(listening(address))
        before = connections()
        listeners = [opened.enter_context(listening(address, seconds=600)) for _ in range(100)]
        number = report(address)
        assert {each.changes(1)[0]["id"] for each in listeners} == {number}
        assert connections() <= before + 2


def test_every_open_stream_ends_at_once_when_the_server_stops(fresh: Clone, data_dir: Path, district: District) -> None:
    headers = {"Authorization": f"Bearer {factories.token('planner')}"}
    with serving(fresh, data_dir) as served:
        connections = [HTTPConnection(urlsplit(served.address).netloc, timeout=20) for _ in range(2)]
        for connection, path in zip(connections, ("events", f"plans/{district.own.plans[0]}/events"), strict=True):
            connection.request("GET", f"/api/v1/{path}", headers=headers)
        answers = [each.getresponse() for each in connections]
        assert [each.readline()[:6] for each in answers] == [b"retry:"] * 2
        served.stop()
        # Whoever is cut off after the grace gets no end of the body: reading it would raise.
        assert all(isinstance(each.read(), bytes) for each in answers)
        for connection in connections:
            connection.close()


def test_the_stream_goes_on_when_the_database_connection_is_lost(address: str, fresh: Clone) -> None:
    with listening(address) as listener:
        with fresh.owner() as connection:
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND query LIKE '%gate.relay%'"
                " AND pid <> pg_backend_pid()"
            )
        number = report(address)
        assert [each["id"] for each in listener.changes(1)] == [number]


def test_a_visitor_and_a_wrong_number_are_refused(address: str) -> None:
    assert ask(address, "GET", "/api/v1/events", token="")[0] == 401
    assert ask(address, "GET", "/api/v1/events", headers={"Last-Event-ID": "x"})[0] == 422
    assert ask(address, "GET", "/api/v1/events", headers={"Last-Event-ID": "9" * 20})[0] == 422
    assert ask(address, "GET", "/api/v1/events?after=-1")[0] == 422
