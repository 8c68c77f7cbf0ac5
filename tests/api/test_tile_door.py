"""The door: what is answered from memory is what the application would answer, to the same people, and no longer than it is true."""

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from api.tiles.door import TileDoor
from data.hot import freshness, reads
from tests import factories
from tests.api.test_tiles import HOME, served, serving, tile_of

__all__ = ["served"]
PATH = f"/tiles/grids/{tile_of(14, *HOME)}"


@pytest.fixture
def answered(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """For each request whether it was answered at the door."""
    seen: list[bool] = []
    known = TileDoor._known

    def noted(door: TileDoor, scope: dict[str, object]) -> object:
        told = known(door, scope)
        seen.append(told is not None)
        return told

    monkeypatch.setattr(TileDoor, "_known", noted)
    # However slow the machine is, what nobody changed stays known.
    monkeypatch.setattr(freshness, "LOOK_EVERY_S", 600.0)
    monkeypatch.setattr(reads, "CALLER_KEPT_S", 600.0)
    return seen


def told(client: TestClient, path: str = PATH, **headers: str) -> tuple[int, dict[str, str], bytes]:
    answer = client.get(path, headers=headers)
    return answer.status_code, {name: value for name, value in answer.headers.items() if name != "date"}, answer.content


@pytest.mark.parametrize("accepts", ["gzip", "identity"])
@pytest.mark.parametrize("path", [PATH, "/tiles/grids/14/0/0", f"{PATH}.mvt"])
def test_a_warm_answer_is_word_for_word_the_cold_one(served: FastAPI, answered: list[bool], path: str, accepts: str) -> None:
    with serving(served) as client:
        cold = told(client, path, **{"Accept-Encoding": accepts})
        warm = told(client, path, **{"Accept-Encoding": accepts})
        assert answered == [False, True]
        assert warm == cold
        cold_tag = {"Accept-Encoding": accepts, "If-None-Match": cold[1]["etag"]}
        assert told(client, path, **cold_tag)[0] == 304
        assert answered[-1]


def test_whoever_may_not_is_refused_though_the_tile_is_warm(served: FastAPI, answered: list[bool]) -> None:
    with serving(served) as client:
        told(client)
        told(client)
        assert answered[-1]
        for header in ("", "Bearer x", f"Bearer {factories.token('audit_admin', 'district')}"):
            for _ in range(2):
                assert client.get(PATH, headers={"Authorization": header}).status_code in {401, 403}
                assert not answered[-1]


def test_each_scope_has_its_own_warm_tile(served: FastAPI, answered: list[bool]) -> None:
    with serving(served) as client:
        whole = [told(client) for _ in range(2)]
        own = [told(client, Authorization=f"Bearer {factories.token('planner', 'a1')}") for _ in range(3)]
        assert answered[-1]
        assert own[0][2] == own[-1][2] != whole[-1][2]


def test_a_token_that_this_process_revokes_opens_nothing_at_once(served: FastAPI, answered: list[bool]) -> None:
    with serving(served) as client:
        told(client)
        told(client)
        assert answered[-1]
        assert client.delete("/api/v1/session").status_code in {200, 204}
        assert client.get(PATH).status_code == 401
