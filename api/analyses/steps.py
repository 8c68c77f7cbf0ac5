"""Periods cut into steps: whole weeks (Monday to Sunday) or months, days for short ones."""

from datetime import date
from typing import Any

import numpy as np
from numpy.typing import NDArray

from api.analyses.findings import Steps
from api.analyses.study import Study
from gis.errors import NothingToAnalyse

LONGEST_BY_DAY, LONGEST_BY_WEEK = 92, 550


def whole_steps(study: Study, step: str) -> Steps:
    """The whole weeks or months of a study; `number` of each day is its step, -1 for days left over. NothingToAnalyse if there is none."""
    days = [study.date_of(day) for day in range(study.days)]
    edge = [_begins(day, step) for day in days]
    ends = [*edge[1:], _begins(study.date_of(study.days), step)]
    first = next((at for at, begins in enumerate(edge) if begins), len(days))
    last = next((at for at in range(len(days) - 1, -1, -1) if ends[at]), -1)
    if last <= first:
        raise NothingToAnalyse(f"The period holds no whole {step}.", days=study.days)
    number = np.full(len(days), -1, dtype=np.int64)
    number[first : last + 1] = np.cumsum(np.array(edge[first : last + 1], dtype=np.int64)) - 1
    starts = [day for day, begins in zip(days[first : last + 1], edge[first : last + 1], strict=True) if begins]
    return Steps(starts, number, np.bincount(number[number >= 0]), (first, len(days) - 1 - last))


def cube(study: Study, steps: Steps) -> NDArray[np.int64]:
    """Incidents by unit and step."""
    at = steps.number[study.day]
    kept = study.placed & (at >= 0)
    width = len(steps.starts)
    return np.bincount(study.unit[kept] * width + at[kept], minlength=len(study.units) * width).reshape(len(study.units), width)


def series(study: Study) -> dict[str, Any]:
    """Incidents of a study over time, by day, week or month as its length asks for; steps cut off at the ends are named."""
    step = "day" if study.days <= LONGEST_BY_DAY else "week" if study.days <= LONGEST_BY_WEEK else "month"
    days = [study.date_of(day) for day in range(study.days)]
    edge = np.array([at == 0 or step == "day" or _begins(day, step) for at, day in enumerate(days)])
    number = np.cumsum(edge) - 1
    partial = [not (step == "day" or _begins(days[0], step)), not (step == "day" or _begins(study.date_of(study.days), step))]
    counts = np.bincount(number[study.day], minlength=int(number[-1]) + 1)
    starts = [day.isoformat() for day, begins in zip(days, edge, strict=True) if begins]
    return {"step": step, "starts": starts, "observed": counts.tolist(), "expected": None, "year_before": None, "partial": partial}


def _begins(day: date, step: str) -> bool:
    return day.weekday() == 0 if step == "week" else day.day == 1
