"""The tables as SQLAlchemy sees them, one file a noun; the migrations are the truth, a test compares the two."""
