"""`migrate`: bring the database to the schema this program needs."""

from pathlib import Path

from api.deployment import Deployment
from data import migrate


def run(data: Path | None) -> None:
    """Migrate up, all or nothing."""
    before, after = migrate.upgrade(Deployment(data).wake().schema)
    print(f"The schema is up to date ({after})." if before == after else f"The schema went from {before or 'empty'} to {after}.")
