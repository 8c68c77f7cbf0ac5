"""Takes the pictures of the documentation, so that what they show is what the program does today."""

import argparse
import contextlib
import os
import re
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import product
from pathlib import Path

import numpy as np
from PIL import Image
from playwright.sync_api import Browser, BrowserContext, Error, Page, Route, sync_playwright
from scipy.spatial import cKDTree

from scripts.screenshots_stage import OPERATOR, Ground, Stage, raised
from web import pages
from web.page import Theme, View
from web.words import Language

FOLDER = Path(__file__).resolve().parents[1] / "docs" / "screens"
CHROMIUM = os.environ.get("WANGGE_CHROMIUM") or shutil.which("chromium") or "/usr/bin/chromium"
OFFLINE = ["--no-sandbox", "--headless=new", "--disable-gpu", "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost"]
SIZES = {"desk": (1920, 1080), "phone": (390, 844), "wall": (3840, 1080)}
LOOKS = tuple(product(("zh", "en"), ("dark", "light"), ("desk", "phone")))
WALLS = tuple(product(("zh", "en"), ("dark", "light"), ("wall", "desk")))
KEPT = {
    "reports": (("zh", "light", "desk"), ("en", "dark", "phone")),
    "reports-clock": (("en", "light", "desk"),),
    "report": (("zh", "light", "desk"), ("en", "dark", "desk"), ("zh", "dark", "phone")),
    "report-refused": (("zh", "light", "desk"),),
    "compared": (("en", "light", "desk"), ("zh", "dark", "phone")),
    "one-screen": LOOKS,
    "community": (("zh", "dark", "desk"), ("en", "light", "desk"), ("zh", "light", "phone")),
    "grid": (("zh", "dark", "desk"), ("en", "light", "phone")),
    "sign-in": (("zh", "dark", "desk"), ("en", "light", "phone")),
    "sign-in-link": (("zh", "light", "phone"), ("en", "dark", "desk")),
    "building": (("zh", "light", "desk"), ("en", "dark", "phone")),
    "household": (("zh", "dark", "desk"), ("en", "light", "phone")),
    "rows": (("zh", "dark", "desk"), ("en", "light", "desk"), ("zh", "dark", "phone")),
    "hotspots": (("zh", "dark", "desk"), ("en", "light", "phone")),
    "hours": (("zh", "dark", "desk"), ("en", "light", "desk")),
    "custom-days": (("en", "dark", "desk"), ("zh", "light", "phone")),
    "grids": (("en", "dark", "desk"),),
    "wall": (("zh", "dark", "wall"), ("en", "light", "wall"), ("zh", "dark", "desk")),
    "wall-area": (("zh", "light", "wall"), ("en", "dark", "desk")),
    "wall-loading": (("en", "light", "wall"),),
    "wall-empty": (("zh", "light", "wall"),),
    "wall-stale": (("zh", "dark", "wall"),),
    "wall-lost": (("en", "dark", "wall"),),
    "alerts": (("zh", "dark", "desk"), ("en", "light", "phone")),
    "emerging": (("en", "dark", "desk"), ("zh", "light", "desk")),
    "dispatch": (("zh", "dark", "desk"), ("en", "light", "desk"), ("zh", "light", "phone")),
    "supervise": (("en", "dark", "desk"), ("zh", "light", "phone")),
    "dispatched": (("zh", "light", "desk"), ("en", "dark", "phone")),
    "search": (("zh", "dark", "desk"),),
    "stale": (("en", "light", "desk"), ("zh", "dark", "phone")),
    "assignment": (("zh", "light", "desk"),),
    "service": (("en", "dark", "desk"),),
    "care": (("en", "light", "desk"),),
    "facilities": (("zh", "light", "desk"),),
    "legend": (("en", "dark", "phone"),),
    "layers": (("zh", "light", "phone"),),
    "loading": (("zh", "dark", "desk"), ("en", "light", "phone")),
    "empty": (("zh", "dark", "desk"), ("en", "light", "desk"), ("zh", "light", "phone")),
    "failed": (("en", "dark", "desk"), ("zh", "light", "phone")),
    "lost": (("zh", "dark", "desk"), ("en", "light", "phone")),
    "signed-out": (("en", "light", "desk"),),
    "not-found": (("zh", "dark", "phone"),),
    "refused": (("en", "light", "desk"),),
    "broken": (("zh", "light", "desk"), ("en", "dark", "phone")),
    "reference": (("zh", "dark", "desk"), ("en", "light", "phone")),
    "plans": (("zh", "light", "desk"), ("en", "dark", "phone")),
    "plans-new": (("en", "light", "desk"),),
    "design": (("zh", "light", "desk"), ("en", "dark", "desk")),
    "editor": (("zh", "light", "desk"), ("zh", "dark", "desk"), ("en", "light", "desk"), ("zh", "light", "phone")),
    "editor-history": (("en", "dark", "desk"),),
    "editor-issues": (("zh", "light", "phone"),),
    "editor-comments": (("zh", "dark", "desk"),),
    "editor-proposals": (("zh", "light", "desk"), ("en", "light", "desk")),
    "editor-preview": (("zh", "light", "desk"), ("en", "dark", "desk"), ("en", "light", "phone")),
    "editor-swipe": (("zh", "light", "desk"), ("en", "light", "desk")),
    "editor-submit": (("zh", "light", "desk"), ("en", "light", "desk")),
}
"""The pictures in the repository; all looks of all pages are for those who change one."""
COVERED = {
    "grid", "building", "household", "editor", "editor-preview", "editor-issues", "rows", "hotspots", "lost", "stale", "alerts", "dispatch",
    "dispatched", "supervise", "custom-days", "legend", "layers", "reference",
}  # fmt: skip
"""On a phone something lies over these pages, or they go on for ever, so that their full length would show the wrong thing."""
AS = {
    "sign-in": None, "sign-in-link": None, "not-found": None, "refused": "audit_admin", "household": "clerk", "care": "clerk",
    **dict.fromkeys((page for page in KEPT if page.startswith("wall")), "wall"),
}  # fmt: skip
"""Who looks, where it is not the operator; a visitor is nobody."""
ALONE = {"lost", "wall-lost", "signed-out", "stale", "wall-stale"}
"""What is done to these pages is done to their whole browser: its clock, its network, its cookies."""
ANSWERS = re.compile(r"/api/v1/(overview|picture|feed|fills|hotspots)")
READY = "() => document.body.dataset.ready === 'true'"
LOCALES = {"zh": "zh-CN", "en": "en-GB"}
SETTLED_MS = 1500
PATIENCE_MS, SHOWN_MS = 60_000, 20_000
COLOURS, COMMON = 256, 80
RARE = 0.35
"""The power of a colour's frequency by which it counts: at 0 each as much as any other."""
SEEN_APART = 40
CHANGED = 0.0008
"""A picture is another one where this share of its pixels is another colour by so many of 255; the clock is less than that."""


