"""Finds a PostgreSQL with PostGIS on this machine, so that the cluster knows which programs to run."""

import glob
import os
import re
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

from gis.errors import Unavailable

OLDEST_MAJOR = 15
"""15 brings security_invoker views."""
SAFE_MINOR = {15: 14, 16: 10, 17: 6}
"""Older minors leak rows past row-level security through statistics (CVE-2025-8713)."""
DISTRO_BINDIRS = (
    "/usr/lib/postgresql/*/bin",
    "/usr/pgsql-*/bin",
    "/opt/homebrew/opt/postgresql@*/bin",
    "/usr/local/pgsql/bin",
)
NEEDED = ("postgres", "initdb", "pg_isready", "psql")


@dataclass(frozen=True)
class Programs:
    """One installed PostgreSQL: its folder of programs, its version, the environment its libraries need."""

    bindir: Path
    major: int
    minor: int
    environment: dict[str, str] = field(default_factory=dict)

    def path(self, name: str) -> str:
        """The full path of a program such as `psql`."""
        return str(self.bindir / name)

    @property
    def version(self) -> str:
        return f"{self.major}.{self.minor}"


def find(bundle: Path | None = None, *, major: int | None = None) -> Programs | None:
    """The newest fit PostgreSQL: `WANGGE_PG_BINDIR` first, then the distribution's, then `bundle` (unpacked packages).

    With `major`, only that version fits: a cluster can be opened by no other. None when nothing fits.
    """
    asked = os.environ.get("WANGGE_PG_BINDIR")
    if asked:
        programs = _inspect(Path(asked), {})
        if programs is None:
            raise Unavailable(f"WANGGE_PG_BINDIR is {asked}, but there is no PostgreSQL {OLDEST_MAJOR} or newer with PostGIS in it.")
        return programs if major in (None, programs.major) else None
    folders: list[tuple[Path, dict[str, str]]] = [(Path(path), {}) for pattern in DISTRO_BINDIRS for path in glob.glob(pattern)]
    if bundle is not None:
        folders += [(path, libraries(bundle)) for path in bundle.glob("usr/lib/postgresql/*/bin")]
    found = [programs for path, environment in folders if (programs := _inspect(path, environment))]
    fitting = [programs for programs in found if major in (None, programs.major)]
    return max(fitting, key=lambda each: (each.major, each.minor, not each.environment), default=None)


def how_to_install(major: int | None = None) -> str:
    """What a person does where nothing could be installed."""
    package = f"postgresql-{major or OLDEST_MAJOR}-postgis-3"
    missing = f"PostgreSQL {major}" if major else f"PostgreSQL {OLDEST_MAJOR} or newer"
    return f"""There is no {missing} with PostGIS here, and it could not be installed.
Do one of these, then run the same command again:
  Debian, Ubuntu:   sudo apt-get update && sudo apt-get install {package}   (or the number your distribution has)
  other systems:    install PostgreSQL with PostGIS, then: export WANGGE_PG_BINDIR=/folder/with/postgres
  a database server you have already:   export DATABASE_URL=postgresql://owner:password@host/database
  with Docker:      docker compose up"""


def libraries(bundle: Path) -> dict[str, str]:
    """Where programs of unpacked packages find their libraries and projection data."""
    triplets = [path for path in (bundle / "usr/lib").glob("*-linux-gnu*") if path.is_dir()]
    folders = [str(folder) for path in triplets for folder in (path, path / "blas", path / "lapack") if folder.is_dir()]
    return {
        "LD_LIBRARY_PATH": ":".join(folders),
        "PROJ_LIB": str(bundle / "usr/share/proj"),
        "PROJ_DATA": str(bundle / "usr/share/proj"),
    }


def _inspect(bindir: Path, environment: dict[str, str]) -> Programs | None:
    if not all(os.access(bindir / name, os.X_OK) for name in NEEDED):
        return None
    run = subprocess.run(
        [bindir / "postgres", "--version"],
        capture_output=True,
        text=True,
        env={**os.environ, **environment},
        check=False,
    )
    version = re.search(r"(\d+)\.(\d+)", run.stdout)
    if run.returncode or version is None or int(version[1]) < OLDEST_MAJOR or not _has_postgis(bindir, int(version[1])):
        return None
    return Programs(bindir, int(version[1]), int(version[2]), environment)


def _has_postgis(bindir: Path, major: int) -> bool:
    shares = (
        bindir.parent / "share/extension",
        bindir.parent / "share/postgresql/extension",
        bindir.parents[3] / f"share/postgresql/{major}/extension",
    )
    return any((share / "postgis.control").exists() for share in shares)
