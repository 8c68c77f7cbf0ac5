"""A draft goes out as a file, is edited with a GIS library as QGIS would, and comes back as one operation."""

import io
import sqlite3
import zipfile
from pathlib import Path
from typing import Any
from uuid import uuid4

import geopandas as gpd
import pyogrio
import pytest
import shapely

from gis.certificate import tiles_exactly
from gis.lattice import STEP
from tests.api.test_plans import ground, new_plan
from tests.conftest import Client
from tests.factories import AREAS, CELL, SOUTH, WEST, District, outline

HALF = WEST + CELL / 2 + STEP / 3  # no lattice point: as a hand draws it


def export(client: Any, plan: int, path: Path, form: str = "gpkg", **asked: object) -> gpd.GeoDataFrame:
    answer = client.get(f"/api/v1/plans/{plan}/export", params={"format": form, **asked})
    assert answer.status_code == 200, answer.text
    path.write_bytes(answer.content)
    return pyogrio.read_dataframe(path, layer="grids")


def send(client: Any, plan: int, frame: gpd.GeoDataFrame, path: Path, *, dry: bool = False, key: str = "") -> Any:
    pyogrio.write_dataframe(frame, path, layer="grids")
    return client.post(f"/api/v1/plans/{plan}/import", params={"dry_run": dry, "client_id": key or str(uuid4())}, content=path.read_bytes())


def shapes_of(told: dict[str, Any], grids: set[int]) -> list[shapely.Polygon]:
    found = []
    for each in told["grids"]:
        if each["id"] in grids:
            for polygon in each["polygons"]:
                x, y = told["origin"]
                places = []
                for dx, dy in zip(polygon[0][::2], polygon[0][1::2], strict=True):
                    x, y = x + dx, y + dy
                    places.append((x * STEP, y * STEP))
                found.append(shapely.Polygon(places))
    return found


@pytest.fixture
def plan(client: Client) -> int:
    return int(new_plan(client("planner"))["id"])


def test_a_plan_goes_out_with_its_grids_neighbours_atoms_and_styles(client: Client, plan: int, district: District, tmp_path: Path) -> None:
    planner = client("planner")
    frame = export(planner, plan, tmp_path / "plan.gpkg", atoms=True)
    assert sorted(frame["id"]) == sorted([*district.communities["a1"].grids, *district.communities["a2"].grids])
    assert frame.crs.to_epsg() == 4490
    assert set(frame["community_code"]) == {AREAS["a1"].code, AREAS["a2"].code}
    assert len(pyogrio.read_dataframe(tmp_path / "plan.gpkg", layer="context")) == 4
    assert len(pyogrio.read_dataframe(tmp_path / "plan.gpkg", layer="atoms")) == 4
    with sqlite3.connect(tmp_path / "plan.gpkg") as opened:
        assert [row[0] for row in opened.execute("SELECT f_table_name FROM layer_styles ORDER BY 1")] == ["atoms", "context", "grids"]
    body = planner.get(f"/api/v1/plans/{plan}/export", params={"format": "shp"}).content
    with zipfile.ZipFile(io.BytesIO(body)) as packed:
        assert {"grids.shp", "grids.dbf", "grids.cpg", "grids.prj", "context.shp"} <= set(packed.namelist())
        assert packed.read("grids.cpg") == b"UTF-8"


@pytest.mark.parametrize("name", ["edited.gpkg", "edited.geojson"])
def test_a_border_drawn_elsewhere_comes_back_as_one_operation(
    client: Client, plan: int, district: District, tmp_path: Path, name: str
) -> None:
    planner, (one, other) = client("planner"), district.own.grids
    frame = export(planner, plan, tmp_path / "plan.gpkg").set_index("id")
    wide = shapely.box(WEST, SOUTH, WEST + CELL + 1.3e-5, SOUTH + CELL)  # the neighbour was not edited: it gives way
    frame.loc[one, "geometry"] = shapely.MultiPolygon([wide])
    looked = send(planner, plan, frame.reset_index(), tmp_path / name, dry=True)
    assert looked.status_code == 200, looked.text
    assert ground(planner, plan)["revision"] == 0
    done = send(planner, plan, frame.reset_index(), tmp_path / name)
    assert done.status_code == 200, done.text
    told = done.json()
    assert (told["revision"], {each["id"] for each in told["changed"]} >= {one, other}, told["certificate"]) == (1, True, True)
    now = ground(planner, plan)
    assert tiles_exactly(shapes_of(now, {one, other}), shapely.coverage_union_all(shapes_of(now, {one, other})))
    assert shapes_of(now, {one})[0].area == pytest.approx(wide.area, rel=1e-6)
    log = planner.get(f"/api/v1/plans/{plan}/operations").json()["items"]
    assert [each["kind"] for each in log] == ["import"]
    undone = planner.post(f"/api/v1/plans/{plan}/undo", json={"client_id": str(uuid4())})
    assert undone.status_code == 200, undone.text
    assert shapely.equals(shapes_of(ground(planner, plan), {one})[0], shapely.box(WEST, SOUTH, WEST + CELL, SOUTH + CELL))


