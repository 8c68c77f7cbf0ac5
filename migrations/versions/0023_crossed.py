"""Nothing: the index that this made is not needed since 0024. Deployments that have come by here keep their place in the row.

Of these, `incident` also keeps the column `utc_hour`, which nothing reads. It is not dropped: a partition made afterwards would have
another layout than its table, and PostgreSQL then shows triggers no generated columns.
"""

revision = "0023_crossed"
down_revision = "0022_categories"


def upgrade() -> None:
    """Nothing."""


def downgrade() -> None:
    """Nothing."""
