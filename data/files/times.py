"""Times as people write them in files: Chinese dates, slashes, dots, eight digits. What could be two dates is refused, never guessed."""

import re
import unicodedata
from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gis.errors import BadValue

Moments = NDArray[np.datetime64]
CHINESE = str.maketrans({"年": "-", "月": "-", "日": " ", "号": " ", "时": ":", "点": ":", "分": ":", "秒": "", "/": "-"})
OFFSET = re.compile(r"(Z|[+-]\d\d:?\d\d)$")
DOTTED = re.compile(r"^\d{4}\.\d{1,2}(\.\d{1,2})?(?=\D|$)")
DIGITS = {6: "{}-{}", 8: "{}-{}-{}", 12: "{}-{}-{} {}:{}", 14: "{}-{}-{} {}:{}:{}"}
YEAR_LAST = re.compile(r"^(\d{1,2})([-.])(\d{1,2})[-.](\d{4}|\d{2})(?=\D|$)(.*)$")
MONTHS = 12


def moments(texts: Sequence[str]) -> tuple[Moments, NDArray[np.bool_]]:
    """Wall-clock moments in milliseconds, nothing (NaT) where a text is no date, and which those are; an offset is left out.

    31.03.2026, 31/03/2026 and 03/31/2026 are read as the whole column proves them: some day above 12 says which number it is; with
    dots the day comes first. BadValue if the column proves neither or both; years of two digits are no dates.
    """
    written = [_written(each) for each in texts]
    turned = [(row, found) for row, each in enumerate(written) if (found := YEAR_LAST.match(each))]
    for row, _ in turned:
        written[row] = ""
    turned = [(row, found) for row, found in turned if len(found[4]) == 4]
    if turned:
        day_first = _day_first([found for _, found in turned], texts[turned[0][0]])
        for row, found in turned:
            one, _, other, year, rest = found.groups()
            day, month = (one, other) if day_first else (other, one)
            written[row] = f"{year}-{month}-{day}{rest}"
    dates = pd.to_datetime(pd.Series(written, dtype=object), errors="coerce", format="mixed")
    return np.asarray(dates.to_numpy(), dtype="datetime64[ms]"), dates.isna().to_numpy()


def _written(text: str) -> str:
    """A text with the year, if it comes first, apart from month and day by lines."""
    plain = text.strip()
    if not plain.isascii():
        plain = unicodedata.normalize("NFKC", plain)
    plain = plain.translate(CHINESE).rstrip("-: ")
    if plain.isdigit() and len(plain) in DIGITS:
        parts = [plain[:4], *(plain[at : at + 2] for at in range(4, len(plain), 2))]
        return DIGITS[len(plain)].format(*parts)
    if found := DOTTED.match(plain):
        plain = found[0].replace(".", "-") + plain[found.end() :]
    return OFFSET.sub("", plain) if len(plain) > 10 else plain


def _day_first(found: Sequence[re.Match[str]], told: str) -> bool:
    first, second = (any(int(each[group]) > MONTHS for each in found) for group in (1, 3))
    if first != second:
        return first
    if not first and all(each[2] == "." for each in found):
        return True
    why = "some rows put the day first and some the month" if first else "whether the day or the month comes first cannot be told"
    raise BadValue(f"Dates such as {told.strip()[:20]!r} are refused: {why}. Write dates as 2026-03-31 or 2026-03-31 14:05.", date=told)
