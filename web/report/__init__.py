"""Reports: what a stored analysis says, in sentences, tables and figures. Nothing is computed but sums of what is stored."""
