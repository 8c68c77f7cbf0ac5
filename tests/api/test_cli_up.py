"""`up` from nothing to a page that answers, again, through kills, and `down`: as a script would do it."""

import contextlib
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from api import cluster_files, supervisor

PROJECT = Path(__file__).resolve().parents[2]
LINK = re.compile(r"http://127\.0\.0\.1:\d+/sign-in/link/\S+")
pytestmark = pytest.mark.slow


def test_a_signal_at_any_moment_of_the_waiting_is_heard() -> None:
    # An Event hung here within a few thousand rounds: its lock was held by the thread that the signal interrupted.
    script = """
import random, signal
from api.supervisor import StopSign
sign = StopSign()
signal.signal(signal.SIGALRM, lambda *_: sign.raised())
for _ in range(5000):
    sign.up = False
    signal.setitimer(signal.ITIMER_REAL, random.uniform(5e-6, 3e-4))
    while not sign.awaited(0.000001):
        pass
"""
    subprocess.run([sys.executable, "-c", script], cwd=PROJECT, check=True, timeout=120)


class Deployed:
    """A data folder, and the commands on it."""

    def __init__(self, data: Path) -> None:
        self.data = data

    def start(self, *words: str, **environment: str) -> subprocess.Popen[str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("WANGGE_", "DATABASE_", "PYTEST_"))}
        return subprocess.Popen(
            [sys.executable, "-P", "-m", "api", *words, "--data", str(self.data)],
            env={**kept, "PYTHONPATH": str(PROJECT), **environment},
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *words: str, **environment: str) -> tuple[int, str, str]:
        process = self.start(*words, **environment)
        out, err = process.communicate(timeout=180)
        return process.returncode, out, err

    def up(self, *words: str) -> str:
        """Start detached without a demo district; returns what it printed."""
        code, out, err = self.run("up", "--demo", "none", "--detach", *words)
        assert code == 0, out + err
        return out

    def status(self) -> dict[str, str | int | None]:
        return json.loads(self.run("status", "--json")[1])


def until(condition: Callable[[], bool], seconds: float = 60.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"


def children_of(pid: int) -> dict[str, int]:
    """The processes that a supervisor keeps, by name."""
    found = {}
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError, IndexError):
            parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
            words = (folder / "cmdline").read_text().split("\0")
            if parent == pid and words[-2] in {"serve", "worker"}:
                found[words[-2]] = int(folder.name)
    return found


@pytest.fixture(scope="module")
def deployed() -> Iterator[Deployed]:
    """A deployment that was brought up from nothing by two starts at the same time."""
    data = Path(tempfile.mkdtemp(prefix="wangge-up-", dir=cluster_files.fastest_folder()))
    data.chmod(0o711)
    made = Deployed(data)
    try:
        starts = [made.start("up", "--demo", "none", "--detach") for _ in range(2)]
        outputs = [start.communicate(timeout=300) for start in starts]
        assert [start.returncode for start in starts] == [0, 0], outputs
        assert sum("nothing was changed" in out for out, _ in outputs) == 1, outputs
        yield made
    finally:
        made.run("down")
        shutil.rmtree(data)


def test_after_up_the_page_answers_and_a_second_up_changes_nothing_but_prints_a_fresh_link(deployed: Deployed) -> None:
    before = deployed.status()
    assert (before["application"], before["database"]) == ("ready", "ready")
    first, second = LINK.findall(deployed.up()), LINK.findall(deployed.up())
    assert len(first) == len(second) == 1
    assert first != second
    assert deployed.status() == before


