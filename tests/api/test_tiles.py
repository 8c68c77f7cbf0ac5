"""Tiles: what a caller sees on the map, how fresh it is, and what is refused."""

import gzip
import random
import struct
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from fastapi import FastAPI
from psycopg import Connection
from starlette.testclient import TestClient

from api.tiles import routes
from data.hot.tiles import Tiles
from data.scope import Scope
from gis import crs
from tests import factories, mvt
from tests.conftest import Clone, make_app, settings_for

HOME = (113.0 + factories.CELL / 2, 28.0 + factories.CELL / 2)


def tile_of(z: int, lon: float, lat: float) -> str:
    """z/x/y of the tile a place lies in."""
    key = int(crs.morton_key([lon], [lat])[0]) >> (2 * (24 - z))
    x = sum((key >> (2 * bit) & 1) << bit for bit in range(z))
    y = sum((key >> (2 * bit + 1) & 1) << bit for bit in range(z))
    return f"{z}/{x}/{y}"


def layers(client: TestClient, path: str) -> dict[str, list[mvt.Feature]]:
    answer = client.get(path)
    assert answer.status_code in {200, 204}, answer.text
    return mvt.read(answer.content)


@contextmanager
def serving(app: FastAPI, role: str = "operator", area: str = "district") -> Iterator[TestClient]:
    """A client of an application that really serves: held connections, remembered callers, cached tiles."""
    headers = {"Authorization": f"Bearer {factories.token(role, area)}"}
    with TestClient(app, headers=headers) as client:
        yield client


@pytest.fixture
def served(fresh: Clone, fresh_database, data_dir) -> FastAPI:
    return make_app(settings_for(fresh, data_dir), fresh_database)


def test_a_database_that_restarted_is_asked_again_over_new_connections(served: FastAPI, fresh: Clone) -> None:
    with serving(served) as client, fresh.as_app() as another:
        asked = [f"/tiles/{layer}/{tile_of(14, *HOME)}" for layer in ("grids", "areas", "buildings")]
        assert client.get(asked[0]).status_code == 200
        for path in asked[1:]:
            ended = another.execute(
                "SELECT count(pg_terminate_backend(pid, 5000)) FROM pg_stat_activity WHERE datname = %s AND usename = current_user"
                " AND pid <> pg_backend_pid()",
                [fresh.name],
            ).fetchone()
            assert ended is not None
            assert ended[0] > 0
            served.state.hot._callers.clear()
            assert client.get(path).status_code == 200


def test_the_ground_tile_shows_areas_grids_buildings_and_their_names(client) -> None:
    shown = layers(client(), f"/tiles/ground/14/{tile_of(14, *HOME).removeprefix('14/')}.mvt")
    assert set(shown) == {"area", "grid", "building", "area_label", "grid_label"}
    grid = next(each for each in shown["grid"] if each.id == 810001)
    assert grid.properties == {
        "id": 810001,
        "code": "990101001001001",
        "no": "001",
        "name": "枫一社区甲",
        "name_en": "Maple One 1",
        "community_id": 7111,
    }
    assert {each.properties["level"] for each in shown["area"]} == {"district", "street", "community"}


@pytest.mark.parametrize(("zoom", "told"), [(14, {"use"}), (15, {"use", "grid_id", "levels", "households"})])
def test_a_building_in_a_ground_tile_is_known_by_its_number_and_says_from_near_what_it_is(client, zoom: int, told: set[str]) -> None:
    asked = tile_of(zoom, *HOME)
    alone = {each.id: each.properties for each in layers(client(), f"/tiles/buildings/{asked}")["building"]}
    drawn = {each.id: each.properties for each in layers(client(), f"/tiles/ground/{asked}")["building"]}
    assert drawn
    assert drawn == {number: {name: value for name, value in facts.items() if name in told} for number, facts in alone.items()}


def test_the_map_tile_holds_what_the_base_and_the_ground_tiles_hold(fresh: Clone, fresh_client) -> None:
    with fresh.owner() as connection:
        connection.execute(
            "INSERT INTO base_feature (layer, class, name, name_en, min_zoom, geom) SELECT 'green', 'park', '园', 'Park', 0, geom FROM grid WHERE id = 810001"
        )
    at = tile_of(14, *HOME)
    base, ground, both = (layers(fresh_client(), f"/tiles/{name}/{at}") for name in ("base", "ground", "map"))
    assert set(both) == {*base, *ground} >= {"green", "grid"}
    for name, features in both.items():
        assert [each.properties for each in features] == [each.properties for each in (base | ground)[name]]


