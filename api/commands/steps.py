"""Tells people what is being done, what came of it and how long it took."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

WIDTH = 14
BAR = 30
TELLING = 5  # percent of the whole: how often a log hears of one long piece of work


class Step:
    """One step while it is being done."""

    def __init__(self, name: str, steps: "Steps") -> None:
        self.name = name
        self.outcome = "done"
        self._steps = steps
        self._last, self._told = "", 0

    def say(self, what: str) -> None:
        """Tell what is going on now; on a terminal it is overwritten by what comes next."""
        self._steps.passing(f"{self.name:<{WIDTH}} … {what}")

    def progress(self, what: str, share: float) -> None:
        """Tell how much of the whole is done, 0 to 1; a log hears what begins, and of long work now and then."""
        if sys.stdout.isatty():
            self.say(f"{'█' * round(share * BAR):░<{BAR}} {share:4.0%}  {what}")
        elif what != self._last or round(share * 100) >= self._told + TELLING:
            self.say(f"{share:4.0%}  {what}")
            self._told = round(share * 100)
        self._last = what

    def done(self, outcome: str) -> None:
        """What the step's line will say."""
        self.outcome = outcome


class Steps:
    """The steps of one command, a line each."""

    def __init__(self, *, quiet: bool = False) -> None:
        self.quiet = quiet
        self._passing = False

    @contextmanager
    def step(self, name: str) -> Iterator[Step]:
        """Time a step; its line comes when it is done, and not when it fails."""
        step, started = Step(name, self), time.monotonic()
        if sys.stdout.isatty():
            step.say("")
        yield step
        self.tell(f"{name:<{WIDTH}} {time.monotonic() - started:6.1f} s  {step.outcome}")

    def tell(self, line: str) -> None:
        """Print a line that stays."""
        if not self.quiet:
            self._wipe()
            print(line, flush=True)

    def passing(self, line: str) -> None:
        """Print a line that the next one overwrites on a terminal, and that stays in a log."""
        if self.quiet:
            return
        self._wipe()
        if sys.stdout.isatty():
            print(line[:110], end="", flush=True)
            self._passing = True
        else:
            print(line, flush=True)

    def _wipe(self) -> None:
        if self._passing:
            print("\r\x1b[2K", end="")
            self._passing = False
