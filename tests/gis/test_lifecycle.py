"""An incident moves only along the table of states, and says why where it must."""

import pytest

from gis.errors import BadValue, TransitionRefused
from gis.lifecycle import OPEN_STATES, STEP_OF_STATE, TRANSITIONS, Action, State, after, level_above, open311_status, permitted

TABLE = {
    "reported": {"verifying", "filed", "not_filed", "closed"},
    "verifying": {"filed", "not_filed"},
    "not_filed": {"reported"},
    "filed": {"dispatched", "filed"},
    "dispatched": {"handling", "returned"},
    "returned": {"dispatched", "not_filed"},
    "handling": {"suspended", "feedback"},
    "suspended": {"handling"},
    "feedback": {"checking"},
    "checking": {"closed", "rework"},
    "rework": {"feedback", "suspended"},
    "closed": {"rework"},
}


def test_the_transitions_are_those_of_the_domain() -> None:
    reached = {state.value: {step.to.value for (at, _), step in TRANSITIONS.items() if at is state} for state in State}
    assert reached == TABLE


@pytest.mark.parametrize("state", list(State))
@pytest.mark.parametrize("action", list(Action))
def test_each_action_is_done_or_refused_with_what_is_permitted(state: State, action: Action) -> None:
    if (state, action) in TRANSITIONS:
        assert after(state, action, reason="because", condition_met=True) is TRANSITIONS[state, action].to
    else:
        with pytest.raises(TransitionRefused) as refused:
            after(state, action, reason="because", condition_met=True)
        assert refused.value.facts["permitted"] == permitted(state)


@pytest.mark.parametrize(
    ("state", "action"),
    [("dispatched", "return"), ("reported", "decline"), ("verifying", "decline"), ("returned", "decline"), ("not_filed", "reopen"),
     ("closed", "reopen"), ("checking", "reject"), ("handling", "suspend")],
)  # fmt: skip
def test_a_return_or_refusal_needs_a_reason(state: str, action: str) -> None:
    for reason in (None, "", "  "):
        with pytest.raises(TransitionRefused) as refused:
            after(state, action, reason=reason)
        assert refused.value.facts["needs"] == "reason"


@pytest.mark.parametrize(("state", "action"), [("checking", "close"), ("reported", "close_on_spot")])
def test_closing_needs_the_close_condition(state: str, action: str) -> None:
    with pytest.raises(TransitionRefused) as refused:
        after(state, action)
    assert refused.value.facts["needs"] == "condition"


def test_open311_knows_two_words() -> None:
    assert {state for state in State if open311_status(state) == "closed"} == {State.NOT_FILED, State.CLOSED}
    assert set(OPEN_STATES) == {state for state in State if open311_status(state) == "open"}
    assert set(STEP_OF_STATE) == set(State)


def test_unknown_words_are_refused_with_the_known_ones() -> None:
    with pytest.raises(BadValue) as refused:
        after("lost", "file")
    assert "reported" in refused.value.facts["states"]  # type: ignore[operator]
    with pytest.raises(BadValue):
        after("reported", "forget")


def test_escalation_goes_up_one_level_and_ends_at_the_district() -> None:
    assert [level_above(level) for level in ("grid", "community", "street")] == ["community", "street", "district"]
    with pytest.raises(TransitionRefused):
        level_above("district")
    with pytest.raises(BadValue):
        level_above("planet")