def test_low_zooms_show_no_grids_and_no_buildings(client) -> None:
    shown = layers(client(), f"/tiles/ground/{tile_of(7, *HOME)}")
    assert set(shown) == {"area", "area_label"}
    assert {each.properties["level"] for each in shown["area"]} == {"district", "street"}


def test_neighbours_share_every_vertex_of_their_border_after_simplification(client) -> None:
    for z in (10, 12, 14, 15):
        shown = layers(client(), f"/tiles/grids/{tile_of(z, 113.0 + factories.CELL, 28.0 + factories.CELL / 2)}")
        left, right = (next(each for each in shown["grid"] if each.id == number) for number in (810001, 810002))
        shared = set(left.vertices) & set(right.vertices)
        assert len(shared) >= 2


def test_nobody_sees_ground_homes_or_incidents_outside_their_scope(client, district) -> None:
    foreign = district.foreign
    for layer in ("ground", "incidents", "facilities", "buildings", "grids"):
        for z in (10, 14, 16, 17):
            centre = factories.outline(factories.AREAS["b2"]).centroid
            for lon, lat in (HOME, (centre.x, centre.y), (113.0 + factories.CELL * 2.5, 28.0 + factories.CELL * 1.5)):
                for features in layers(client("operator", "a1"), f"/tiles/{layer}/{tile_of(z, lon, lat)}").values():
                    for each in features:
                        assert each.id not in foreign.numbers
                        assert not foreign.words & {str(value) for value in each.properties.values()}


def test_counts_by_cell_hold_only_incidents_in_scope(client) -> None:
    path = f"/tiles/incidents/{tile_of(9, *HOME)}"
    everything = layers(client(), path)["incident_cell"]
    own = layers(client("operator", "a1"), path)["incident_cell"]
    assert sum(each.properties["n"] for each in everything) == 8
    assert sum(each.properties["n"] for each in own) == 2
    assert sum(each.properties["open"] for each in own) == 1


def test_single_incidents_come_with_what_the_map_draws(client) -> None:
    shown = layers(client(), f"/tiles/incidents/{tile_of(16, *HOME)}.mvt")
    (incident,) = [each for each in shown["incident"] if each.id == 890001]
    assert incident.properties == {"id": 890001, "category_id": 410, "severity": 2, "open": True, "urgent": False}


@pytest.mark.parametrize("z", [9, 12, 14, 16])
@pytest.mark.parametrize(
    ("query", "expected"),
    [("category=410", 4), ("category=420&category=410", 8), ("from=2020-01-01", 8), ("to=2020-01-01", 0), ("category=999", 0)],
)
def test_incidents_are_cut_by_category_and_period_at_every_zoom(client, z: int, query: str, expected: int) -> None:
    total = 0
    seen = {
        tile_of(z, 113.0 + factories.CELL * (column + 0.5), 28.0 + factories.CELL * (row + 0.5)) for column in range(4) for row in range(2)
    }
    for at in seen:
        for name, features in layers(client(), f"/tiles/incidents/{at}?{query}").items():
            total += sum(each.properties["n"] if name == "incident_cell" else 1 for each in features)
    assert total == expected


def test_a_tile_with_too_many_incidents_shows_counts_and_leaves_none_out(served: FastAPI, fresh: Clone) -> None:
    with fresh.owner() as owner:
        owner.execute(
            "INSERT INTO incident (cell, reported_at, source, source_id, category_id, place, qk, community_id)"
            " SELECT cell, reported_at, 'many', n::text, category_id, place, qk, community_id FROM incident, generate_series(1, 5000) AS n WHERE id = 890001"
        )
    with serving(served) as client:
        shown = layers(client, f"/tiles/incidents/{tile_of(17, *HOME)}")
        assert set(shown) == {"incident_cell"}
        assert sum(each.properties["n"] for each in shown["incident_cell"]) == 5001


