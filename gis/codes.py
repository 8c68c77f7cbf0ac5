"""Codes of areas and grids: their patterns, how they are numbered, and that dead ones never come back."""

import re
import string
from collections import Counter
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from math import ceil, sqrt

from gis.errors import CodeRefused

AREA_DIGITS = {"district": 6, "street": 9, "community": 12}
COMMUNITY_KINDS = ((1, 199), (200, 399), (400, 499), (500, 599))
WARN_SHARE = 0.9


@dataclass(frozen=True)
class CodePattern:
    """How a scheme writes a code: a format such as "{community}{serial:03d}" with one running number, `serial`.

    The other names are of areas, and their values are put in as they stand.
    """

    pattern: str

    def __post_init__(self) -> None:
        fields = self._fields()
        if [name for name, _ in fields].count("serial") != 1:
            raise CodeRefused("A code pattern needs {serial} exactly once.", pattern=self.pattern)
        for name, width in fields:
            digits = name == "serial" and re.fullmatch(r"0[1-9]d", width)
            if not (name.isidentifier() and (digits or (name != "serial" and not width))):
                raise CodeRefused("A code pattern has names in braces and a serial such as {serial:03d}.", pattern=self.pattern)

    @property
    def capacity(self) -> int:
        """The largest serial that fits."""
        return int(10**self._digits - 1)

    def code(self, serial: int, areas: Mapping[str, str]) -> str:
        """The code of a serial within its areas; CodeRefused if the number overflows or an area is missing."""
        if not 1 <= serial <= self.capacity:
            raise CodeRefused("The serial number does not fit its code.", serial=serial, capacity=self.capacity)
        missing = [name for name, _ in self._fields() if name != "serial" and name not in areas]
        if missing:
            raise CodeRefused("The code needs an area that is not given.", missing=missing)
        return self.pattern.format(serial=serial, **areas)

    def serial_of(self, code: str, areas: Mapping[str, str]) -> int:
        """The serial in a code of these areas; CodeRefused if the code does not match the pattern."""
        parts = [
            re.escape(text) + ("" if name is None else rf"([0-9]{{{self._digits}}})" if name == "serial" else re.escape(areas[name]))
            for text, name, _, _ in string.Formatter().parse(self.pattern)
        ]  # fmt: skip
        match = re.fullmatch("".join(parts), code)
        if match is None or int(match[1]) == 0:
            raise CodeRefused("The code does not match the pattern of its scheme.", code=code, pattern=self.pattern)
        return int(match[1])

    @property
    def _digits(self) -> int:
        return next(int(width[1:-1]) for name, width in self._fields() if name == "serial")

    def _fields(self) -> list[tuple[str, str]]:
        try:
            parsed = list(string.Formatter().parse(self.pattern))
        except ValueError as problem:
            raise CodeRefused("A code pattern has an open brace.", pattern=self.pattern) from problem
        return [(name, width or "") for _, name, width, _ in parsed if name is not None]


@dataclass(frozen=True)
class Numbering:
    """Fresh codes in the order asked for, and whether the numbers are nearly used up (90 % of the pattern's)."""

    codes: list[str]
    nearly_full: bool


@dataclass(frozen=True)
class NameRule:
    """How the grids of a community are named by a running number: what stands before and after it, and its least digits."""

    before: str
    after: str = ""
    digits: int = 1

    @classmethod
    def of(cls, names: Sequence[str]) -> "NameRule | None":
        """The rule that most of those names follow that hold a number (their last one); None where no two follow one."""
        found = [match.groups() for match in (re.fullmatch(r"(|.*[^0-9])([0-9]+)([^0-9]*)", name) for name in names) if match]
        (ends, count), *_ = Counter((before, after) for before, _, after in found).most_common(1) or [(("", ""), 0)]
        if count < min(len(names), 2) or not count:
            return None
        padded = (len(serial) for before, serial, after in found if (before, after) == ends and serial[0] == "0")
        return cls(*ends, max(padded, default=1))

    def name(self, serial: int) -> str:
        """The name with a number."""
        return f"{self.before}{serial:0{self.digits}d}{self.after}"

    def serial_of(self, name: str) -> int | None:
        """The number in a name, None if it does not follow the rule."""
        match = re.fullmatch(f"{re.escape(self.before)}([0-9]+){re.escape(self.after)}", name)
        return None if match is None else int(match[1])


