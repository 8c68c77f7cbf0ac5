"""Categories are kept for a part of the ground, by day, by hour and by grid."""

from migrations.statements import run_sql

revision = "0022_categories"
down_revision = "0021_slots"


def upgrade() -> None:
    run_sql("0022_categories.up.sql")


def downgrade() -> None:
    run_sql("0022_categories.down.sql")