def propose(page: Page) -> None:
    """Ask for balanced grids and wait for the alternatives."""
    page.keyboard.press("p")
    page.locator("dialog footer .primary").click()
    page.wait_for_selector("dialog .alternatives", timeout=PATIENCE_MS)


def preview(page: Page) -> None:
    """Look at an alternative on the map, which nobody has agreed to yet."""
    propose(page)
    page.locator("dialog .alternatives .primary").last.click()
    page.wait_for_selector("#pending.ready", timeout=PATIENCE_MS)


def play(page: Page) -> None:
    """Open the hot spots over time and go some steps back."""
    page.get_by_role("button", name=re.compile("Hot spots over time|查看热点演变")).click()
    page.wait_for_selector(".emerging input")


def supervise(page: Page) -> None:
    """Ask for what is needed to supervise an incident."""
    page.locator('#detail [data-act="supervise"]').click()
    page.wait_for_selector("dialog[open]")


def dispatch(page: Page) -> None:
    """Give an incident to whom the card names last, which can be taken back."""
    page.locator("#detail .hand").last.click()
    page.wait_for_selector('#notices [data-kind="undo"]')


def take_back(page: Page) -> None:
    """Leave the incident as it was found."""
    page.locator('#notices [data-kind="undo"] button').first.click()
    page.wait_for_selector('#notices [data-kind="undo"]', state="detached")


