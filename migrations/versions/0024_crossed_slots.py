"""Some categories in some hours, a single grid and what waits cost the same at any density."""

from migrations.statements import run_sql

revision = "0024_crossed_slots"
down_revision = "0023_crossed"


def upgrade() -> None:
    run_sql("0024_crossed_slots.up.sql")


def downgrade() -> None:
    run_sql("0024_crossed_slots.down.sql")
