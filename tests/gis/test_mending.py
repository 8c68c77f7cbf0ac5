"""Mending makes near tilings exact, tells every square metre that moves, and does only what was asked for."""

import geopandas as gpd
import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.geometry import MultiPolygon, Polygon, box

from gis.coverage import build_hierarchy, defects, mend, tiles_exactly
from gis.crs import LocalMetres, local_metres
from gis.errors import BadGeometry, BadValue, CoverageBroken
from gis.lattice import STEP, on_lattice
from tests.gis.tessellations import METRES, tessellation

ALL = ("snap", "slivers", "fit")
UNIT = 2.0**-10  # degrees, about 109 m
HERE = local_metres(0, 0)


def square(column: float, row: float, width: float = 1, height: float = 1) -> Polygon:
    return box(column * UNIT, row * UNIT, (column + width) * UNIT, (row + height) * UNIT)


def framed(shapes: list[Polygon | MultiPolygon], codes: list[str] | None = None) -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame({"code": codes or [f"{at:03d}" for at in range(len(shapes))]}, geometry=shapes, crs=4490)


def jittered(cells: list[Polygon], seed: int, degrees: float) -> list[Polygon]:
    """Each cell's vertices moved on their own, so that every border gaps and overlaps."""
    random = np.random.default_rng(seed)
    return [
        shapely.transform(cell, lambda c: np.vstack([moved := c[:-1] + random.normal(0, degrees, c[:-1].shape), moved[:1]]))
        for cell in cells
    ]


def square_metres(shape: shapely.Geometry, metres: LocalMetres) -> float:
    return float(shapely.area(metres.to_metres(shape)))


@given(st.integers(0, 30), st.integers(2, 20), st.sampled_from([1e-8, 2e-7, 3e-6]))
@settings(max_examples=25, deadline=None)
def test_a_jittered_tessellation_tiles_its_outline_again(seed: int, cells: int, noise: float) -> None:
    shapes, outline = tessellation(seed, cells)
    dirty = framed(jittered(shapes, seed, noise))
    report = mend(dirty, outline, steps=ALL, metres=METRES)
    assert report.exact
    assert tiles_exactly(list(report.frame.geometry), report.outline)
    assert square_metres(shapely.symmetric_difference(report.outline, outline), METRES) < 0.004 * METRES.to_metres(outline).length
    rim = noise * 1e5 * sum(square_metres(shape.boundary.buffer(1e-5), METRES) / 1.1 for shape in shapes)
    assert report.moved["area_m2"].sum() < 4 * rim + 1
    assert len(report.frame) + (report.refused["kind"] == "nothing_left").sum() == len(shapes)


@given(st.integers(0, 30), st.integers(2, 20))
@settings(max_examples=15, deadline=None)
def test_an_exact_tiling_is_left_as_it_is(seed: int, cells: int) -> None:
    shapes, outline = tessellation(seed, cells)
    report = mend(framed(shapes), outline, steps=ALL, metres=METRES)
    assert report.exact
    assert report.moved.empty
    assert report.refused.empty
    assert all(shapely.equals(after, before) for after, before in zip(report.frame.geometry, shapes, strict=True))


def test_a_gap_goes_to_the_longest_neighbour_and_is_reported() -> None:
    roof = square(0, 1, 3, 0.25)
    report = mend(framed([square(0, 0), square(1.5, 0, 1.5), roof]), square(0, 0, 3, 1.25), steps=ALL, metres=HERE)
    assert report.exact
    assert report.moved[["from_code", "to_code"]].to_numpy().tolist() == [[None, "000"]]
    assert report.moved["area_m2"][0] == pytest.approx(square_metres(square(1, 0, 0.5), HERE))


def test_an_overlap_stays_with_one_of_its_claimants() -> None:
    report = mend(framed([square(0, 0, 1.25), square(1, 0)]), square(0, 0, 2), steps=ALL, metres=HERE)
    assert report.exact
    assert report.moved[["from_code", "to_code"]].to_numpy().tolist() == [["001", "000"]]


