"""The files of a cluster's data folder: locks, settings, who may connect, the socket's folder."""

import contextlib
import fcntl
import hashlib
import os
import re
import shlex
import shutil
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

from api.owner import Owner
from data import roles
from gis.errors import Unavailable

SOCKET_NAME = ".s.PGSQL.5432"
LONGEST_SOCKET_PATH = 107
"""Bytes the kernel leaves for the path of a Unix socket."""
NEEDS_QUOTING = re.compile(r"[,'\"\\\n]")
SHORT_FOLDER = Path("/tmp")  # noqa: S108  the folder made in it is private and checked for its owner
MEMORY_FOLDER = "/dev/shm"  # noqa: S108  likewise
RUNNER_LOCK = "runner.lock"
"""Held by the process that made a temporary cluster, as long as it lives."""
MIB = 1024 * 1024


def make_data_folder(data: Path) -> None:
    """Make the data folder if it is missing; refuse one that cannot be written."""
    if data.exists():
        if not os.access(data, os.W_OK | os.X_OK):
            raise Unavailable(f"The data folder {data} cannot be written by this user. Choose another with --data.")
        return
    try:
        data.mkdir(parents=True, mode=0o700)
    except OSError as failed:
        raise Unavailable(f"The data folder {data} cannot be made: {failed.strerror}. Choose another with --data.") from None
    # Root's secrets beside the database are files of mode 0600; the owner only passes through.
    data.chmod(0o711 if os.geteuid() == 0 else 0o700)


def make_folders(data: Path, owner: Owner) -> None:
    """Make the data folder and the parts of it that the server writes."""
    make_data_folder(data)
    for name in ("owner.lock", "setup.lock"):
        (data / name).touch(mode=0o600)
    owner.give(data / "log")
    folder = socket_folder(data, owner)
    if folder.is_symlink() or (folder.exists() and folder.stat().st_uid not in (owner.uid, os.geteuid())):
        raise Unavailable(f"The folder {folder} for the database's socket belongs to somebody else. Remove it first.")
    owner.give(folder)


def socket_folder(data: Path, owner: Owner) -> Path:
    """Where the socket lies: in the data folder, or in /tmp where that path is too long for a socket or would need quoting.

    Server and clients each read a list of folders there, and quote its members in different ways.
    """
    folder = data / "run"
    if len(os.fsencode(folder / SOCKET_NAME)) <= LONGEST_SOCKET_PATH and not NEEDS_QUOTING.search(str(folder)):
        return folder
    return SHORT_FOLDER / f"wangge-{owner.uid}-{hashlib.sha256(os.fsencode(data)).hexdigest()[:12]}"


def way_in(data: Path, owner: Owner) -> str:
    """The command that lets `owner` pass through the folders above `data`."""
    closed = [folder for folder in [data, *data.parents] if folder.exists() and not owner.reaches(folder)]
    return "chmod o+x " + shlex.join(str(folder) for folder in reversed(closed))


def take(path: Path) -> int | None:
    """Take the lock of a file without waiting; the open descriptor holds it. None when somebody else does."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    return descriptor


def held(path: Path) -> bool:
    """Whether some process holds the lock of a file."""
    if not path.exists():
        return False
    descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


@contextlib.contextmanager
def exclusively(path: Path) -> Iterator[int]:
    """Wait for the lock of a file and hold it; yields the descriptor that holds it.

    The kernel frees the lock when this process, and whoever inherited the descriptor, ended in any way.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield descriptor
    finally:
        os.close(descriptor)


def major_of(pgdata: Path) -> int | None:
    """The major version that made the files; None when there are none."""
    try:
        return int((pgdata / "PG_VERSION").read_text())
    except FileNotFoundError:
        return None


def written_pid(pgdata: Path) -> int | None:
    """The process number in the server's pid file, whoever has that number now."""
    try:
        return int((pgdata / "postmaster.pid").read_text().splitlines()[0])
    except (FileNotFoundError, IndexError, ValueError):
        return None


def live_pid(pgdata: Path) -> int | None:
    """The server's process, if it lives here; a zombie and a stranger with its number do not count."""
    pid = written_pid(pgdata)
    try:
        if pid is None or Path(f"/proc/{pid}/cwd").resolve(strict=True) != pgdata.resolve():
            return None
    except OSError:
        return None
    return pid


