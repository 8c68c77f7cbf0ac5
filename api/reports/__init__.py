"""Reports: a stored analysis read as a page, on paper and as files. Opening one computes nothing."""
