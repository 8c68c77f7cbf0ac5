"""How many people a plan moves, for those who may not read of single residents."""

from migrations.statements import run_sql

revision = "0013_plan_people"
down_revision = "0012_plans"


def upgrade() -> None:
    run_sql("0013_plan_people.up.sql")


def downgrade() -> None:
    run_sql("0013_plan_people.down.sql")