def test_a_polygon_given_twice_leaves_the_second_with_nothing() -> None:
    report = mend(framed([square(0, 0), square(0, 0), square(1, 0)]), square(0, 0, 2), steps=ALL, metres=HERE)
    assert report.exact
    assert report.frame["code"].tolist() == ["000", "002"]
    assert report.refused[["kind", "codes"]].to_numpy().tolist() == [["nothing_left", ("001",)]]


def test_an_enclave_drawn_onto_the_grid_around_it_keeps_its_ground() -> None:
    report = mend(framed([square(0, 0, 4, 4), square(1, 1), square(1.25, 1.25, 0.5, 0.5)]), square(0, 0, 4, 4), steps=ALL, metres=HERE)
    assert report.exact
    assert [round(shapely.area(each) / UNIT**2, 6) for each in report.frame.geometry] == [15.0, 0.75, 0.25]
    assert report.moved[["from_code", "to_code"]].to_numpy().tolist() == [["000", "001"], ["000", "002"], ["001", "002"]]


def test_a_row_of_the_whole_among_its_parts_loses_its_ground_to_them() -> None:
    report = mend(framed([square(0, 0, 2), square(0, 0), square(1, 0)]), square(0, 0, 2), steps=ALL, metres=HERE)
    assert report.exact
    assert report.frame["code"].tolist() == ["001", "002"]
    assert report.refused[["codes", "reason"]].to_numpy().tolist() == [[("000",), "others hold all its ground"]]


def test_a_polygon_beyond_the_outline_is_told_to_lie_outside() -> None:
    report = mend(framed([square(0, 0), square(7, 0)]), square(0, 0), steps=ALL, metres=HERE)
    assert report.refused[["codes", "reason"]].to_numpy().tolist() == [[("001",), "all of it lies outside"]]


def test_a_long_thin_overlap_is_told_with_the_ground_it_has_however_its_sides_are_noded() -> None:
    here, wide = local_metres(114.01, 28.01), 2.0**-20  # degrees: about 0.1 m; a side of 3 km bends by more than that
    low = Polygon([(114, 28), (114.02, 28.02), (114.02, 28), (114, 28)])
    high = shapely.transform(Polygon([(114, 28), (114.005, 28.005), (114.02, 28.02), (114, 28.02), (114, 28)]),
                             lambda c: c + np.array([0, -wide]))  # fmt: skip
    true = 111_000.0**2 * np.cos(np.radians(28.01)) * 0.02 * wide
    found = defects(framed([low, high]), metres=here, lattice=False)
    assert found["kind"].tolist() == ["overlap"]
    assert found["area_m2"][0] == pytest.approx(true, rel=0.01)
    report = mend(framed([low, high]), shapely.union(low, high), steps=ALL, metres=here)
    assert report.moved["area_m2"].sum() == pytest.approx(true, rel=0.01)


def test_without_a_step_nothing_is_done_but_the_refusal_says_what() -> None:
    shapes = framed([square(0, 0, 1.25), square(1, 0), square(2.5, 0)])
    report = mend(shapes, square(0, 0, 3), steps=["snap"], metres=HERE)
    assert not report.exact
    assert report.moved.empty
    assert sorted(zip(report.refused["kind"], report.refused["codes"], strict=True)) == [
        ("gap", ()), ("outside", ("002",)), ("overlap", ("000", "001"))
    ]  # fmt: skip
    assert all(shapely.equals(after, before) for after, before in zip(report.frame.geometry, shapes.geometry, strict=True))


