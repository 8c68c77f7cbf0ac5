"""Which deployment a database belongs to: it keeps a fingerprint of the keys that seal its personal fields, never a key."""

import psycopg

from data.sealing import Keyring
from gis.errors import Conflict

FINGERPRINT = """
    SELECT (SELECT value #>> '{}' FROM deployment WHERE key = 'keys'), EXISTS (SELECT FROM area WHERE level = 'district')
"""


def fits(schema_url: str, keys: Keyring | None) -> bool:
    """Whether what these keys sealed may be what is stored: a database that holds nothing yet fits everybody."""
    with _owner(schema_url) as connection:
        row = connection.execute("SELECT to_regclass('public.deployment') IS NOT NULL").fetchone()
        if row is None or not row[0]:
            return True
        kept, settled = connection.execute(FINGERPRINT).fetchone() or (None, False)
    if kept is not None:
        return keys is not None and keys.fingerprint == kept
    return keys is not None or not settled


def take(schema_url: str, keys: Keyring) -> None:
    """Let a database belong to these keys from now on; Conflict when it got others in between."""
    with _owner(schema_url) as connection:
        connection.execute(
            "INSERT INTO deployment (key, value) VALUES ('keys', to_jsonb(%s::text)) ON CONFLICT (key) DO NOTHING", [keys.fingerprint]
        )
    if not fits(schema_url, keys):
        raise Conflict("Another data folder took this database at the same moment. Nothing was loaded into it from here.")


def _owner(schema_url: str) -> psycopg.Connection:
    return psycopg.connect(schema_url.replace("postgresql+psycopg://", "postgresql://", 1), connect_timeout=10)
