"""Data doubts first: what in the records would make a method find the records' habits instead of what happened.

Each check counts its rows and says what a run does about them: leave them out, or keep and tell. The analyst may decide otherwise
(`Doubts.kept`). Nothing here is a test of significance; the limits are stated beside each check and are printed with the answer.

    no-place          a coordinate is missing, no number, or 0 and 0                                left out
    outside           the place lies outside the ground                                             left out
    no-time           the time is missing                                                           left out
    future            the time is after `until`, when the records were taken                        left out
    same-id           a source's own number came before                                             left out
    same-event        place, time and category came before, and the time is not a bare date         left out
    pile              one coordinate holds PILE_TIMES as many rows as nearly all others, see `piles`    kept
    midnight          the time is 00:00:00, and so many are that it means "no time of day"          kept
    day-pile          a day with DAY_TIMES the usual number: a default date, or a batch entered late  kept
    level             rows of a source after its level changed for good, see `levels`                   kept

A pile is a default point (`likely_default`) where it is one the caller names, lies at the middle of the ground, or bears different
addresses; else it is a place that comes again, which may be true: look before leaving it out.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from shapely.geometry import MultiPolygon, Polygon

from gis.errors import BadValue
from gis.hotspots.trend import LEAST_MEAN, LEAST_STEPS, change_points, compared, steadied

Flags = NDArray[np.bool_]

CHECKS = ("no-place", "outside", "no-time", "future", "same-id", "same-event", "pile", "midnight", "day-pile", "level")
LEFT_OUT = frozenset(("no-place", "outside", "no-time", "future", "same-id", "same-event"))
NEEDS = {
    "no-time": ("time",), "future": ("time",), "same-id": ("source_id",), "same-event": ("time", "category"), "midnight": ("time",),
    "day-pile": ("time",), "level": ("time", "source"),
}  # fmt: skip
LEAST_PILE = 30
PILE_TIMES = 5.0
USUAL = 0.99
FEW_PLACES = 100
DIFFERENT = 0.5
"""Of the rows of a pile so many different addresses: they cannot all be there."""
MIDDLE_M = 30.0
SPOT_M = 0.1
SPOT_BITS = 31
NOWHERE = -1
NAMED_M = 5.0
LEAST_MIDNIGHTS = 20
MIDNIGHT_SHARE = 0.01
"""By chance one in 86,400 is at midnight to the second, one in 1,440 to the minute."""
DAY_TIMES = 5.0
LEVEL_DAYS = 7
LEVEL_RATIO = 1.5
"""A source whose level changes by less is not told of."""


@dataclass(frozen=True)
class Doubts:
    """`table`, a row a check: check, asked, rows, share (of all), done (left-out, kept), places (piles, days or changes behind it).

    `flags`: (rows, checks), true where a row is doubted. `piles`: x, y, rows, share, addresses, categories, likely_default, most
    first. `days`: day, rows, usual. `levels`: source, step_start, before, after (rows a day), ratio, low, high. `unasked`: checks
    whose columns are not there; `rows`: how many were looked at.
    """

    table: pd.DataFrame
    flags: pd.DataFrame
    piles: pd.DataFrame
    days: pd.DataFrame
    levels: pd.DataFrame
    rows: int

    @property
    def unasked(self) -> list[str]:
        """Checks that could not be made, for want of a column, the ground or a date."""
        return [str(each) for each in self.table.loc[~self.table["asked"], "check"]]

    def kept(self, *, also_left_out: Collection[str] = (), also_kept: Collection[str] = ()) -> Flags:
        """Which rows a run takes: those of no check that leaves out, as the analyst decides. BadValue for an unknown check."""
        unknown = sorted({*also_left_out, *also_kept} - set(CHECKS))
        if unknown:
            raise BadValue(f"There is no check {unknown[0]!r}. There are: {', '.join(CHECKS)}.", checks=unknown)
        out = (LEFT_OUT | set(also_left_out)) - set(also_kept)
        return np.asarray(~self.flags[[each for each in CHECKS if each in out]].to_numpy().any(axis=1), dtype=np.bool_)


def doubts(
    incidents: pd.DataFrame, *, ground: Polygon | MultiPolygon | None = None, until: np.datetime64 | None = None,
    defaults: Sequence[tuple[float, float]] = (), least_pile: int = LEAST_PILE,
) -> Doubts:  # fmt: skip
    """Look through `incidents`: columns x, y in metres; if there, time (datetime64, local), category, source, source_id, address.

    `ground` in the same metres; `until`: the moment of the records; `defaults`: points known to stand for "no place", such as a
    city hall. A check whose column, ground or date is missing is not asked and says so. Raises BadValue without x and y, or if
    time is not of datetime64. Some 110 bytes a row beside the columns.
    """
    if not {"x", "y"} <= set(incidents.columns):
        raise BadValue("Incidents need the columns x and y.", columns=[str(each) for each in incidents.columns])
    if "time" in incidents and not pd.api.types.is_datetime64_any_dtype(incidents["time"]):
        raise BadValue("Times must be of datetime64.", dtype=str(incidents["time"].dtype))
    size = len(incidents)
    asked = {check: all(column in incidents for column in NEEDS.get(check, ())) for check in CHECKS}
    asked["outside"], asked["future"] = ground is not None, asked["future"] and until is not None
    flags = {check: np.zeros(size, dtype=np.bool_) for check in CHECKS}
    x, y = (_metres(incidents[name]) for name in ("x", "y"))
    flags["no-place"] = ~(np.isfinite(x) & np.isfinite(y)) | ((x == 0) & (y == 0))
    placed = ~flags["no-place"]
    if ground is not None:
        flags["outside"][placed] = ~_inside(ground, x[placed], y[placed])
    spot = np.full(size, NOWHERE, dtype=np.int64)
    spot[placed] = spots(x[placed], y[placed])
    days = pd.DataFrame({"day": pd.Series(dtype="datetime64[s]"), "rows": [], "usual": []})
    levels = pd.DataFrame(columns=["source", "step_start", "before", "after", "ratio", "low", "high"])
    if asked["no-time"]:
        time = incidents["time"].dt.tz_localize(None) if getattr(incidents["time"].dt, "tz", None) else incidents["time"]
        flags["no-time"] = time.isna().to_numpy()
        if until is not None:
            flags["future"] = (time > pd.Timestamp(until)).to_numpy()
        flags["midnight"] = _midnights(time)
        if asked["same-event"]:
            bare = (time == time.dt.normalize()).to_numpy()
            flags["same-event"] = _same_events(spot, time, incidents["category"], placed & ~flags["no-time"] & ~bare)
        days, flags["day-pile"] = _day_piles(time)
    if asked["same-id"]:
        flags["same-id"] = _same_ids(incidents)
        flags["same-event"] &= ~flags["same-id"]
    if asked["level"]:
        levels, flags["level"] = _levels(time, incidents["source"], ~(flags["no-time"] | flags["same-id"] | flags["future"]))
    piles, flags["pile"] = _piles(incidents, x, y, spot, ground=ground, defaults=defaults, least=least_pile)
    table = pd.DataFrame({
        "check": CHECKS, "asked": [asked[each] for each in CHECKS], "rows": [int(flags[each].sum()) for each in CHECKS],
        "share": [float(flags[each].mean()) if size else 0.0 for each in CHECKS],
        "done": ["left-out" if each in LEFT_OUT else "kept" for each in CHECKS],
        "places": [{"pile": len(piles), "day-pile": len(days), "level": len(levels)}.get(each, 0) for each in CHECKS],
    })  # fmt: skip
    return Doubts(table, pd.DataFrame(flags), piles, days, levels, size)


def _inside(ground: Polygon | MultiPolygon, x: NDArray[np.float64], y: NDArray[np.float64]) -> Flags:
    shapely.prepare(ground)
    return np.asarray(shapely.intersects_xy(ground, x, y), dtype=np.bool_)


def _metres(column: "pd.Series[Any]") -> NDArray[np.float64]:
    known = column if pd.api.types.is_float_dtype(column) else pd.to_numeric(column, errors="coerce")
    return np.asarray(known.to_numpy(dtype=np.float64))


def spots(x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.int64]:
    """The number of each row's place, metres: a cell of SPOT_M, since an address gets other last digits from each system it passes."""
    cell = np.rint(x / SPOT_M).astype(np.int64)
    cell <<= SPOT_BITS
    cell += np.rint(y / SPOT_M).astype(np.int64)
    return np.asarray(pd.factorize(cell)[0], dtype=np.int64)


