"""The desk for files that arrive: each is read apart from the program, with limits, and comes back as one layer or a refusal."""
