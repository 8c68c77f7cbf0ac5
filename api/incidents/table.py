"""Incidents as a table for a spreadsheet, with the words of its reader."""

from collections.abc import Sequence
from zoneinfo import ZoneInfo

from api.spreadsheet import csv_text
from data.queries.incidents import One
from web.words import Language, language_of
from web.words import table as words

COLUMNS = (
    "id",
    "reported_at",
    "category",
    "severity",
    "title",
    "address",
    "community",
    "grid",
    "state",
    "officer",
    "due_at",
    "overdue",
    "lon",
    "lat",
)


def table(rows: Sequence[One], language: str, zone: ZoneInfo) -> str:
    """One line an incident; times in the deployment's zone."""
    spoken = language_of(language)
    return csv_text([words(spoken)[f"export.{name}"] for name in COLUMNS], (_cells(row, spoken, zone) for row in rows))


def _cells(row: One, language: Language, zone: ZoneInfo) -> list[object]:
    said = words(language)
    named = {
        noun: (language == "en" and getattr(row, f"{noun}_name_en")) or getattr(row, f"{noun}_name") or ""
        for noun in ("category", "community", "grid")
    }
    due = row.due_at.astimezone(zone).strftime("%Y-%m-%d %H:%M") if row.due_at else ""
    return [
        row.id, row.reported_at.astimezone(zone).strftime("%Y-%m-%d %H:%M"), named["category"], said[f"severity.{row.severity}"],
        row.title, row.address, named["community"], named["grid"], said[f"state.{row.state}"], row.officer_name or "", due,
        said["overdue"] if row.overdue else "", row.lon, row.lat,
    ]  # fmt: skip
