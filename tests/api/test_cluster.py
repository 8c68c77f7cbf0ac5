"""The embedded cluster lives through concurrent starts and every kill, has one owner, and lets in nobody else."""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from api import cluster as cluster_module
from api import cluster_files
from api.cluster import Cluster, default_data
from gis.errors import Conflict, Unavailable

PROJECT = Path(__file__).resolve().parents[2]
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="asks what root does")
ENSURE = "import sys; from pathlib import Path; from api.cluster import Cluster; Cluster(Path(sys.argv[1])).ensure(lambda w: print(w, flush=True))"


def connect(cluster: Cluster, role: str = "admin") -> psycopg.Connection:
    return psycopg.connect(cluster.url(role).replace("+psycopg", ""), autocommit=True)


def one(cluster: Cluster, query: str, role: str = "admin"):
    with connect(cluster, role) as connection:
        return connection.execute(query).fetchone()[0]


def until(condition: Callable[[], bool], seconds: float = 30.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"


def ensure_elsewhere(data: Path) -> subprocess.Popen:
    """Another process that runs `ensure`; its first line of output comes when it begins to make files."""
    return subprocess.Popen([sys.executable, "-c", ENSURE, str(data)], cwd=PROJECT, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def servers_of(data: Path) -> list[int]:
    """Every living process whose working folder is the cluster's."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if (folder / "cwd").resolve(strict=True) == (data / "pg").resolve():
                found.append(int(folder.name))
        except OSError:
            continue
    return found


def kill_all(data: Path) -> None:
    for pid in servers_of(data):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


@pytest.fixture
def data() -> Iterator[Path]:
    """A folder that the owner of the database can reach; whatever runs in it afterwards is ended."""
    folder = Path(tempfile.mkdtemp(prefix="wangge-cluster-", dir=cluster_files.fastest_folder()))
    folder.chmod(0o711)
    yield folder
    kill_all(folder)
    until(lambda: not cluster_files.held(folder / "owner.lock"))
    cluster_module._reap()
    shutil.rmtree(folder)


@pytest.fixture
def cluster(data: Path) -> Cluster:
    """A cluster that runs and holds one committed row."""
    made = Cluster(data)
    made.ensure()
    with connect(made) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 1 AS one")
    return made


def test_eight_first_starts_at_once_make_one_cluster_with_one_server(data: Path) -> None:
    runs = [ensure_elsewhere(data) for _ in range(8)]
    outputs = [run.communicate(timeout=120) for run in runs]
    assert [run.returncode for run in runs] == [0] * 8, outputs
    assert sum(b"making the database files" in out for out, _ in outputs) == 1
    made = Cluster(data)
    assert made.status().state == "ready"
    assert one(made, "SELECT count(*) FROM pg_extension WHERE extname IN ('postgis', 'btree_gist', 'pg_trgm')") == 3


def test_a_start_killed_while_it_makes_the_files_leaves_a_folder_that_the_next_one_makes_whole(data: Path) -> None:
    for wait_for in ("pg.new", "pg.new/PG_VERSION", "pg.new/base/5"):
        run = ensure_elsewhere(data)
        until(lambda part=data / wait_for, run=run: part.exists() or run.poll() is not None)
        run.kill()
        run.communicate()
    Cluster(data).ensure()
    assert one(Cluster(data), "SELECT 1") == 1
    assert not (data / "pg.new").exists()


def test_a_killed_server_comes_back_with_every_committed_row(cluster: Cluster) -> None:
    for _ in range(3):
        before = cluster.status().pid
        os.kill(before, signal.SIGKILL)
        until(lambda pid=before: cluster_files.live_pid(cluster.pgdata) != pid)
        cluster.ensure()
        assert cluster.status().pid != before
        assert one(cluster, "SELECT one FROM kept") == 1


def test_all_processes_killed_at_once_is_survived_as_well(cluster: Cluster) -> None:
    kill_all(cluster.data)
    cluster.start()
    assert one(cluster, "SELECT one FROM kept") == 1


def test_a_stale_pid_file_that_names_a_living_stranger_does_not_stop_the_start_nor_the_stranger(cluster: Cluster) -> None:
    cluster.stop()
    stranger = subprocess.Popen(["sleep", "300"], **cluster.owner.identity)
    try:
        (cluster.pgdata / "postmaster.pid").write_text(f"{stranger.pid}\n{cluster.pgdata}\n1\n5432\n{cluster.socket_folder}\n\n\n")
        assert cluster.status().state == "stopped"
        cluster.start()
        assert one(cluster, "SELECT one FROM kept") == 1
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


def test_a_second_owner_of_the_folder_is_refused_while_any_process_of_the_first_lives(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    cluster.stop()
    monkeypatch.setattr(cluster_module, "RELEASED_WITHIN_S", 0.1)
    lock = cluster_files.take(cluster.data / "owner.lock")
    assert lock is not None
    try:
        with pytest.raises(Unavailable, match="Another program, perhaps in another container"):
            cluster.start()
    finally:
        os.close(lock)
    cluster.start()
    assert cluster_files.take(cluster.data / "owner.lock") is None, "the server inherited the lock"


def test_a_running_cluster_is_adopted_and_stop_says_whether_it_ran(cluster: Cluster) -> None:
    pid = cluster.status().pid
    Cluster(cluster.data).ensure()
    assert cluster.status().pid == pid
    assert cluster.stop() is True
    assert cluster.stop() is False
    assert cluster.status().state == "stopped"


def test_files_of_another_major_version_are_refused_and_left_alone(cluster: Cluster) -> None:
    cluster.stop()
    (cluster.pgdata / "PG_VERSION").write_text("12\n")
    with pytest.raises(Unavailable, match=r"made by PostgreSQL 12.*Nothing was changed"):
        cluster.ensure()
    assert (cluster.pgdata / "PG_VERSION").read_text() == "12\n"
    assert servers_of(cluster.data) == []


def test_nothing_listens_on_the_network_and_the_folders_are_closed(cluster: Cluster) -> None:
    assert one(cluster, "SHOW listen_addresses") == ""
    assert one(cluster, "SHOW data_checksums") == "on"
    assert [(cluster.data / name).stat().st_mode & 0o777 for name in ("pg", "run", "log")] == [0o700] * 3


def test_the_application_s_role_is_nobody_special_and_has_its_time_limits(cluster: Cluster) -> None:
    assert one(cluster, "SELECT current_user", "app") == "wangge_app"
    limits = [one(cluster, f"SHOW {name}", "app") for name in ("lock_timeout", "statement_timeout", "idle_in_transaction_session_timeout")]
    assert limits == ["5s", "15s", "1min"]
    with connect(cluster, "app") as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute("CREATE TABLE mine (x int)")
    with connect(cluster, "app") as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute("SET ROLE wangge_schema")
    assert one(cluster, "SELECT bool_or(rolsuper OR rolbypassrls) FROM pg_roles WHERE rolname IN ('wangge_app', 'wangge_schema')") is False
    assert one(cluster, "SELECT bool_and(proleakproof) FROM pg_proc WHERE oid = 'geometry_overlaps(geometry, geometry)'::regprocedure")


@as_root
def test_files_that_find_no_room_are_refused_with_the_reason_and_made_once_there_is_some(data: Path) -> None:
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=20M,mode=711", "tmpfs", str(data)], check=False).returncode:
        pytest.skip("needs the right to mount")
    made = Cluster(data / "small")
    try:
        with pytest.raises(Unavailable, match=r"could not be made: .*No space left on device"):
            made.ensure()
        subprocess.run(["mount", "-o", "remount,size=400M", str(data)], check=True)
        made.ensure()
        assert one(made, "SELECT 1") == 1
    finally:
        made.stop()
        subprocess.run(["umount", str(data)], check=True)


def test_chinese_words_are_words_to_the_database(cluster: Cluster) -> None:
    assert one(cluster, "SELECT cardinality(show_trgm('网格员')) > 0")
    assert one(cluster, "SELECT datcollate FROM pg_database WHERE datname = current_database()") == "C"


@as_root
def test_another_user_of_the_machine_is_not_let_in(cluster: Cluster) -> None:
    cluster.socket_folder.chmod(0o755)
    (cluster.socket_folder / ".s.PGSQL.5432").chmod(0o777)
    command = [cluster.programs().path("psql"), "-h", str(cluster.socket_folder), "-U", "wangge_app", "-c", "SELECT 1", "wangge"]
    run = subprocess.run(command, user=65534, group=65534, extra_groups=[], cwd="/", capture_output=True, text=True, check=False)
    assert run.returncode != 0
    assert "Peer authentication failed" in run.stderr


@as_root
def test_a_folder_that_the_server_s_user_cannot_enter_is_refused_with_the_command_that_mends_it(data: Path) -> None:
    closed = data / "closed to others"
    closed.mkdir(mode=0o700)
    with pytest.raises(Unavailable, match=f"chmod o\\+x '{closed}'"):
        Cluster(closed / "data").ensure()
    assert not (closed / "data").exists()
    assert default_data(closed).is_relative_to("/var/lib/wangge")


def test_a_socket_path_too_long_for_the_kernel_moves_to_a_short_private_folder(data: Path) -> None:
    deep = data / ("long-" * 25)
    made = Cluster(deep)
    made.ensure()
    try:
        assert len(str(made.socket_folder)) < 60
        assert made.socket_folder.stat().st_mode & 0o777 == 0o700
        assert one(made, "SELECT 1") == 1
    finally:
        made.stop()
        shutil.rmtree(made.socket_folder)


def test_a_folder_may_have_any_name_a_file_system_allows(data: Path) -> None:
    made = Cluster(data / '王\'s \\ "grids", 100% of #3')
    made.ensure()
    try:
        assert one(made, "SELECT 1", "app") == 1
        assert list((made.data / "log").glob("postgresql-*.log"))
    finally:
        made.stop()
        shutil.rmtree(made.socket_folder)


def test_the_server_s_log_never_holds_what_people_wrote(cluster: Cluster) -> None:
    canary = "张三丰13800138000"
    with connect(cluster, "schema") as connection:
        connection.execute("CREATE TABLE resident (name text PRIMARY KEY CHECK (length(name) < 20))")
        connection.execute("INSERT INTO resident VALUES (%s)", [canary])
        for value in (canary, canary * 3):
            with pytest.raises(psycopg.Error):
                connection.execute("INSERT INTO resident VALUES (%s)", [value])
            with pytest.raises(psycopg.Error):
                connection.execute(f"INSERT INTO resident VALUES ('{value}')")
        with pytest.raises(psycopg.Error):
            connection.execute(f"SELECT '{canary}' FROM nowhere")
    cluster.stop()
    logs = [path.read_text() for path in (cluster.data / "log").iterdir()]
    assert any("duplicate key" in log for log in logs)
    assert not any(canary in log for log in logs)


def test_a_temporary_cluster_dies_with_its_runner_even_when_that_is_killed() -> None:
    program = "from api.cluster import Cluster\nwith Cluster.temporary() as c:\n    print(c.data, c.status().pid, flush=True); input()"
    runner = subprocess.Popen([sys.executable, "-c", program], cwd=PROJECT, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    data, _pid = runner.stdout.readline().split()
    assert len(servers_of(Path(data.decode()))) > 3
    runner.kill()
    runner.communicate()
    until(lambda: servers_of(Path(data.decode())) == [], 10.0)
    with Cluster.temporary():
        assert not Path(data.decode()).exists(), "the next one sweeps up"


def test_a_database_in_use_is_not_copied_and_the_word_says_what_to_do(cluster: Cluster) -> None:
    with connect(cluster, "schema"), pytest.raises(Conflict, match="stop what uses it first"):
        cluster.create_database("copy_of_one_in_use")
