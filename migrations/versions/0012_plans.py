"""Plans: drafts, their log of operations, review, proposals, and the atoms that borders are painted along."""

from migrations.statements import run_sql

revision = "0012_plans"
down_revision = "0011_facility_source"


def upgrade() -> None:
    run_sql("0012_plans.up.sql")


def downgrade() -> None:
    run_sql("0012_plans.down.sql")
