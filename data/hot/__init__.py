"""Reads that must be quick: answered from memory or over held connections, always as the caller, never writing."""
