"""Decides which user of the operating system owns the database files, because PostgreSQL refuses to run as root."""

import contextlib
import os
import pwd
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict

from gis.errors import Unavailable

UNDER_ROOT = ("wangge", "postgres")
"""The users root hands the server to, the first that exists."""


NOBODY = 65534


class Identity(TypedDict, total=False):
    """The keyword arguments of `subprocess` that make a child run as the owner."""

    user: int
    group: int
    extra_groups: list[int]


@dataclass(frozen=True)
class Owner:
    """A user of the operating system that owns a cluster's files and runs its server."""

    name: str
    uid: int
    gid: int

    @property
    def identity(self) -> Identity:
        """What `subprocess` needs to run as this user; nothing when that is who we are."""
        if os.geteuid() == self.uid:
            return {}
        if self.uid == NOBODY:
            return {"user": NOBODY, "group": NOBODY, "extra_groups": []}
        return {"user": self.uid, "group": self.gid, "extra_groups": os.getgrouplist(self.name, self.gid)}

    def reaches(self, folder: Path) -> bool:
        """Whether this user can enter `folder`, or where it does not exist yet, the nearest folder above it."""
        while not folder.exists():
            folder = folder.parent
        run = subprocess.run(["/usr/bin/test", "-x", str(folder)], check=False, cwd="/", **self.identity)
        return run.returncode == 0

    def give(self, folder: Path, mode: int = 0o700) -> Path:
        """Make `folder` if it is missing and hand it to this user."""
        folder.mkdir(mode=mode, parents=True, exist_ok=True)
        if os.geteuid() == 0:
            os.chown(folder, self.uid, self.gid)
        folder.chmod(mode)
        return folder


def owner_of(pgdata: Path) -> Owner:
    """Who owns the cluster in `pgdata`, or who will: ourselves, or as root the one of `UNDER_ROOT` that exists."""
    if os.geteuid() != 0:
        me = os.geteuid()
        if pgdata.exists() and pgdata.stat().st_uid != me:
            raise Unavailable(
                f"The database in {pgdata} belongs to another user (uid {pgdata.stat().st_uid})."
                " Run this as that user or as root, or choose another folder with --data."
            )
        return _of_uid(me)
    if pgdata.exists() and pgdata.stat().st_uid != 0:
        return _of_uid(pgdata.stat().st_uid)
    owner = _under_root()
    if owner is None:
        raise Unavailable(
            "PostgreSQL refuses to run as root and there is no user to hand it to."
            " Make one: useradd --system --home-dir /nonexistent --shell /usr/sbin/nologin wangge"
        )
    return owner


def passer_by(pgdata: Path) -> Owner:
    """The owner, for questions of reach only: where a bare machine has no such user yet, anybody without rights."""
    nobody_yet = os.geteuid() == 0 and not pgdata.exists() and _under_root() is None
    return Owner("nobody", NOBODY, NOBODY) if nobody_yet else owner_of(pgdata)


def _under_root() -> Owner | None:
    for name in UNDER_ROOT:
        with contextlib.suppress(KeyError):
            entry = pwd.getpwnam(name)
            return Owner(name, entry.pw_uid, entry.pw_gid)
    return None


def _of_uid(uid: int) -> Owner:
    try:
        entry = pwd.getpwuid(uid)
    except KeyError:
        raise Unavailable(
            f"The user with number {uid} has no name on this machine, and PostgreSQL asks for one. Add it to /etc/passwd."
        ) from None
    return Owner(entry.pw_name, entry.pw_uid, entry.pw_gid)
