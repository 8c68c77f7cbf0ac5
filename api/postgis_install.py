"""Installs PostgreSQL with PostGIS from the distribution's own packages, with the machine's rights or without any."""

import contextlib
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

from api import postgis
from api.cluster_files import exclusively
from gis.errors import Unavailable

INSTALL = "WANGGE_INSTALL"
"""`system` (the machine's package manager), `private` (unpacked into the data folder), `never`; unset: what works."""
PACKAGE = re.compile(r"^postgresql-(\d+)-postgis-3$", re.MULTILINE)
CREATECLUSTER = Path("/etc/postgresql-common/createcluster.conf")
NO_MAIN_CLUSTER = "create_main_cluster = false"

Say = Callable[[str], None]


def programs(data: Path, say: Say, *, major: int | None = None) -> postgis.Programs:
    """A PostgreSQL with PostGIS for the cluster in `data`, installed first when there is none.

    Raises Unavailable with the command to run when it can be installed in neither way.
    """
    bundle = data / "postgis"
    found = postgis.find(bundle, major=major)
    if found is not None:
        return found
    data.mkdir(parents=True, exist_ok=True)
    with exclusively(data / "install.lock"):
        _install(bundle, say, major)
    found = postgis.find(bundle, major=major)
    if found is None:
        raise Unavailable(postgis.how_to_install(major))
    return found


def install_packages(names: list[str], say: Say) -> bool:
    """Install the distribution's packages with the machine's rights; False when we have none."""
    rights = _rights()
    if rights is None or shutil.which("apt-get") is None:
        return False
    say(f"installing {', '.join(names)} (apt-get)")
    return _install_with(rights, names)


def _install(bundle: Path, say: Say, major: int | None) -> None:
    choice = os.environ.get(INSTALL, "")
    if choice not in ("", "system", "private", "never"):
        raise Unavailable(f"{INSTALL} is {choice!r}; it can be system, private or never.")
    if postgis.find(bundle, major=major) is not None or choice == "never" or shutil.which("apt-get") is None:
        return
    rights = _rights() if choice != "private" else None
    if rights is not None:
        _install_on_machine(rights, say, major)
    elif choice != "system":
        _unpack_privately(bundle, say, major)


def _rights() -> list[str] | None:
    """What to put before a command that changes the machine: nothing as root, sudo where it asks no password."""
    if os.geteuid() == 0:
        return []
    if shutil.which("sudo") and subprocess.run(["sudo", "-n", "true"], capture_output=True, check=False).returncode == 0:
        return ["sudo", "-n"]
    return None


def _install_on_machine(rights: list[str], say: Say, major: int | None) -> None:
    if _package({}, major) is None:
        say("reading the distribution's list of packages (apt-get update)")
        _run([*rights, "apt-get", "update", "-qq"])
    package = _package({}, major)
    if package is None:
        return
    _forbid_main_cluster(rights)
    say(f"installing {package} (apt-get; a minute or two, once)")
    _install_with(rights, [package])


def _install_with(rights: list[str], names: list[str]) -> bool:
    command = [
        *rights,
        "env",
        "DEBIAN_FRONTEND=noninteractive",
        "apt-get",
        "install",
        "-y",
        "-qq",
        "--no-install-recommends",
    ]
    command += ["-o", "DPkg::Lock::Timeout=300", "-o", "DPkg::Options::=--force-confold", *names]
    if _run(command):
        return True
    # Lists that are missing or older than the mirror's packages fail once.
    return _run([*rights, "apt-get", "update", "-qq"]) and _run(command)


def _forbid_main_cluster(rights: list[str]) -> None:
    """Keep Debian from making and starting a server of its own on port 5432 while it installs."""
    with contextlib.suppress(OSError):
        if re.search(r"^\s*create_main_cluster\s*=", CREATECLUSTER.read_text(), re.MULTILINE):
            return
    script = f"mkdir -p {CREATECLUSTER.parent} && printf '%s\\n' '{NO_MAIN_CLUSTER}' >> {CREATECLUSTER}"
    _run([*rights, "sh", "-c", script])


def _unpack_privately(bundle: Path, say: Say, major: int | None) -> None:
    apt, fresh = bundle.with_name("apt"), bundle.with_name("postgis.new")
    for folder in ("state/lists/partial", "cache/archives/partial"):
        (apt / folder).mkdir(parents=True, exist_ok=True)
    options = {
        "Dir::State": str(apt / "state"),
        "Dir::State::status": "/var/lib/dpkg/status",
        "Dir::Cache": str(apt / "cache"),
    }
    options |= {"Debug::NoLocking": "1", "APT::Sandbox::User": ""}
    say("reading the distribution's list of packages")
    _run(["apt-get", "-qq", *_options(options), "update"])
    package = _package(options, major)
    if package is None:
        return
    say(f"downloading {package} and what it needs (about 130 MB, once)")
    command = [
        "apt-get",
        "-qq",
        "-y",
        *_options(options),
        "--no-install-recommends",
        "--download-only",
        "install",
        package,
    ]
    if not _run(command):
        return
    archives = sorted((apt / "cache/archives").glob("*.deb"))
    say(f"unpacking {len(archives)} packages into {bundle}")
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir()
    if all(_run(["dpkg-deb", "-x", str(archive), str(fresh)]) for archive in archives):
        _link_alternatives(fresh)
        shutil.rmtree(bundle, ignore_errors=True)
        fresh.rename(bundle)
        shutil.rmtree(apt, ignore_errors=True)


def _link_alternatives(root: Path) -> None:
    """Make the links that the packages' own scripts would have made."""
    for versioned in root.glob("usr/share/postgresql/*/extension/*-3.control"):
        link = versioned.with_name(versioned.name.replace("-3.control", ".control"))
        if not link.exists():
            link.symlink_to(versioned.name)


def _package(options: Mapping[str, str], major: int | None) -> str | None:
    """The package to ask for: of `major`, or of the newest PostgreSQL the distribution has."""
    command = ["apt-cache", *_options(options), "search", "--names-only", "^postgresql-[0-9]+-postgis-3$"]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    names = "\n".join(line.split(" ")[0] for line in run.stdout.splitlines())
    majors = [int(found) for found in PACKAGE.findall(names)]
    fitting = [found for found in majors if (found == major if major else found >= postgis.OLDEST_MAJOR)]
    return f"postgresql-{max(fitting)}-postgis-3" if fitting else None


def _options(options: Mapping[str, str]) -> list[str]:
    return [word for name, value in options.items() for word in ("-o", f"{name}={value}")]


def _run(command: list[str]) -> bool:
    """Run a command quietly; what it complains of is shown only when it fails."""
    run = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if run.returncode:
        print(run.stderr.strip()[-2000:])
    return run.returncode == 0
