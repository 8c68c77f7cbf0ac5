"""Alembic's entry: runs the migrations as the owner of the schema, one transaction in all."""

from alembic import context
from sqlalchemy import create_engine
from sqlalchemy.pool import NullPool

LOCK_TIMEOUT = "10s"


def run() -> None:
    """Migrate over the connection handed in, or over the URL of the command line."""
    config = context.config
    connection = config.attributes.get("connection")
    if connection is not None:
        _migrate(connection)
        return
    engine = create_engine(config.get_main_option("sqlalchemy.url") or "", poolclass=NullPool)
    with engine.begin() as fresh:
        _migrate(fresh)


def _migrate(connection) -> None:  # type: ignore[no-untyped-def]
    connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT}'")
    settings = dict(context.config.attributes.get("comparison", {}))
    context.configure(connection=connection, **settings)
    with context.begin_transaction():
        context.run_migrations()


run()
