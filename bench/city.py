"""A demo city made and loaded, ten times a district; 20 minutes or more, 7.5 GB of memory and 20 GB of disk, so only when asked by name."""

from bench._demo import measure
from bench.harness import BenchContext, Report


def run(context: BenchContext, report: Report) -> None:
    """3,461 grids, 1,000,000 buildings, 3,000,000 households, 10,000,000 incidents: generated and loaded into an empty database."""
    measure(context, report, "city")
