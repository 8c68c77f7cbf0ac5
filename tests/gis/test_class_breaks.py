"""Class breaks: five classes with something in each, whatever the values."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gis.class_breaks import class_breaks


@given(st.lists(st.floats(0, 1e6), max_size=200))
def test_breaks_rise_and_no_class_is_empty(values):
    breaks = class_breaks(values)
    assert breaks == sorted(set(breaks))
    assert len(breaks) <= 4
    if values:
        filled = set(np.searchsorted(breaks, values, side="left"))
        assert len(filled) == len(breaks) + 1


def test_quantiles_where_values_differ():
    assert class_breaks(range(1, 101)) == pytest.approx([20.8, 40.6, 60.4, 80.2])


def test_many_equal_values_get_natural_breaks():
    assert len(class_breaks([0.0] * 500 + list(range(1, 30)))) == 4


def test_what_is_not_a_number_is_left_out():
    assert class_breaks([float("nan"), 1.0, 2.0]) == [1.0]
