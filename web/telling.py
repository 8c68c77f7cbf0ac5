"""How numbers, shares and times are told in a sentence or a cell, in either language."""

import math
from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import Any, Literal, get_args
from zoneinfo import ZoneInfo

from web.words import Language

Kind = Literal[
    "text", "count", "decimal", "decimal2", "times", "percent", "p", "hectares", "metres", "signed", "day", "moment", "interval",
    "change_count", "change_decimal2", "change_hectares", "change_text",
]  # fmt: skip
"""Ways to tell a cell. `change_…` tells a pair, before and after; `interval` a pair, from and to."""
NUMBERS: frozenset[str] = frozenset(get_args(Kind)) - {"text", "day", "moment", "change_text"}
"""Kinds that stand at the right of their column."""
NONE = "–"
MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December",
)  # fmt: skip
SMALLEST_P = 0.001
FINEST_PERCENT = 2
CRLF = str.maketrans({"\r": " ", "\n": " ", "\t": " "})


def told(value: Any, kind: Kind, language: Language) -> str:
    """A cell as a reader sees it; "–" where there is nothing to tell."""
    if kind.startswith("change_"):
        return _change(value, kind, language)
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return NONE
    return _TOLD[kind](value, language)


def count(value: float, language: Language = "zh") -> str:
    """12345 → 12,345."""
    return f"{round(value):,}"


def decimal(value: float, digits: int = 1) -> str:
    """With thousands apart and so many digits after the point."""
    return f"{value:,.{digits}f}"


def percent(value: float, digits: int = 0) -> str:
    """0.387 → 39%, and never a zero where there is something: 0.0004 → 0.04%."""
    for finer in range(digits, FINEST_PERCENT + 1):
        told = f"{100 * value:.{finer}f}%"
        if value == 0 or float(told[:-1]):
            return told
    return f"<{10**-FINEST_PERCENT:g}%"


def interval(low: float, high: float) -> str:
    """From and to, as fine as the finer of the two asks."""
    digits = min(_digits(low), _digits(high))
    return f"{decimal(low, digits)}–{decimal(high, digits)}"


def times(value: float) -> str:
    """So many times: finer near one, where it matters, and whole from a hundred."""
    return decimal(value, _digits(value))


def _digits(value: float) -> int:
    return 2 if value < 2 else 1 if value < 100 else 0


def p_value(value: float) -> str:
    """Three digits, and never a zero that no permutation can show."""
    return f"<{SMALLEST_P}" if value < SMALLEST_P else f"{value:.3f}"


def day(value: date | datetime | str, language: Language, zone: str = "Asia/Shanghai") -> str:
    """2026年3月5日, or 5 March 2026; a moment is told as its day in the zone."""
    at = _date(value, zone)
    return f"{at.year}年{at.month}月{at.day}日" if language == "zh" else f"{at.day} {MONTHS[at.month - 1]} {at.year}"


def moment(value: datetime | str, language: Language, zone: str = "Asia/Shanghai") -> str:
    """The day and the time in the zone, to the minute."""
    at = (datetime.fromisoformat(value) if isinstance(value, str) else value).astimezone(ZoneInfo(zone))
    return f"{day(at.date(), language)} {at:%H:%M}"


def span(first: date, last: date, language: Language) -> str:
    """Two days as one period; a whole month or year by its name."""
    whole = _whole(first, last, language)
    if whole:
        return whole
    if first == last:
        return day(first, language)
    joined = "至" if language == "zh" else " – "
    return f"{day(first, language)}{joined}{day(last, language)}"


def listed(texts: list[str], language: Language) -> str:
    """Several texts as one."""
    if language == "zh":
        return "、".join(texts)
    return texts[0] if len(texts) == 1 else f"{', '.join(texts[:-1])} and {texts[-1]}" if texts else ""


def _whole(first: date, last: date, language: Language) -> str:
    ends = date.fromordinal(last.toordinal() + 1)
    if first.day != 1 or ends.day != 1:
        return ""
    if (ends.year, ends.month) == ((first.year, first.month + 1) if first.month < 12 else (first.year + 1, 1)):
        return f"{first.year}年{first.month}月" if language == "zh" else f"{MONTHS[first.month - 1]} {first.year}"
    if first.month == ends.month == 1 and ends.year == first.year + 1:
        return f"{first.year}年" if language == "zh" else str(first.year)
    return ""


def _change(pair: Any, kind: Kind, language: Language) -> str:
    before, after = pair if pair is not None else (None, None)
    of: Kind = kind.removeprefix("change_")  # type: ignore[assignment]
    first, second = told(before, of, language), told(after, of, language)
    return first if first == second else f"{first} → {second}"


def _date(value: date | datetime | str, zone: str) -> date:
    if isinstance(value, str):
        value = datetime.fromisoformat(value) if len(value) > 10 else date.fromisoformat(value)
    return value.astimezone(ZoneInfo(zone)).date() if isinstance(value, datetime) else value


_TOLD: Mapping[str, Callable[[Any, Language], str]] = {
    "text": lambda value, _: str(value).translate(CRLF),
    "count": count,
    "decimal": lambda value, _: decimal(value),
    "decimal2": lambda value, _: decimal(value, 2),
    "times": lambda value, _: times(value),
    "percent": lambda value, _: percent(value),
    "p": lambda value, _: p_value(value),
    "hectares": lambda value, _: decimal(value / 10_000, 2),
    "metres": lambda value, _: count(value),
    "signed": lambda value, _: f"{round(value):+,}" if round(value) else "0",
    "day": day,
    "moment": moment,
    "interval": lambda value, _: interval(*value),
}
