"""Upkeep: what the worker does by the clock."""
