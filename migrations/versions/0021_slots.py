"""Panels that cost the same with hours of the day; service circles are kept."""

from migrations.statements import run_sql

revision = "0021_slots"
down_revision = "0020_dense"


def upgrade() -> None:
    run_sql("0021_slots.up.sql")


def downgrade() -> None:
    run_sql("0021_slots.down.sql")
