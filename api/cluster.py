"""The embedded PostGIS: one private cluster in a data folder, reached by a Unix socket only."""

import contextlib
import ctypes
import fcntl
import hashlib
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from api import cluster_files, postgis
from api.managed import ManagedServer
from api.owner import Owner, owner_of, passer_by
from data import roles
from gis.errors import Unavailable

READY_WITHIN_S = 600.0
"""A crash after a bulk load is replayed first: seconds when quiet, minutes on a busy disk."""
QUIET_S = 3.0
"""How long a start may take before we tell why it takes long."""
RELEASED_WITHIN_S = 15.0
"""How long the processes of a killed server may need to notice that it is gone."""
STOP_WITHIN_S = 60.0
"""A fast shutdown right after a crash can hang; then the server is stopped at once and recovers at the next start."""
LOOK_EVERY_S = 0.02
TEMPORARY_PREFIX = "wangge-test-"
TEST_DATABASE_URL = "TEST_DATABASE_URL"
TEST_CLUSTER = "WANGGE_TEST_CLUSTER"
"""The data folder of the temporary cluster that a test run shares with its workers."""
PR_SET_PDEATHSIG = 1

_launched: list[subprocess.Popen[bytes]] = []
"""Servers that are children of this process; kept so that a dead one can be reaped."""

PROJECT = Path(__file__).resolve().parents[1]

Say = Callable[[str], None]


@dataclass(frozen=True)
class Status:
    """What is known of a cluster without changing it."""

    state: str
    """`absent` (no files yet), `stopped`, `starting` (or recovering) or `ready`."""
    data: Path
    version: str | None
    pid: int | None
    socket: Path | None


def _silent(_: str) -> None:
    return None