def test_fit_cuts_the_children_and_outline_moves_the_outline() -> None:
    shapes = framed([square(0, 0), square(1, 0)])
    cut = mend(shapes, square(0, 0, 1.5), steps=ALL, metres=HERE)
    assert cut.exact
    assert shapely.equals(cut.outline, square(0, 0, 1.5))
    assert cut.moved[["from_code", "to_code"]].to_numpy().tolist() == [["001", None]]
    grown = mend(shapes, square(0, 0, 1.5), steps=("snap", "slivers", "outline"), metres=HERE)
    assert grown.exact
    assert shapely.equals(grown.outline, square(0, 0, 2))
    assert grown.moved.empty


def test_a_piece_that_mending_cuts_off_goes_to_its_neighbour() -> None:
    # The outline's notch cuts the arm of the first grid in two; its tip lies alone beside the second.
    arm = shapely.union_all([square(0, 0), square(1, 0.8, 1, 0.2)])
    rest = shapely.difference(square(0, 0, 2), arm)
    outline = shapely.difference(square(0, 0, 2), square(1.2, 0.75, 0.1, 0.25))
    report = mend(framed([arm, rest]), outline, steps=ALL, metres=HERE)
    assert report.exact
    assert set(report.frame.geom_type) == {"Polygon"}
    assert ["000", "001"] in report.moved[["from_code", "to_code"]].to_numpy().tolist()


def test_islands_of_the_source_stay_with_their_grid() -> None:
    two = MultiPolygon([square(0, 0), square(2, 0)])
    report = mend(framed([two, square(1, 0)]), square(0, 0, 3), steps=ALL, metres=HERE)
    assert report.exact
    assert report.moved.empty
    assert len(report.frame.geometry.iloc[0].geoms) == 2


def test_a_broken_ring_is_rebuilt_and_named() -> None:
    bow = Polygon([(0, 0), (UNIT, UNIT), (UNIT, 0), (0, UNIT)])
    report = mend(framed([bow]), square(0, 0), steps=ALL, metres=HERE)
    assert report.repaired["code"].tolist() == ["000"]
    assert "Self-intersection" in report.repaired["reason"][0]
    assert report.exact


def test_bad_requests_are_refused_before_any_work() -> None:
    good = framed([square(0, 0)])
    with pytest.raises(BadValue, match="step"):
        mend(good, square(0, 0), steps=["iron"], metres=HERE)
    with pytest.raises(BadValue, match="not both"):
        mend(good, square(0, 0), steps=["fit", "outline"], metres=HERE)
    with pytest.raises(BadValue, match="one code"):
        mend(framed([square(0, 0), square(1, 0)], ["A", "A"]), square(0, 0), steps=ALL, metres=HERE)
    with pytest.raises(BadValue, match="column named code"):
        mend(good.drop(columns="code"), square(0, 0), steps=ALL, metres=HERE)
    with pytest.raises(BadGeometry, match="no ground"):
        mend(framed([Polygon([(0, 0), (1, 1), (2, 2)])]), square(0, 0), steps=ALL, metres=HERE)
    with pytest.raises(CoverageBroken, match="snap"):
        mend(framed([box(0, 0, 0.1, 0.1)]), box(0, 0, 0.1, 0.1), steps=["slivers"], metres=HERE)


def test_defects_are_found_with_place_and_size() -> None:
    bow = Polygon([(0, 0), (UNIT, UNIT), (UNIT, 0), (0, UNIT)])
    shapes = [
        square(0, 0, 1 + 1 / 64), square(1, 0), square(3, 0), MultiPolygon([square(0, 2), square(3, 2, 1 / 1024)]),
        shapely.transform(bow, lambda c: c + np.array([0, 4 * UNIT + STEP / 2])), square(1, 1, 2),
    ]  # fmt: skip
    codes = ["A", "B", "C", "D", "E", "C"]
    found = defects(framed(shapes, codes), square(0, 0, 4, 1), metres=HERE)
    kinds = {kind: sorted(rows["codes"]) for kind, rows in found.groupby("kind")}
    assert kinds["overlap"] == [("A", "B")]
    assert kinds["gap"] == [("B", "C", "C")]
    assert kinds["self_crossing"] == kinds["off_lattice"] == [("E",)]
    assert kinds["duplicate_code"] == [("C",)]
    assert kinds["multipart"] == [("D",)]
    assert kinds["sliver"] == [("D",)]
    assert ("D",) in kinds["outside"]
    overlap = found[found["kind"] == "overlap"].iloc[0]
    assert overlap["area_m2"] == pytest.approx(square_metres(square(1, 0, 1 / 64), HERE))
    assert overlap["width_m"] == pytest.approx(1.67, abs=0.02)