def test_cells_lie_where_their_incidents_lie(client) -> None:
    z = 11
    (cell,) = layers(client("operator", "a1"), f"/tiles/incidents/{tile_of(z, *HOME)}?category=410")["incident_cell"]
    x0, y0 = (int(part) for part in tile_of(z, *HOME).split("/")[1:])
    lo = crs.morton_key(*([each] for each in HOME))[0]
    column = sum((int(lo) >> (2 * bit) & 1) << bit for bit in range(24)) / 2 ** (24 - z) - x0
    row = sum((int(lo) >> (2 * bit + 1) & 1) << bit for bit in range(24)) / 2 ** (24 - z) - y0
    ((x, y),) = cell.vertices
    assert abs(x - column * 4096) <= 64
    assert abs(y - row * 4096) <= 64


def test_an_empty_tile_has_no_content(client) -> None:
    answer = client().get("/tiles/ground/14/0/0")
    assert answer.status_code == 204
    assert answer.content == b""


def test_a_tile_the_caller_has_is_not_sent_again(client) -> None:
    path = f"/tiles/ground/{tile_of(14, *HOME)}"
    first = client().get(path)
    assert first.headers["cache-control"] == "private, max-age=0, must-revalidate"
    again = client().get(path, headers={"If-None-Match": first.headers["etag"]})
    assert again.status_code == 304
    assert again.content == b""


def test_a_tile_is_zipped_for_those_who_take_it(client) -> None:
    path = f"/tiles/ground/{tile_of(14, *HOME)}"
    with client().stream("GET", path, headers={"Accept-Encoding": "gzip"}) as zipped:
        raw = b"".join(zipped.iter_raw())
        assert zipped.headers["content-encoding"] == "gzip"
    plain = client().get(path, headers={"Accept-Encoding": "identity"})
    assert gzip.decompress(raw) == plain.content


@pytest.mark.usefixtures("patient")
def test_several_tiles_in_one_answer_are_those_asked_for_one_by_one(served: FastAPI) -> None:
    z, x, y = (int(each) for each in tile_of(14, *HOME).split("/"))
    places = [(x, y), (0, 0), (x + 1, y), (x, y), (x, y - 1)]
    with serving(served) as client:
        answer = client.get(f"/tiles/ground/{z}?at={','.join(f'{column}.{row}' for column, row in places)}")
        assert answer.headers["content-type"] == "application/vnd.wangge.tiles"
        alone = [client.get(f"/tiles/ground/{z}/{column}/{row}").content for column, row in places]
    assert unframed(answer.content) == alone
    assert alone[0]


@pytest.mark.usefixtures("patient")
def test_several_tiles_of_incidents_are_cut_by_the_same_filter(served: FastAPI) -> None:
    z, x, y = tile_of(16, *HOME).split("/")
    with serving(served) as client:
        for query in ("category=410", "category=420&from=2020-01-01"):
            (found,) = unframed(client.get(f"/tiles/incidents/{z}?at={x}.{y}&{query}").content)
            assert found == client.get(f"/tiles/incidents/{z}/{x}/{y}?{query}").content