def _same_events(spot: NDArray[np.int64], time: "pd.Series[pd.Timestamp]", category: "pd.Series[Any]", asked: Flags) -> Flags:
    """Rows `asked` about whose place, time and category came before; a time that comes once is not looked at further."""
    again = np.flatnonzero(asked & time.duplicated(keep=False).to_numpy())
    same = pd.DataFrame({"spot": spot[again], "time": time.to_numpy()[again], "category": category.to_numpy()[again]}).duplicated()
    flags = np.zeros(len(spot), dtype=np.bool_)
    flags[again] = same.to_numpy()
    return flags


def _same_ids(incidents: pd.DataFrame) -> Flags:
    """Rows whose source has given their number before; numbers without a source are those of one."""
    own = [name for name in ("source", "source_id") if name in incidents]
    named = incidents["source_id"].notna().to_numpy()
    return np.asarray(incidents[own].duplicated().to_numpy() & named, dtype=np.bool_)


def _midnights(time: "pd.Series[pd.Timestamp]") -> Flags:
    at_midnight = (time == time.dt.normalize()).to_numpy()
    count = int(at_midnight.sum())
    many = count >= LEAST_MIDNIGHTS and count >= MIDNIGHT_SHARE * max(1, int(time.notna().sum()))
    return np.asarray(at_midnight if many else np.zeros(len(time), dtype=np.bool_), dtype=np.bool_)


