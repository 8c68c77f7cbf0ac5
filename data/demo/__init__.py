"""The demo district: pure functions of a size, a seed and a moment; only `load` speaks to a database."""
