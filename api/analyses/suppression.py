"""Small cells: counts so small that they may tell of one household are not told, nor what would give them away."""

from typing import Any

COUNTED = frozenset({
    "ratio", "interval", "relative_risk", "categories", "sources", "hours", "weekdays", "repeat", "officers", "deadlines", "rate",
    "rate_low", "rate_high", "rate_smoothed", "share", "cumulative", "top_share", "counts", "pop", "yoy", "llr",
})  # fmt: skip
"""What would give a count away."""
LISTS = ("hours", "weekdays", "counts")


def held_back(value: Any, least: int) -> Any:
    """The same without counts from 1 to below `least`: null, with `suppressed` true beside an `observed` that is not told.

    Looks into everything: whatever has an `observed` count, and lists of counts by hour, weekday or step. Totals over all that was
    asked for are told as they are.
    """
    if isinstance(value, list):
        return [held_back(each, least) for each in value]
    if not isinstance(value, dict):
        return value
    held = {name: held_back(each, least) for name, each in value.items()}
    if isinstance(value.get("observed"), int) and _small(value["observed"], least):
        held |= dict.fromkeys((set(held) & COUNTED) | {"observed"}) | {"suppressed": True}
    for name in LISTS:
        if isinstance(held.get(name), list):
            held[name] = [None if isinstance(each, int) and _small(each, least) else each for each in held[name]]
    return held


def _small(count: int, least: int) -> bool:
    return 0 < count < least
