"""Tiles and lookups: what changed and where, the pyramid of incidents, the ground as it ever was."""

from migrations.statements import run_sql

revision = "0007_tiles"
down_revision = "0006_sign_in"


def upgrade() -> None:
    run_sql("0007_tiles.up.sql")


def downgrade() -> None:
    run_sql("0007_tiles.down.sql")
