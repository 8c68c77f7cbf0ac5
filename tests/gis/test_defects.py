"""Every kind of defect is found where it is, measured, and comes with what would mend it; a clean coverage has none."""

import geopandas as gpd
import numpy as np
import pytest
import shapely
from shapely.geometry import MultiPolygon, Polygon, box

from gis.coverage import KINDS, defects
from gis.crs import local_metres
from gis.defects import SUGGESTIONS
from gis.lattice import STEP
from tests.gis.tessellations import METRES, tessellation

UNIT = 2.0**-10  # degrees, about 111 m of the equator
HERE = local_metres(0, 0)


def square(column: float, row: float, width: float = 1, height: float = 1) -> Polygon:
    return box(column * UNIT, row * UNIT, (column + width) * UNIT, (row + height) * UNIT)


def ring(*points: tuple[float, float]) -> Polygon:
    return Polygon([(x * UNIT, y * UNIT) for x, y in points])


def found(shapes: list, outline: shapely.Geometry | None = None, codes: list[str] | None = None, **options: bool) -> gpd.GeoDataFrame:
    frame = gpd.GeoDataFrame({"code": codes or [f"{at:03d}" for at in range(len(shapes))]}, geometry=shapes, crs=4490)
    table = defects(frame, outline, metres=HERE, **options)
    assert set(table["kind"]) <= set(KINDS)
    assert set(table["suggestion"]) <= set(SUGGESTIONS)
    return table


def only(table: gpd.GeoDataFrame, kind: str) -> object:
    assert table["kind"].tolist() == [kind], table
    return next(table.itertuples())


@pytest.mark.parametrize("given", [True, False])
def test_an_exact_coverage_has_no_defects(given: bool) -> None:
    shapes, outline = tessellation(3, 40)
    frame = gpd.GeoDataFrame({"code": range(len(shapes))}, geometry=shapes, crs=4490)
    assert defects(frame, outline if given else None, metres=METRES).empty


def test_nothing_has_no_defects() -> None:
    assert found([]).empty


def test_an_overlap_has_its_area_width_and_both_grids() -> None:
    one = only(found([square(0, 0, 1 + 1 / 64), square(1, 0)]), "overlap")
    assert one.codes == ("000", "001")
    assert one.area_m2 == pytest.approx(UNIT**2 / 64 * 111_320 * 110_574, rel=0.02)
    assert one.width_m == pytest.approx(1.7, abs=0.03)
    assert one.suggestion == "slivers"


def test_one_ground_in_three_polygons_is_told_for_each_pair() -> None:
    table = found([square(0, 0, 2), square(1, 0, 2), square(1, 0)], square(0, 0, 3))
    assert sorted(table[table["kind"] == "overlap"]["codes"]) == [("000", "001"), ("000", "002"), ("001", "002")]
    assert set(table["suggestion"]) == {"decide"}


def test_a_gap_of_one_lattice_step_is_found() -> None:
    table = found([square(0, 0), square(1 + STEP / UNIT, 0, 1 - STEP / UNIT)], square(0, 0, 2))
    gap = next(table[table["kind"] == "gap"].itertuples())
    assert gap.codes == ("000", "001")
    assert gap.length_m == pytest.approx(UNIT * 110_574, rel=0.01)
    assert 0 < gap.width_m < 0.001


def test_a_missing_grid_is_a_gap_to_be_drawn_even_without_a_parent_when_others_surround_it() -> None:
    around = [square(column, row) for column in range(3) for row in range(3) if (column, row) != (1, 1)]
    gap = only(found(around), "gap")
    assert len(gap.codes) == 8
    assert gap.suggestion == "draw"


def test_ground_beyond_the_parent_is_told_with_the_step_that_cuts_it() -> None:
    one = only(found([square(0, 0), square(1, 0, 1.5)], shapely.union(square(0, 0), square(1, 0, 1))), "outside")
    assert one.codes == ("001",)
    assert one.suggestion == "fit"
    assert one.geometry.bounds == pytest.approx((2 * UNIT, 0, 2.5 * UNIT, UNIT))


def test_a_grid_of_two_pieces_and_a_thin_piece_are_told() -> None:
    table = found([MultiPolygon([square(0, 0), square(5, 0, 1 / 128)])])
    assert table["kind"].tolist() == ["multipart", "sliver"]
    assert table["suggestion"].tolist() == ["split", "merge"]
    assert table["width_m"].iloc[1] == pytest.approx(0.86, abs=0.02)


