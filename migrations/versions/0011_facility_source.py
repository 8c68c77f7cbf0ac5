"""Where a facility came from, so that a second import of its file knows it again."""

from migrations.statements import run_sql

revision = "0011_facility_source"
down_revision = "0010_quick_gate"


def upgrade() -> None:
    run_sql("0011_facility_source.up.sql")


def downgrade() -> None:
    run_sql("0011_facility_source.down.sql")
