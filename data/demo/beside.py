"""Work in a second process, so that a database is filled with one part of a demo while the next is still being made."""

import ctypes
import os
import pickle
import signal
import traceback
import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from types import TracebackType
from typing import Any, Generic, Self, TypeVar

T = TypeVar("T")
PR_SET_PDEATHSIG = 1  # of prctl(2)
YIELDED, ENDED, FAILED = range(3)


class BesideFailed(Exception):
    """The work beside broke off; the message holds its own traceback."""


class Beside(Generic[T]):
    """Runs `work` in a copy of this process while its `results` are taken; leaving the context ends it.

    The copy is one result ahead at most: it waits with a finished one until it is taken. It shares nothing it changes and
    opens no connection. It dies with its parent, so that a killed load keeps no lock.
    """

    def __init__(self, work: Callable[[], Iterable[T]]) -> None:
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

    def results(self) -> Iterator[T]:
        """What the work yields, in order; BesideFailed when it broke off."""
        while True:
            try:
                kind, value = pickle.load(self._answer)  # noqa: S301  our own copy wrote it
            except EOFError:
                raise BesideFailed("The process ended before its work was done.") from None
            if kind == FAILED:
                raise BesideFailed(value)
            if kind == ENDED:
                return
            yield value

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None) -> None:
        self._answer.close()
        with suppress(ProcessLookupError):
            os.kill(self._child, signal.SIGKILL)
        os.waitpid(self._child, 0)


def _live(work: Callable[[], Iterable[Any]], writer: int, parent: int) -> None:
    """All that the copy ever does."""
    try:
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        if os.getppid() == parent:
            with os.fdopen(writer, "wb") as pipe:
                for answer in _answers(work):
                    pickle.dump(answer, pipe, protocol=5)
                    pipe.flush()
    finally:
        os._exit(0)


def _answers(work: Callable[[], Iterable[Any]]) -> Iterator[tuple[int, Any]]:
    try:
        for value in work():
            yield YIELDED, value
        yield ENDED, None
    except BaseException:  # noqa: BLE001  told to the parent, whole
        yield FAILED, traceback.format_exc()
