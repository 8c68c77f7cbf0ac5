"""People, roles, scopes, sessions and the gate."""

from migrations.statements import run_sql

revision = "0002_people"
down_revision = "0001_ground"


def upgrade() -> None:
    run_sql("0002_people.up.sql")


def downgrade() -> None:
    run_sql("0002_people.down.sql")
