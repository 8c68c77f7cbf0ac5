"""Brings a database to the schema this program needs."""

from collections.abc import Callable
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, text
from sqlalchemy.pool import NullPool

from gis.errors import Unavailable

MIGRATIONS = Path(__file__).parent.parent / "migrations"


def upgrade(schema_url: str, revision: str = "head") -> tuple[str | None, str | None]:
    """Migrate up as the schema's owner, all or nothing; returns the revisions before and after."""
    before, after = _run(schema_url, lambda config: command.upgrade(config, revision))
    if before is not None and before != after:
        _settle(schema_url)
    return before, after


def _settle(schema_url: str) -> None:
    """Let index-only scans work on what a migration rewrote: the server would do so only after many more writes."""
    engine = create_engine(schema_url, poolclass=NullPool, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text("VACUUM (ANALYZE)"))


def downgrade(schema_url: str, revision: str) -> tuple[str | None, str | None]:
    """Migrate down to `revision` ("base" for an empty database); data of what goes is lost."""
    return _run(schema_url, lambda config: command.downgrade(config, revision))


def newest() -> str | None:
    """The revision this program was written for."""
    return ScriptDirectory.from_config(_config()).get_current_head()


def _run(schema_url: str, action: Callable[[Config], None]) -> tuple[str | None, str | None]:
    engine = create_engine(schema_url, poolclass=NullPool)
    with engine.begin() as connection:
        config = _config()
        config.attributes["connection"] = connection
        before = MigrationContext.configure(connection).get_current_revision()
        _refuse_unknown(before, config)
        action(config)
        return before, MigrationContext.configure(connection).get_current_revision()


def _refuse_unknown(revision: str | None, config: Config) -> None:
    known = {each.revision for each in ScriptDirectory.from_config(config).walk_revisions()}
    if revision is not None and revision not in known:
        raise Unavailable(
            f"The database has the schema {revision} of a newer program than this one. Nothing was changed."
            " Bring this program up to date, or restore a backup into a new folder."
        )


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.set_main_option("path_separator", "os")
    return config
