"""Grids over HTTP."""