def look_up(page: Page) -> None:
    """Type a part of an address."""
    page.keyboard.press("/")
    page.keyboard.insert_text("公馆" if page.locator("html[lang|=zh]").count() else "Grid 1")
    page.wait_for_selector("#found li .chip")


def grow_old(page: Page) -> None:
    """Let more than two minutes go by without a sign of life."""
    page.clock.fast_forward(130_000)
    page.wait_for_selector('#live[data-state="stale"]')


def lose(page: Page) -> None:
    """Take the network away while something is asked."""
    page.context.set_offline(True)
    page.locator("#categories .bars button").first.click()
    page.wait_for_selector("#notices > *")
    page.evaluate("() => (document.activeElement.blur(), scrollTo(0, 0))")


def lose_wall(page: Page) -> None:
    """Take the network away; a wall finds out when it goes on to the next area."""
    page.context.set_offline(True)
    page.wait_for_selector('#live[data-state="lost"]', timeout=PATIENCE_MS)


def end_session(page: Page) -> None:
    """Sign out elsewhere, then ask for something."""
    page.context.clear_cookies()
    page.locator("#categories .bars button").first.click()
    page.wait_for_selector("#notices > *")


def press(what: str, shown: str) -> Callable[[Page], None]:
    """Press the first of what a selector finds, and wait for what it shows."""

    def act(page: Page) -> None:
        page.locator(what).first.click()
        page.wait_for_selector(shown)

    return act


ACTS: dict[str, Callable[[Page], None]] = {
    "emerging": play,
    "supervise": supervise,
    "dispatched": dispatch,
    "search": look_up,
    "stale": grow_old,
    "wall-stale": grow_old,
    "lost": lose,
    "wall-lost": lose_wall,
    "signed-out": end_session,
    "custom-days": press(".period .own", ".days:not([hidden])"),
    "legend": press('[aria-controls="legend"]', "#legend .ramp"),
    "layers": press('[aria-controls="switches"]', "#switches select"),
    "reports-clock": press("#asking .send button:not(.primary)", "dialog[open]"),
    "plans-new": press("#controls .primary", "dialog[open]"),
    "editor-issues": press("#tab_issues", "#tab_body > *"),
    "editor-proposals": propose,
    "editor-preview": preview,
    "editor-swipe": press(".beside button", ".swipe"),
    "editor-submit": press("#actions .primary", "dialog[open]"),
}
"""What is done on a page before its picture is taken; nothing of it is kept, but one incident is dispatched and taken back."""
SCREEN = ("#feed [data-incident]", "#ranking tbody tr", "#kpi .kpi", "#trend svg")
SHOWN: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(
        (
            "one-screen",
            "community",
            "hours",
            "grids",
            "wall",
            "wall-area",
            "wall-stale",
            "service",
            "care",
            "assignment",
            "facilities",
        ),
        SCREEN,
    ),
    "grid": ("#detail h3", "#detail .person", *SCREEN),
    "building": ("#detail h3", "#detail .person"),
    "household": ("#detail .resident",),
    "rows": ("dialog tbody tr",),
    "hotspots": (".cluster",),
    "alerts": (".cluster .primary",),
    "dispatch": ("#detail .hand",),
    "supervise": ("dialog textarea",),
    "dispatched": ('#notices [data-kind="undo"]',),
    "stale": ('#live[data-state="stale"]',),
    "loading": (".skeleton",),
    "wall-loading": (".skeleton",),
    "empty": (".empty",),
    "wall-empty": (".empty",),
    "failed": (".failed",),
    "lost": ("#notices .notice",),
    "wall-lost": ("#notices .notice", ".failed"),
    "signed-out": ("#notices .notice a, #notices .notice button",),
    **dict.fromkeys(("not-found", "refused", "broken"), ("h1", "a.primary")),
    "sign-in": ("#name", "#password"),
    "sign-in-link": ("form button",),
    "reference": (".opblock",),
    "plans": ("#list tbody tr",),
    "reports": ("#list [data-analysis]", "#asking summary"),
    "report": (".block table",),
    "report-refused": ("#waiting > *",),
    "compared": (".block table",),
    "design": ("main > section",),
    "editor": ("#tab_body > :visible, #panel .sheet-handle:visible", "#toolbox button"),
    **dict.fromkeys(("editor-history", "editor-comments"), ("#tab_body > *", "#toolbox button")),
}
"""What must be seen on a page, or its picture would show something else than it says."""
COMPLAINTS: dict[str, str] = {
    "failed": r"503", "broken": r"503|500", "refused": r"403", "not-found": r"404", "signed-out": r"401",
    "lost": r"ERR_INTERNET_DISCONNECTED", "wall-lost": r"ERR_INTERNET_DISCONNECTED|ERR_NETWORK",
}  # fmt: skip
"""What the console says of a page on which something is meant to go wrong."""


