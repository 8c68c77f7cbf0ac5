"""`test`: every check and test there is, on real components, from one command."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from api import assets, postgis_install
from api.cluster import PROJECT, TEST_CLUSTER, Cluster, default_data
from gis.errors import Refusal

BROWSER_PACKAGES = ["chromium", "fonts-noto-cjk"]
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")
# Neighbours stay together, so that what a file's tests share is made once; who is done first takes from the other's end.
PARALLEL = ["-n", "2", "--dist", "worksteal"]
CHECKS = (
    ("ruff check", ["ruff", "check", "--quiet", "."]),
    ("ruff format", ["ruff", "format", "--check", "--quiet", "."]),
    ("mypy", ["mypy"]),
    ("import-linter", ["lint-imports"]),
)
FRAME = "!" * 100


def run(words: list[str]) -> None:
    """Set up, check, test; exit with 0 only when everything passed. `words` go to pytest."""
    os.chdir(PROJECT)
    say = _say
    programs = postgis_install.programs(default_data(PROJECT), say) if not os.environ.get("TEST_DATABASE_URL") else None
    if programs is not None:
        say(f"PostgreSQL {programs.version} in {programs.bindir}")
    say(assets.ensure(say))
    environment = {**os.environ, "PYTHONPATH": str(PROJECT), **_browser(say)}
    failed = [name for name, command in CHECKS if not _passes(name, command, environment)] if not words else []
    status = _pytest(words, environment)
    if failed:
        print(f"wangge: these checks found faults, see above: {', '.join(failed)}", file=sys.stderr)
    sys.exit(status or int(bool(failed)))


def _browser(say: postgis_install.Say) -> dict[str, str]:
    """The environment of browser tests: a Chromium and Chinese fonts, installed where we may, else a loud word."""
    missing = ([] if browser() else BROWSER_PACKAGES[:1]) + ([] if chinese_fonts() else BROWSER_PACKAGES[1:])
    if missing and not postgis_install.install_packages(missing, say):
        command = f"sudo apt-get update && sudo apt-get install {' '.join(missing)}"
        print(
            f"{FRAME}\nBROWSER TESTS ARE SKIPPED: {' and '.join(missing)} could not be installed. Run:\n    {command}\n{FRAME}", flush=True
        )
    found = browser()
    if found is None:
        return {"WANGGE_SKIP_BROWSER": f"no Chromium; install it with: sudo apt-get install {' '.join(BROWSER_PACKAGES)}"}
    return {"WANGGE_CHROMIUM": found}


def browser() -> str | None:
    """Where the machine's Chromium is."""
    return next((path for name in BROWSERS if (path := shutil.which(name))), None)


def chinese_fonts() -> bool:
    """Whether a font on this machine can draw Chinese."""
    if shutil.which("fc-list") is None:
        return any(Path("/usr/share/fonts").glob("**/*CJK*")) if Path("/usr/share/fonts").exists() else False
    run = subprocess.run(["fc-list", ":lang=zh", "family"], capture_output=True, text=True, check=False)
    return bool(run.stdout.strip())


def _passes(name: str, command: list[str], environment: dict[str, str]) -> bool:
    program = Path(sys.executable).parent / command[0]
    passed = subprocess.run([str(program), *command[1:]], env=environment, check=False).returncode == 0
    print(f"{name}: {'passed' if passed else 'FAILED'}", flush=True)
    return passed


def _pytest(words: list[str], environment: dict[str, str]) -> int:
    parallel = [] if any(word.startswith(("-n", "--numprocesses", "--pdb", "-s")) for word in words) else PARALLEL
    command = [sys.executable, "-P", "-m", "pytest", *parallel, *words]
    if environment.get("TEST_DATABASE_URL"):
        return subprocess.run(command, env=environment, check=False).returncode
    try:
        with Cluster.temporary() as cluster:
            return subprocess.run(command, env={**environment, TEST_CLUSTER: str(cluster.data)}, check=False).returncode
    except Refusal as refused:
        print(f"wangge: {refused.message}", file=sys.stderr)
        return 1


def _say(what: str) -> None:
    print(f"… {what}", flush=True)
