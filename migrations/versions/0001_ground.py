"""The ground: areas, schemes, grids, their past and the proof that grids tile it."""

from migrations.statements import run_sql

revision = "0001_ground"
down_revision = None


def upgrade() -> None:
    run_sql("0001_ground.up.sql")


def downgrade() -> None:
    run_sql("0001_ground.down.sql")