def configure(data: Path, owner: Owner, socket: Path, *, durable: bool) -> None:
    """Write the server's settings and who may connect; done before each start, so that they follow the program."""
    settings = "".join(f"{name} = {_quoted(value)}\n" for name, value in _settings(data, socket, durable=durable).items())
    users = sorted({"root", owner.name})
    names = (roles.ADMIN, roles.SCHEMA, roles.APP)
    _replace(
        data / "pg/postgresql.conf",
        "# Written at each start; own settings go to postgresql.auto.conf.\n" + settings,
        owner,
    )
    _replace(data / "pg/pg_hba.conf", f"local all {','.join(names)} peer map=wangge\n", owner)
    _replace(data / "pg/pg_ident.conf", "".join(f"wangge {user} {name}\n" for user in users for name in names), owner)


def _quoted(value: str) -> str:
    """A value as the server's own files of settings write it."""
    return "'" + value.replace("\\", "\\\\").replace("'", "''").replace("\n", "\\n") + "'"


def _settings(data: Path, socket: Path, *, durable: bool) -> dict[str, str]:
    memory_mb = _memory() // MIB
    settings = {
        "listen_addresses": "",
        "unix_socket_directories": str(socket),
        "unix_socket_permissions": "0700",
        "cluster_name": f"wangge-{hashlib.sha256(os.fsencode(data)).hexdigest()[:8]}",
        "max_connections": "120",
        "shared_buffers": f"{min(max(memory_mb // 6, 64), 2048)}MB",
        "effective_cache_size": f"{max(memory_mb // 2, 256)}MB",
        "work_mem": "32MB",
        "maintenance_work_mem": f"{min(max(memory_mb // 16, 64), 512)}MB",
        "dynamic_shared_memory_type": "posix" if _room(MEMORY_FOLDER) > 256 * MIB and not _in_memory(data) else "mmap",
        "max_wal_size": "2GB",
        "min_wal_size": "256MB",
        "checkpoint_timeout": "15min",
        "random_page_cost": "1.1",
        "jit": "off",
        "recovery_init_sync_method": "syncfs",
        "timezone": "UTC",
        "log_timezone": "UTC",
        "lc_messages": "C",
        **_quiet_log(data),
    }
    if not durable:
        settings |= {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "shared_buffers": "256MB"}
        settings |= {"logging_collector": "off", "autovacuum_naptime": "1h", "max_wal_size": "1GB"}
    return settings


def _quiet_log(data: Path) -> dict[str, str]:
    """Settings by which the server's log never holds what people wrote: no parameters, no rows, no statements."""
    return {
        "logging_collector": "on",
        "log_directory": str(data / "log"),
        "log_filename": "postgresql-%a.log",
        "log_file_mode": "0600",
        "log_rotation_age": "1d",
        "log_rotation_size": "0",
        "log_truncate_on_rotation": "on",
        "log_line_prefix": "%m [%p] ",
        "log_error_verbosity": "terse",
        "log_min_error_statement": "panic",
        "log_parameter_max_length": "0",
        "log_parameter_max_length_on_error": "0",
        "log_statement": "none",
        "log_min_duration_statement": "-1",
    }


def _replace(path: Path, text: str, owner: Owner) -> None:
    fresh = path.with_suffix(".new")
    fresh.write_text(text)
    fresh.chmod(0o600)
    if os.geteuid() == 0:
        os.chown(fresh, owner.uid, owner.gid)
    fresh.replace(path)


def _memory() -> int:
    """Bytes this process may use: the machine's, or the container's limit where that is less."""
    machine = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    try:
        return min(machine, int(Path("/sys/fs/cgroup/memory.max").read_text()))
    except (OSError, ValueError):
        return machine


def _in_memory(data: Path) -> bool:
    """Whether the data folder lies in memory itself; then shared memory goes there too and vanishes with it."""
    return os.path.exists(MEMORY_FOLDER) and data.stat().st_dev == os.stat(MEMORY_FOLDER).st_dev


def _room(folder: str) -> int:
    try:
        return shutil.disk_usage(folder).free
    except OSError:
        return 0


def fastest_folder() -> str:
    """Memory, where there is enough of it for a test run; else the folder for temporary files."""
    roomy = os.access(MEMORY_FOLDER, os.W_OK) and _room(MEMORY_FOLDER) > 1024 * MIB
    return MEMORY_FOLDER if roomy else tempfile.gettempdir()


def sweep(prefix: str) -> None:
    """Remove the folders of temporary clusters whose processes are all gone."""
    for folder in Path(fastest_folder()).glob(f"{prefix}*"):
        lock = folder / RUNNER_LOCK
        mine = stat.S_ISDIR(folder.lstat().st_mode) and folder.lstat().st_uid == os.geteuid()
        if mine and lock.exists() and not held(lock) and not held(folder / "owner.lock"):
            shutil.rmtree(folder, ignore_errors=True)


def sync_folder(folder: Path) -> None:
    """Make a rename in `folder` last through a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