@dataclass(frozen=True)
class Picture:
    """One file: its page and look, and the address after the server's."""

    page: str
    path: str
    language: Language
    theme: Theme
    device: str

    @property
    def name(self) -> str:
        """The file's name without its ending."""
        return f"{self.page}-{self.language}-{self.theme}-{self.device}"

    @property
    def waits(self) -> bool:
        """Whether the page says when it is ready."""
        still = {
            "sign-in",
            "sign-in-link",
            "not-found",
            "refused",
            "broken",
            "loading",
            "wall-loading",
            "reference",
            "compared",
            "report-refused",
        }
        return self.page not in still


def pictures(at: Ground, *, every: bool, only: list[str]) -> Iterator[Picture]:
    """The pictures to take: those that are kept, or every look; where `only` names pages or pictures, these alone."""
    drawn = ("editor-proposals", "editor-preview", "editor-swipe", "editor-submit")
    nothing = "from=2015-03-01&to=2015-03-07&"
    paths = {
        **dict.fromkeys(KEPT, "/?"),
        "community": f"/?area={at.community}&",
        "grid": f"/?grid={at.grid}&",
        "sign-in": "/sign-in?",
        "sign-in-link": f"/sign-in/link/{'a' * 43}?",
        "building": f"/?grid={at.grid}&building={at.building}&",
        "household": f"/?grid={at.grid}&building={at.building}&household={at.household}&",
        "rows": "/?rows=overdue&",
        "hotspots": "/?rows=hotspots&",
        "hours": "/?hours=18-22&",
        "grids": "/?ranked=grid&",
        **dict.fromkeys(("wall", "wall-loading", "wall-stale"), "/?wall=stay&"),
        "wall-lost": "/?wall=1&",
        "wall-area": f"/?wall=stay&area={at.street}&",
        "wall-empty": f"/?wall=stay&{nothing}",
        "alerts": "/?rows=alerts&",
        **dict.fromkeys(("dispatch", "supervise", "dispatched"), f"/?grid={at.grid}&incident={at.incident}&"),
        "assignment": "/?fill=assignment&layers=officers&",
        "service": "/?fill=service&layers=&",
        "care": "/?fill=care&layers=&",
        "facilities": f"/?area={at.community}&layers=facilities,officers&",
        "empty": f"/?{nothing}",
        "not-found": "/nowhere?",
        "refused": "/plans?",
        "broken": "/plans?",
        "reference": "/docs?",
        "plans": "/plans?state=all&",
        "plans-new": "/plans?",
        "design": "/design?",
        "reports": "/reports?",
        "reports-clock": "/reports?",
        "report": f"/reports/{at.report}?",
        "report-refused": f"/reports/{at.refused}?",
        "compared": f"/reports/compared?{at.compared}&",
        "editor": f"/plans/{at.plan}?tab=changes&",
        **{f"editor-{tab}": f"/plans/{at.plan}?tab={tab}&" for tab in ("history", "issues", "comments")},
        **dict.fromkeys(drawn, f"/plans/{at.plan}?tab=impact&"),
    }
    for page, looks in KEPT.items():
        for language, theme, device in (WALLS if page.startswith("wall") else LOOKS) if every else looks:
            picture = Picture(page, f"{paths[page]}lang={language}&theme={theme}", language, theme, device)  # type: ignore[arg-type]
            if not only or not {page, picture.name}.isdisjoint(only):
                yield picture


