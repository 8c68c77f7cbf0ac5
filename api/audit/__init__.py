"""The audit trail, for those who audit."""
