"""Work in a second process, so that a database is filled with one part of a demo while the next is still being made."""

import ctypes
import os
import pickle
import signal
import traceback
import warnings
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType
from typing import Any, Generic, Self, TypeVar

T = TypeVar("T")
PR_SET_PDEATHSIG = 1  # of prctl(2)


class BesideFailed(Exception):
    """The work beside broke off; the message holds its own traceback."""


class Beside(Generic[T]):
    """Runs `work` in a copy of this process until its `result` is asked for; leaving the context ends it.

    A copy shares nothing it changes and opens no connection. It dies with its parent, so that a killed load keeps no lock.
    """

    def __init__(self, work: Callable[[], T]) -> None:
        self._work = work

    def __enter__(self) -> Self:
        reader, writer = os.pipe()
        parent = os.getpid()
        with warnings.catch_warnings():
            # The copy touches no lock that another thread may hold: numbers and geometry only.
            warnings.simplefilter("ignore", DeprecationWarning)
            self._child = os.fork()
        if self._child == 0:
            os.close(reader)
            _live(self._work, writer, parent)
        os.close(writer)
        self._answer = os.fdopen(reader, "rb")
        return self

    def result(self) -> T:
        """Wait for what the work returns; BesideFailed when it broke off."""
        try:
            done, value = pickle.load(self._answer)  # noqa: S301  our own copy wrote it
        except EOFError:
            raise BesideFailed("The process ended before its work was done.") from None
        if not done:
            raise BesideFailed(value)
        result: T = value
        return result

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None) -> None:
        self._answer.close()
        with suppress(ProcessLookupError):
            os.kill(self._child, signal.SIGKILL)
        os.waitpid(self._child, 0)


def _live(work: Callable[[], Any], writer: int, parent: int) -> None:
    """All that the copy ever does."""
    try:
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        if os.getppid() == parent:
            with os.fdopen(writer, "wb") as pipe:
                pickle.dump(_outcome(work), pipe, protocol=5)
    finally:
        os._exit(0)


def _outcome(work: Callable[[], Any]) -> tuple[bool, Any]:
    try:
        return True, work()
    except BaseException:  # noqa: BLE001  told to the parent, whole
        return False, traceback.format_exc()
