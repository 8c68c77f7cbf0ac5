"""Balanced grids on the demo district in its small size: proposals by the worker, one of them taken, one click on a bad grid."""

import re
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import shapely

from api.cluster import Cluster
from api.plans import proposals
from api.plans import publish as publishing
from api.work import Work
from data.database import open_database
from gis.lattice import STEP
from tests.api.test_plans import ground, new_plan, operate
from tests.api.test_plans_together import outline, refuse_broken, shapes_of, state_of
from tests.conftest import Client, Clone, clients_of, make_app, settings_for
from tests.factories import token


@pytest.fixture
def demo(cluster: Cluster, demo_template: str, data_dir: Path) -> Iterator[tuple[Any, Clone]]:
    """A client with a planner's token over a copy of the small demo district, and the copy."""
    name = f"proposals_{uuid.uuid4().hex[:8]}"
    cluster.create_database(name, template=demo_template)
    clone = Clone(name, cluster.url("app", name), cluster.url("schema", name))
    with clone.owner() as owner:
        owner.execute("INSERT INTO person (sign_in_name, display_name, roles) VALUES ('tester', 'Tester', '{planner}')")
        owner.execute(
            "INSERT INTO person_scope (person_id, area_id) SELECT person.id, area.id FROM person, area"
            " WHERE sign_in_name = 'tester' AND level = 'district'"
        )
        owner.execute(
            "SELECT gate.open_session((SELECT id FROM person WHERE sign_in_name = 'tester'), sha256(convert_to(%s, 'UTF8')),"
            " 'token', '1 day', NULL, 'test', NULL)",
            [token("planner")],
        )
        owner.commit()
    database = open_database(clone.app_url, pool_size=4)
    clients: Client = clients_of(make_app(settings_for(clone, data_dir), database))
    yield clients("planner"), clone
    database.close()
    cluster.drop_database(name)


@pytest.fixture
def work(demo: tuple[Any, Clone]) -> Iterator[Work]:
    """What a job works with on the copy."""
    made = Work(demo[1].schema_url)
    yield made
    made.close()


def district_of(client: Any) -> str:
    return str(client.get("/api/v1/areas", params={"level": "district"}).json()["items"][0]["code"])


@pytest.mark.slow
def test_a_proposal_is_worked_out_taken_as_one_operation_and_taken_back(demo: tuple[Any, Clone], work: Work) -> None:
    client, _ = demo
    plan = new_plan(client, district_of(client))["id"]
    start, first = ground(client, plan), state_of(client, plan)
    asked = client.post(f"/api/v1/plans/{plan}/proposals", json={"alternatives": 2, "seed": 5})
    assert (asked.status_code, asked.json()["state"]) == (202, "asked")
    number = asked.json()["id"]
    assert proposals.work_out(work, number) == "done"
    assert proposals.work_out(work, number) == "nothing to do"
    told = client.get(f"/api/v1/plans/{plan}/proposals/{number}").json()
    assert (told["state"], told["progress"], len(told["alternatives"])) == ("done", 1.0, 2)
    figures = told["alternatives"][1]["figures"]
    assert figures["contiguous"] is True
    assert figures["in_range"] > 0.9
    taken = operate(client, plan, {"kind": "proposal", "proposal": number, "alternative": 1})
    assert taken.status_code == 200, taken.text
    after = ground(client, plan)
    assert len(after["grids"]) == figures["grids"]
    assert sum(each["households"] for each in after["grids"]) == sum(each["households"] for each in start["grids"])
    refuse_broken(after, outline(start))
    kinds = {each["kind"] for each in client.get(f"/api/v1/plans/{plan}/checks").json()["items"]}
    assert not kinds & {"gap", "overlap", "outside", "unnoded", "off_lattice", "invalid"}
    again = operate(client, plan, {"kind": "proposal", "proposal": number, "alternative": 0})
    assert (again.status_code, again.json()["reason"]) == (409, "proposal_outdated")
    assert client.post(f"/api/v1/plans/{plan}/undo", json={"client_id": str(uuid.uuid4())}).status_code == 200
    assert state_of(client, plan) == first


