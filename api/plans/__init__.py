"""Plans over HTTP: drafts, their operations and log, review and publishing."""