@pytest.mark.usefixtures("patient")
def test_several_tiles_the_caller_has_are_not_sent_again(served: FastAPI) -> None:
    z, x, y = tile_of(14, *HOME).split("/")
    path = f"/tiles/ground/{z}?at={x}.{y},0.0"
    with serving(served) as client:
        first = client.get(path, headers={"Accept-Encoding": "gzip"})
        assert first.headers["content-encoding"] == "gzip"
        again = client.get(path, headers={"If-None-Match": first.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")


def test_a_tile_that_takes_long_keeps_no_other_waiting_and_is_there_when_asked_for_alone(
    served: FastAPI, monkeypatch: pytest.MonkeyPatch
) -> None:
    z, x, y = tile_of(14, *HOME).split("/")
    monkeypatch.setattr(routes, "PATIENCE_S", 0.0)
    with serving(served) as client:
        warm = client.get(f"/tiles/grids/{z}/{x}/{y}").content
        late = int(x) + 1
        assert unframed(client.get(f"/tiles/grids/{z}?at={x}.{y},{late}.{y}").content) in ([warm, None], [None, None])
        alone = client.get(f"/tiles/grids/{z}/{late}/{y}").content
        monkeypatch.setattr(routes, "PATIENCE_S", 60.0)
        assert unframed(client.get(f"/tiles/grids/{z}?at={x}.{y},{late}.{y}").content) == [warm, alone]


@pytest.mark.usefixtures("patient")
def test_a_tile_that_fails_takes_no_other_with_it(served: FastAPI, monkeypatch: pytest.MonkeyPatch) -> None:
    z, x, y = tile_of(14, *HOME).split("/")
    drawn = Tiles._plain

    async def failing(tiles: Tiles, caller: object, layer: object, z: int, values: dict[str, object]) -> bytes:
        if values["x"] != int(x):
            raise TimeoutError
        return await drawn(tiles, caller, layer, z, values)  # type: ignore[arg-type]

    monkeypatch.setattr(Tiles, "_plain", failing)
    with serving(served) as client:
        found = unframed(client.get(f"/tiles/grids/{z}?at={x}.{y},{int(x) + 1}.{y}").content)
        assert found == [client.get(f"/tiles/grids/{z}/{x}/{y}").content, None]


@pytest.mark.usefixtures("patient")
def test_several_tiles_hold_nothing_outside_the_callers_scope(served: FastAPI, district) -> None:
    z, x, y = (int(each) for each in tile_of(16, *HOME).split("/"))
    around = [f"{x + column}.{y + row}" for column in range(-1, 7) for row in range(-4, 3)]
    with serving(served, "operator", "a1") as client:
        for layer in ("ground", "incidents", "facilities"):
            tiles = unframed(client.get(f"/tiles/{layer}/{z}?at={','.join(around)}").content)
            shown = {each.id for body in tiles for features in mvt.read(body or b"").values() for each in features}
            assert shown
            assert not shown & district.foreign.numbers


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/tiles/ground/1", 422),
        ("/tiles/ground/1?at=", 422),
        ("/tiles/ground/1?at=0", 422),
        ("/tiles/ground/1?at=0.0,", 422),
        ("/tiles/ground/1?at=0.0.0", 422),
        ("/tiles/ground/a?at=0.0", 422),
        ("/tiles/ground/1?at=0.2", 404),
        ("/tiles/ground/1?at=0.0&from=2026-01-01", 422),
        (f"/tiles/ground/9?at={','.join(['0.0'] * 65)}", 422),
        ("/tiles/secrets/1?at=0.0", 404),
        ("/tiles/secrets/1/0/0", 404),
        ("/tiles/ground/1/2/0", 404),
        ("/tiles/ground/40/0/0", 404),
        ("/tiles/ground/-1/0/0", 422),
        ("/tiles/ground/a/b/c", 422),
        ("/tiles/ground/1/0/0.png", 422),
        ("/tiles/ground/1/0/99999999999999999999", 422),
        ("/tiles/ground/1/0/0?from=2026-01-01", 422),
        ("/tiles/incidents/1/0/0?from=yesterday", 422),
        ("/tiles/incidents/1/0/0?category=x", 422),
        ("/tiles/secrets.json", 404),
    ],
)
def test_a_wrong_address_is_a_problem_not_a_crash(client, path: str, status: int) -> None:
    answer = client().get(path)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"


def test_nobody_and_those_without_the_permission_get_no_tiles(client) -> None:
    at = tile_of(14, *HOME)
    assert client(None).get(f"/tiles/ground/{at}").status_code == 401
    assert client("audit_admin").get(f"/tiles/ground/{at}").status_code == 403
    assert client("system_admin").get(f"/tiles/incidents/{at}").status_code == 403
    assert client(None).get("/tiles/ground/1?at=0.0").status_code == 401
    assert client("system_admin").get("/tiles/incidents/1?at=0.0").status_code == 403
    assert client(None).get("/tiles/ground.json").status_code == 401


def test_tile_json_names_layers_fields_and_bounds(client) -> None:
    answer = client().get("/tiles/ground.json").json()
    assert answer["tilejson"] == "3.0.0"
    assert {each["id"] for each in answer["vector_layers"]} == {"area", "grid", "building", "area_label", "grid_label"}
    assert answer["bounds"] == [113.0, 28.0, 113.0 + 4 * factories.CELL, 28.0 + 2 * factories.CELL]
    assert answer["tiles"][0].endswith("/tiles/ground/{z}/{x}/{y}.mvt")