def test_a_ring_that_crosses_itself_is_told_with_each_place() -> None:
    table = found([ring((0, 0), (4, 4), (4, 0), (0, 3)), square(9, 9)])
    one = only(table, "self_crossing")
    assert one.codes == ("000",)
    assert [point.coords[0] for point in one.geometry.geoms] == [pytest.approx((12 / 7 * UNIT, 12 / 7 * UNIT))]
    two = found([ring((0, 0), (6, 0), (6, 4), (4, 4), (4, -1), (2, -1), (2, 4), (0, 4))])
    assert len(two[two["kind"] == "self_crossing"].geometry.iloc[0].geoms) == 2


def test_a_hole_outside_its_shell_is_invalid_and_a_missing_shape_empty() -> None:
    hole = Polygon(square(0, 0).exterior, [square(3, 3).exterior])
    table = found([hole, None, Polygon(), ring((0, 0), (1, 1), (2, 2))])
    assert table["kind"].tolist()[:3] == ["empty", "empty", "empty"]
    assert table["suggestion"].tolist()[:3] == ["remove"] * 3
    assert "self_crossing" in table["kind"].tolist() or "invalid" in table["kind"].tolist()


def test_codes_that_come_twice_are_told_once_for_each_repetition() -> None:
    one = only(found([square(0, 0), square(1, 0)], codes=["A", "A"]), "duplicate_code")
    assert one.codes == ("A",)
    assert one.suggestion == "renumber"


def test_vertices_given_twice_and_spikes_are_told_with_their_place() -> None:
    twice = ring((0, 0), (1, 0), (1, 0), (1, 1), (0, 1))
    double = only(found([twice]), "duplicate_vertex")
    assert [point.coords[0] for point in double.geometry.geoms] == [(UNIT, 0.0)]
    table = found([ring((0, 0), (1, 0), (1, 0.5), (3, 0.5), (1, 0.5), (1, 1), (0, 1))])
    spike = next(table[table["kind"] == "spike"].itertuples())
    assert spike.geometry.coords[0] == (3 * UNIT, 0.5 * UNIT)
    assert spike.length_m == pytest.approx(2 * UNIT * 111_320, rel=0.01)
    closing = found([ring((0, 0), (-2, 0), (0, 0), (1, 0), (1, 1), (0, 1))])
    assert (-2 * UNIT, 0) in [point.coords[0] for point in closing[closing["kind"] == "spike"].geometry]


def test_vertices_off_the_lattice_are_told_where_it_is_asked() -> None:
    rough = [square(0, 0), shapely.transform(square(1, 0), lambda c: c + STEP / 2)]
    told = found(rough)
    off = next(told[told["kind"] == "off_lattice"].itertuples())
    assert (off.codes, len(off.geometry.geoms), off.suggestion) == (("001",), 5, "snap")
    assert "off_lattice" not in found(rough, lattice=False)["kind"].tolist()


def test_a_border_whose_vertices_differ_on_both_sides_is_told_though_no_ground_is_lost() -> None:
    beside = ring((1, 0), (2, 0), (2, 1), (1, 1), (1, 0.5))
    one = only(found([square(0, 0), beside]), "unnoded")
    assert one.codes == ("000", "001")
    assert one.length_m == pytest.approx(UNIT * 110_574, rel=0.01)
    assert only(found([square(0, 0), beside], shapely.union(square(0, 0), beside)), "unnoded").suggestion == "snap"


@pytest.mark.parametrize("seed", range(6))
def test_the_planted_defects_of_a_coverage_are_all_caught(seed: int) -> None:
    random = np.random.default_rng(seed)
    shapes, outline = tessellation(seed, 30)
    inner = [at for at, shape in enumerate(shapes) if not shapely.intersects(shape, outline.boundary)]

    def planted(kind: str) -> list[Polygon]:
        chosen = int(random.choice(inner))
        if kind == "missing":
            return [shape for at, shape in enumerate(shapes) if at != chosen]
        if kind == "twice":
            return [*shapes, shapes[chosen]]
        coords = shapely.get_coordinates(shapes[chosen])[:-1]
        vertex = int(random.integers(len(coords)))
        if kind == "dropped":
            coords = np.delete(coords, vertex, axis=0)
        elif kind == "added":
            middle = (coords[vertex] + coords[vertex - 1]) / 2
            coords = np.insert(coords, vertex, np.rint(middle / STEP) * STEP, axis=0)
        else:
            coords = coords.copy()
            coords[vertex] += STEP * (1 if kind == "step" else 6000)
        return [Polygon(coords) if at == chosen else shape for at, shape in enumerate(shapes)]

    for kind in ("step", "five metres", "dropped", "added", "missing", "twice"):
        broken = planted(kind)
        frame = gpd.GeoDataFrame({"code": range(len(broken))}, geometry=broken, crs=4490)
        assert len(defects(frame, outline, metres=METRES)), kind
