"""Categories of incidents: what may be reported, under which signs."""
