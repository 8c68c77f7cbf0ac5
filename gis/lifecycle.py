"""The states of an incident and the steps that lead from one to the next."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from gis.errors import BadValue, TransitionRefused


class State(StrEnum):
    """Where an incident stands in the closed loop."""

    REPORTED = "reported"
    VERIFYING = "verifying"
    NOT_FILED = "not_filed"
    FILED = "filed"
    DISPATCHED = "dispatched"
    RETURNED = "returned"
    HANDLING = "handling"
    SUSPENDED = "suspended"
    FEEDBACK = "feedback"
    CHECKING = "checking"
    REWORK = "rework"
    CLOSED = "closed"


class Action(StrEnum):
    """What somebody does to an incident."""

    VERIFY = "verify"
    FILE = "file"
    DECLINE = "decline"
    CLOSE_ON_SPOT = "close_on_spot"
    REOPEN = "reopen"
    DISPATCH = "dispatch"
    ESCALATE = "escalate"
    ACCEPT = "accept"
    RETURN = "return"
    SUSPEND = "suspend"
    RESUME = "resume"
    FEED_BACK = "feed_back"
    CHECK = "check"
    CLOSE = "close"
    REJECT = "reject"


@dataclass(frozen=True)
class Transition:
    """Where an action leads, and what it asks for."""

    to: State
    reason_required: bool = False
    condition_required: bool = False


TRANSITIONS: Mapping[tuple[State, Action], Transition] = MappingProxyType(
    {
        (State.REPORTED, Action.VERIFY): Transition(State.VERIFYING),
        (State.REPORTED, Action.FILE): Transition(State.FILED),
        (State.REPORTED, Action.DECLINE): Transition(State.NOT_FILED, reason_required=True),
        (State.REPORTED, Action.CLOSE_ON_SPOT): Transition(State.CLOSED, condition_required=True),
        (State.VERIFYING, Action.FILE): Transition(State.FILED),
        (State.VERIFYING, Action.DECLINE): Transition(State.NOT_FILED, reason_required=True),
        (State.NOT_FILED, Action.REOPEN): Transition(State.REPORTED, reason_required=True),
        (State.FILED, Action.DISPATCH): Transition(State.DISPATCHED),
        (State.FILED, Action.ESCALATE): Transition(State.FILED),
        (State.DISPATCHED, Action.ACCEPT): Transition(State.HANDLING),
        (State.DISPATCHED, Action.RETURN): Transition(State.RETURNED, reason_required=True),
        (State.RETURNED, Action.DISPATCH): Transition(State.DISPATCHED),
        (State.RETURNED, Action.DECLINE): Transition(State.NOT_FILED, reason_required=True),
        (State.HANDLING, Action.SUSPEND): Transition(State.SUSPENDED, reason_required=True),
        (State.HANDLING, Action.FEED_BACK): Transition(State.FEEDBACK),
        (State.SUSPENDED, Action.RESUME): Transition(State.HANDLING),
        (State.FEEDBACK, Action.CHECK): Transition(State.CHECKING),
        (State.CHECKING, Action.CLOSE): Transition(State.CLOSED, condition_required=True),
        (State.CHECKING, Action.REJECT): Transition(State.REWORK, reason_required=True),
        (State.REWORK, Action.FEED_BACK): Transition(State.FEEDBACK),
        (State.REWORK, Action.SUSPEND): Transition(State.SUSPENDED, reason_required=True),
        (State.CLOSED, Action.REOPEN): Transition(State.REWORK, reason_required=True),
    }
)

STEP_OF_STATE: Mapping[State, int | None] = MappingProxyType(
    {
        State.REPORTED: 1,
        State.VERIFYING: 1,
        State.NOT_FILED: None,
        State.FILED: 2,
        State.DISPATCHED: 3,
        State.RETURNED: 3,
        State.HANDLING: 4,
        State.SUSPENDED: 4,
        State.REWORK: 4,
        State.FEEDBACK: 5,
        State.CHECKING: 6,
        State.CLOSED: 6,
    }
)
OPEN_STATES: frozenset[State] = frozenset(State) - {State.NOT_FILED, State.CLOSED}
LEVELS = ("grid", "community", "street", "district")


def after(state: str, action: str, *, reason: str | None = None, condition_met: bool = False) -> State:
    """The state that an action leads to.

    Raises BadValue for an unknown word, and TransitionRefused if the state does not permit the action, if it needs a
    reason and has none, or if it closes without the close condition confirmed.
    """
    known, asked = _state(state), _action(action)
    step = TRANSITIONS.get((known, asked))
    if step is None:
        raise TransitionRefused(
            "This state does not permit that action.", state=known.value, action=asked.value, permitted=permitted(known)
        )
    if step.reason_required and not (reason and reason.strip()):
        raise TransitionRefused("This action needs a reason.", state=known.value, action=asked.value, needs="reason")
    if step.condition_required and not condition_met:
        raise TransitionRefused("The close condition has to be confirmed.", state=known.value, action=asked.value, needs="condition")
    return step.to


def permitted(state: str) -> list[str]:
    """The actions that a state permits, in the order of the work."""
    known = _state(state)
    return [action.value for at, action in TRANSITIONS if at is known]


def needs(state: str, action: str) -> list[str]:
    """What an action asks for beside the version that was seen: reason, condition, hands (who is to do it) or date."""
    step = TRANSITIONS.get((_state(state), _action(action)))
    asked = {
        "reason": step is not None and step.reason_required,
        "condition": step is not None and step.condition_required,
        "hands": action == Action.DISPATCH,
        "date": action == Action.SUSPEND,
    }
    return [name for name, wanted in asked.items() if wanted]


def way_to(state: str, action: str) -> list[Action]:
    """The actions that lead to one that is asked for: what is dispatched before it was filed is filed by it."""
    unfiled = _state(state) in (State.REPORTED, State.VERIFYING)
    return [Action.FILE, Action.DISPATCH] if unfiled and action == Action.DISPATCH else [_action(action)]


def open311_status(state: str) -> str:
    """The status that Open311 knows: open or closed."""
    return "open" if _state(state) in OPEN_STATES else "closed"


def level_above(level: str) -> str:
    """Who becomes the owner when an incident is escalated; TransitionRefused at the top."""
    if level not in LEVELS:
        raise BadValue("There is no such level.", level=level, levels=list(LEVELS))
    if level == LEVELS[-1]:
        raise TransitionRefused("There is no level above the district.", level=level)
    return LEVELS[LEVELS.index(level) + 1]


def _state(word: str) -> State:
    try:
        return State(word)
    except ValueError:
        raise BadValue("There is no such state.", state=word, states=[each.value for each in State]) from None


def _action(word: str) -> Action:
    try:
        return Action(word)
    except ValueError:
        raise BadValue("There is no such action.", action=word, actions=[each.value for each in Action]) from None
