"""Runs the SQL file of a revision as it stands."""

from pathlib import Path

from alembic import op

HERE = Path(__file__).parent / "sql"


def run_sql(name: str) -> None:
    """Run one file of `migrations/sql` without parameters, so that no sign in it is taken for a bind."""
    driver = op.get_bind().connection.dbapi_connection
    assert driver is not None
    driver.cursor().execute((HERE / name).read_text(encoding="utf-8"))
