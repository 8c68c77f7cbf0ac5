"""Rollups that panels read, and the deltas that feed them."""

from migrations.statements import run_sql

revision = "0008_statistics"
down_revision = "0007_tiles"


def upgrade() -> None:
    run_sql("0008_statistics.up.sql")


def downgrade() -> None:
    run_sql("0008_statistics.down.sql")
