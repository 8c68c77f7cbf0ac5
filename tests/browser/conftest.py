"""A real Chromium without any way out, signed in at a real server on the small demo district."""

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
import pytest
from playwright.sync_api import Browser, Dialog, Page, Playwright, expect, sync_playwright

from api import tokens
from api.analyses import maps
from api.cluster import Cluster
from api.work import Work
from data.demo.load import load_demo
from data.sealing import keyring
from tests import factories
from tests.browser.plans import COMMUNITY, DISTRICT, Planner, Planners
from tests.conftest import Clone, Served, cloned, serve, serving

CHROMIUM = os.environ.get("WANGGE_CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser") or ""
OFFLINE = [
    "--no-sandbox",
    "--headless=new",
    "--disable-gpu",
    "--disable-background-networking",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
]
READY_MS = 60_000
"""How long a page may take on a machine that has other work; five seconds, as Playwright has it, are too few for what waits its turn there."""
expect.set_options(timeout=READY_MS / 2)
AXE = Path(__file__).parents[2] / "web/static/vendor/axe.min.js"
NASTY = "<img src=x onerror=alert(1)>${7*7}</script>{{7*7}}"


@dataclass
class Watched:
    """A page, and everything that happened on it which should not have."""

    page: Page
    address: str
    wrong: list[str] = field(default_factory=list)

    def open(self, path: str = "/") -> Page:
        """Go there and wait until the page says that it is ready."""
        self.page.goto(self.address + path)
        self.ready()
        return self.page

    def ready(self) -> None:
        """Wait until the one screen shows what the address asks for."""
        self.page.wait_for_function("() => document.body.dataset.ready === 'true'", timeout=READY_MS)

    def axe(self) -> list[str]:
        """What axe-core finds by the rules of WCAG 2.2 AA, one line a finding."""
        # The test's own tool comes in through the debugger, which the page's policy does not bind.
        self.page.evaluate(AXE.read_text("utf-8"))
        tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
        found = self.page.evaluate("tags => axe.run(document, {runOnly: tags})", tags)
        return [f"{each['id']}: {node['target']} {node['failureSummary']}" for each in found["violations"] for node in each["nodes"]]


Opener = Callable[..., Watched]


@pytest.fixture(scope="module")
def playwright() -> Iterator[Playwright]:
    """The driver; its own browsers are not needed. It runs an event loop in this thread, so it ends before another module's tests."""
    with sync_playwright() as driver:
        yield driver


@pytest.fixture(scope="module")
def browser(playwright: Playwright) -> Iterator[Browser]:
    """Debian's Chromium without a graphics card and without a network."""
    if not CHROMIUM:
        pytest.skip("No Chromium: apt-get install --no-install-recommends chromium fonts-noto-cjk")
    started = playwright.chromium.launch(executable_path=CHROMIUM, args=OFFLINE)
    yield started
    started.close()


@pytest.fixture(scope="session")
def session_token(demo_small: Clone) -> str:
    """A session of an operator of the whole district, with hot spots worked out and nasty texts in the newest incidents."""
    work = Work(demo_small.schema_url)
    maps.make(work)
    work.close()
    with demo_small.owner() as connection:
        newest = "SELECT id FROM incident WHERE grid_id IS NOT NULL ORDER BY reported_at DESC LIMIT 5"
        connection.execute(f"UPDATE incident SET title = %s, address = %s WHERE id IN ({newest})", [NASTY, NASTY])
        connection.execute("UPDATE officer SET name = %s WHERE id IN (SELECT min(id) FROM officer)", [NASTY])
    return tokens.bearer_token(demo_small.schema_url, "operator", None)


@pytest.fixture
def opener(browser: Browser, live_server: str, session_token: str) -> Iterator[Opener]:
    """`opener(width, height)` gives a watched page; at the end of the test nothing may have gone wrong on any of them."""
    opened: list[Watched] = []

    def make(width: int = 1920, height: int = 1080, *, signed_in: bool = True, token: str = session_token, **options: object) -> Watched:
        context = browser.new_context(viewport={"width": width, "height": height}, locale="zh-CN", **options)  # type: ignore[arg-type]
        context.set_default_timeout(READY_MS)
        if signed_in:
            context.add_cookies([{"name": "wangge", "value": token, "url": live_server}])
        watched = Watched(context.new_page(), live_server)
        _watch(watched)
        opened.append(watched)
        return watched

    yield make
    for each in opened:
        each.page.context.close()
    assert [wrong for each in opened for wrong in each.wrong] == []


