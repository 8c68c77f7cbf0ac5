"""The command line keeps its words, says clearly what is wrong and ends with the right status."""

import json
import os
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

import psycopg
import pytest
from fastapi import FastAPI
from sqlalchemy.exc import OperationalError
from starlette.testclient import TestClient

from api import cluster_files, problems
from api.commands.bench import names
from api.commands.up import free
from api.managed import as_app, refuse_unfit, shown, sqlalchemy_url
from data.database import outage
from data.roles import Standing
from gis.errors import BadValue, Unavailable

PROJECT = Path(__file__).resolve().parents[2]
COMMANDS = (
    "up",
    "down",
    "status",
    "doctor",
    "psql",
    "token",
    "link",
    "migrate",
    "import",
    "analyse",
    "statistics",
    "bench",
    "test",
    "serve",
    "worker",
)


def wangge(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the command line as a script would; what is in our own environment about databases does not count."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("WANGGE_", "DATABASE_", "PYTEST_"))}
    return subprocess.run(
        [sys.executable, "-P", "-m", "api", *words],
        env={**kept, "PYTHONPATH": str(PROJECT), **environment},
        cwd="/",
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


def test_help_names_every_command_and_loads_none_of_their_work() -> None:
    run = wangge("--help")
    assert run.returncode == 0
    assert all(f"\n  {command} " in run.stdout for command in COMMANDS)
    loaded = subprocess.run(
        [sys.executable, "-c", "import sys, api.cli; print([m for m in ('sqlalchemy', 'fastapi', 'numpy', 'folium') if m in sys.modules])"],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert loaded.stdout.strip() == "[]"


@pytest.mark.parametrize("command", [each for each in COMMANDS if each not in {"test", "psql"}])
def test_every_command_explains_itself(command: str) -> None:
    run = wangge(command, "--help")
    assert run.returncode == 0, run.stderr
    assert run.stdout.startswith("Usage: ")


def test_an_unknown_command_or_option_is_refused_with_a_word_to_people() -> None:
    for words in (["upp"], ["up", "--demo", "huge"], ["up", "--port", "0"]):
        run = wangge(*words)
        assert run.returncode == 2
        assert "Error" in run.stderr
        assert "Traceback" not in run.stderr


def test_a_deployment_that_does_not_exist_yet_has_a_status_and_can_be_taken_down(tmp_path: Path) -> None:
    data = tmp_path / "none"
    run = wangge("status", "--json", "--data", str(data))
    facts = json.loads(run.stdout)
    assert run.returncode == 1
    assert (facts["application"], facts["database"], facts["data"]) == ("stopped", "absent", str(data))
    assert wangge("down", "--data", str(data)).stdout.startswith("Nothing was running")
    assert not data.exists()


def test_a_taken_port_or_a_foreign_address_is_refused_before_any_work() -> None:
    with tempfile.TemporaryDirectory(dir=cluster_files.fastest_folder()) as folder, socket.socket() as probe:
        os.chmod(folder, 0o711)
        probe.bind(("127.0.0.1", 0))
        probe.listen()
        taken = wangge("up", "--data", f"{folder}/one", "--demo", "none", "--port", str(probe.getsockname()[1]), "--detach")
        foreign = wangge("up", "--data", f"{folder}/two", "--demo", "none", "--host", "192.0.2.1", "--detach")
        assert not list(Path(folder).glob("*/pg*"))
    assert (taken.returncode, taken.stdout) == (1, "")
    assert "is taken by another program" in taken.stderr
    assert (foreign.returncode, foreign.stdout) == (1, "")
    assert "192.0.2.1 is no address of this machine" in foreign.stderr


def test_a_data_folder_that_is_a_file_is_refused_as_one(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    for words in (("up", "--demo", "none", "--detach"), ("status", "--json"), ("doctor",), ("down",), ("token", "--role", "operator")):
        run = wangge(*words, "--data", str(file))
        assert (run.returncode, run.stdout) == (1, ""), words
        assert run.stderr == f"wangge: {file} is a file, not a folder. Choose a folder with --data.\n", words
    assert f"There is no such file: {tmp_path / 'none.csv'}." in wangge("import", str(tmp_path / "none.csv")).stderr


@pytest.mark.skipif(os.geteuid() == 0, reason="root writes everywhere")
def test_a_data_folder_that_cannot_be_written_is_refused_as_one(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    run = wangge("up", "--data", str(tmp_path), "--demo", "none", "--detach")
    assert (run.returncode, run.stdout) == (1, "")
    assert f"The data folder {tmp_path} cannot be written" in run.stderr


def test_a_full_disk_is_told_as_one_on_the_command_line_and_over_http() -> None:
    full = OperationalError("INSERT", None, psycopg.errors.DiskFull("could not extend file"))
    assert "disk of the database is full" in (outage(full) or "")
    assert outage(OperationalError("INSERT", None, psycopg.errors.DeadlockDetected("deadlock detected"))) is None
    app = FastAPI()
    problems.install(app)

    @app.post("/")
    def store() -> None:
        raise full

    answer = TestClient(app).post("/")
    assert (answer.status_code, answer.headers["content-type"]) == (507, "application/problem+json")
    assert "Nothing was stored" in answer.json()["detail"]


def test_a_wrong_command_is_told_in_the_words_people_typed() -> None:
    assert "Try './wangge token -h' for help" in wangge("token").stderr


@pytest.mark.parametrize("command", ["migrate", "psql", "serve", "worker"])
def test_commands_that_need_a_database_say_how_to_make_one(command: str, tmp_path: Path) -> None:
    run = wangge(command, "--data", str(tmp_path / "none"))
    assert run.returncode == 1
    assert run.stderr.startswith("wangge: There is no database in")
    assert "./wangge up --data" in run.stderr


def test_a_managed_database_that_does_not_answer_is_named_without_its_password(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"postgresql://owner:secret-word@127.0.0.1:{taken.getsockname()[1]}/city"
        run = wangge("up", "--data", str(tmp_path / "data"), DATABASE_URL=url)
    assert run.returncode == 1
    assert "The database does not let us in" in run.stderr
    assert "Connection refused" in run.stderr
    assert "Is the server running" not in run.stderr
    assert "secret-word" not in run.stderr + run.stdout
    assert "Traceback" not in run.stderr


def test_a_prepared_database_that_went_away_is_no_fault_of_the_program(tmp_path: Path) -> None:
    (tmp_path / "keys").mkdir()
    (tmp_path / "keys" / "app-password").write_text("word")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"postgresql://owner:secret-word@127.0.0.1:{taken.getsockname()[1]}/city"
        for words in (["token", "--role", "operator"], ["migrate"], ["link"], ["statistics", "rebuild"]):
            run = wangge(*words, "--data", str(tmp_path), DATABASE_URL=url)
            assert run.returncode == 1
            assert run.stderr.startswith("wangge: The database does not answer: "), run.stderr
            assert "Connection refused" in run.stderr
            assert "secret-word" not in run.stderr


def test_a_data_folder_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    run = wangge("up", "--data", str(tmp_path / "file" / "data"))
    assert run.returncode == 1
    assert "wangge: " in run.stderr
    assert "Traceback" not in run.stderr


def test_the_forms_of_a_database_address() -> None:
    assert sqlalchemy_url("postgres://o:p@h/d") == "postgresql+psycopg://o:p@h/d"
    assert shown("postgresql://o:p@h:5433/d") == "h:5433/d"
    assert (
        as_app("postgresql+psycopg://o:p@h:5433/d?sslmode=require", "a/b")
        == "postgresql+psycopg://wangge_app:a%2Fb@h:5433/d?sslmode=require"
    )
    with pytest.raises(BadValue, match="begins with"):
        sqlalchemy_url("mysql://h/d")
    for unreadable in (
        "postgresql://o:p@h:port/d",
        "postgresql://o:p@rt/x@h/d",
        "postgresql://o:p#w@h/d",
        "postgresql://o:p@h",
        "postgresql://[h/d",
    ):
        with pytest.raises(BadValue, match="cannot be read"):
            sqlalchemy_url(unreadable)
    assert sqlalchemy_url("postgresql:///city?host=/run/postgresql") == "postgresql+psycopg:///city?host=/run/postgresql"
    assert sqlalchemy_url("postgresql://o:p%40rt:@[::1]:5432/d?a=/") == "postgresql+psycopg://o:p%40rt:@[::1]:5432/d?a=/"


@pytest.mark.parametrize(
    ("standing", "word"),
    [
        (Standing(140_012, "3.4.0", True, True), "PostgreSQL 14"),
        (Standing(160_010, None, True, True), "no PostGIS"),
        (Standing(160_010, "3.2.9", True, True), "PostGIS 3.2.9"),
    ],
)
def test_a_managed_server_that_is_too_old_is_refused(standing: Standing, word: str) -> None:
    with pytest.raises(Unavailable, match=word):
        refuse_unfit(standing)
    refuse_unfit(Standing(150_014, "3.3.2", False, True))


def test_a_taken_port_is_seen() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert not free("127.0.0.1", port)
    assert free("127.0.0.1", port)


def test_the_benches_are_listed_with_what_they_compare() -> None:
    run = wangge("bench", "--list", "--json")
    assert run.returncode == 0
    assert json.loads(run.stdout) == names()
    assert all(names().values()), "each says in its docstring what it compares"
    unknown = wangge("bench", "no-such-bench")
    assert unknown.returncode == 1
    assert "There is no bench 'no-such-bench'" in unknown.stderr


def test_a_fault_of_the_program_is_one_sentence_and_no_traceback(tmp_path: Path) -> None:
    (tmp_path / "pg").mkdir()
    (tmp_path / "pg" / "PG_VERSION").write_text("no number")
    run = wangge("status", "--data", str(tmp_path))
    assert run.returncode == 1
    assert run.stderr.startswith("wangge: This is a fault of the program")
    assert "Traceback" not in run.stderr
    assert "Traceback" in wangge("status", "--data", str(tmp_path), WANGGE_DEBUG="1").stderr
