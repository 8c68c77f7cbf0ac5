"""`bench`: run comparisons, print their ratios."""

import ast
import importlib
import json
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

from api.cluster import PROJECT, Cluster
from api.deployment import Deployment
from data import migrate
from gis.errors import NotFound, Refusal

if TYPE_CHECKING:
    from bench.harness import BenchContext, Report

NOT_BENCHES = {"__init__", "harness"}
ONLY_BY_NAME = {"city", "panels_tenfold"}
"""Too long for a run of all."""
COLUMNS = ("case", "ours", "peer", "unit", "ratio", "limit")
MEMORY = ("ours MB", "peer MB")


def run(name: str | None, *, listing: bool, data: Path | None, as_json: bool) -> None:
    """Run one bench or all; with `listing` only name them."""
    known = names()
    if listing:
        print(json.dumps(known, ensure_ascii=False) if as_json else "\n".join(f"{each:<20} {about}" for each, about in known.items()))
        return
    if name is not None and name not in known:
        raise NotFound(f"There is no bench {name!r}. There are: {', '.join(known) or 'none'}.", bench=name)
    with _context(data) as context:
        for each in [name] if name else [each for each in known if each not in ONLY_BY_NAME]:
            report = _measure(each, context)
            print(json.dumps({"bench": each, "rows": report.rows, "notes": report.notes}, ensure_ascii=False)) if as_json else _show(report)


def names() -> dict[str, str]:
    """Each bench and the first line of what it says about itself; nothing is imported."""
    files = sorted(path for path in (PROJECT / "bench").glob("*.py") if path.stem not in NOT_BENCHES and not path.stem.startswith("_"))
    return {path.stem: (ast.get_docstring(ast.parse(path.read_text())) or "").splitlines()[0] for path in files}


@contextmanager
def _context(data: Path | None) -> Iterator["BenchContext"]:
    from bench.harness import BenchContext  # noqa: PLC0415  bench/ is not part of the four rooms

    work = Path(tempfile.mkdtemp(prefix="wangge-bench-"))
    try:
        if data is not None:
            deployment = Deployment(data)
            if deployment.managed:
                raise Refusal("A bench that uses your data needs the embedded database; unset DATABASE_URL.")
            deployment.wake()
            yield BenchContext(deployment.cluster, "wangge", work, throw_away=False)
            return
        with Cluster.temporary() as cluster:
            migrate.upgrade(cluster.url("schema"))
            cluster.create_database("bench_template", template="wangge")
            yield BenchContext(cluster, "wangge", work, throw_away=True)
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _measure(name: str, context: "BenchContext") -> "Report":
    from bench.harness import Report  # noqa: PLC0415

    report = Report(name)
    importlib.import_module(f"bench.{name}").run(context, report)
    return report


def _show(report: "Report") -> None:
    table = Table(title=report.bench, title_justify="left")
    columns = [*COLUMNS, *(each for each in MEMORY if any(each in row for row in report.rows))]
    for column in columns:
        table.add_column(column, justify="left" if column in ("case", "unit") else "right")
    for row in report.rows:
        table.add_row(*(_text(row.get(column)) for column in columns))
    console = Console()
    console.print(table)
    for note in report.notes:
        console.print(note, highlight=False)


def _text(value: str | float | None) -> str:
    return value if isinstance(value, str) else "" if value is None else f"{value:.4g}"
