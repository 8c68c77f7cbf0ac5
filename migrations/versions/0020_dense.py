"""Panels that cost the same however many incidents a ground has."""

from migrations.statements import run_sql

revision = "0020_dense"
down_revision = "0019_stream_ends"


def upgrade() -> None:
    run_sql("0020_dense.up.sql")


def downgrade() -> None:
    run_sql("0020_dense.down.sql")