def in_reading_order(places: Sequence[tuple[float, float]], row_degrees: float | None = None) -> list[int]:
    """The indices of places (longitude, latitude) west → east, then north → south, in rows `row_degrees` of latitude high.

    Rows are counted from the northernmost place. By default there are about as many rows as columns.
    """
    north = max((lat for _, lat in places), default=0.0)
    south = min((lat for _, lat in places), default=0.0)
    height = row_degrees or (north - south) / ceil(sqrt(len(places) or 1)) or 1.0

    def turn(index: int) -> tuple[int, float, float]:
        lon, lat = places[index]
        return int((north - lat) / height), lon, -lat

    return sorted(range(len(places)), key=turn)


def number(
    places: Sequence[tuple[float, float]],
    pattern: CodePattern,
    areas: Mapping[str, str],
    *,
    used: Set[str] = frozenset(),
    row_degrees: float | None = None,
) -> Numbering:
    """Codes for grids by a point in each (longitude, latitude), `in_reading_order`.

    `used` holds living and dead codes; none is given again, numbers go on after the highest. Raises CodeRefused if the
    numbers overflow.
    """
    start = max((serial_or_zero(code, pattern, areas) for code in used), default=0)
    if start + len(places) > pattern.capacity:
        raise CodeRefused(
            "There are more grids than numbers.", wanted=len(places), left=pattern.capacity - start,
            capacity=pattern.capacity,
        )  # fmt: skip
    codes = [""] * len(places)
    for serial, index in enumerate(in_reading_order(places, row_degrees), start=start + 1):
        codes[index] = pattern.code(serial, areas)
    return Numbering(codes, start + len(places) > WARN_SHARE * pattern.capacity)


def check_code(code: str, regex: str, *, dead: Set[str] = frozenset()) -> str:
    """The code itself if it matches a deployment's pattern (a regular expression) and is not dead, else CodeRefused."""
    if not re.fullmatch(regex, code):
        raise CodeRefused("The code does not match its pattern.", code=code, pattern=regex)
    if code in dead:
        raise CodeRefused("The code is dead and is never used again.", code=code)
    return code


def check_area_code(code: str, level: str, *, dead: Set[str] = frozenset()) -> str:
    """A national code of a district (6 digits), street (9) or community (12 = 6 + 3 + 3); CodeRefused if it is not."""
    if level not in AREA_DIGITS:
        raise CodeRefused("There is no such level of areas.", level=level, levels=sorted(AREA_DIGITS))
    check_code(code, rf"[0-9]{{{AREA_DIGITS[level]}}}", dead=dead)
    if any(code[start : start + 3] == "000" for start in range(6, len(code), 3)):
        raise CodeRefused("A street or community is numbered from 001.", code=code)
    return code


def parent_area_code(code: str) -> str | None:
    """The national code one level up: community → street → district → None."""
    return {12: code[:9], 9: code[:6]}.get(len(code))


def next_community_code(sibling: str, used: Set[str]) -> str:
    """A fresh code beside a sibling's: the next number after the highest of its kind, living or dead, in the same parent.

    The last three digits number national codes by kind (001-199 neighbourhoods, 200-399 villages, then quasi-units by the
    hundred); of other codes, the digits at the end are the number. CodeRefused if there is none, or none is left.
    """
    national = re.fullmatch(r"[0-9]{12}", sibling) is not None
    match = re.fullmatch(r"(.{9})([0-9]{3})" if national else r"(.*?)([0-9]{1,3})", sibling)
    if match is None:
        raise CodeRefused("The code of a neighbouring community ends in no number to go on from.", code=sibling)
    head, digits = match[1], len(match[2])
    low, high = 1, 10**digits - 1
    if national:
        low, high = next((kind for kind in COMMUNITY_KINDS if kind[0] <= int(match[2]) <= kind[1]), (low, high))
    taken = [int(code[len(head) :]) for code in used | {sibling} if re.fullmatch(re.escape(head) + rf"[0-9]{{{digits}}}", code)]
    serial = max((each for each in taken if low <= each <= high), default=low - 1) + 1
    if serial > high:
        raise CodeRefused("The numbers of communities of this kind are used up.", code=sibling, capacity=high)
    return f"{head}{serial:0{digits}d}"


def serial_or_zero(code: str, pattern: CodePattern, areas: Mapping[str, str]) -> int:
    """The serial of a code of these areas, 0 for a code of others."""
    try:
        return pattern.serial_of(code, areas)
    except CodeRefused:
        return 0