def test_while_an_older_state_of_the_program_runs_up_says_so_and_how_to_change_over(deployed: Deployed) -> None:
    assert "./wangge down" not in deployed.up()
    assert deployed.status()["program"] == "this"
    told = deployed.data / "app.json"
    kept = told.read_text()
    try:
        for facts in ({**json.loads(kept), "program": "0" * 16}, {k: v for k, v in json.loads(kept).items() if k != "program"}):
            told.write_text(json.dumps(facts))
            out = deployed.up()
            assert "another state of the program" in out
            assert "./wangge down, then ./wangge up" in out
            assert LINK.search(out), "it can be used meanwhile"
            assert deployed.status()["program"] == "another"
            assert "another state of the program" in deployed.run("doctor")[1]
    finally:
        told.write_text(kept)


def test_while_it_runs_another_port_is_refused_with_the_way_to_get_it(deployed: Deployed) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    code, _, err = deployed.run("up", "--port", port)
    assert code == 1
    assert "./wangge down, then ./wangge up --port" in err


def test_psql_needs_no_program_on_the_path(deployed: Deployed) -> None:
    code, out, err = deployed.run("psql", "-Atc", "SELECT current_user", PATH="/nonexistent")
    assert (code, out) == (0, "wangge_schema\n"), err


def test_a_killed_server_worker_or_database_is_started_again(deployed: Deployed) -> None:
    found = supervisor.running(deployed.data)
    assert found is not None
    until(lambda: len(children_of(found.pid)) == 2)
    before = children_of(found.pid)
    database = cluster_files.live_pid(deployed.data / "pg")
    for pid in (*before.values(), database):
        os.kill(pid, signal.SIGKILL)
    until(lambda: cluster_files.live_pid(deployed.data / "pg") not in (None, database))
    until(lambda: len(children_of(found.pid)) == 2 and not set(children_of(found.pid).values()) & set(before.values()))
    until(lambda: deployed.status()["application"] == "ready")
    assert supervisor.running(deployed.data) == found


def test_a_killed_supervisor_takes_its_processes_along_and_the_next_up_adopts_the_database(deployed: Deployed) -> None:
    found = supervisor.running(deployed.data)
    assert found is not None
    database = cluster_files.live_pid(deployed.data / "pg")
    until(lambda: len(children_of(found.pid)) == 2)
    kept = children_of(found.pid).values()
    os.kill(found.pid, signal.SIGKILL)
    until(lambda: not any(Path(f"/proc/{pid}/exe").exists() for pid in kept))
    assert deployed.status()["application"] == "stopped"
    deployed.up()
    assert cluster_files.live_pid(deployed.data / "pg") == database


def test_down_stops_everything_and_says_so(deployed: Deployed) -> None:
    found = supervisor.running(deployed.data)
    assert found is not None
    code, out, _ = deployed.run("down")
    assert code == 0
    assert "the application and the database" in out
    assert deployed.status()["database"] == "stopped"
    until(lambda: not Path(f"/proc/{found.pid}/exe").exists())
    assert deployed.run("down") == (0, f"Nothing was running ({deployed.data}).\n", "")
    deployed.up()


def test_an_interrupt_before_the_page_answers_stops_the_database_too(deployed: Deployed) -> None:
    deployed.run("down")
    process = deployed.start("up", "--demo", "none")
    until(lambda: supervisor.running(deployed.data) is not None)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=180)
    assert process.returncode == 0, out + err
    assert (deployed.status()["application"], deployed.status()["database"]) == ("stopped", "stopped")
    deployed.up()


def test_in_the_foreground_an_interrupt_stops_the_application_and_then_the_database(deployed: Deployed) -> None:
    deployed.run("down")
    process = deployed.start("up", "--demo", "none")
    assert process.stdout is not None
    lines = iter(process.stdout.readline, "")
    shown = []
    while not (shown and LINK.search(shown[-1])):
        shown.append(next(lines))
    process.send_signal(signal.SIGINT)
    rest, err = process.communicate(timeout=180)
    assert process.returncode == 0, rest + err
    assert "INFO" not in "".join(shown) + rest, "what the processes say every few seconds is for the logs"
    assert (deployed.data / "logs" / "worker.log").read_text().count("INFO")
    assert (deployed.status()["application"], deployed.status()["database"]) == ("stopped", "stopped")
