"""Comparisons with other programs: each module measures ours, the peer and where there is one the limit, interleaved in one run."""
