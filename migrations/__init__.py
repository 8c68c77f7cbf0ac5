"""Alembic migrations: SQL kept as SQL in `sql/`, one pair of files for each revision; nothing here imports the product."""
