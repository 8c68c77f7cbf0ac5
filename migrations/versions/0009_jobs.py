"""The tables of procrastinate, and the door through which the application asks for work."""

from alembic import op
from procrastinate.schema import SchemaManager

from migrations.statements import run_sql

revision = "0009_jobs"
down_revision = "0008_statistics"


def upgrade() -> None:
    driver = op.get_bind().connection.dbapi_connection
    assert driver is not None
    driver.cursor().execute(SchemaManager.get_schema())
    run_sql("0009_jobs.up.sql")


def downgrade() -> None:
    run_sql("0009_jobs.down.sql")
