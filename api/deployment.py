"""One deployment: its data folder, and where its database is reached, embedded or managed elsewhere."""

import contextlib
import os
import secrets
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from api import postgis_install
from api.cluster import PROJECT, Cluster, default_data
from api.cluster_files import make_data_folder
from api.managed import as_app, refuse_unfit, shown, sqlalchemy_url
from data import belonging, roles, sealing, zone
from gis.errors import Conflict, Unavailable

DATABASE_URL = "DATABASE_URL"
APP_URL = "DATABASE_APP_URL"
TIME_ZONE = "WANGGE_TIME_ZONE"


@dataclass(frozen=True)
class Urls:
    """Where the schema's owner and the application's role reach the database; SQLAlchemy form, secrets included."""

    schema: str
    app: str


class Deployment:
    """What every command works on: a data folder and the database that belongs to it."""

    def __init__(self, data: Path | None = None) -> None:
        """`data` beats WANGGE_DATA_DIR, which beats the folder of the running deployment, which beats the default."""
        self.data = (data or _from_environment() or _running() or default_data(PROJECT)).absolute()
        if self.data.exists() and not self.data.is_dir():
            raise Unavailable(f"{self.data} is a file, not a folder. Choose a folder with --data.")

    @property
    def managed(self) -> bool:
        """Whether the database is somebody else's (`DATABASE_URL`) rather than our own embedded one."""
        return bool(os.environ.get(DATABASE_URL))

    @property
    def cluster(self) -> Cluster:
        """The embedded cluster of this data folder."""
        return Cluster(self.data)

    @cached_property
    def urls(self) -> Urls:
        """The database's URLs; changes nothing."""
        if not self.managed:
            return Urls(self.cluster.url("schema"), self.cluster.url("app"))
        owner = sqlalchemy_url(os.environ[DATABASE_URL])
        if os.environ.get(APP_URL):
            return Urls(owner, sqlalchemy_url(os.environ[APP_URL]))
        with contextlib.suppress(FileNotFoundError):
            return Urls(owner, as_app(owner, self._app_password.read_text().strip()))
        raise Unavailable("The managed database is not prepared yet. Run first: ./wangge up")

    def wake(self) -> Urls:
        """The URLs of a database that answers: an embedded one is started if it was stopped."""
        if not self.managed:
            self.cluster.start()
        return self.urls

    def settings(self, host: str = "127.0.0.1", port: int = 8420) -> dict[str, str]:
        """The environment that a deployment's own processes read their settings from."""
        return {
            "WANGGE_DATABASE_URL": self.urls.app,
            "WANGGE_SCHEMA_URL": self.urls.schema,
            "WANGGE_DATA_DIR": str(self.data),
            "WANGGE_HOST": host,
            "WANGGE_PORT": str(port),
            "PYTHONPATH": str(PROJECT),
            "PYTHONUNBUFFERED": "1",
        }

    def ensure_database(self, say: postgis_install.Say) -> str:
        """Bring the database to life, install what is missing; returns what it is, for people."""
        make_data_folder(self.data)
        if self.managed:
            return self._ensure_managed()
        self.cluster.refuse_unreachable()
        major = self.cluster.major
        found = postgis_install.programs(self.data, say, major=major)
        self.cluster.ensure(say)
        self._refuse_other_keys(self.urls.schema)
        standing = roles.standing(self.cluster.url("admin"))
        return f"PostgreSQL {found.version}, PostGIS {standing.postgis}, in {self.data}"

    def keys(self) -> sealing.Keyring:
        """The keyring that seals what is stored in this database; refused where another one does."""
        self._refuse_other_keys(self.urls.schema)
        return sealing.keyring(self.data)

    def take_database(self) -> None:
        """Keep in a migrated database which keys it belongs to."""
        belonging.take(self.urls.schema, self.keys())

    def settle_time_zone(self) -> None:
        """Let a new database cut its days by WANGGE_TIME_ZONE; refuse one that does so by another zone already."""
        asked = os.environ.get(TIME_ZONE)
        stored, settled = zone.kept(self.urls.schema)
        if not asked or asked == stored:
            return
        if settled:
            raise Conflict(
                f"Days and hours of this deployment are those of {stored}; {TIME_ZONE} says {asked}. Leave the setting out, or change the"
                f" deployment over, which counts its figures anew: ./wangge statistics rebuild --time-zone {asked}"
            )
        zone.settle(self.urls.schema, asked)

    def refuse_silent_database(self) -> None:
        """Refuse with the reason when a managed database does not answer: nobody here could bring it back, so waiting is in vain."""
        if self.managed:
            roles.standing(self.urls.schema)

    def remember(self) -> None:
        """Let commands without --data find this deployment while it runs."""
        if self.data != default_data(PROJECT):
            with contextlib.suppress(OSError):
                _pointer().parent.mkdir(exist_ok=True)
                _pointer().write_text(f"{self.data}\n")

    def forget(self) -> None:
        """Undo `remember` once this deployment is down."""
        if _running() == self.data:
            _pointer().unlink(missing_ok=True)

    @property
    def _app_password(self) -> Path:
        return self.data / "keys" / "app-password"

    def _ensure_managed(self) -> str:
        owner = sqlalchemy_url(os.environ[DATABASE_URL])
        standing = roles.standing(owner)
        refuse_unfit(standing)
        self._refuse_other_keys(owner)
        if not os.environ.get(APP_URL):
            if not standing.may_create_roles and not self._app_password.exists():
                raise Unavailable(
                    f"The user of {DATABASE_URL} may not create roles. Let an administrator run"
                    f" CREATE ROLE {roles.APP} LOGIN PASSWORD '…'; and set {APP_URL} to the same database with that user."
                )
            if standing.may_create_roles:
                self._refuse_other_password(owner)
            roles.adopt(owner, self._keep_app_password() if standing.may_create_roles else None)
        else:
            roles.adopt(owner, None)
        number = standing.version_num
        return f"PostgreSQL {number // 10000}.{number % 10000}, PostGIS {standing.postgis}, at {shown(owner)}"

    def _refuse_other_keys(self, owner: str) -> None:
        keys = sealing.kept(self.data)
        if belonging.fits(owner, keys):
            return
        raise Conflict(
            f"The database {shown(owner) if self.managed else 'in ' + str(self.data)} belongs to another data folder:"
            f" {sealing.key_file(self.data)} {'is missing' if keys is None else 'holds other keys'},"
            " so names and numbers stored there could not be read any more."
            f" Nothing was changed. Bring the folder keys of that data folder, or of its backup, to {self._app_password.parent};"
            " or begin with an empty database."
        )

    def _refuse_other_password(self, owner: str) -> None:
        own = self._app_password.read_text().strip() if self._app_password.exists() else None
        if roles.password_is_of_another(owner, own):
            raise Conflict(
                f"Another deployment on {shown(owner)} has given {roles.APP} its password; a new one would shut it out."
                f" Nothing was changed. Copy its file keys/{self._app_password.name} to {self._app_password}."
                f" If that deployment is gone, run on the server: COMMENT ON ROLE {roles.APP} IS NULL;"
            )

    def _keep_app_password(self) -> str:
        self._app_password.parent.mkdir(mode=0o700, exist_ok=True)
        if not self._app_password.exists():
            fresh = self._app_password.with_suffix(".new")
            fresh.touch(mode=0o600)
            fresh.write_text(secrets.token_urlsafe(32) + "\n")
            fresh.replace(self._app_password)
        return self._app_password.read_text().strip()


def _from_environment() -> Path | None:
    folder = os.environ.get("WANGGE_DATA_DIR")
    return Path(folder) if folder else None


def _pointer() -> Path:
    return PROJECT / ".wangge" / "running"


def _running() -> Path | None:
    try:
        return Path(_pointer().read_text().strip())
    except OSError:
        return None