def _day_piles(time: "pd.Series[pd.Timestamp]") -> tuple[pd.DataFrame, Flags]:
    """Days with DAY_TIMES the median of the days that have any row, and LEAST_PILE rows."""
    day = time.dt.normalize()
    counts = day.value_counts()
    usual = float(counts.median()) if len(counts) else 0.0
    full = counts[(counts >= DAY_TIMES * usual) & (counts >= LEAST_PILE)] if len(counts) > 2 else counts[:0]
    table = pd.DataFrame({"day": full.index, "rows": full.to_numpy(), "usual": usual})
    return table, np.asarray(day.isin(full.index).to_numpy(), dtype=np.bool_)


def _levels(time: "pd.Series[pd.Timestamp]", source: "pd.Series[str]", used: Flags) -> tuple[pd.DataFrame, Flags]:
    """Weeks, counted back from the last day, at which a source's number of rows went over to another level for good."""
    rows: list[dict[str, object]] = []
    flagged = np.zeros(len(time), dtype=np.bool_)
    if not used.any():
        return pd.DataFrame(rows, columns=["source", "step_start", "before", "after", "ratio", "low", "high"]), flagged
    day = time.dt.normalize()
    last = day[used].max()
    back = ((last - day).dt.days // LEVEL_DAYS).fillna(-1).to_numpy(dtype=np.int64)
    span = int((last - day[used].min()).days + 1)
    weeks = span // LEVEL_DAYS
    own, names = pd.factorize(source[used].fillna(""), sort=True)
    whole = back[used] < weeks
    counts = np.bincount(own[whole] * weeks + weeks - 1 - back[used][whole], minlength=len(names) * weeks).reshape(len(names), weeks)
    for number, name in enumerate(names if weeks >= LEAST_STEPS else []):
        series = counts[number]
        if series.mean() < LEAST_MEAN:
            continue
        edges = [0, *change_points(steadied(series)), weeks]
        for at, step in enumerate(edges[1:-1], 1):
            before, after = series[edges[at - 1] : step], series[step : edges[at + 1]]
            found = compared([after.sum()], [before.sum()], later_days=len(after), earlier_days=len(before)).iloc[0]
            if 1 / LEVEL_RATIO < found["ratio"] < LEVEL_RATIO:
                continue
            rows.append({
                "source": name, "step_start": last - pd.Timedelta(days=(weeks - step) * LEVEL_DAYS - 1),
                "before": before.mean() / LEVEL_DAYS, "after": after.mean() / LEVEL_DAYS, "ratio": found["ratio"], "low": found["low"],
                "high": found["high"],
            })  # fmt: skip
            mine = np.flatnonzero(used)[own == number]
            flagged[mine[back[mine] <= weeks - 1 - step]] = True
    return pd.DataFrame(rows, columns=["source", "step_start", "before", "after", "ratio", "low", "high"]), flagged


def _piles(
    incidents: pd.DataFrame, x: NDArray[np.float64], y: NDArray[np.float64], spot: NDArray[np.int64], *,
    ground: Polygon | MultiPolygon | None, defaults: Sequence[tuple[float, float]], least: int,
) -> tuple[pd.DataFrame, Flags]:  # fmt: skip
    columns = ["x", "y", "rows", "share", "addresses", "categories", "likely_default"]
    placed = np.flatnonzero(spot != NOWHERE)
    if not len(placed):
        return pd.DataFrame(columns=columns), np.zeros(len(spot), dtype=np.bool_)
    count = np.bincount(spot[placed])
    first = np.full(len(count), len(spot), dtype=np.int64)
    np.minimum.at(first, spot[placed], placed)
    known = np.zeros(len(count), dtype=np.bool_)
    for default_x, default_y in defaults:
        known |= np.hypot(x[first] - default_x, y[first] - default_y) < NAMED_M
    piled = np.flatnonzero((count >= max(least, PILE_TIMES * _usual(count))) | (known & (count >= 2)))
    piled = piled[np.argsort(-count[piled], kind="stable")]
    flags = np.isin(spot, piled)
    part = incidents[flags].assign(spot=spot[flags])
    different = {name: part.groupby("spot")[name].nunique() if name in part else None for name in ("address", "category")}
    table = pd.DataFrame({"x": x[first[piled]], "y": y[first[piled]], "rows": count[piled], "share": count[piled] / len(spot)})
    for column, name in (("addresses", "address"), ("categories", "category")):
        found = different[name]
        table[column] = np.nan if found is None else found.reindex(piled).to_numpy(dtype=np.float64)
    table["likely_default"] = known[piled] | (table["addresses"] >= DIFFERENT * table["rows"]).to_numpy()
    if ground is not None:
        middles = [ground.centroid, shapely.box(*ground.bounds).centroid]
        apart = np.min([np.hypot(table["x"] - each.x, table["y"] - each.y) for each in middles], axis=0)
        table["likely_default"] |= apart < MIDDLE_M
    return table[columns], np.asarray(flags, dtype=np.bool_)


def _usual(count: NDArray[np.int64]) -> float:
    """How many rows a full coordinate holds, the outermost left aside: the USUAL quantile, of few coordinates the median."""
    if len(count) < FEW_PLACES:
        return float(np.median(count)) if len(count) > 2 else 0.0
    return float(np.quantile(count, USUAL))
