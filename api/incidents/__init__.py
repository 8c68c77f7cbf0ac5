"""Incidents: their intake, their way through the closed loop, and lists of them."""
