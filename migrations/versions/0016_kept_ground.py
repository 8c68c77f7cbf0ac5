"""Ground stays divided once it was, in levels that fit; the past is kept as it was."""

from migrations.statements import run_sql

revision = "0016_kept_ground"
down_revision = "0015_analyses"


def upgrade() -> None:
    run_sql("0016_kept_ground.up.sql")


def downgrade() -> None:
    run_sql("0016_kept_ground.down.sql")
