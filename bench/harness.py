"""What every bench shares: a database to measure on, interleaved timing, the report."""

import ctypes
import gc
import statistics
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol

UNITS = {"wall": time.perf_counter, "cpu": time.process_time}


class Databases(Protocol):
    """A server on which databases can be made: the embedded cluster, or a managed one."""

    def url(self, role: str, database: str = "wangge") -> str: ...
    def create_database(self, database: str, *, template: str = "wangge") -> None: ...
    def drop_database(self, database: str) -> None: ...


@dataclass(frozen=True)
class BenchContext:
    """Where a bench works. `databases` holds the database `database`, migrated; a throw-away one is empty."""

    databases: Databases
    database: str
    work: Path
    """An empty folder for files, removed afterwards."""
    throw_away: bool

    @property
    def schema_url(self) -> str:
        """The schema owner's SQLAlchemy URL."""
        return self.databases.url("schema", self.database)

    @property
    def app_url(self) -> str:
        """The application role's SQLAlchemy URL."""
        return self.databases.url("app", self.database)

    @contextmanager
    def fresh_database(self, name: str) -> Iterator[str]:
        """A clone of the empty, migrated database for one case; yields its name for `databases.url`."""
        full = f"bench_{name}"
        self.databases.drop_database(full)
        self.databases.create_database(full, template="bench_template")
        try:
            yield full
        finally:
            self.databases.drop_database(full)


@dataclass
class Report:
    """The rows of one bench."""

    bench: str
    rows: list[dict[str, str | float | None]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def add(
        self, case: str, *, ours: float, peer: float, unit: str, limit: float | None = None, memory: Mapping[str, float] | None = None
    ) -> None:
        """Add a case; ours and peer are of the same interleaved run, in `unit`, and less is better. `memory`: MB of each at most."""
        row: dict[str, str | float | None] = {"case": case, "ours": ours, "peer": peer, "unit": unit, "ratio": ours / peer}
        if limit is not None:
            row["limit"] = limit
        if memory is not None:
            row |= {"ours MB": memory["ours"], "peer MB": memory["peer"]}
        self.rows.append(row)

    def note(self, text: str) -> None:
        """Say something that belongs to the figures: sizes, versions, what was left out."""
        self.notes.append(text)


@dataclass(frozen=True)
class Timing:
    """Medians of one interleaved run, seconds, and each round behind them; `memory`: MB each took at its peak beyond what was there."""

    ours: float
    peer: float
    limit: float | None
    rounds: dict[str, list[float]]
    memory: dict[str, float]


def interleaved(
    *,
    ours: Callable[[], object],
    peer: Callable[[], object],
    rounds: int,
    limit: Callable[[], object] | None = None,
    clock: Literal["wall", "cpu"] = "wall",
    warm_up: int = 1,
) -> Timing:
    """Time the contestants in turn, so that a noisy neighbour disturbs all alike; the order is turned round each round.

    `clock` is wall time, or the CPU time of this process (meaningless where the work is done by the database).
    """
    contestants = {"ours": ours, "peer": peer, **({"limit": limit} if limit else {})}
    memory = dict.fromkeys(contestants, 0.0)
    for _ in range(warm_up):
        for name, run in contestants.items():
            before = _resident(reset=True)["VmRSS"]
            run()
            memory[name] = _resident()["VmHWM"] - before
    tick = UNITS[clock]
    times: dict[str, list[float]] = {name: [] for name in contestants}
    for number in range(rounds):
        names = list(contestants) if number % 2 == 0 else list(reversed(contestants))
        for name in names:
            gc.collect()
            before = _resident(reset=True)["VmRSS"]
            started = tick()
            contestants[name]()
            times[name].append(tick() - started)
            memory[name] = max(memory[name], _resident()["VmHWM"] - before)
    medians = {name: statistics.median(each) for name, each in times.items()}
    return Timing(medians["ours"], medians["peer"], medians.get("limit"), times, memory)


def _resident(*, reset: bool = False) -> dict[str, float]:
    """Memory of this process, MB: VmRSS now, VmHWM at its peak since the last reset; work of the database is not in it."""
    if reset:
        ctypes.CDLL(None).malloc_trim(0)  # what was freed but is still held would hide what is taken
        Path("/proc/self/clear_refs").write_text("5")
    lines = (line.split() for line in Path("/proc/self/status").read_text().splitlines())
    return {line[0].rstrip(":"): float(line[1]) / 1024 for line in lines if line[0] in ("VmRSS:", "VmHWM:")}
