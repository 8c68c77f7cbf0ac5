"""Buildings, households, residents, care, facilities, officers."""

from migrations.statements import run_sql

revision = "0003_homes"
down_revision = "0002_people"


def upgrade() -> None:
    run_sql("0003_homes.up.sql")


def downgrade() -> None:
    run_sql("0003_homes.down.sql")
