"""Some categories in some hours of the day lie together in an index."""

from migrations.statements import run_sql

revision = "0023_crossed"
down_revision = "0022_categories"


def upgrade() -> None:
    run_sql("0023_crossed.up.sql")


def downgrade() -> None:
    run_sql("0023_crossed.down.sql")
