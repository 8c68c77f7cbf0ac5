"""Import: what comes in from files, row by row accounted for."""
