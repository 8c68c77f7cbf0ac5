"""`up`: from a clean checkout to a page that answers, one told and timed step after the other."""

import errno
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from api import supervisor
from api.commands.steps import Step, Steps
from api.deployment import Deployment
from api.supervisor import Running, Supervisor
from gis.errors import Conflict, Unavailable

FIRST_PORT = 8420
PORTS_TRIED = 50
READY_WITHIN_S = 120.0
LOOK_EVERY_S = 0.05
DEMO_COUNTS = {"grid": "grids", "building": "buildings", "household": "households", "incident": "incidents"}
CHANGE_OVER = "To change over: ./wangge down, then ./wangge up"
UNDER_UP = "WANGGE_UNDER_UP"
"""Set for the process that a detached `up` leaves behind, so that it does not tell its steps again."""


def run(data: Path | None, *, host: str, port: int | None, demo: str, detach: bool) -> None:
    """Set up, start, tell; in the foreground stay until Ctrl-C, then stop the application and the database."""
    deployment, steps = Deployment(data), Steps(quiet=UNDER_UP in os.environ)
    with supervisor.setting_up(_made(deployment)):
        found = supervisor.running(deployment.data)
        if found is not None:
            _tell_running(deployment, found, port, steps)
            return
        _port(host, port)  # refused now, not after minutes of loading
        set_up(deployment, demo, steps)
        chosen = _port(host, port)
        if chosen != (port or FIRST_PORT):
            steps.tell(f"port {FIRST_PORT} is taken by another program; using {chosen}")
        if detach:
            found = _start_detached(deployment, host, chosen, demo, steps)
            deployment.remember()
            _invite(deployment, found, steps)
            return
    _stay(deployment, host, chosen, steps)


def set_up(deployment: Deployment, demo: str, steps: Steps) -> None:
    """Bring database, schema, demo district and front-end assets to where this program needs them."""
    from api import assets  # noqa: PLC0415
    from data import migrate, roles  # noqa: PLC0415

    with steps.step("database") as step:
        step.done(deployment.ensure_database(step.say))
    urls = deployment.urls
    with steps.step("schema") as step:
        before, after = migrate.upgrade(urls.schema)
        deployment.take_database()
        deployment.settle_time_zone()
        step.done("up to date" if before == after else f"{before or 'empty'} to {after}")
    if roles.districts(urls.schema) == 0:
        with steps.step("demo district") as step:
            step.done(_load_demo(deployment, demo, step) if demo != "none" else "none asked for; load your own with: ./wangge import")
    with steps.step("statistics") as step:
        step.done(_due_statistics(urls.schema))
    with steps.step("hot spots") as step:
        step.done(_first_hot_spots(urls.schema))
    with steps.step("page assets") as step:
        step.done(assets.ensure(step.say))


def _load_demo(deployment: Deployment, size: str, step: Step) -> str:
    from data import roles  # noqa: PLC0415
    from data.demo.load import load_demo  # noqa: PLC0415

    urls, keys = deployment.urls, deployment.keys()
    report = load_demo(urls.schema, urls.app, size, step.progress, keys=keys)
    if not deployment.managed:
        # A crash right after a bulk load would replay all of it.
        roles.checkpoint(deployment.cluster.url("admin"))
    return f"{size}: " + ", ".join(f"{report.rows.get(table, 0):,} {noun}" for table, noun in DEMO_COUNTS.items())


def _due_statistics(schema_url: str) -> str:
    """What a load that was killed after its commit had still to do."""
    from data.queries.incident_load import finish_if_due  # noqa: PLC0415

    return "counted again after a load that broke off" if finish_if_due(schema_url) else "up to date"


def _first_hot_spots(schema_url: str) -> str:
    """The default run, where there never was one; the worker repeats it every night."""
    from api.analyses import maps  # noqa: PLC0415
    from api.work import Work  # noqa: PLC0415

    work = Work(schema_url)
    try:
        return maps.make_first(work)
    finally:
        work.close()


def _made(deployment: Deployment) -> Path:
    from api.cluster_files import make_data_folder  # noqa: PLC0415

    if not deployment.managed:
        deployment.cluster.refuse_unreachable()
    make_data_folder(deployment.data)
    return deployment.data


def _tell_running(deployment: Deployment, found: Running, port: int | None, steps: Steps) -> None:
    if port is not None and port != found.port:
        raise Conflict(f"It runs on port {found.port} already. To move it: ./wangge down, then ./wangge up --port {port}")
    with steps.step("application") as step:
        deployment.refuse_silent_database()
        _wait_ready(found, lambda: None)
        step.done(f"runs already, since {time.strftime('%Y-%m-%d %H:%M', time.localtime(found.started_at))}; nothing was changed")
    if found.outdated:
        steps.tell(f"What runs was started from another state of the program than this one. {CHANGE_OVER}")
    _invite(deployment, found, steps)