@pytest.mark.slow
def test_new_grids_are_named_after_their_neighbours_and_dedicated_ones_stay(demo: tuple[Any, Clone], work: Work) -> None:
    client, clone = demo
    plan = new_plan(client, district_of(client))["id"]
    start = ground(client, plan)
    mine = {each["id"]: each for each in start["grids"]}
    special = {id for id, each in mine.items() if each["kind"] == "dedicated"}
    homes = {mine[id]["community_id"] for id in special}
    codes = [each["code"] for each in start["communities"] if each["id"] in homes]
    number = client.post(f"/api/v1/plans/{plan}/proposals", json={"communities": codes, "alternatives": 1, "min": 20, "max": 120}).json()[
        "id"
    ]
    assert proposals.work_out(work, number) == "done", client.get(f"/api/v1/plans/{plan}/proposals/{number}").json()["failure"]
    taken = operate(client, plan, {"kind": "proposal", "proposal": number, "alternative": 0})
    assert taken.status_code == 200, taken.text
    after = {each["id"]: each for each in ground(client, plan)["grids"]}
    assert special and {id: after[id]["households"] for id in special} == {id: mine[id]["households"] for id in special}
    names = {each["id"]: each["name"] for each in start["communities"]}
    new = [each for id, each in after.items() if id not in mine]
    assert new and all(re.fullmatch(f"{names[each['community_id']]}第[0-9]+网格", each["name"]) for each in new)
    assert len({each["name"] for each in new}) == len(new) and not {each["name"] for each in new} & {each["name"] for each in mine.values()}
    with clone.owner() as owner:
        owner.execute("UPDATE plan SET state = 'publishing', decided_by = made_by WHERE id = %s", [plan])
        owner.commit()
    assert publishing.publish(work, plan) == "published"
    with clone.owner() as owner:
        rows = owner.execute("SELECT code, name, name_en FROM grid WHERE id = ANY (%s)", [[each["id"] for each in new]]).fetchall()
    numbers = [(int(code[-3:]), *(int(re.findall("[0-9]+", name)[-1]) for name in both)) for code, *both in rows]
    assert all(code == zh == en for code, zh, en in numbers), rows


@pytest.mark.slow
def test_one_click_fills_no_dedicated_grid(demo: tuple[Any, Clone]) -> None:
    client, clone = demo
    told = new_plan(client, district_of(client))
    plan, start = told["id"], ground(client, told["id"])
    bad = next(
        each for each in start["grids"]
        if not told["household_min"] <= each["households"] <= told["household_max"]
        and (dry := operate(client, plan, {"kind": "balance", "grid": each["id"]}, {each["id"]: each["version"]}, dry=True)).status_code == 200
        and len(dry.json()["figures"]["before"]) > 1
    )  # fmt: skip
    helped = [each["id"] for each in dry.json()["figures"]["before"] if each["id"] != bad["id"]]
    with clone.owner() as owner:
        owner.execute("UPDATE grid SET kind = 'dedicated' WHERE id = ANY (%s)", [helped])
        owner.commit()
    answer = operate(client, plan, {"kind": "balance", "grid": bad["id"]}, {bad["id"]: bad["version"]})
    if answer.status_code == 200:
        assert not {each["id"] for each in answer.json()["figures"]["before"]} & set(helped)
    else:
        assert answer.json()["reason"] in {"no_balance", "nothing_moved"}, answer.text


@pytest.mark.slow
@pytest.mark.parametrize("weight", ["residents", "year_incidents"])
def test_seeds_lie_apart_locked_grids_stay_and_other_weights_count(demo: tuple[Any, Clone], work: Work, weight: str) -> None:
    client, clone = demo
    plan = new_plan(client, district_of(client))["id"]
    start = ground(client, plan)
    community = start["grids"][0]["community_id"]
    code = next(each["code"] for each in start["communities"] if each["id"] == community)
    mine = [each for each in start["grids"] if each["community_id"] == community]
    shapes = shapes_of(start)
    locked, divided = mine[0]["id"], mine[-1]["id"]
    with clone.owner() as owner:
        rows = owner.execute("SELECT ST_X(p), ST_Y(p) FROM building, ST_PointOnSurface(geom) AS p WHERE grid_id = %s ORDER BY 1", [divided])
        places = rows.fetchall()
    seeds = [list(places[0]), list(places[-1])]
    question = {"communities": [code], "weight": weight, "parts": len(mine), "locked_grids": [locked], "seeds": seeds, "alternatives": 1}
    number = client.post(f"/api/v1/plans/{plan}/proposals", json=question).json()["id"]
    assert proposals.work_out(work, number) == "done", client.get(f"/api/v1/plans/{plan}/proposals/{number}").json()["failure"]
    told = client.get(f"/api/v1/plans/{plan}/proposals/{number}").json()["alternatives"][0]
    assert told["figures"]["contiguous"]
    assert [each["weight"] for each in told["grids"]] != [each["households"] for each in told["grids"]]
    assert operate(client, plan, {"kind": "proposal", "proposal": number, "alternative": 0}).status_code == 200
    after = shapes_of(ground(client, plan))
    holding = [{id for id, shape in after.items() if shape.covers(shapely.Point(place))} for place in seeds]
    assert holding[0].isdisjoint(holding[1])
    # Vertices that its border gains lie on the lattice, less than a step beside the old line.
    assert shapely.area(shapely.symmetric_difference(after[locked], shapes[locked])) < shapely.length(shapes[locked]) * STEP


