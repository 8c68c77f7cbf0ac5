"""Makes what is kept beside the incidents equal a recount, as the owner of the schema, and counts what was not."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import psycopg

from data.zone import put

ROLLUPS = (
    "statistics_day", "statistics_month", "statistics_grid_month", "statistics_ground_day", "statistics_ground_category", "statistics_hour",
    "slots_community_day", "slots_community_month", "slots_ground_day", "slots_ground_month", "slots_grid_year", "slots_grid_hour",
    "slots_grid_measures", "slots_grid_month", "slots_grid_category", "slots_category_month", "slots_category_year",
    "slots_crossed_month", "slots_crossed_year", "slots_waiting", "slots_waiting_grid", "service_reach",
)  # fmt: skip
CELLS = "level, category_id, cell, community_id, n, open_n"


@dataclass(frozen=True, slots=True)
class Recounted:
    """How many figures are kept now, and how many had another value or were missing or too many."""

    kept: int
    differed: int


def statistics(schema_url: str, zone: str | None = None) -> Recounted:
    """Counts by day, month, grid and hour; writers go on meanwhile.

    With `zone` days are those of another time zone from now on; writers wait, so that no count is of the old one.
    """
    with _owner(schema_url) as connection:
        if zone is not None:
            connection.execute("LOCK TABLE incident IN SHARE MODE")
            put(connection, zone)
        differed = _number(connection, "SELECT statistics_mend()")
        kept = sum(_number(connection, f"SELECT count(*) FROM {table}") for table in ROLLUPS)
        connection.execute("DELETE FROM deployment WHERE key = 'statistics_due'")
    return Recounted(kept, differed)


def cells(schema_url: str) -> Recounted:
    """The pyramid of map cells; writers of incidents wait meanwhile, about ten seconds for a million."""
    with _owner(schema_url) as connection:
        connection.execute("LOCK TABLE incident IN SHARE MODE")
        connection.execute("SELECT fold_incident_bins(1)")
        connection.execute(f"CREATE TEMP TABLE told ON COMMIT DROP AS SELECT {CELLS} FROM incident_bin")
        kept = _number(connection, "SELECT rebuild_incident_bins()")
        differed = _number(connection, f"SELECT count(DISTINCT (level, category_id, cell, community_id)) FROM"
                                       f" ((SELECT {CELLS} FROM told EXCEPT SELECT {CELLS} FROM incident_bin) UNION ALL"
                                       f" (SELECT {CELLS} FROM incident_bin EXCEPT SELECT {CELLS} FROM told)) AS other")  # fmt: skip
    return Recounted(kept, differed)


RECOUNTS: Mapping[str, Callable[[str], Recounted]] = MappingProxyType({"statistics": statistics, "map cells": cells})


def _owner(schema_url: str) -> psycopg.Connection:
    return psycopg.connect(schema_url.replace("postgresql+psycopg://", "postgresql://", 1))


def _number(connection: psycopg.Connection, question: str) -> int:
    row = connection.execute(question.encode()).fetchone()
    assert row is not None, "an aggregate answers with one row"
    return int(row[0])
