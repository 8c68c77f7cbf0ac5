"""Where the stream of changes ends, by what has become visible."""

from migrations.statements import run_sql

revision = "0019_stream_ends"
down_revision = "0018_whole_days"


def upgrade() -> None:
    run_sql("0019_stream_ends.up.sql")


def downgrade() -> None:
    run_sql("0019_stream_ends.down.sql")