def test_a_change_shows_in_the_next_tile_of_the_process_that_made_it(served: FastAPI, fresh_database) -> None:
    path = f"/tiles/grids/{tile_of(14, *HOME)}"
    with serving(served) as client:
        assert "枫一社区甲" in names(client, path)
        assert "枫一社区甲" in names(client, path)
        with fresh_database.unit_of_work(scope_of("planner")) as session:
            session.connection().exec_driver_sql("UPDATE grid SET name = '新名' WHERE id = 810001")
        assert "新名" in names(client, path)


def test_a_change_of_another_process_shows_once_it_is_looked_for(served: FastAPI, fresh: Clone) -> None:
    path = f"/tiles/grids/{tile_of(14, *HOME)}"
    with serving(served) as client:
        before = client.get(path)
        with fresh.owner() as owner:
            owner.execute("UPDATE grid SET name = '新名' WHERE id = 810001")
        served.state.tiles._freshness._looked_at = float("-inf")
        after = client.get(path, headers={"If-None-Match": before.headers["etag"]})
        assert after.status_code == 200
        assert "新名" in names(client, path)


def test_a_late_commit_with_a_lower_number_is_not_missed(served: FastAPI, fresh: Clone) -> None:
    path = f"/tiles/grids/{tile_of(14, *HOME)}"
    with serving(served) as client, fresh.owner() as slow, fresh.owner() as quick:
        slow.execute("UPDATE grid SET name = '慢' WHERE id = 810001")
        quick.execute("UPDATE grid SET name = '快' WHERE id = 810005")
        quick.commit()
        look_again(served)
        client.get(path)
        slow.commit()
        look_again(served)
        assert "慢" in names(client, path)


def test_an_incident_makes_only_the_tiles_above_its_cell_stale(served: FastAPI, fresh: Clone) -> None:
    with serving(served) as client:
        client.get(f"/tiles/incidents/{tile_of(14, *HOME)}")
        fresh_generation = served.state.tiles._freshness.generation
        cell = int(crs.cell_of([HOME[0]], [HOME[1]])[0])
        before = (
            fresh_generation(("incident",), 14, cell),
            fresh_generation(("incident",), 14, cell + 1000),
            fresh_generation(("incident",), 16, cell),
        )
        with fresh.owner() as owner:
            owner.execute("UPDATE incident SET urgent = true WHERE id = 890001")
        look_again(served)
        client.get(f"/tiles/incidents/{tile_of(14, *HOME)}")
        after = (
            fresh_generation(("incident",), 14, cell),
            fresh_generation(("incident",), 14, cell + 1000),
            fresh_generation(("incident",), 16, cell),
        )
        assert after[0] != before[0]
        assert after[1] == before[1]
        assert after[2] != before[2]


def test_a_revoked_token_reads_no_tiles_for_long(served: FastAPI, fresh: Clone) -> None:
    path = f"/tiles/grids/{tile_of(14, *HOME)}"
    with serving(served, "operator", "a1") as client:
        assert client.get(path).status_code == 200
        with fresh.owner() as owner:
            owner.execute("DELETE FROM session")
        held = served.state.hot._callers
        for key, (at, caller) in list(held.items()):
            held[key] = (at - 3.1, caller)
        assert client.get(path).status_code == 401


def test_two_scopes_never_share_a_cached_tile(served: FastAPI) -> None:
    path = f"/tiles/grids/{tile_of(12, *HOME)}"
    with serving(served) as client:
        assert "柳二社区甲" in names(client, path)
        own = client.get(path, headers={"Authorization": f"Bearer {factories.token('operator', 'a1')}"})
        assert {each.properties["name"] for each in mvt.read(own.content)["grid"]} == {"枫一社区甲", "枫一社区乙"}


def test_the_pyramid_equals_a_recount_after_any_writes(fresh: Clone) -> None:
    chance = random.Random(7)
    with fresh.owner() as owner:
        for step in range(60):
            write(owner, chance)
            owner.commit()
            if step % 20 == 13:
                owner.execute("SELECT fold_incident_bins()")
                owner.commit()
        assert standing(owner) == recount(owner)
        owner.execute("SELECT fold_incident_bins()")
        assert owner.execute("SELECT count(*) FROM incident_delta").fetchone() == (0,)
        folded = standing(owner)
        assert folded == recount(owner)
        owner.execute("SELECT rebuild_incident_bins()")
        assert standing(owner) == folded


