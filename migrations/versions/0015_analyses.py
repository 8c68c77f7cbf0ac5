"""Analyses, alerts and schedules in place of hot-spot runs."""

from migrations.statements import run_sql

revision = "0015_analyses"
down_revision = "0014_live"


def upgrade() -> None:
    run_sql("0015_analyses.up.sql")


def downgrade() -> None:
    run_sql("0015_analyses.down.sql")
