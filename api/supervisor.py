"""Keeps the server, the worker and the embedded database running, and stops them in order."""

import contextlib
import ctypes
import json
import logging
import logging.handlers
import os
import re
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from api import program
from api.cluster_files import exclusively, held, take
from api.deployment import Deployment
from gis.errors import Conflict, Refusal, Unavailable

LONGEST_BACK_OFF_S = 30.0
HEALTHY_AFTER_S = 60.0
"""A process that ran for so long starts again at once when it ends; one that did not waits longer each time."""
STOP_WITHIN_S = 20.0
LOOK_EVERY_S = 0.2
LOG_BYTES, LOG_FILES = 10_000_000, 5
PR_SET_PDEATHSIG = 1
ROUTINE = re.compile(r"\bINFO\b")
"""A line for the log files only: on a terminal the worker's clock would carry the sign-in link away."""


@dataclass(frozen=True)
class Running:
    """What the supervisor of a data folder wrote about itself."""

    pid: int
    host: str
    port: int
    started_at: float
    program: str = ""
    """The state of the program it was started from; none for a program that did not tell yet."""

    @property
    def outdated(self) -> bool:
        """Whether the program on the disk is another one than it was started from."""
        return self.program != program.state()

    @property
    def address(self) -> str:
        """Where a browser on this machine finds the page."""
        name = "127.0.0.1" if self.host in ("0.0.0.0", "::") else self.host  # noqa: S104  compared, not bound
        return f"http://{f'[{name}]' if ':' in name else name}:{self.port}"


@dataclass
class Child:
    """One process that is kept alive."""

    name: str
    command: list[str]
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    failures: int = 0
    not_before: float = 0.0
    pumps: list[threading.Thread] = field(default_factory=list)


def running(data: Path) -> Running | None:
    """The supervisor that runs on a data folder now; None when there is none."""
    if not held(data / "app.lock"):
        return None
    try:
        return Running(**json.loads((data / "app.json").read_text()))
    except (OSError, ValueError, TypeError):
        return None


def stop(data: Path) -> bool:
    """Stop the supervisor of a data folder, and with it server and worker. False when none ran."""
    found = running(data)
    if found is None:
        return False
    for sent in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.kill(found.pid, sent)
        deadline = time.monotonic() + STOP_WITHIN_S + 10.0
        while held(data / "app.lock"):
            if time.monotonic() > deadline:
                break
            time.sleep(LOOK_EVERY_S / 4)
        else:
            return True
    raise Unavailable(f"The process {found.pid} that runs the application does not stop. Look at it with: ps -fp {found.pid}")


class StopSign:
    """A flag that a signal handler may raise at any moment: an Event's lock could be held by the very thread the signal interrupts."""

    def __init__(self) -> None:
        self.up = False
        self._seen, self._shown = os.pipe()
        os.set_blocking(self._shown, False)

    def raised(self) -> None:
        """Raise it; once up it stays."""
        if not self.up:
            self.up = True
            os.write(self._shown, b"!")

    def awaited(self, seconds: float) -> bool:
        """Wait until it is up, at most so long; whether it is."""
        select.select([self._seen], [], [], seconds)
        return self.up


