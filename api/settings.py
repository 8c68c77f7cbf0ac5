"""Every setting with its type, unit and default; read by entry points only and handed down."""

from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """Read from the environment with the prefix WANGGE_ (docs/settings.md lists them all)."""

    model_config = SettingsConfigDict(env_prefix="WANGGE_", frozen=True)

    database_url: str = Field(description="Where the application's role (wangge_app) reaches PostGIS; SQLAlchemy form.")
    schema_url: str = Field(default="", description="Where the schema's owner reaches it; used by worker and command line only.")
    data_dir: Path = Field(default=Path(".wangge"), description="Folder for keys, photos, exports and the embedded database.")
    host: str = Field(default="127.0.0.1", description="Address the server listens on.")
    port: int = Field(default=8420, ge=1, le=65535, description="Port the server listens on.")
    secure_cookies: bool = Field(default=False, description="Send cookies over HTTPS only; on as soon as the site has a certificate.")
    ambiguous_within_m: float = Field(default=10.0, gt=0, description="A place nearer to a border than this is flagged ambiguous, metres.")
    session_idle_minutes: int = Field(default=30, gt=0, description="A browser session idle for longer ends, minutes.")
    session_hours: int = Field(default=12, gt=0, description="A browser session ends after this at the latest, hours.")
    wall_days: int = Field(default=90, gt=0, description="A wall's session ends after this at the latest, days; it is never idle.")
    sign_in_failures: int = Field(default=5, gt=0, description="Failed tries before a name is locked.")
    lock_minutes: int = Field(default=30, gt=0, description="Period in which failed tries count, and so how long a lock lasts, minutes.")
    password_days: int = Field(
        default=90, ge=0, description="A password older than this must be changed at the next sign-in, days; 0 never."
    )
    body_limit_bytes: int = Field(default=1_000_000, gt=0, description="Largest JSON body a request may have, bytes.")
    vertex_limit: int = Field(default=20_000, gt=0, description="Most vertices a polygon in a question may have.")
    tile_cache_bytes: int = Field(default=256_000_000, ge=0, description="Memory for finished tiles in each server process, bytes.")
    watch_recurrence_days: float = Field(
        default=365.0,
        gt=1,
        description="The live watch alerts where chance alone shows such a cluster less often than once in so many days.",
    )
    hot_connections: int = Field(default=6, gt=0, description="Connections held for tiles and lookups in each server process.")
    csp_report_only: bool = Field(default=False, description="Report breaches of the content security policy instead of blocking them.")
