"""One load of a demo district beside what a finished copy of the same rows costs."""

import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import psycopg
from rich.progress import Progress

from api.cluster import Cluster
from bench._ground import NOW
from bench.harness import BenchContext, Report
from data.demo.load import LoadReport, load_demo
from data.sealing import Keyring

WORTH_NAMING_S = 1.0
# Every table but those of extensions and of the queue of jobs, which holds nothing of a demo.
TABLES = """
    SELECT relname, string_agg(quote_ident(attname), ', ' ORDER BY attnum),
           string_agg(format('%I %s', attname, format_type(atttypid, atttypmod)), ', ' ORDER BY attnum)
      FROM pg_class AS c JOIN pg_attribute ON attrelid = c.oid AND attnum > 0 AND NOT attisdropped AND attgenerated = ''
     WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace AND relname NOT LIKE 'procrastinate%'
       AND NOT EXISTS (SELECT FROM pg_depend AS d WHERE d.objid = c.oid AND d.deptype = 'e')
     GROUP BY relname"""


def measure(context: BenchContext, report: Report, size: str) -> None:
    """Load once, restore a dump of it once, copy every table's rows into bare tables once: minutes each, so one round.

    `limit` is the bare copy: the same rows in binary into tables without keys, indexes, triggers or a log.
    """
    assert isinstance(context.databases, Cluster), "a restore needs the programs of the embedded cluster"
    cluster = context.databases
    with context.fresh_database("demo") as loaded:
        began = time.perf_counter()
        done = _load(cluster, loaded, size)
        ours = time.perf_counter() - began
        dump = context.work / "demo.dump"
        _program(cluster, "pg_dump", "--format=custom", "--compress=0", f"--file={dump}", loaded)
        limit = _bare(cluster, loaded, dump)
        peer = _restored(cluster, dump)
    report.add(f"{size}: generated and loaded", ours=ours, peer=peer, limit=limit, unit="s wall")
    report.note("Peer: pg_restore of the finished database, which makes nothing and assigns nothing. Limit: its rows into bare tables.")
    report.note("Rows: " + ", ".join(f"{table} {count:,}" for table, count in done.rows.items()) + ".")
    report.note("Seconds: " + ", ".join(f"{step} {taken:.1f}" for step, taken in done.seconds.items() if taken >= WORTH_NAMING_S) + ".")


def _load(cluster: Cluster, database: str, size: str) -> LoadReport:
    with Progress(transient=True) as bar:
        task = bar.add_task(size, total=1.0)
        return load_demo(
            cluster.url("schema", database),
            cluster.url("app", database),
            size,
            lambda step, share: bar.update(task, completed=share, description=f"{size}: {step}"),
            now=NOW,
            keys=Keyring.fresh(),
        )


def _restored(cluster: Cluster, dump: Path) -> float:
    """Seconds that pg_restore takes into an empty database, indexes and all."""
    return _into(cluster, lambda name: _program(cluster, "pg_restore", "--exit-on-error", f"--dbname={name}", str(dump)))


def _bare(cluster: Cluster, loaded: str, dump: Path) -> float:
    """Seconds that the rows alone take."""
    rows = dump.with_name("rows")

    def copy_all(name: str) -> None:
        with psycopg.connect(_plain(cluster, name), autocommit=True) as target:
            for table in sorted(rows.iterdir()):
                with table.open("rb") as source, target.cursor().copy(f'COPY "{table.name}" FROM STDIN (FORMAT binary)') as copy:
                    while block := source.read(1 << 20):
                        copy.write(block)

    return _into(cluster, copy_all, before=lambda name: _rows_and_bare_tables(cluster, loaded, name, rows))


def _rows_and_bare_tables(cluster: Cluster, loaded: str, target: str, rows: Path) -> None:
    """Write each table's rows into a file and make an unlogged table of the same columns for it."""
    rows.mkdir()
    _program(cluster, "psql", "--quiet", "--command=CREATE EXTENSION postgis", target)
    with psycopg.connect(_plain(cluster, loaded)) as source, psycopg.connect(_plain(cluster, target), autocommit=True) as empty:
        for table, names, columns in source.execute(TABLES).fetchall():
            empty.execute(f'CREATE UNLOGGED TABLE "{table}" ({columns})')
            command = f'COPY (SELECT {names} FROM "{table}") TO STDOUT (FORMAT binary)'
            with (rows / table).open("wb") as file, source.cursor().copy(command) as copy:
                for block in copy:
                    file.write(block)


def _into(cluster: Cluster, fill: Callable[[str], None], *, before: Callable[[str], None] = lambda name: None) -> float:
    name = "bench_copy"
    cluster.drop_database(name)
    cluster.create_database(name, template="template0")
    try:
        before(name)
        began = time.perf_counter()
        fill(name)
        return time.perf_counter() - began
    finally:
        cluster.drop_database(name)


def _plain(cluster: Cluster, database: str) -> str:
    return cluster.url("admin", database).replace("+psycopg", "")


def _program(cluster: Cluster, name: str, *words: str) -> None:
    command = [str(cluster.programs().bindir / name), f"--host={cluster.socket_folder}", "--username=wangge_admin", *words]
    subprocess.run(command, check=True, capture_output=True)
