"""The gate's questions with plans that are kept."""

from migrations.statements import run_sql

revision = "0010_quick_gate"
down_revision = "0009_jobs"


def upgrade() -> None:
    run_sql("0010_quick_gate.up.sql")


def downgrade() -> None:
    run_sql("0010_quick_gate.down.sql")
