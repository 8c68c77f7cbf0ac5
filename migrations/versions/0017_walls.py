"""A wall's own session: it sees, says nothing personal, changes nothing and is not idle."""

from migrations.statements import run_sql

revision = "0017_walls"
down_revision = "0016_kept_ground"


def upgrade() -> None:
    run_sql("0017_walls.up.sql")


def downgrade() -> None:
    run_sql("0017_walls.down.sql")