def hold(_: Route) -> None:
    """Never answer."""


def fail(picture: Picture, route: Route) -> None:
    """Answer that something is not there now: a page as a page, a question as a problem."""
    if picture.page == "broken":
        html = pages.problem(View(picture.language, picture.theme, ""), 503)
        route.fulfill(status=503, content_type="text/html; charset=utf-8", body=html)
    else:
        route.fulfill(status=503, content_type="application/problem+json", body="{}")


def staged(page: Page, picture: Picture) -> None:
    """Arrange for what goes wrong in a state that is not the usual one."""
    if picture.page.endswith("loading"):
        page.route(ANSWERS, hold)
    elif picture.page == "failed":
        page.route(ANSWERS, partial(fail, picture))
    elif picture.page == "broken":
        page.route(re.compile(r"/plans\?"), partial(fail, picture))
    elif picture.page.endswith("stale"):
        page.clock.install()


def take(context: BrowserContext, address: str, picture: Picture, file: Path) -> list[str]:
    """Open one page and write its file; a phone's page is taken at its full length, but for a card over it. Tells what was wrong."""
    said: list[str] = []
    page = context.new_page()
    with contextlib.closing(page):
        return shot(page, said, address, picture, file)


def shot(page: Page, said: list[str], address: str, picture: Picture, file: Path) -> list[str]:
    """Go there, do what there is to do, and write the file."""
    page.on("console", lambda each: said.append(f"console: {each.text}") if each.type in {"error", "warning"} else None)
    page.on("pageerror", lambda error: said.append(f"script: {error}"))
    staged(page, picture)
    page.goto(address + picture.path)
    if picture.waits:
        page.wait_for_function(READY, timeout=PATIENCE_MS)
    for selector in SHOWN.get(picture.page, ()) if picture.page not in ACTS else ():
        page.wait_for_selector(selector, timeout=SHOWN_MS)
    page.wait_for_timeout(SETTLED_MS)
    if picture.page in ACTS:
        ACTS[picture.page](page)
        page.wait_for_timeout(SETTLED_MS)
    missing = [f"not seen: {selector}" for selector in SHOWN.get(picture.page, ()) if not page.locator(selector).first.is_visible()]
    page.screenshot(path=file, full_page=picture.device == "phone" and picture.page not in COVERED)
    if picture.page == "dispatched":
        take_back(page)
    page.unroute_all(behavior="ignoreErrors")
    expected = COMPLAINTS.get(picture.page)
    return missing + [each for each in said if not (expected and re.search(expected, each))]


class Browsers:
    """A browser for each person and size, which keeps what it has read; one of its own where the page does something to it."""

    def __init__(self, browser: Browser, stage: Stage) -> None:
        self.browser, self.stage = browser, stage
        self.used: dict[tuple[str | None, str, str], BrowserContext] = {}

    @contextmanager
    def of(self, picture: Picture) -> Iterator[BrowserContext]:
        """The one to open a picture's page in."""
        who = AS.get(picture.page, OPERATOR)
        asked = (who, picture.device, picture.language)
        if picture.page in ALONE:
            context = self._made(*asked)
            yield context
            context.close()
        else:
            if asked not in self.used:
                self.used[asked] = self._made(*asked)
            yield self.used[asked]

    def _made(self, who: str | None, device: str, language: str) -> BrowserContext:
        width, height = SIZES[device]
        context = self.browser.new_context(viewport={"width": width, "height": height}, locale=LOCALES[language])
        if who is not None:
            context.add_cookies([{"name": "wangge", "value": self.stage.people[who], "url": self.stage.address}])
        return context