class Supervisor:
    """Runs in the foreground until a signal; one for each data folder."""

    def __init__(self, deployment: Deployment, host: str, port: int, *, echo: Callable[[str], None] | None = None) -> None:
        """`echo` also hears what the processes write into the log files, except for what is routine."""
        self.deployment = deployment
        self.host, self.port, self.echo = host, port, echo
        program = [sys.executable, "-P", "-m", "api"]
        self.children = [Child("server", [*program, "serve"]), Child("worker", [*program, "worker"])]
        self._stop = StopSign()
        self._libc = ctypes.CDLL(None)

    @contextlib.contextmanager
    def started(self) -> Iterator["Supervisor"]:
        """Own the data folder and start the processes; stop them when the block ends."""
        data = self.deployment.data
        lock = take(data / "app.lock")
        if lock is None:
            raise Conflict("Another one runs on this data folder already. See: ./wangge status")
        try:
            mine = {"pid": os.getpid(), "host": self.host, "port": self.port, "started_at": time.time(), "program": program.state()}
            fresh = data / "app.json.new"
            fresh.write_text(json.dumps(mine))
            fresh.replace(data / "app.json")
            for child in self.children:
                self._start(child)
            yield self
        finally:
            self.stop()
            (data / "app.json").unlink(missing_ok=True)
            os.close(lock)

    def watch(self) -> None:
        """Restart what ends, until somebody asks to stop (`ask_to_stop`, SIGINT or SIGTERM)."""
        while not self._stop.awaited(LOOK_EVERY_S):
            for child in self.children:
                self._revive(child)
            self._revive_database()

    def ask_to_stop(self, *_: object) -> None:
        """Let `watch` return; fit as a signal handler."""
        self._stop.raised()

    @property
    def asked_to_stop(self) -> bool:
        return self._stop.up

    def stop(self) -> None:
        """Stop server and worker: gently, and after a while at once. The data folder stays owned."""
        alive = [child.process for child in self.children if child.process is not None and child.process.poll() is None]
        for process in alive:
            process.terminate()
        deadline = time.monotonic() + STOP_WITHIN_S
        for process in alive:
            try:
                process.wait(max(deadline - time.monotonic(), 0.1))
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()

    def check(self) -> None:
        """Refuse to go on when the server ended by itself; for those who wait for it to be ready."""
        server = self.children[0].process
        if server is not None and server.poll() is not None:
            raise Unavailable(f"The server ended as soon as it was started: {last_words(self.deployment.data)}")

    def _start(self, child: Child) -> None:
        child.started = time.monotonic()
        child.process = subprocess.Popen(
            child.command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env={**os.environ, **self.deployment.settings(self.host, self.port)},
            start_new_session=True,
            preexec_fn=self._end_with_us,  # noqa: PLW1509  one call into libc that was loaded before
        )
        pump = threading.Thread(target=self._pump, args=(child.name, child.process), daemon=True)
        pump.start()
        child.pumps = [pump]

    def _end_with_us(self) -> None:
        # A server without its supervisor would hold the port against the next one.
        self._libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)

    def _revive(self, child: Child) -> None:
        now = time.monotonic()
        if child.process is not None and child.process.poll() is None:
            return
        if child.process is not None:
            lived = now - child.started
            child.failures = 0 if lived > HEALTHY_AFTER_S else child.failures + 1
            wait = 0.0 if child.failures == 0 else min(2.0 ** (child.failures - 1), LONGEST_BACK_OFF_S)
            child.not_before = now + wait
            self._tell(f"{child.name} ended with status {child.process.returncode}; it starts again in {wait:.0f} s")
            child.process = None
        if now >= child.not_before:
            self._start(child)

    def _revive_database(self) -> None:
        if self.deployment.managed:
            return
        cluster = self.deployment.cluster
        if cluster.runs:
            return
        self._tell("the database ended; starting it again")
        try:
            cluster.start()
        except Refusal as refused:
            self._tell(str(refused))
            self._stop.awaited(2.0)

    def _pump(self, name: str, process: subprocess.Popen[bytes]) -> None:
        log = _log(self.deployment.data, name)
        assert process.stdout is not None, "children are started with a pipe"
        for line in process.stdout:
            text = line.decode(errors="replace").rstrip()
            log.info(text)
            if self.echo is not None and ROUTINE.search(text) is None:
                self.echo(f"{name}: {text}")

    def _tell(self, text: str) -> None:
        _log(self.deployment.data, "supervisor").info(text)
        if self.echo is not None:
            self.echo(text)


def last_words(data: Path, name: str = "server") -> str:
    """The last line a process wrote to its log, for a refusal."""
    try:
        lines = (data / "logs" / f"{name}.log").read_text(errors="replace").splitlines()
    except OSError:
        return "it wrote nothing"
    return next((line for line in reversed(lines) if line.strip()), "it wrote nothing") + f" (see {data / 'logs'})"


def setting_up(data: Path) -> contextlib.AbstractContextManager[int]:
    """Hold this while a deployment is being set up: a second start waits and finds the work done."""
    return exclusively(data / "up.lock")


def _log(data: Path, name: str) -> logging.Logger:
    logger = logging.getLogger(f"wangge.{name}")
    if not logger.handlers:
        folder = data / "logs"
        folder.mkdir(mode=0o700, exist_ok=True)
        handler = logging.handlers.RotatingFileHandler(folder / f"{name}.log", maxBytes=LOG_BYTES, backupCount=LOG_FILES)
        handler.setFormatter(logging.Formatter("%(message)s"))
        logger.addHandler(handler)
        logger.propagate = False
        logger.setLevel(logging.INFO)
    return logger
