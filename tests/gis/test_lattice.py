"""Every border lies on the lattice, and equality there is exact."""

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from gis.errors import BadGeometry
from gis.lattice import STEP, on_lattice, snap, to_coordinates, to_integers

degrees = st.tuples(st.floats(-180, 180), st.floats(-90, 90))


@given(st.lists(degrees, min_size=2, max_size=20))
def test_snapping_moves_half_a_step_at_most_and_is_final(places: list[tuple[float, float]]) -> None:
    line = shapely.linestrings(places)
    snapped = snap(line)
    assert np.abs(shapely.get_coordinates(snapped) - places).max() <= STEP / 2
    assert on_lattice([snapped]).all()
    assert shapely.to_wkb(snap(snapped)) == shapely.to_wkb(snapped)


@given(st.lists(degrees, min_size=1, max_size=20))
def test_lattice_coordinates_survive_nine_decimals_and_integers(places: list[tuple[float, float]]) -> None:
    coords = shapely.get_coordinates(snap(shapely.multipoints(places)))
    assert (to_coordinates(to_integers(coords)) == coords).all()
    written = np.array([[float(f"{value:.9f}") for value in row] for row in coords])
    assert (np.rint(written / STEP) * STEP == coords).all()


def test_a_vertex_off_the_lattice_is_refused_by_name() -> None:
    with pytest.raises(BadGeometry) as refused:
        to_integers([[116.0, 40.0], [116.0 + STEP / 2, 40.0]])
    assert refused.value.facts["coordinate"] == 116.0 + STEP / 2
    assert not on_lattice([shapely.Point(116.0 + STEP / 2, 40)]).any()


def test_missing_and_empty_shapes_are_on_the_lattice() -> None:
    assert on_lattice([None, shapely.Point()]).all()