@pytest.mark.slow
def test_a_seed_outside_the_communities_is_refused_by_its_number(demo: tuple[Any, Clone], work: Work) -> None:
    client, _ = demo
    plan = new_plan(client, district_of(client))["id"]
    number = client.post(f"/api/v1/plans/{plan}/proposals", json={"parts": 9, "seeds": [[100.0, 20.0]], "alternatives": 1}).json()["id"]
    assert proposals.work_out(work, number) == "failed"
    failure = client.get(f"/api/v1/plans/{plan}/proposals/{number}").json()["failure"]
    assert (failure["code"], failure["facts"]["numbers"]) == ("bad-value", [0])


@pytest.mark.slow
def test_a_cancelled_question_is_not_worked_out(demo: tuple[Any, Clone], work: Work) -> None:
    client, _ = demo
    plan = new_plan(client, district_of(client))["id"]
    number = client.post(f"/api/v1/plans/{plan}/proposals", json={"alternatives": 1}).json()["id"]
    assert client.post(f"/api/v1/plans/{plan}/proposals/{number}/cancel").json()["state"] == "cancelled"
    assert proposals.work_out(work, number) == "nothing to do"


@pytest.mark.slow
def test_one_click_brings_a_bad_grid_into_the_band_or_says_that_it_cannot(demo: tuple[Any, Clone]) -> None:
    client, _ = demo
    told = new_plan(client, district_of(client))
    plan, start = told["id"], ground(client, told["id"])
    assert balanced_one_by_one(client, told) > 0
    refuse_broken(ground(client, plan), outline(start))


@pytest.mark.slow
def test_buildings_are_given_with_their_ground(demo: tuple[Any, Clone]) -> None:
    client, _ = demo
    plan = new_plan(client, district_of(client))["id"]
    start = ground(client, plan)
    community = start["communities"][0]
    atoms = client.get(f"/api/v1/plans/{plan}/atoms", params={"community": community["code"]}).json()["atoms"]
    assert sum(each["households"] for each in atoms) == sum(
        each["households"] for each in start["grids"] if each["community_id"] == community["id"]
    )
    grids = [each for each in start["grids"] if each["community_id"] == community["id"]]
    given = False
    for atom in [each for each in atoms if each["building_id"] is not None][:60]:
        to = grids[0]
        answer = operate(client, plan, {"kind": "give", "to": to["id"], "buildings": [atom["building_id"]]}, {to["id"]: to["version"]})
        if answer.status_code == 200:
            gained = {each["id"]: each["households"] for each in answer.json()["figures"]["after"]}[to["id"]] - to["households"]
            given = gained == atom["households"]
            break
        assert answer.json()["reason"] in {"nothing_moved", "not_contiguous", "would_be_empty", "too_thin"}, answer.text
    assert given
    refuse_broken(ground(client, plan), outline(start))


