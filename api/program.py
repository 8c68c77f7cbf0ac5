"""Which state of the program this is, so that what runs can be told from what lies on the disk."""

import hashlib

from api.cluster import PROJECT

ROOMS = ("api", "data", "gis", "migrations", "web")
SOURCES = frozenset({".py", ".sql", ".toml", ".html", ".js", ".css", ".json"})
MADE = ("web/static/vendor/", "web/static/built/")
"""Made from the sources at set-up."""


def state() -> str:
    """A digest of the program's own files and of what it is built on; it takes about 20 ms."""
    told = hashlib.sha256((PROJECT / "requirements.lock").read_bytes())
    for room in ROOMS:
        for path in sorted((PROJECT / room).rglob("*")):
            name = path.relative_to(PROJECT).as_posix()
            if path.suffix in SOURCES and not name.startswith(MADE):
                told.update(name.encode() + b"\0" + path.read_bytes())
    return told.hexdigest()[:16]
