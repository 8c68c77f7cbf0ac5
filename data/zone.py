"""The time zone in which a deployment cuts its days: kept in the database alone, where the counts by day and hour are made."""

import psycopg

from gis.errors import BadValue

ZONE = """
    SELECT deployment_time_zone(),
           EXISTS (SELECT FROM deployment WHERE key = 'timezone') OR EXISTS (SELECT FROM area WHERE level = 'district')
"""
"""The zone, and whether anything that is stored depends on it already."""


def kept(schema_url: str) -> tuple[str, bool]:
    """ZONE as the schema's owner."""
    with psycopg.connect(schema_url.replace("postgresql+psycopg://", "postgresql://", 1)) as connection:
        zone, settled = connection.execute(ZONE).fetchone() or ("", False)
    return zone, settled


def settle(schema_url: str, zone: str) -> None:
    """Let days be those of `zone` from now on; for a database that holds nothing yet."""
    with psycopg.connect(schema_url.replace("postgresql+psycopg://", "postgresql://", 1)) as connection:
        put(connection, zone)


def put(connection: psycopg.Connection, zone: str) -> None:
    """Write the zone in the caller's transaction, which makes the counts anew where there are any; BadValue for an unknown one."""
    if connection.execute("SELECT FROM pg_timezone_names WHERE name = %s", [zone]).fetchone() is None:
        raise BadValue(f"The database knows no time zone {zone[:60]!r}; a name is such as Asia/Shanghai.", field="time_zone")
    connection.execute(
        "INSERT INTO deployment (key, value) VALUES ('timezone', to_jsonb(%s::text))"
        " ON CONFLICT (key) DO UPDATE SET value = excluded.value",
        [zone],
    )