def unframed(answer: bytes) -> list[bytes | None]:
    """The tiles of an answer that holds several; None for one that is to be asked for alone."""
    tiles: list[bytes | None] = []
    at = 0
    while at < len(answer):
        (length,) = struct.unpack_from("<I", answer, at)
        at += 4
        late = length == 0xFFFFFFFF
        tiles.append(None if late else answer[at : at + length])
        at += 0 if late else length
    return tiles


def names(client: TestClient, path: str) -> set[str]:
    return {each.properties["name"] for each in layers(client, path)["grid"]}


def look_again(served: FastAPI) -> None:
    served.state.tiles._freshness._looked_at -= 1.0


def scope_of(role: str) -> Scope:
    return Scope(token=factories.token(role, "district"), everything=True)


def write(owner: Connection, chance: random.Random) -> None:
    """One random change of incidents: many at once, across years, out of place, away."""
    kind = chance.choice(["insert", "insert", "close", "move", "unplace", "year", "category", "delete"])
    lon, lat = 113.0 + chance.random() * 4 * factories.CELL, 28.0 + chance.random() * 2 * factories.CELL
    values = {
        "qk": int(crs.morton_key([lon], [lat])[0]),
        "lon": lon,
        "lat": lat,
        "community": chance.choice([7111, 7112, 7121, 7122]),
        "category": chance.choice([410, 420]),
        "year": chance.choice([2023, 2024, 2025]),
        "some": chance.randrange(5),
        "many": chance.randrange(1, 6),
    }
    some = "id %% 5 = %(some)s"
    statements = {
        "insert": "INSERT INTO incident (cell, reported_at, source, source_id, category_id, place, qk, community_id)"
        " SELECT 1, make_timestamptz(%(year)s, 3, 1, 0, 0, 0), 'x', gen_random_uuid()::text, %(category)s,"
        " ST_SetSRID(ST_MakePoint(%(lon)s, %(lat)s), 4490), %(qk)s, %(community)s FROM generate_series(1, %(many)s)",
        "close": f"UPDATE incident SET state = 'closed', closed_at = now() WHERE {some}",
        "move": f"UPDATE incident SET qk = %(qk)s, place = ST_SetSRID(ST_MakePoint(%(lon)s, %(lat)s), 4490), community_id = %(community)s WHERE {some}",
        "unplace": f"UPDATE incident SET qk = NULL, place = NULL, community_id = 0 WHERE {some}",
        "year": f"UPDATE incident SET reported_at = make_timestamptz(%(year)s, 5, 1, 0, 0, 0) WHERE {some}",
        "category": f"UPDATE incident SET category_id = %(category)s WHERE {some}",
        "delete": f"DELETE FROM incident WHERE {some} AND source = 'x'",
    }
    owner.execute(statements[kind], values)


def standing(owner: Connection) -> set[tuple[int, ...]]:
    return set(
        owner.execute(
            "SELECT level, category_id, cell, community_id, sum(n)::int, sum(open_n)::int FROM ("
            " SELECT level::int, category_id, cell, community_id, n, open_n FROM incident_bin UNION ALL"
            " SELECT level, category, cell >> (2 * (20 - level)), community_id, n, open_n FROM incident_delta, generate_series(13, 20) AS level,"
            " unnest(ARRAY[0, category_id]) AS category WHERE category = 0 OR level <= 17) AS twofold GROUP BY 1, 2, 3, 4"
            " HAVING sum(n) <> 0 OR sum(open_n) <> 0"
        ).fetchall()
    )


def recount(owner: Connection) -> set[tuple[int, ...]]:
    return set(
        owner.execute(
            "SELECT depth, category, qk >> (2 * (24 - depth)), community_id, count(*)::int, (count(*) FILTER (WHERE is_open))::int"
            " FROM incident, generate_series(13, 20) AS depth, unnest(ARRAY[0, category_id]) AS category"
            " WHERE qk IS NOT NULL AND (category = 0 OR depth <= 17) GROUP BY 1, 2, 3, 4"
        ).fetchall()
    )
