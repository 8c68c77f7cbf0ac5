"""What was done to the incidents that people look at: those still open, and those of the last month."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from data.demo.model import NEVER, STATES, Incidents
from data.demo.taxonomy import KINDS
from data.demo.timing import DAY, HOUR, WorkingClock

Integers = NDArray[np.int64]
Mask = NDArray[np.bool_]

REMEMBERED = 30 * DAY
MINUTE = HOUR // 60
NOTES = {"decline": "不属于受理范围", "return": "不在本单位职责范围内", "suspend": "等待材料到货", "reject": "现场仍有遗留问题"}
"""Reasons of the actions that need one; the words of the people of the demo, like its addresses."""


@dataclass(frozen=True)
class _Step:
    """An action on some of the incidents; `at` is given for all of them."""

    done: Mask
    action: str
    came_from: str | None
    leads_to: str
    at: Integers


def remembered(incidents: Incidents, now_us: int) -> Integers:
    """Row numbers of the incidents whose history is kept."""
    return np.flatnonzero((incidents.closed_at == NEVER) | (incidents.reported_at >= now_us - REMEMBERED))


def history(incidents: Incidents, now_us: int, clock: WorkingClock) -> pd.DataFrame:
    """The log of each incident as its state and stamps have it: `row`, `serial` from 1, `at` (microseconds), and what was done.

    Between two stamps, what left no stamp is put in between; the actions are those of gis.lifecycle and one "report".
    `seconds_used` runs in working hours where the limit of the category does.
    """
    steps = [*_first_steps(incidents, now_us), *_work(incidents, now_us), *_end(incidents, now_us)]
    parts = [
        pd.DataFrame({
            "row": np.flatnonzero(step.done), "turn": turn, "at": step.at[step.done], "action": step.action,
            "from_state": step.came_from, "to_state": step.leads_to, "note": NOTES.get(step.action, ""),
        })
        for turn, step in enumerate(steps) if step.done.any()
    ]  # fmt: skip
    log = pd.concat(parts, ignore_index=True).sort_values(["row", "turn"], ignore_index=True)
    row, at = log["row"].to_numpy(), log["at"].to_numpy()
    due = incidents.due_at[row]
    log["serial"] = log.groupby("row").cumcount() + 1
    log["seconds_used"] = _used(incidents.reported_at[row], at, incidents.category[row], clock)
    log["overdue"] = (due != NEVER) & (due < at)
    return log.drop(columns="turn")


def _used(start: Integers, end: Integers, category: NDArray[np.int16], clock: WorkingClock) -> Integers:
    working = np.array([kind.unit.startswith("working") for kind in KINDS])[category]
    return np.where(working, clock.elapsed(start, end), end - start) // 1_000_000


def _first_steps(own: Incidents, now_us: int) -> list[_Step]:
    closed = own.closed_at != NEVER
    begun = own.reported_at
    looked_at = begun + np.minimum((now_us - begun) // 2, 10 * MINUTE)
    return [
        _Step(np.ones(len(own), dtype=np.bool_), "report", None, "reported", begun),
        _Step(_is(own, "verifying"), "verify", "reported", "verifying", looked_at),
        _Step(_is(own, "not_filed"), "decline", "reported", "not_filed", own.closed_at),
        _Step(own.on_spot & closed, "close_on_spot", "reported", "closed", own.closed_at),
        _Step(_loops(own) & (own.filed_at != NEVER), "file", "reported", "filed", own.filed_at),
        _Step(_loops(own) & (own.dispatched_at != NEVER), "dispatch", "filed", "dispatched", own.dispatched_at),
    ]


def _work(own: Incidents, now_us: int) -> list[_Step]:
    """From the officer's yes or no up to the work done, or stopped, or done badly."""
    handled = own.handled_at != NEVER
    begun = own.dispatched_at
    span = np.where(handled, own.handled_at, now_us) - begun
    accepted = begun + np.minimum(span // 8, 20 * MINUTE)
    rework = _is(own, "rework")
    out = _loops(own) & (begun != NEVER)
    return [
        _Step(_is(own, "returned"), "return", "dispatched", "returned", begun + np.minimum(span // 2, HOUR)),
        _Step(out & ~_is(own, "dispatched", "returned"), "accept", "dispatched", "handling", accepted),
        _Step(_is(own, "suspended"), "suspend", "handling", "suspended", begun + span // 4),
        _Step(rework, "feed_back", "handling", "feedback", begun + span // 3),
        _Step(rework, "check", "feedback", "checking", begun + 2 * (span // 5)),
        _Step(rework, "reject", "checking", "rework", begun + span // 2),
        _Step(out & handled, "feed_back", "handling", "feedback", own.handled_at),
    ]


def _end(own: Incidents, now_us: int) -> list[_Step]:
    checked = _loops(own) & (own.handled_at != NEVER) & _is(own, "checking", "closed")
    until = np.where(own.closed_at != NEVER, own.closed_at, now_us)
    return [
        _Step(checked, "check", "feedback", "checking", own.handled_at + (until - own.handled_at) // 2),
        _Step(checked & _is(own, "closed"), "close", "checking", "closed", own.closed_at),
    ]


def _loops(own: Incidents) -> Mask:
    """Those that go the whole way: neither ended on the spot nor declined."""
    return ~own.on_spot & ~_is(own, "not_filed")


def _is(own: Incidents, *states: str) -> Mask:
    return np.isin(own.state, [STATES.index(state) for state in states])
