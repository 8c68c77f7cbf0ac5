"""Categories, calendar, incidents, their log."""

from migrations.statements import run_sql

revision = "0004_incidents"
down_revision = "0003_homes"


def upgrade() -> None:
    run_sql("0004_incidents.up.sql")


def downgrade() -> None:
    run_sql("0004_incidents.down.sql")
