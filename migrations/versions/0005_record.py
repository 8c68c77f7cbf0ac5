"""Deployment, base map, audit, outbox, imports, hot spots."""

from migrations.statements import run_sql

revision = "0005_record"
down_revision = "0004_incidents"


def upgrade() -> None:
    run_sql("0005_record.up.sql")


def downgrade() -> None:
    run_sql("0005_record.down.sql")
