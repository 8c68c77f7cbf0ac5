"""A database server that somebody else runs: is it fit, and how is it reached."""

import hashlib
import re
from urllib.parse import quote, urlsplit, urlunsplit

from api import postgis
from data import roles
from gis.errors import BadValue, Conflict, Unavailable

OLDEST_POSTGIS = (3, 3)
ADDRESS = re.compile(r"([^/?#@]*@)?([\w.-]*|\[[0-9a-fA-F:.%]+\])(:\d+)?/[^/?#@]+(\?[^#]*)?")
"""What may stand after `postgresql://`: person and password, host or nothing, port, database, options."""


class ManagedServer:
    """For tests on TEST_DATABASE_URL, whose user makes databases and roles; the same questions as to a cluster."""

    def __init__(self, url: str) -> None:
        self._owner = sqlalchemy_url(url)
        # The same in each process of a test run, because a role has one password.
        self._password = hashlib.sha256(url.encode()).hexdigest()[:24]

    def url(self, role: str, database: str = "wangge") -> str:
        """The SQLAlchemy URL of `database`; `admin` and `schema` are both the user of TEST_DATABASE_URL."""
        url = urlunsplit(urlsplit(self._owner)._replace(path=f"/{quote(database)}"))
        return as_app(url, self._password) if role.removeprefix("wangge_") == "app" else url

    def create_database(self, database: str, *, template: str = "wangge") -> None:
        """Make an empty, prepared database, or clone another one of ours."""
        owner = urlsplit(self._owner).username or ""
        if roles.password_is_of_another(self._owner, self._password):
            raise Conflict(
                "A deployment on the server of TEST_DATABASE_URL has given wangge_app its password; tests would shut it out."
                " Name another server."
            )
        roles.create_database(self._owner, database, template="template0" if template == "wangge" else template, owner=owner)
        roles.adopt(self.url("schema", database), self._password)

    def drop_database(self, database: str) -> None:
        """Drop a database and end the sessions in it."""
        roles.drop_database(self._owner, database)


def sqlalchemy_url(url: str) -> str:
    """The form with the driver's name, whichever of the usual forms came in."""
    scheme, separator, rest = url.partition("://")
    if not separator or scheme not in ("postgres", "postgresql", "postgresql+psycopg"):
        raise BadValue(f"A database URL begins with postgresql://, this one begins with {scheme[:20]!r}.", field="url")
    if not ADDRESS.fullmatch(rest):
        raise BadValue(
            "The database URL cannot be read. It has the form postgresql://owner:password@host:5432/database;"
            " inside a password @ / ? # and % are written as %40 %2F %3F %23 and %25.",
            field="url",
        )
    return f"postgresql+psycopg://{rest}"


def shown(url: str) -> str:
    """A URL without its password, for people and logs."""
    parts = urlsplit(url)
    return f"{parts.netloc.rpartition('@')[2] or 'socket'}{parts.path}"


def refuse_unfit(standing: roles.Standing) -> None:
    """Refuse a server that is too old or has no PostGIS."""
    major = standing.version_num // 10000
    if major < postgis.OLDEST_MAJOR:
        raise Unavailable(f"The database server is PostgreSQL {major}; {postgis.OLDEST_MAJOR} or newer is needed.")
    if standing.postgis is None:
        raise Unavailable("The database server has no PostGIS. Ask its administrator to install PostGIS 3.3 or newer.")
    if tuple(int(part) for part in standing.postgis.split(".")[:2]) < OLDEST_POSTGIS:
        raise Unavailable(f"The database server has PostGIS {standing.postgis}; 3.3 or newer is needed.")


def as_app(owner_url: str, password: str) -> str:
    """The same database, asked for as the application's role."""
    parts = urlsplit(owner_url)
    place = parts.netloc.rpartition("@")[2]
    return urlunsplit(parts._replace(netloc=f"{roles.APP}:{quote(password, safe='')}@{place}"))
