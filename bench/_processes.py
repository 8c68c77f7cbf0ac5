"""Servers as contestants: started on a free port, asked over one kept connection, their processor time measured."""

import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg

PROJECT = Path(__file__).parent.parent
STARTS_WITHIN_S = 240
STOPS_WITHIN_S = 30


@dataclass
class Server:
    """A running server and one kept connection to it."""

    process: subprocess.Popen[bytes]
    connection: http.client.HTTPConnection

    def get(self, path: str, headers: Mapping[str, str]) -> int:
        """Ask once; the size of the answer in bytes. Anything but 200 or 204 ends the bench."""
        self.connection.request("GET", path, headers=dict(headers))
        answer = self.connection.getresponse()
        body = answer.read()
        if answer.status not in {200, 204}:
            raise RuntimeError(f"{path} answered {answer.status}: {body[:300]!r}")
        return len(body)


@contextmanager
def serving(arguments: Sequence[str], environment: Mapping[str, str], ready: str, headers: Mapping[str, str]) -> Iterator[Server]:
    """A server process until the block ends; `{port}` in its arguments is a free port, `ready` a path it must answer."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [sys.executable, *(each.replace("{port}", str(port)) for each in arguments)]
    process = subprocess.Popen(command, env={**os.environ, **environment}, cwd=PROJECT, stdout=subprocess.DEVNULL)
    try:
        yield Server(process, _connected(port, ready, headers, process))
    finally:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(timeout=STOPS_WITHIN_S)
        except subprocess.TimeoutExpired:  # what was measured is not lost for a server that is slow to go
            process.kill()
            process.wait()


def cpu_s(process_id: int) -> float:
    """Processor time of all threads of a process so far, seconds; 0 when it is gone."""
    total = 0
    try:
        for task in Path(f"/proc/{process_id}/task").iterdir():
            total += int((task / "schedstat").read_text().split()[0])
    except (FileNotFoundError, ProcessLookupError):
        return 0.0
    return total / 1e9


def backends_cpu_s(watch: psycopg.Connection) -> float:
    """Processor time of all other connections to the database of `watch`, seconds."""
    rows = watch.execute("SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()").fetchall()
    return sum(cpu_s(row[0]) for row in rows)


def _connected(port: int, ready: str, headers: Mapping[str, str], process: subprocess.Popen[bytes]) -> http.client.HTTPConnection:
    until = time.monotonic() + STARTS_WITHIN_S
    while time.monotonic() < until and process.poll() is None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        try:
            connection.request("GET", ready, headers=dict(headers))
            connection.getresponse().read()
        except OSError:
            time.sleep(0.2)
        else:
            return connection
    raise RuntimeError(f"The server {process.args} did not start.")
