"""The demo district made and loaded, against pg_restore of the finished rows and the bare COPY of the incidents."""

from bench._demo import measure
from bench.harness import BenchContext, Report


def run(context: BenchContext, report: Report) -> None:
    """1,007 grids, 210,000 households, 1,000,000 incidents: generated and loaded into an empty database."""
    measure(context, report, "district")