@pytest.fixture(scope="module")
def stage(cluster: Cluster, district_template: tuple[str, factories.District]) -> Iterator[Clone]:
    """The hand-made district in a database of its own: these tests write."""
    with cloned(cluster, district_template[0], "stage") as clone:
        yield clone


@pytest.fixture(scope="module")
def served(stage: Clone, data_dir: Path) -> Iterator[Served]:
    """A real server on it."""
    with serving(stage, data_dir) as served:
        yield served


@pytest.fixture(scope="session")
def drawn_on(cluster: Cluster, migrated: str, data_dir: Path) -> Iterator[Clone]:
    """A small demo district that may be redrawn."""
    with cloned(cluster, migrated, "redrawn") as clone:
        load_demo(clone.schema_url, clone.app_url, "small", keys=keyring(data_dir))
        yield clone


@pytest.fixture(scope="session")
def planners_server(drawn_on: Clone, data_dir: Path) -> Iterator[str]:
    """A real server on it."""
    with serve(drawn_on, data_dir) as address:
        yield address


@pytest.fixture(scope="session")
def planners_tokens(drawn_on: Clone) -> dict[str, str]:
    """Tokens of two planners of the whole district and of somebody who may only look."""
    return {
        "first": tokens.bearer_token(drawn_on.schema_url, "planner", None),
        "second": tokens.bearer_token(drawn_on.schema_url, "planner", DISTRICT),
        "onlooker": tokens.bearer_token(drawn_on.schema_url, "analyst", None),
    }


@pytest.fixture
def planners(browser: Browser, planners_server: str, planners_tokens: dict[str, str]) -> Iterator[Planners]:
    """`planners("second")` gives a planner at a page of their own; at the end nothing may have gone wrong on any."""
    opened: list[Planner] = []

    def make(who: str = "first", width: int = 1920, height: int = 1080, **options: Any) -> Planner:
        context = browser.new_context(viewport={"width": width, "height": height}, locale="zh-CN", **options)
        context.set_default_timeout(READY_MS)
        context.add_cookies([{"name": "wangge", "value": planners_tokens[who], "url": planners_server}])
        watched = Watched(context.new_page(), planners_server)
        _watch(watched)
        headers = {"Authorization": f"Bearer {planners_tokens[who]}"}
        planner = Planner(watched, browser.new_context(extra_http_headers=headers).request, planners_server, COMMUNITY)
        opened.append(planner)
        return planner

    yield make
    for each in opened:
        each.page.context.close()
    # A refused dry run is an answer, and Chromium writes each one on the console.
    wrong = [said for each in opened for said in each.watched.wrong if not any(code in said for code in each.expected)]
    assert wrong == []


def _watch(watched: Watched) -> None:
    page = watched.page
    page.on("console", lambda said: watched.wrong.append(f"console: {said.text}") if said.type in {"error", "warning"} else None)
    page.on("pageerror", lambda error: watched.wrong.append(f"script: {error}"))
    page.on("dialog", lambda dialog: _dialog(watched, dialog))
    page.on("request", lambda asked: None if _ours(asked.url, watched.address) else watched.wrong.append(f"outside: {asked.url}"))
    page.add_init_script(
        "addEventListener('securitypolicyviolation', e => console.error('policy: ' + e.violatedDirective + ' ' + e.blockedURI))"
    )


def _dialog(watched: Watched, dialog: Dialog) -> None:
    watched.wrong.append(f"dialog: {dialog.message}")
    dialog.dismiss()


def _ours(url: str, address: str) -> bool:
    return url.startswith((address + "/", "data:", "blob:" + address))


@contextmanager
def owner(clone: Clone) -> Iterator[psycopg.Connection]:
    """A connection that sees all rows, to know what a test should see."""
    with clone.owner() as connection:
        yield connection


@pytest.fixture(scope="module")
def modules(browser: Browser, live_server: str) -> Iterator[Page]:
    """A page of our own, from which modules may be imported."""
    context = browser.new_context()
    page = context.new_page()
    page.goto(f"{live_server}/sign-in")
    yield page
    context.close()