def test_a_split_and_a_merge_made_elsewhere_make_and_end_grids(client: Client, plan: int, district: District, tmp_path: Path) -> None:
    planner, (one, other), (third, fourth) = client("planner"), district.own.grids, district.communities["a2"].grids
    frame = export(planner, plan, tmp_path / "plan.gpkg")
    halves = [shapely.box(WEST, SOUTH, HALF, SOUTH + CELL), shapely.box(HALF, SOUTH, WEST + CELL, SOUTH + CELL)]
    row = frame[frame["id"] == one]  # QGIS leaves the id in both halves
    split = gpd.GeoDataFrame(gpd.pd.concat([row, row]).assign(geometry=halves), crs=4490)
    merged = frame[frame["id"] == third].assign(geometry=[outline(AREAS["a2"])])
    edited = gpd.GeoDataFrame(gpd.pd.concat([split, frame[frame["id"] == other], merged], ignore_index=True), crs=4490)
    done = send(planner, plan, edited, tmp_path / "edited.gpkg")
    assert done.status_code == 200, done.text
    assert done.json()["ended"] == [fourth]
    ids = {each["id"] for each in ground(planner, plan)["grids"]}
    assert {one, other, third} < ids
    assert len(ids) == 4
    assert fourth not in ids
    now = ground(planner, plan)
    inside = {id for id in ids if id != third}
    assert tiles_exactly(shapes_of(now, inside), shapely.coverage_union_all(shapes_of(now, inside)))


def test_cracks_are_mended_and_told_but_a_wide_gap_is_refused_with_its_place(
    client: Client, plan: int, district: District, tmp_path: Path
) -> None:
    planner, (one, other) = client("planner"), district.own.grids
    frame = export(planner, plan, tmp_path / "plan.gpkg").set_index("id")
    frame.loc[one, "geometry"] = shapely.MultiPolygon([shapely.box(WEST, SOUTH, WEST + CELL - 2e-5, SOUTH + CELL)])
    frame.loc[other, "geometry"] = shapely.MultiPolygon([shapely.box(WEST + CELL - 1e-5, SOUTH, WEST + 2 * CELL, SOUTH + CELL)])
    done = send(planner, plan, frame.reset_index(), tmp_path / "crack.gpkg", dry=True)
    assert done.status_code == 200, done.text
    assert "gap" in {each["kind"] for each in done.json()["defects"]}
    assert done.json()["mended_m2"] == pytest.approx(1e-5 * 98_000 * CELL * 110_800, rel=0.05)
    frame.loc[one, "geometry"] = shapely.MultiPolygon([shapely.box(WEST, SOUTH, WEST + CELL / 2, SOUTH + CELL)])
    gaping = send(planner, plan, frame.reset_index(), tmp_path / "gap.gpkg")
    assert gaping.status_code == 422
    assert gaping.json()["reason"] == "leaves_a_gap"
    assert WEST + CELL / 2 < gaping.json()["place"][0] < WEST + CELL
    assert ground(planner, plan)["revision"] == 0


def test_a_file_as_it_went_out_changes_nothing_and_rubbish_is_refused(client: Client, plan: int, tmp_path: Path) -> None:
    planner = client("planner")
    for form in ("gpkg&atoms=true", "gpkg", "shp"):  # with neighbours, atoms and styles in it
        taken = planner.get(f"/api/v1/plans/{plan}/export?format={form}").content
        same = planner.post(f"/api/v1/plans/{plan}/import", content=taken)
        assert (same.status_code, same.json().get("reason")) == (422, "nothing_moved"), form
    for body in (b"", b"rubbish", b"PK\x03\x04 broken"):
        answer = planner.post(f"/api/v1/plans/{plan}/import", content=body)
        assert answer.status_code == 422, answer.text
        assert answer.json()["type"].endswith("bad-file")
    assert client("analyst").post(f"/api/v1/plans/{plan}/import", content=b"x").status_code == 403
