"""Areas over HTTP: districts, streets and communities."""
