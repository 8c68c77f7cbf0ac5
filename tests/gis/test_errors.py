"""The tree of refusals keeps its promises: a code each, facts that survive a process border."""

import pickle
import re

import pytest

from gis import errors
from gis.errors import Refusal


def leaves(kind: type[Refusal]) -> set[type[Refusal]]:
    below = kind.__subclasses__()
    return {leaf for each in below for leaf in leaves(each)} if below else {kind}


@pytest.mark.parametrize("refusal", sorted(leaves(Refusal), key=lambda each: each.__name__))
def test_every_leaf_has_its_own_kebab_case_code_and_stands_in_the_drawing(refusal: type[Refusal]) -> None:
    assert re.fullmatch(r"[a-z]+(-[a-z]+)*", refusal.code)
    assert refusal.code == re.sub(r"(?<!^)(?=[A-Z])", "-", refusal.__name__).lower()
    assert errors.__doc__ is not None and refusal.__name__ in errors.__doc__


def test_a_refusal_keeps_its_message_and_facts_when_pickled() -> None:
    refusal = errors.StaleVersion("Somebody saved this grid in between.", version=7)
    again = pickle.loads(pickle.dumps(refusal))
    assert type(again) is errors.StaleVersion
    assert (again.message, again.facts, str(again)) == (refusal.message, {"version": 7}, refusal.message)
