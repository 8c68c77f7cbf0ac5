"""Officers over HTTP: who answers for which grid."""
