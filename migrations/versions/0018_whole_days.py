"""The whole ground by day, beside the communities."""

from migrations.statements import run_sql

revision = "0018_whole_days"
down_revision = "0017_walls"


def upgrade() -> None:
    run_sql("0018_whole_days.up.sql")


def downgrade() -> None:
    run_sql("0018_whole_days.down.sql")
