"""Pages as contestants: each in a Chromium of its own without a graphics card, its processor time that of all its processes."""

import json
import os
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from playwright.sync_api import Page, Playwright, Route

from bench._processes import cpu_s

CHROMIUM = shutil.which("chromium") or "/usr/bin/chromium"
# The software renderer of WebGL is switched on, or the peer that needs it would not draw at all.
SWITCHES = ["--no-sandbox", "--headless=new", "--disable-gpu", "--use-angle=swiftshader", "--enable-unsafe-swiftshader"]
SIZE = {"width": 1920, "height": 1080}
QUIET_S, QUIET_CPU, QUIET_TIMES = 0.35, 0.06, 4
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

    def cpu(self, work: Callable[[], object]) -> float:
        """Processor seconds of all the browser's processes for a piece of work, until they are quiet again."""
        before = self._spent()
        work()
        self.settle()
        return self._spent() - before

    def settle(self) -> None:
        """Wait until nothing is under way: hardly any processor time, several times over, since a busy machine starves the busy too."""
        until, quiet = time.monotonic() + LONGEST_S, 0
        while time.monotonic() < until and quiet < QUIET_TIMES:
            before = self._spent()
            self.page.wait_for_timeout(QUIET_S * 1000)
            quiet = quiet + 1 if self._spent() - before < QUIET_S * QUIET_CPU else 0

    def _spent(self) -> float:
        self.spent |= {each: cpu_s(each) for each in _descendants(self.root)}
        return sum(self.spent.values())


@contextmanager
def opened(driver: Playwright, origin: str, cookies: Mapping[str, str], files: Mapping[str, Path]) -> Iterator[Opened]:
    """An empty page in a fresh browser; addresses under /bench/ come from `files` by prefix, all others from the server."""
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
        page.route(f"{origin}/bench/**", lambda route: _from_files(route, origin, files))
        yield found
    finally:
        profile.close()


def _count(found: Opened, event: Mapping[str, float]) -> None:
    found.received += int(event["encodedDataLength"])


def _from_files(route: Route, origin: str, files: Mapping[str, Path]) -> None:
    path = route.request.url.removeprefix(f"{origin}/bench/").split("?")[0]
    folder = next(folder for prefix, folder in files.items() if path.startswith(prefix))
    route.fulfill(path=folder / path)


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


def facts(bounds: tuple[float, ...], at: tuple[float, float, float], file: Path) -> None:
    """What every page is told: the district's bounds, where to look, the colours."""
    file.write_text(json.dumps({"bounds": bounds, "at": at, "colours": ["#12324a", "#17537a", "#1f7a9e", "#4fb0b8", "#c9f0d0"]}))