@pytest.mark.slow
@pytest.mark.parametrize("how", ["locked", "dedicated"])
def test_a_grid_drawn_by_hand_across_atoms_stays_to_the_step_when_it_is_to_stay(demo: tuple[Any, Clone], work: Work, how: str) -> None:
    client, clone = demo
    told = new_plan(client, district_of(client))
    plan, start = told["id"], ground(client, told["id"])
    kept = halved(client, plan, start)
    if how == "locked":
        assert client.put(f"/api/v1/plans/{plan}/locks/{kept['id']}").status_code == 200
    else:
        with clone.owner() as owner:
            owner.execute("UPDATE plan_grid SET kind = 'dedicated' WHERE plan_id = %s AND grid_id = %s", [plan, kept["id"]])
            owner.commit()
    before = ground(client, plan)
    code = next(each["code"] for each in start["communities"] if each["id"] == kept["community_id"])
    households = sum(each["households"] for each in before["grids"] if each["community_id"] == kept["community_id"])
    question = {"communities": [code], "alternatives": 1, "min": 20, "max": 150}
    number = client.post(f"/api/v1/plans/{plan}/proposals", json=question).json()["id"]
    assert proposals.work_out(work, number) == "done", client.get(f"/api/v1/plans/{plan}/proposals/{number}").json()["failure"]
    told = client.get(f"/api/v1/plans/{plan}/proposals/{number}").json()["alternatives"][0]
    assert told["figures"]["contiguous"]
    assert sum(each["households"] for each in told["grids"]) == households
    taken = operate(client, plan, {"kind": "proposal", "proposal": number, "alternative": 0})
    assert taken.status_code == 200, taken.text
    after = ground(client, plan)
    shapes, then = shapes_of(after), shapes_of(before)
    assert shapely.area(shapely.symmetric_difference(shapes[kept["id"]], then[kept["id"]])) < shapely.length(then[kept["id"]]) * STEP
    assert next(each for each in after["grids"] if each["id"] == kept["id"])["households"] == kept["households"]
    refuse_broken(after, outline(start))


@pytest.mark.slow
def test_one_click_beside_borders_drawn_by_hand_balances_or_says_that_it_cannot(demo: tuple[Any, Clone]) -> None:
    client, _ = demo
    told = new_plan(client, district_of(client))
    plan, start = told["id"], ground(client, told["id"])
    for _ in range(4):
        halved(client, plan, ground(client, plan))
    assert balanced_one_by_one(client, told) > 0
    refuse_broken(ground(client, plan), outline(start))


def balanced_one_by_one(client: Any, told: dict[str, Any]) -> int:
    """Balance every grid of a plan that is out of its band; how many could be. The others were told that they cannot."""
    plan, low, high, done = told["id"], told["household_min"], told["household_max"], 0
    for bad in [each for each in ground(client, plan)["grids"] if not low <= each["households"] <= high]:
        now = {each["id"]: each for each in ground(client, plan)["grids"]}[bad["id"]]
        answer = operate(client, plan, {"kind": "balance", "grid": bad["id"]}, {bad["id"]: now["version"]})
        if answer.status_code == 200:
            done += 1
            after = {each["id"]: each["households"] for each in answer.json()["figures"]["after"]}
            assert low <= after.get(bad["id"], now["households"]) <= high
        else:
            assert answer.json()["reason"] in {"no_balance", "nothing_moved"}, answer.text
    return done


def halved(client: Any, plan: int, start: dict[str, Any]) -> dict[str, Any]:
    """One half of a populous grid that is cut straight through its buildings."""
    for each in sorted(start["grids"], key=lambda each: -each["households"]):
        shape = shapes_of(start)[each["id"]]
        (west, south, east, north), x = shape.bounds, shape.centroid.x
        line = [[x, south - (north - south) / 50], [x + (east - west) / 50, north + (north - south) / 50]]
        answer = operate(client, plan, {"kind": "split", "grid": each["id"], "line": line}, {each["id"]: each["version"]})
        if answer.status_code == 200:
            return dict(max((new for new in answer.json()["changed"] if new["base_version"] is None), key=lambda new: new["households"]))
    raise AssertionError("no grid could be cut")


@pytest.mark.slow
def test_alternatives_that_came_out_alike_are_told_once(demo: tuple[Any, Clone], work: Work) -> None:
    client, _ = demo
    plan = new_plan(client, district_of(client))["id"]
    start = ground(client, plan)
    code = start["communities"][0]["code"]
    lived = [each["households"] for each in start["grids"] if each["community_id"] == start["communities"][0]["id"]]
    question = {"communities": [code], "alternatives": 3, "mu": 1000, "min": min(lived), "max": max(lived)}
    number = client.post(f"/api/v1/plans/{plan}/proposals", json=question).json()["id"]
    assert proposals.work_out(work, number) == "done"
    assert len(client.get(f"/api/v1/plans/{plan}/proposals/{number}").json()["alternatives"]) == 1