def _stay(deployment: Deployment, host: str, port: int, steps: Steps) -> None:
    keeper = Supervisor(deployment, host, port, echo=None if steps.quiet else _echo)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, keeper.ask_to_stop)
    with keeper.started():
        if _welcomed(deployment, keeper, steps):
            keeper.watch()
        keeper.stop()
        # Still its owner: whoever asked for the end waits for this too, and finds nothing that runs.
        if not deployment.managed:
            steps.tell("stopping the database")
            deployment.cluster.stop()
        deployment.forget()


def _welcomed(deployment: Deployment, keeper: Supervisor, steps: Steps) -> bool:
    """Wait until the page answers and say where; False when somebody asked to stop meanwhile."""
    with steps.step("application") as step:
        found = supervisor.running(deployment.data)
        if found is None:
            raise Unavailable(f"The file {deployment.data / 'app.json'} cannot be read back.")
        if not _wait_ready(found, keeper.check, stopped=lambda: keeper.asked_to_stop):
            return False
        step.done(found.address)
    deployment.remember()
    if not steps.quiet:
        _invite(deployment, found, steps)
        steps.tell("Ctrl-C stops it.")
    return True


def _start_detached(deployment: Deployment, host: str, port: int, demo: str, steps: Steps) -> Running:
    logs = deployment.data / "logs"
    logs.mkdir(mode=0o700, exist_ok=True)
    words = ["up", "--data", str(deployment.data), "--host", host, "--port", str(port), "--demo", demo]
    with steps.step("application") as step, (logs / "up.log").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", "api.commands.stay", *words],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd="/",
            env={**os.environ, **deployment.settings(host, port), UNDER_UP: "1"},
            start_new_session=True,
        )

        def still_there() -> None:
            if process.poll() is not None:
                raise Unavailable(f"The application ended as soon as it was started: {supervisor.last_words(deployment.data, 'up')}")

        with _stopped_on_failure(process):
            while (found := supervisor.running(deployment.data)) is None:
                still_there()
                time.sleep(LOOK_EVERY_S)
            _wait_ready(found, still_there)
        step.done(found.address)
    return found


@contextmanager
def _stopped_on_failure(process: subprocess.Popen[bytes]) -> Iterator[None]:
    try:
        yield
    except BaseException:
        process.terminate()
        raise


def stay(data: Path, host: str, port: int) -> None:
    """What a detached `up` leaves behind: supervise what was set up already."""
    _stay(Deployment(data), host, port, Steps(quiet=True))


def _wait_ready(found: Running, check: Callable[[], None], *, stopped: Callable[[], bool] = lambda: False) -> bool:
    """Wait until the page answers; False when somebody asked to stop meanwhile."""
    deadline = time.monotonic() + READY_WITHIN_S
    while not answers(found):
        check()
        if stopped():
            return False
        if time.monotonic() > deadline:
            raise Unavailable(f"The page did not answer within {READY_WITHIN_S:.0f} s. Look into the logs: ./wangge status")
        time.sleep(LOOK_EVERY_S)
    return True


def answers(found: Running) -> bool:
    """Whether the server says that it is ready."""
    try:
        with urllib.request.urlopen(f"{found.address}/readyz", timeout=5) as answer:  # noqa: S310  our own http address
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError, ValueError):
        return False


def _port(host: str, asked: int | None) -> int:
    """The port asked for, or the first free one from 8420 on."""
    if asked is not None:
        if not free(host, asked):
            raise Conflict(f"Port {asked} of {host} is taken by another program. Choose another with --port, or leave --port out.")
        return asked
    for port in range(FIRST_PORT, FIRST_PORT + PORTS_TRIED):
        if free(host, port):
            return port
    raise Conflict(f"The ports {FIRST_PORT} to {FIRST_PORT + PORTS_TRIED - 1} are all taken. Choose one with --port.")


def free(host: str, port: int) -> bool:
    """Whether a server could listen there."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except socket.gaierror:
            raise Unavailable(f"{host} is no address of this machine.") from None
        except PermissionError:
            raise Unavailable(f"Port {port} is reserved for root. Choose one above 1023.") from None
        except OSError as failed:
            if failed.errno == errno.EADDRNOTAVAIL:
                raise Unavailable(f"{host} is no address of this machine.") from None
            return False
    return True


def _invite(deployment: Deployment, found: Running, steps: Steps) -> None:
    from api.commands.invitation import sign_in_link  # noqa: PLC0415

    link = sign_in_link(deployment, found.address)
    steps.tell("")
    steps.tell(f"Sign in with this link, once, within a day: {link}")


_echoing = threading.Lock()


def _echo(line: str) -> None:
    with _echoing:
        print(line, flush=True)
