"""Pages as contestants: each in a Chromium of its own without a graphics card, its processor time that of all its processes."""

import json
import os
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from playwright.sync_api import Page, Playwright

from bench._processes import cpu_s

CHROMIUM = shutil.which("chromium") or "/usr/bin/chromium"
# The software renderer of WebGL is switched on, or the peer that needs it would not draw at all.
SWITCHES = ["--no-sandbox", "--headless=new", "--disable-gpu", "--use-angle=swiftshader", "--enable-unsafe-swiftshader"]
SIZE = {"width": 1920, "height": 1080}
LOOK_S, BUSY_SHARE, QUIET_LOOKS = 0.05, 0.15, 28
"""A browser is quiet when in so many looks, one behind the other, it used less than this share of a processor."""
LONGEST_S = 120.0


@dataclass
class Opened:
    """A page in its own browser, and what it asked for."""

    page: Page
    root: int
    requests: list[str] = field(default_factory=list)
    received: int = 0
    spent: dict[int, float] = field(default_factory=dict)
    """Processor seconds by process, of those that have ended too: a page that is left takes its renderer along."""
    settled: float = 0.0
    """When the last work was done, on the monotonic clock."""

    def cpu(self, work: Callable[[], object]) -> float:
        """Processor seconds of all the browser's processes for a piece of work, until they are quiet again."""
        return self.cost(work)[0]

    def cost(self, work: Callable[[], object]) -> tuple[float, float]:
        """Processor seconds of all the browser's processes for a piece of work, and the seconds until nothing of it was under way."""
        before, began = self._spent(), time.monotonic()
        work()
        self.settle()
        return self._spent() - before, self.settled - began

    def settle(self) -> None:
        """Wait until nothing is under way: hardly any processor time, many times over, since a busy machine starves the busy too."""
        until, quiet, before = time.monotonic() + LONGEST_S, 0, self._spent()
        self.settled = time.monotonic()
        while time.monotonic() < until and quiet < QUIET_LOOKS:
            self.page.wait_for_timeout(LOOK_S * 1000)
            now = self._spent()
            quiet = quiet + 1 if now - before < LOOK_S * BUSY_SHARE else 0
            self.settled = self.settled if quiet else time.monotonic()
            before = now

    def _spent(self) -> float:
        self.spent |= {each: cpu_s(each) for each in _descendants(self.root)}
        return sum(self.spent.values())


@contextmanager
def opened(driver: Playwright, origin: str, cookies: Mapping[str, str]) -> Iterator[Opened]:
    """An empty page in a fresh browser that has done with its own start, signed in at `origin`."""
    profile = driver.chromium.launch(executable_path=CHROMIUM, args=SWITCHES)
    try:
        context = profile.new_context(viewport=SIZE)  # type: ignore[arg-type]
        context.add_cookies([{"name": name, "value": value, "url": origin} for name, value in cookies.items()])
        page = context.new_page()
        found = Opened(page, _youngest_browser())
        page.on("request", lambda asked: found.requests.append(asked.url))
        session = context.new_cdp_session(page)
        session.send("Network.enable")
        session.on("Network.loadingFinished", lambda event: _count(found, event))
        found.settle()
        yield found
    finally:
        profile.close()


def _count(found: Opened, event: Mapping[str, float]) -> None:
    found.received += int(event["encodedDataLength"])


def _descendants(root: int) -> list[int]:
    found, queue = [], [root]
    while queue:
        each = queue.pop()
        found.append(each)
        for task in Path(f"/proc/{each}/task").glob("*/children"):
            try:
                queue += [int(child) for child in task.read_text().split()]
            except (FileNotFoundError, ProcessLookupError):
                continue
    return found


def _youngest_browser() -> int:
    """The browser that this process's driver started last: the newest one under it that is no helper of another."""
    browsers = []
    for each in _descendants(os.getpid()):
        try:
            words = Path(f"/proc/{each}/cmdline").read_bytes()
            started = int(Path(f"/proc/{each}/stat").read_text().rsplit(")", 1)[1].split()[19])
        except (FileNotFoundError, ProcessLookupError):
            continue
        # A renderer writes its command line anew, with blanks in place of zeros.
        if b"chromium" in words.split(b"\0")[0] and b"--type=" not in words:
            browsers.append((started, each))
    return max(browsers)[1]


def told(page: Path, bounds: tuple[float, ...], at: tuple[float, float, float]) -> str:
    """A page that knows, as ours do from the server, the district's bounds, where to look and the colours."""
    known = {"bounds": bounds, "at": at, "colours": ["#12324a", "#17537a", "#1f7a9e", "#4fb0b8", "#c9f0d0"]}
    return page.read_text("utf-8").replace("FACTS", json.dumps(known))