def kept(file: Path, before: Path) -> bool:
    """Whether a picture shows what it showed before; then the file stays as it was, so that the repository does not grow."""
    if not before.exists():
        return False
    with Image.open(file) as new, Image.open(before) as old:
        if new.size != old.size:
            return False
        apart = np.abs(np.asarray(new.convert("RGB"), np.int16) - np.asarray(old.convert("RGB"), np.int16)).max(axis=2)
    return bool((apart > SEEN_APART).mean() < CHANGED)


def settle(taken: Path, file: Path) -> str:
    """Put a picture that was taken in its place if it is another one, with a palette; says what became of it."""
    if kept(taken, file):
        return "as before"
    told = "changed" if file.exists() else "new"
    with Image.open(taken) as full:
        with_palette(full.convert("RGB")).save(file, optimize=True)
    return told


def with_palette(full: Image.Image) -> Image.Image:
    """The picture in 256 colours: its commonest ones, then always the one that is told worst by those there are.

    What palettes are usually made by gives soft tones or rare accents away; here a chip of ten pixels keeps its colour.
    """
    pixels = np.asarray(full, dtype=np.uint32) @ np.array([65536, 256, 1], dtype=np.uint32)
    codes, which, often = np.unique(pixels, return_inverse=True, return_counts=True)
    colours = np.stack([codes >> 16, codes >> 8 & 255, codes & 255], axis=1).astype(np.float32)
    kept = list(colours[np.argsort(-often)[:COMMON]])
    weight = (often**RARE).astype(np.float32) ** 2  # of squares, which need no roots
    apart = cKDTree(kept).query(colours)[0].astype(np.float32) ** 2
    while len(kept) < min(COLOURS, len(colours)):
        kept.append(colours[np.argmax(apart * weight)])
        apart = np.minimum(apart, ((colours - kept[-1]) ** 2).sum(axis=1))
    nearest = cKDTree(kept).query(colours)[1].astype(np.uint8)
    small = Image.fromarray(nearest[which].reshape(pixels.shape))
    small.putpalette(np.array(kept, dtype=np.uint8).tobytes())
    return small


def run(browser: Browser, stage: Stage, wanted: list[Picture], into: Path) -> list[str]:
    """Take the pictures one after the other; what was wrong with any of them."""
    wrong: list[str] = []
    taken, browsers = into / f".taken-{os.getpid()}.png", Browsers(browser, stage)
    for number, picture in enumerate(wanted, 1):
        began = time.monotonic()
        try:
            with browsers.of(picture) as context:
                found = take(context, stage.address, picture, taken)
            told = settle(taken, into / f"{picture.name}.png")
        except Error as failed:
            found, told = [f"not taken: {failed.message.splitlines()[0]}"], "FAILED"
        wrong += [f"{picture.name}: {each}" for each in found]
        print(
            f"{number:>3}/{len(wanted)}  {picture.name:<40} {time.monotonic() - began:5.1f} s  {told}{'  WRONG' if found else ''}",
            flush=True,
        )
    taken.unlink(missing_ok=True)
    return wrong


def main() -> int:
    """Take the pictures that the command line asks for; 1 where anything was wrong on a page."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument(
        "folder", type=Path, help="a data folder with the demo district, as ./wangge up --data has it; what is missing is added"
    )
    asked.add_argument("--into", type=Path, default=FOLDER, help="another folder than docs/screens")
    asked.add_argument("--every", action="store_true", help="every page in every language, theme and size")
    asked.add_argument(
        "--only", nargs="+", default=[], metavar="NAME", help="these pages or pictures alone, such as grid or grid-zh-dark-desk"
    )
    given = asked.parse_args()
    began = time.monotonic()
    given.into.mkdir(parents=True, exist_ok=True)
    with raised(given.folder, lambda text: print(text, flush=True)) as stage, sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=OFFLINE)
        wanted = list(pictures(stage.ground, every=given.every, only=given.only))
        wrong = run(browser, stage, wanted, given.into) if wanted else [f"no such page: {' '.join(given.only)}"]
        browser.close()
    print(f"{time.monotonic() - began:.0f} s", *wrong, sep="\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
