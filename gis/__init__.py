"""The room of geometry and rules: pure functions, no I/O, no clock, no settings."""
