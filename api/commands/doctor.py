"""`doctor`: look over the machine and the deployment, and say what to do about each fault."""

import os
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from api import assets, postgis, supervisor
from api.commands.test import browser, chinese_fonts
from api.commands.up import CHANGE_OVER, FIRST_PORT, answers, free
from api.deployment import DATABASE_URL, Deployment
from api.managed import refuse_unfit, sqlalchemy_url
from data import roles
from gis.errors import Refusal

GIB = 1024**3
LEAST_DISK_GIB = 5
EARLIEST_CLOCK = 1_767_225_600  # 2026-01-01: a clock before this program was written is wrong


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at. A fault stops something; a warning is a wish."""

    name: str
    state: str
    """`good`, `warning` or `fault`."""
    what: str
    remedy: str = ""


def run(data: Path | None) -> None:
    """Print what was found; exit with 1 when there is a fault."""
    findings = [finding for check in CHECKS for finding in _guarded(check, Deployment(data))]
    marks = {"good": "ok     ", "warning": "warning", "fault": "FAULT  "}
    for each in findings:
        print(f"{marks[each.state]}  {each.name:<13} {each.what}")
        if each.remedy:
            print(f"{'':<24}-> {each.remedy}")
    sys.exit(int(any(each.state == "fault" for each in findings)))


def _guarded(check: Callable[[Deployment], Iterator[Finding]], deployment: Deployment) -> Iterator[Finding]:
    try:
        yield from check(deployment)
    except Refusal as refused:
        yield Finding(check.__name__.strip("_"), "fault", refused.message)


def _python(_: Deployment) -> Iterator[Finding]:
    yield Finding("python", "good", f"{sys.version.split()[0]} in {sys.prefix}")


def _clock(_: Deployment) -> Iterator[Finding]:
    told = time.strftime("%Y-%m-%d %H:%M:%S %Z")
    right = time.time() > EARLIEST_CLOCK
    yield Finding("clock", "good" if right else "fault", told, "" if right else "Set the machine's clock: deadlines are counted by it.")


def _disk(deployment: Deployment) -> Iterator[Finding]:
    folder = next(each for each in [deployment.data, *deployment.data.parents] if each.exists())
    left = shutil.disk_usage(folder).free / GIB
    roomy = left >= LEAST_DISK_GIB
    yield Finding(
        "disk",
        "good" if roomy else "fault",
        f"{left:.1f} GiB free at {folder}",
        "" if roomy else f"Free {LEAST_DISK_GIB} GiB or move --data.",
    )


def _data(deployment: Deployment) -> Iterator[Finding]:
    if not deployment.data.exists():
        yield Finding("data", "warning", f"{deployment.data} does not exist yet", "Run: ./wangge up")
        return
    closed = deployment.data.stat().st_mode & 0o066 == 0
    remedy = "" if closed else f"Nobody else should read it: chmod go-rw {deployment.data}"
    yield Finding("data", "good" if closed else "fault", str(deployment.data), remedy)


def _postgresql(deployment: Deployment) -> Iterator[Finding]:
    if deployment.managed:
        return
    programs = postgis.find(deployment.data / "postgis", major=deployment.cluster.major)
    if programs is None:
        yield Finding(
            "postgresql",
            "fault",
            "none with PostGIS fits",
            "./wangge up installs it, or: " + postgis.how_to_install().splitlines()[2].strip(),
        )
        return
    safe = programs.minor >= postgis.SAFE_MINOR.get(programs.major, 0)
    remedy = "" if safe else f"Row-level security leaks before {programs.major}.{postgis.SAFE_MINOR[programs.major]}: upgrade PostgreSQL."
    yield Finding("postgresql", "good" if safe else "fault", f"{programs.version} in {programs.bindir}", remedy)


def _database(deployment: Deployment) -> Iterator[Finding]:
    if deployment.managed:
        standing = roles.standing(sqlalchemy_url(os.environ[DATABASE_URL]))
        refuse_unfit(standing)
        number = standing.version_num
        safe = number % 10000 >= postgis.SAFE_MINOR.get(number // 10000, 0)
        yield Finding(
            "database", "good" if safe else "fault", f"managed, PostgreSQL {number // 10000}.{number % 10000}, PostGIS {standing.postgis}"
        )
    else:
        status = deployment.cluster.status()
        if status.state != "ready":
            yield Finding("database", "warning", status.state, "Run: ./wangge up")
            return
        yield Finding("database", "good", f"ready, process {status.pid}")
        yield Finding("socket", "good", str(status.socket))
    yield from _rights(deployment)


def _rights(deployment: Deployment) -> Iterator[Finding]:
    for role, faults in roles.faults(deployment.urls.schema).items():
        yield Finding(
            "roles",
            "fault" if faults else "good",
            f"{role}{': ' if faults else ''}{', '.join(faults)}",
            "Run: ./wangge up" if faults else "",
        )
    leakproof = roles.box_functions_leakproof(deployment.urls.schema)
    remedy = (
        ""
        if leakproof
        else "Maps are slow without it. Let a superuser run: ALTER FUNCTION geometry_overlaps(geometry, geometry) LEAKPROOF;"
    )
    yield Finding(
        "leakproof", "good" if leakproof else "warning", "spatial indexes work under row-level security" if leakproof else "not set", remedy
    )


def _application(deployment: Deployment) -> Iterator[Finding]:
    found = supervisor.running(deployment.data)
    if found is None:
        taken = not free("127.0.0.1", FIRST_PORT)
        note = f"; port {FIRST_PORT} is taken by another program, up will use the next" if taken else ""
        yield Finding("application", "warning", f"stopped{note}", "Run: ./wangge up")
        return
    ready = answers(found)
    remedy = "" if ready else f"Look into {deployment.data / 'logs'}"
    yield Finding("application", "good" if ready else "fault", f"{found.address}, process {found.pid}", remedy)
    if found.outdated:
        yield Finding("program", "warning", "what runs was started from another state of the program than this one", CHANGE_OVER)


def _page(_: Deployment) -> Iterator[Finding]:
    node = assets.node_folder() / "bin" / "node"
    yield Finding("node", "good" if node.exists() else "fault", str(node), "" if node.exists() else "Remove .venv and run: ./wangge up")
    current = assets.current()
    yield Finding(
        "page assets",
        "good" if current else "warning",
        "built" if current else "not built from today's lock",
        "" if current else "Run: ./wangge up",
    )


def _tests(_: Deployment) -> Iterator[Finding]:
    found, install = browser(), "Only tests and screenshots need it: sudo apt-get install "
    yield Finding("chromium", "good" if found else "warning", found or "none", "" if found else f"{install}chromium")
    fonts = chinese_fonts()
    yield Finding(
        "fonts", "good" if fonts else "warning", "Chinese" if fonts else "no Chinese", "" if fonts else f"{install}fonts-noto-cjk"
    )


CHECKS = (_python, _clock, _disk, _data, _postgresql, _database, _application, _page, _tests)
