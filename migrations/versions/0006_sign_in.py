"""Sign-in: credentials, links and sessions through functions of the gate."""

from migrations.statements import run_sql

revision = "0006_sign_in"
down_revision = "0005_record"


def upgrade() -> None:
    run_sql("0006_sign_in.up.sql")


def downgrade() -> None:
    run_sql("0006_sign_in.down.sql")
