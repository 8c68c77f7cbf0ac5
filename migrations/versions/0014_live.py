"""Live: a stream of changes in the order in which they became visible, and steps that can be taken back."""

from migrations.statements import run_sql

revision = "0014_live"
down_revision = "0013_plan_people"


def upgrade() -> None:
    run_sql("0014_live.up.sql")


def downgrade() -> None:
    run_sql("0014_live.down.sql")
