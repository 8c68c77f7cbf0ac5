"""What an import did, row by row accounted for: for people, for programs, and as files of what was refused or is defective."""

import csv
import json
from collections import Counter
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd

FORMULA_SIGNS = ("=", "+", "-", "@", "\t", "\r", "|")


@dataclass
class Agreement:
    """How often the place of a row lies in the area that the source itself names."""

    column: str
    level: str
    agree: int
    named: int

    @property
    def share(self) -> float | None:
        """Agreeing rows among those placed inside the district that name an area."""
        return self.agree / self.named if self.named else None


@dataclass
class FileReport:
    """One file of one layer: read = loaded + unchanged + refused; mended rows are among those loaded or unchanged."""

    noun: str
    source: str
    file: str
    read: int = 0
    loaded: int = 0
    unchanged: int = 0
    mended: int = 0
    refused: int = 0
    unplaced: int = 0
    reasons: dict[str, int] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    agreements: list[Agreement] = field(default_factory=list)
    seconds: float = 0.0
    errors: pd.DataFrame | None = None

    def note(self, text: str) -> None:
        """Say something once, however many parts of the file it is true of."""
        if text not in self.notes:
            self.notes.append(text)

    def refuse(self, rows: pd.DataFrame, whys: dict[int, str], *, first: int = 0) -> None:
        """Account for refused rows (from 0, row `first` of the file) and keep them, in the source's own columns, for the errors file."""
        if not whys:
            return
        numbers = sorted(whys)
        refused = rows.iloc[numbers].copy()
        refused.insert(len(refused.columns), "why", [whys[number] for number in numbers], allow_duplicates=True)
        refused.insert(0, "row", [first + number + 1 for number in numbers], allow_duplicates=True)
        self.errors = refused if self.errors is None else pd.concat([self.errors, refused])
        self.refused += len(numbers)
        for why, count in Counter(_kind(whys[number]) for number in numbers).items():
            self.reasons[why] = self.reasons.get(why, 0) + count

    @property
    def accounted(self) -> bool:
        """Whether no row was lost."""
        return self.read == self.loaded + self.unchanged + self.refused

    def facts(self) -> dict[str, Any]:
        """For programs and the import's own record; no row contents."""
        facts = {name: value for name, value in asdict(self).items() if name not in ("errors", "agreements")}
        facts["agreements"] = [{**asdict(each), "share": each.share} for each in self.agreements]
        facts["seconds"] = round(self.seconds, 2)
        return facts


@dataclass
class Report:
    """A whole run."""

    files: list[FileReport] = field(default_factory=list)
    refused_files: dict[str, str] = field(default_factory=dict)
    ground: dict[str, Any] = field(default_factory=dict)
    defects: gpd.GeoDataFrame | None = None
    dry_run: bool = False

    @property
    def whole(self) -> bool:
        """Whether every file could be read and stored."""
        return not self.refused_files

    def facts(self) -> dict[str, Any]:
        """One object for programs."""
        return {"dry_run": self.dry_run, "files": [each.facts() for each in self.files], "refused_files": self.refused_files,
                "ground": self.ground}  # fmt: skip


def write_errors(report: Report, target: Path) -> list[Path]:
    """Refused rows as CSV (UTF-8 with a mark, as spreadsheets want it): one file, or a folder when several files had some."""
    refused = [each for each in report.files if each.errors is not None]
    if not refused:
        return []
    if len(refused) == 1 and target.suffix:
        _write_rows(refused[0].errors, target)
        return [target]
    folder = target.with_suffix("") if target.suffix else target
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for each in refused:
        path = folder / f"{each.source}-{Path(each.file).name.split('.')[0]}.csv"
        _write_rows(each.errors, path)
        written.append(path)
    return written


def write_defects(report: Report, target: Path) -> bool:
    """Gaps, overlaps, straddles and what changed hands as GeoJSON (degrees); False when there are none."""
    if report.defects is None or report.defects.empty:
        return False
    frame = report.defects.copy()
    frame["codes"] = [", ".join(map(str, each)) if isinstance(each, tuple | list) else str(each) for each in frame["codes"]]
    body = json.loads(frame.to_json(drop_id=True))
    body.pop("crs", None)
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(json.dumps(body, ensure_ascii=False))
    return True


def _write_rows(rows: pd.DataFrame | None, path: Path) -> None:
    assert rows is not None
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8-sig", newline="") as opened:
        writer = csv.writer(opened)
        writer.writerow(rows.columns)
        writer.writerows([_harmless(value) for value in row] for row in rows.itertuples(index=False, name=None))


def _harmless(value: object) -> str:
    """A cell that no spreadsheet takes for a formula; numbers with a sign stay numbers."""
    if value is None or value is pd.NaT or (isinstance(value, float) and value != value):  # noqa: PLR0124  NaN is not itself
        return ""
    text = str(value)
    if text.startswith(FORMULA_SIGNS):
        try:
            float(text)
        except ValueError:
            return f"'{text}"
    return text


def _kind(why: str) -> str:
    """A reason without the value it speaks of, so that equal reasons are counted together."""
    parts = why.split("'")
    return "…".join(parts[::2]) if len(parts) > 2 else why