class Cluster:
    """A PostgreSQL cluster that belongs to one data folder.

    Exactly one server runs on it, in whichever container or namespace: the server and each of its processes
    inherit a lock on `owner.lock`, so the lock is free only when the last of them is gone.
    """

    def __init__(self, data: Path, *, durable: bool = True, bundle: Path | None = None) -> None:
        """`durable=False` trades safety for speed and ties the server's life to this process: for tests.

        `bundle` holds unpacked packages of PostgreSQL, where the machine has none of its own.
        """
        self.data = data.absolute()
        self.bundle = bundle or self.data / "postgis"
        self.durable = durable
        self.pgdata = self.data / "pg"

    @property
    def major(self) -> int | None:
        """The PostgreSQL that made the files; None when there are none."""
        return cluster_files.major_of(self.pgdata)

    @property
    def runs(self) -> bool:
        """Whether a server lives on it, in whichever container, or the last process of one that was killed."""
        return cluster_files.held(self.data / "owner.lock")

    @property
    def owner(self) -> Owner:
        return owner_of(self.pgdata)

    @property
    def socket_folder(self) -> Path:
        return cluster_files.socket_folder(self.data, self.owner)

    def url(self, role: str, database: str = "wangge") -> str:
        """The SQLAlchemy URL of `database` for `admin`, `schema` or `app` (full role names are fine too)."""
        name = f"wangge_{role.removeprefix('wangge_')}"
        return f"postgresql+psycopg://{name}@/{quote(database)}?host={quote(str(self.socket_folder))}"

    def programs(self) -> postgis.Programs:
        """The PostgreSQL that fits this cluster; refuses to touch files of a version that is not installed."""
        major = cluster_files.major_of(self.pgdata)
        programs = postgis.find(self.bundle, major=major)
        if programs is not None:
            return programs
        if major is not None:
            raise Unavailable(
                f"The database in {self.pgdata} was made by PostgreSQL {major}, which is not installed here."
                f" Nothing was changed. Install PostgreSQL {major} with PostGIS, or restore a backup into a new folder."
            )
        raise Unavailable(postgis.how_to_install())

    def ensure(self, say: Say = _silent) -> None:
        """Make the cluster if it is missing, start it if it is stopped, prepare its roles; safe to call at any time."""
        self.refuse_unreachable()
        cluster_files.make_folders(self.data, self.owner)
        with cluster_files.exclusively(self.data / "setup.lock") as lock:
            if not (self.pgdata / "PG_VERSION").exists():
                say("making the database files")
                self._init(lock)
            self._start(say)
        roles.prepare(self.url("admin", "postgres"), self.url("admin"), "wangge")

    def start(self, say: Say = _silent) -> None:
        """Start the server unless it runs already, and wait until it answers."""
        if not (self.pgdata / "PG_VERSION").exists():
            raise Unavailable(f"There is no database in {self.data} yet. Make it with: ./wangge up --data {self.data}")
        with cluster_files.exclusively(self.data / "setup.lock"):
            self._start(say)

    def stop(self) -> bool:
        """Stop the server: gently, and after a minute at once. False when it was not running."""
        if not self.runs:
            return False
        for sent, patience in ((signal.SIGINT, STOP_WITHIN_S), (signal.SIGQUIT, 20.0)):
            pid = cluster_files.live_pid(self.pgdata)
            if pid is not None:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, sent)
            if _until(lambda: not self.runs, patience):
                _reap()
                return True
        raise Unavailable(
            f"The database in {self.data} does not stop; another machine or container may be using the folder."
            f" Look for processes with: fuser -v {self.data / 'owner.lock'}"
        )

    def status(self) -> Status:
        """What the cluster is doing now."""
        major = cluster_files.major_of(self.pgdata)
        if major is None:
            return Status("absent", self.data, None, None, None)
        if not self.runs:
            return Status("stopped", self.data, str(major), None, None)
        programs = self.programs()
        state = "ready" if self._answers(programs) else "starting"
        return Status(state, self.data, programs.version, cluster_files.live_pid(self.pgdata), self.socket_folder)

    def create_database(self, database: str, *, template: str = "wangge") -> None:
        """Clone `template`, which nobody may be connected to, into a new `database`."""
        roles.create_database(self.url("admin", "postgres"), database, template=template)

    def drop_database(self, database: str) -> None:
        """Drop a database and end the sessions in it."""
        roles.drop_database(self.url("admin", "postgres"), database)

    @classmethod
    @contextlib.contextmanager
    def temporary(cls) -> Iterator["Cluster"]:
        """A throw-away cluster in memory; it dies with this process, even when that is killed."""
        cluster_files.sweep(TEMPORARY_PREFIX)
        data = Path(tempfile.mkdtemp(prefix=TEMPORARY_PREFIX, dir=cluster_files.fastest_folder()))
        data.chmod(0o711)
        alive = os.open(data / cluster_files.RUNNER_LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        fcntl.flock(alive, fcntl.LOCK_EX)
        cluster = cls(data, durable=False, bundle=default_data(PROJECT) / "postgis")
        try:
            cluster.ensure()
            yield cluster
        finally:
            pid = cluster_files.live_pid(cluster.pgdata)
            if pid is not None:
                os.kill(pid, signal.SIGQUIT)
                _until(lambda: not cluster.runs, 20.0)
                _reap()
            shutil.rmtree(data, ignore_errors=True)
            os.close(alive)

    @classmethod
    @contextlib.contextmanager
    def for_tests(cls) -> Iterator["Cluster | ManagedServer"]:
        """The server of TEST_DATABASE_URL, else the temporary cluster of this test run, else a new one."""
        managed, shared = os.environ.get(TEST_DATABASE_URL), os.environ.get(TEST_CLUSTER)
        if managed:
            yield ManagedServer(managed)
        elif shared:
            yield cls(Path(shared), durable=False)
        else:
            with cls.temporary() as cluster:
                yield cluster

    def refuse_unreachable(self) -> None:
        """Refuse a data folder that the user who must own the files cannot enter, with the command that mends it."""
        owner = passer_by(self.pgdata)
        if owner.reaches(self.data):
            return
        raise Unavailable(
            f"The user {owner.name}, who must own the database files, cannot enter {self.data}."
            f" Choose another folder with --data, or let them in: {cluster_files.way_in(self.data, owner)}"
        )

    def _init(self, lock: int) -> None:
        programs, fresh = self.programs(), self.data / "pg.new"
        shutil.rmtree(fresh, ignore_errors=True)
        owner = self.owner
        owner.give(fresh)
        command = [programs.path("initdb"), "-D", str(fresh), "-U", roles.ADMIN, "-A", "peer", "-k", "-E", "UTF8"]
        command += ["--lc-collate=C", "--lc-ctype=C.UTF-8", "--lc-messages=C"] + ([] if self.durable else ["--no-sync"])
        # initdb keeps the lock: should we be killed, the next one waits until it is gone and then clears up.
        run = subprocess.run(
            command, capture_output=True, text=True, check=False, cwd="/", env=_environment(programs), pass_fds=[lock], **owner.identity
        )
        if run.returncode:
            shutil.rmtree(fresh, ignore_errors=True)
            raise Unavailable(f"The database files could not be made: {_complaint(run.stderr)}")
        fresh.rename(self.pgdata)
        cluster_files.sync_folder(self.data)

    def _start(self, say: Say) -> None:
        programs, started, told = self.programs(), time.monotonic(), False
        while not self._answers(programs):
            lock = cluster_files.take(self.data / "owner.lock")
            if lock is not None:
                try:
                    self._launch(programs, lock)
                finally:
                    os.close(lock)
                _until(lambda: self._answers(programs) or not self.runs, 3.0)
                if not self.runs:
                    raise Unavailable(f"The database does not start: {self._last_words()}")
            elif cluster_files.live_pid(self.pgdata) is None and not _until(self._released_or_answering(programs), RELEASED_WITHIN_S):
                raise Unavailable(
                    f"Another program, perhaps in another container, holds the database in {self.data}."
                    " Two servers on one folder would destroy it, so this one was not started. Stop the other one first."
                )
            if time.monotonic() > started + READY_WITHIN_S:
                raise Unavailable(f"The database did not answer within {READY_WITHIN_S:.0f} s: {self._last_words()}")
            if not told and time.monotonic() > started + QUIET_S and self.runs:
                say(f"waiting for the database to recover (up to {READY_WITHIN_S:.0f} s)")
                told = True
            time.sleep(LOOK_EVERY_S)

    def _launch(self, programs: postgis.Programs, lock: int) -> None:
        cluster_files.configure(self.data, self.owner, self.socket_folder, durable=self.durable)
        for stale in self.socket_folder.glob(".s.PGSQL.*"):
            stale.unlink(missing_ok=True)
        environment = _environment(programs)
        stale_pid = cluster_files.written_pid(self.pgdata)
        if stale_pid is not None:
            # We hold the lock, so whoever bears this number now (a zombie, a stranger) is no server of ours.
            environment["PG_GRANDPARENT_PID"] = str(stale_pid)
        with (self.data / "log" / "start.log").open("wb") as log:
            server = subprocess.Popen(
                [programs.path("postgres"), "-D", str(self.pgdata)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd="/",
                env=environment,
                pass_fds=[lock],
                start_new_session=True,
                preexec_fn=None if self.durable else _die_with_parent(os.getpid()),  # noqa: PLW1509  tests start it from one thread
                **self.owner.identity,
            )
        _launched.append(server)

    def _answers(self, programs: postgis.Programs) -> bool:
        command = [
            programs.path("pg_isready"),
            "-q",
            "-h",
            str(self.socket_folder),
            "-d",
            "postgres",
            "-U",
            roles.ADMIN,
        ]
        return subprocess.run(command, check=False, env=_environment(programs)).returncode == 0

    def _released_or_answering(self, programs: postgis.Programs) -> Callable[[], bool]:
        return lambda: self._answers(programs) or not self.runs or cluster_files.live_pid(self.pgdata) is not None

    def _last_words(self) -> str:
        return _last_line((self.data / "log" / "start.log").read_text(errors="replace")) or f"see {self.data / 'log'}"


def default_data(project: Path) -> Path:
    """`.wangge` in the project; as root, a folder below /var/lib when the database's owner cannot reach the project."""
    data = project / ".wangge"
    if os.geteuid() != 0 or passer_by(data / "pg").reaches(data):
        return data
    digest = hashlib.sha256(str(project).encode()).hexdigest()[:8]
    return Path("/var/lib/wangge") / f"{project.name}-{digest}"


def _die_with_parent(parent: int) -> Callable[[], None]:
    libc = ctypes.CDLL(None)

    def ask_kernel() -> None:
        libc.prctl(PR_SET_PDEATHSIG, signal.SIGQUIT)
        if os.getppid() != parent:
            os._exit(1)

    return ask_kernel


def _environment(programs: postgis.Programs) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
    return {**kept, **programs.environment, "LC_ALL": "C"}


def _reap() -> None:
    _launched[:] = [server for server in _launched if server.poll() is None]


def _until(condition: Callable[[], bool], patience_s: float) -> bool:
    deadline = time.monotonic() + patience_s
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(LOOK_EVERY_S)
    return True


def _complaint(text: str) -> str:
    """The line of initdb's last words that says what was wrong; after it come the traces it removes."""
    said = [line.strip() for line in text.splitlines() if re.search(r"error:|FATAL:|PANIC:", line)]
    return said[0] if said else _last_line(text)


def _last_line(text: str) -> str:
    return next((line.strip() for line in reversed(text.splitlines()) if line.strip()), "")