def test_a_hole_in_the_union_is_a_gap_when_no_outline_is_given() -> None:
    ring = Polygon(square(0, 0, 3, 3).exterior, [square(1, 1).exterior])
    assert defects(framed([ring]), metres=HERE)["kind"].tolist() == ["gap"]
    assert defects(framed([ring, square(1, 1)]), metres=HERE).empty


def test_levels_that_straddle_come_out_nested_around_the_true_one() -> None:
    grids = framed([square(0, 0, 1.2), square(1.2, 0, 0.8), square(2, 0, 2)], ["g1", "g2", "g3"])
    communities = framed([square(0, 0), square(1, 0), square(2, 0, 2)], ["c1", "c2", "c3"])
    streets = framed([square(0, 0, 2.4), square(2.4, 0, 1.6)], ["s1", "s2"])
    built = build_hierarchy([grids, communities, streets], metres=HERE, truth=1)
    assert built.exact
    assert built.levels[0]["parent_code"].tolist() == ["c1", "c2", "c3"]
    assert built.levels[1]["parent_code"].tolist() == ["s1", "s1", "s2"]
    assert all(shapely.equals(after, before) for after, before in zip(built.levels[1].geometry, communities.geometry, strict=True))
    assert shapely.equals(built.levels[2].geometry.iloc[0], square(0, 0, 2))
    assert [(each.from_code, each.to_code) for each in built.moved.itertuples() if each.level == 0] == [("g1", "g2")]
    assert built.homes.query("level == 0")["share"].tolist() == pytest.approx([1 / 1.2, 1, 1], rel=1e-5)


def test_a_named_parent_wins_over_the_larger_share() -> None:
    grids = framed([square(0, 0, 1.4), square(1.4, 0, 0.6)], ["g1", "g2"]).assign(parent_code=["c1", "c2"])
    communities = framed([square(0, 0, 0.5), square(0.5, 0, 1.5)], ["c1", "c2"])
    built = build_hierarchy([grids, communities], metres=HERE)
    assert built.exact
    assert shapely.equals(built.levels[0].geometry.iloc[0], square(0, 0, 0.5))
    with pytest.raises(BadValue, match="level above"):
        build_hierarchy([grids.assign(parent_code="nowhere"), communities], metres=HERE)


def test_a_parent_that_no_child_reaches_is_listed() -> None:
    built = build_hierarchy([framed([square(0, 0)], ["g"]), framed([square(0, 0), square(1, 0)], ["c1", "c2"])], metres=HERE)
    assert built.refused[["level", "kind", "codes"]].to_numpy().tolist() == [[0, "childless", ("c2",)]]
    assert built.exact


def test_everything_built_lies_on_the_lattice() -> None:
    shapes, outline = tessellation(3, 12)
    tilted = [shapely.transform(shape, lambda c: c + 1e-9) for shape in shapes]
    built = build_hierarchy([framed(tilted), framed([outline], ["all"])], metres=METRES)
    assert built.exact
    assert on_lattice(np.array(built.levels[0].geometry.array)).all()


def test_a_crack_that_rounding_opens_to_the_outside_is_closed() -> None:
    shapes, outline = tessellation(10, 10)
    report = mend(framed(jittered(shapes, 10, 1e-8)), outline, steps=ALL, metres=METRES)
    assert report.exact
    assert shapely.hausdorff_distance(report.outline, outline) < 4 * STEP
