"""The launcher answers a question for help at once and installs nothing for it."""

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.api.test_cli import COMMANDS

PROJECT = Path(__file__).resolve().parents[2]
NO_PYTHON = "#!/bin/sh\necho installing >&2\nexit 1\n"


@pytest.fixture
def bare(tmp_path: Path) -> Path:
    """A fresh checkout on a machine where nothing is set up; a Python that is asked for anything would be seen."""
    project = tmp_path / "project"
    (project / "docs").mkdir(parents=True)
    for name in ("wangge", "requirements.lock", "requirements-dev.lock", "docs/command-line.md"):
        shutil.copy(PROJECT / name, project / name)
    tools = tmp_path / "tools"
    tools.mkdir()
    for name in ("python3", "python3.11", "python3.12", "python3.13"):
        (tools / name).write_text(NO_PYTHON)
        (tools / name).chmod(0o755)
    return project


def asked(project: Path, *words: str) -> subprocess.CompletedProcess[str]:
    tools = project.parent / "tools"
    return subprocess.run(
        [str(project / "wangge"), *words], env={"PATH": f"{tools}:/usr/bin:/bin"}, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize("words", [("--help",), ("-h",), ("test", "--help"), ("up", "-h"), ("plan", "propose", "--help")])
def test_help_on_a_bare_machine_is_told_and_installs_nothing(bare: Path, words: tuple[str, ...]) -> None:
    run = asked(bare, *words)
    assert (run.returncode, run.stderr) == (0, "")
    assert f"./wangge {words[0] if words[0][0] != '-' else 'up'}" in run.stdout
    assert "`" not in run.stdout
    assert not (bare / ".venv").exists()


def test_help_on_a_bare_machine_knows_every_command(bare: Path) -> None:
    told = asked(bare, "--help").stdout
    assert [name for name in COMMANDS if f"./wangge {name}" not in told and f", {name}" not in told] == []


def test_no_word_at_all_is_a_question_too_with_the_status_of_wrong_words(bare: Path) -> None:
    run = asked(bare)
    assert run.returncode == 2
    assert "./wangge up" in run.stdout
    assert not (bare / ".venv").exists()


def test_help_for_a_command_that_is_not_there_says_so(bare: Path) -> None:
    run = asked(bare, "fly", "--help")
    assert (run.returncode, run.stdout) == (2, "")
    assert "There is no command 'fly'" in run.stderr


def test_help_for_the_tests_does_not_wait_for_what_only_tests_need(bare: Path) -> None:
    (bare / ".venv" / "bin").mkdir(parents=True)
    python = bare / ".venv" / "bin" / "python"
    python.write_text('#!/bin/sh\necho "$@"\n')
    python.chmod(0o755)
    shutil.copy(bare / "requirements.lock", bare / ".venv" / "runtime.stamp")
    run = asked(bare, "test", "--help")
    assert (run.returncode, run.stdout) == (0, "-P -m api test --help\n")
    assert not (bare / ".venv" / "changing").exists()


@pytest.mark.parametrize("word", ["test", "bench"])
def test_what_tests_and_benches_need_is_installed_before_they_run(bare: Path, word: str) -> None:
    (bare / ".venv" / "bin").mkdir(parents=True)
    python = bare / ".venv" / "bin" / "python"
    python.write_text('#!/bin/sh\necho "$@"\n')
    python.chmod(0o755)
    shutil.copy(bare / "requirements.lock", bare / ".venv" / "runtime.stamp")
    asked(bare, word)
    assert (bare / ".venv" / "pip.log").read_text().strip().endswith("requirements-dev.lock")
