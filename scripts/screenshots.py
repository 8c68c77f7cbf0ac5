"""Takes the pictures of the documentation, so that what they show is what the program does today."""

import argparse
import os
import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from playwright.sync_api import APIRequestContext, Browser, Page, Route, sync_playwright
from scipy.spatial import cKDTree

FOLDER = Path(__file__).resolve().parents[1] / "docs" / "screens"
CHROMIUM = os.environ.get("WANGGE_CHROMIUM") or shutil.which("chromium") or "/usr/bin/chromium"
OFFLINE = ["--no-sandbox", "--headless=new", "--disable-gpu", "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost"]
SIZES = {"desk": (1920, 1080), "phone": (390, 844), "wall": (3840, 1080)}
LOOKS = tuple(product(("zh", "en"), ("dark", "light"), ("desk", "phone")))
KEPT = {
    "reports": (("zh", "light", "desk"), ("en", "dark", "phone")),
    "report": (("zh", "light", "desk"), ("en", "dark", "desk"), ("zh", "dark", "phone")),
    "one-screen": LOOKS,
    "community": (("zh", "dark", "desk"), ("en", "light", "desk"), ("zh", "light", "phone")),
    "grid": (("zh", "dark", "desk"), ("en", "light", "phone")),
    "sign-in": (("zh", "dark", "desk"), ("en", "light", "phone")),
    "building": (("zh", "light", "desk"), ("en", "dark", "phone")),
    "rows": (("zh", "dark", "desk"), ("en", "light", "desk"), ("zh", "dark", "phone")),
    "hotspots": (("zh", "dark", "desk"), ("en", "light", "phone")),
    "hours": (("zh", "dark", "desk"), ("en", "light", "desk")),
    "grids": (("en", "dark", "desk"),),
    "wall": (("zh", "dark", "wall"), ("en", "light", "wall"), ("zh", "dark", "desk")),
    "wall-area": (("zh", "light", "wall"), ("en", "dark", "desk")),
    "alerts": (("zh", "dark", "desk"), ("en", "light", "phone")),
    "emerging": (("en", "dark", "desk"), ("zh", "light", "desk")),
    "dispatch": (("zh", "dark", "desk"), ("en", "light", "desk"), ("zh", "light", "phone")),
    "supervise": (("en", "dark", "desk"), ("zh", "light", "phone")),
    "dispatched": (("zh", "light", "desk"), ("en", "dark", "phone")),
    "search": (("zh", "dark", "desk"),),
    "stale": (("en", "light", "desk"), ("zh", "dark", "phone")),
    "assignment": (("zh", "light", "desk"),),
    "service": (("en", "dark", "desk"),),
    "facilities": (("zh", "light", "desk"),),
    "loading": (("zh", "dark", "desk"), ("en", "light", "phone")),
    "empty": (("zh", "dark", "desk"), ("en", "light", "desk"), ("zh", "light", "phone")),
    "failed": (("en", "dark", "desk"), ("zh", "light", "phone")),
    "lost": (("zh", "dark", "desk"), ("en", "light", "phone")),
    "not-found": (("zh", "dark", "phone"),),
    "plans": (("zh", "light", "desk"), ("en", "dark", "phone")),
    "design": (("zh", "light", "desk"), ("en", "dark", "desk")),
    "editor": (("zh", "light", "desk"), ("zh", "dark", "desk"), ("en", "light", "desk"), ("zh", "light", "phone")),
    "editor-proposals": (("zh", "light", "desk"), ("en", "light", "desk")),
    "editor-preview": (("zh", "light", "desk"), ("en", "dark", "desk"), ("en", "light", "phone")),
    "editor-swipe": (("zh", "light", "desk"), ("en", "light", "desk")),
    "editor-submit": (("zh", "light", "desk"), ("en", "light", "desk")),
}
"""The pictures in the repository; all looks of all pages are for those who change one."""
COVERED = {
    "grid", "building", "editor", "editor-preview", "rows", "hotspots", "lost", "stale", "alerts", "dispatch", "dispatched", "supervise",
}  # fmt: skip
"""On a phone something lies over these pages, so that their full length would show it in the wrong place."""
ANSWERS = re.compile(r"/api/v1/(overview|picture|feed|fills|hotspots)")
BEFORE: dict[str, Callable[[Route], None]] = {
    "loading": lambda _: None,
    "failed": lambda route: route.fulfill(status=503, content_type="application/problem+json", body="{}"),
}
"""What happens to the page's questions in a state that is not the usual one."""
READY = "() => document.body.dataset.ready === 'true'"
SETTLED_MS = 1500
COLOURS, COMMON = 256, 80
RARE = 0.35
"""The power of a colour's frequency by which it counts: at 0 each as much as any other."""


def propose(page: Page) -> None:
    """Ask for balanced grids and wait for the alternatives."""
    page.keyboard.press("p")
    page.locator("dialog footer .primary").click()
    page.wait_for_selector("dialog .alternatives", timeout=60_000)


def preview(page: Page) -> None:
    """Look at an alternative on the map, which nobody has agreed to yet."""
    propose(page)
    page.locator("dialog .alternatives .primary").last.click()
    page.wait_for_selector("#pending.ready", timeout=60_000)


def play(page: Page) -> None:
    """Open the hot spots over time and go some steps back."""
    page.get_by_role("button", name=re.compile("Hot spots over time|查看热点演变")).click()
    page.wait_for_selector(".emerging")


def supervise(page: Page) -> None:
    """Ask for what is needed to supervise an incident."""
    page.locator('#detail [data-act="supervise"]').click()
    page.wait_for_selector("dialog[open]")


def dispatch(page: Page) -> None:
    """Give an incident to whom the card names last, which can be taken back."""
    page.locator("#detail .hand").last.click()
    page.wait_for_selector('#notices [data-kind="undo"]')


def look_up(page: Page) -> None:
    """Type a part of an address."""
    page.keyboard.press("/")
    page.keyboard.insert_text("公馆" if page.locator("html[lang|=zh]").count() else "Grid 1")
    page.wait_for_selector("#found li .chip")


def grow_old(page: Page) -> None:
    """Let more than two minutes go by without a sign of life."""
    page.clock.fast_forward(130_000)
    page.wait_for_selector('#live[data-state="stale"]')


ACTS: dict[str, Callable[[Page], None]] = {
    "emerging": play,
    "supervise": supervise,
    "dispatched": dispatch,
    "search": look_up,
    "stale": grow_old,
    "editor-proposals": propose,
    "editor-preview": preview,
    "editor-swipe": lambda page: page.locator(".beside button").click(),
    "editor-submit": lambda page: page.locator("#actions .primary").click(),
}
"""What is done on a page before its picture is taken; nothing of it is kept, but one incident is dispatched and taken back."""


@dataclass(frozen=True)
class Picture:
    """One file: its page and look, and the address after the server's."""

    page: str
    path: str
    language: str
    theme: str
    device: str

    @property
    def name(self) -> str:
        """The file's name without its ending."""
        return f"{self.page}-{self.language}-{self.theme}-{self.device}"

    @property
    def map(self) -> bool:
        """Whether the page has a map to wait for."""
        return self.page not in {"sign-in", "not-found", "loading"}


@dataclass(frozen=True)
class Ground:
    """What the pictures show: codes, numbers, parts of an address; a plan or a report only where there is one."""

    street: str
    community: str
    grid: str
    building: str
    incident: str
    plan: str | None
    report: str | None


def pictures(at: Ground, *, every: bool, only: str | None) -> Iterator[Picture]:
    """The pictures to take: those that are kept, or every look; of one page where `only` names it."""
    drawn = [page for page in ACTS if page.startswith("editor-")]
    paths = {
        "one-screen": "/?",
        "community": f"/?area={at.community}&",
        "grid": f"/?grid={at.grid}&",
        "sign-in": "/sign-in?",
        "building": f"/?{at.building}&",
        "rows": "/?rows=overdue&",
        "hotspots": "/?rows=hotspots&",
        "hours": "/?hours=18-22&",
        "grids": "/?ranked=grid&",
        "wall": "/?wall=stay&",
        "wall-area": f"/?wall=1&area={at.street}&",
        "alerts": "/?rows=alerts&",
        "emerging": "/?",
        **dict.fromkeys(("dispatch", "supervise", "dispatched"), f"/?grid={at.grid}&incident={at.incident}&"),
        "search": "/?",
        "stale": "/?",
        "assignment": "/?fill=assignment&layers=officers&",
        "service": "/?fill=service&layers=&",
        "facilities": f"/?area={at.community}&layers=facilities,officers&",
        "loading": "/?",
        "empty": "/?from=2015-03-01&to=2015-03-07&",
        "failed": "/?",
        "lost": "/?",
        "not-found": "/nowhere?",
        "plans": "/plans?state=all&",
        "design": "/design?",
        "reports": "/reports?",
        **({"editor": f"/plans/{at.plan}?tab=changes&", **dict.fromkeys(drawn, f"/plans/{at.plan}?tab=impact&")} if at.plan else {}),
        **({"report": f"/reports/{at.report}?"} if at.report else {}),
    }
    for page, looks in ((page, looks) for page, looks in KEPT.items() if page in paths):
        for language, theme, device in LOOKS if every else looks:
            if only in (None, page):
                yield Picture(page, f"{paths[page]}lang={language}&theme={theme}", language, theme, device)


def take(browser: Browser, address: str, token: str, picture: Picture, file: Path) -> None:
    """Open one page and write its file with a palette; a phone's page is taken at its full length, but for a card over it."""
    width, height = SIZES[picture.device]
    context = browser.new_context(viewport={"width": width, "height": height})
    if picture.page != "sign-in":
        context.add_cookies([{"name": "wangge", "value": token, "url": address}])
    page = context.new_page()
    if picture.page in BEFORE:
        page.route(ANSWERS, BEFORE[picture.page])
    if picture.page == "stale":
        page.clock.install()
    page.goto(address + picture.path)
    if picture.map:
        page.wait_for_function(READY, timeout=60_000)
    page.wait_for_timeout(SETTLED_MS)
    if picture.page in ACTS:
        ACTS[picture.page](page)
        page.wait_for_timeout(SETTLED_MS)
    if picture.page == "lost":
        context.set_offline(True)
        page.locator("#categories .bars button").first.click()
        page.wait_for_selector("#notices > *")
        page.evaluate("() => (document.activeElement.blur(), scrollTo(0, 0))")
    page.screenshot(path=file, full_page=picture.device == "phone" and picture.page not in COVERED)
    if picture.page == "dispatched":
        page.locator('#notices [data-kind="undo"] button').first.click()
        page.wait_for_selector('#notices [data-kind="undo"]', state="detached")
    page.unroute_all(behavior="ignoreErrors")
    context.close()
    with Image.open(file) as full:
        small = with_palette(full.convert("RGB"))
    small.save(file, optimize=True)


def with_palette(full: Image.Image) -> Image.Image:
    """The picture in 256 colours: its commonest ones, then always the one that is told worst by those there are.

    What palettes are usually made by gives soft tones or rare accents away; here a chip of ten pixels keeps its colour.
    """
    pixels = np.asarray(full, dtype=np.uint32) @ np.array([65536, 256, 1], dtype=np.uint32)
    codes, which, often = np.unique(pixels, return_inverse=True, return_counts=True)
    colours = np.stack([codes >> 16, codes >> 8 & 255, codes & 255], axis=1).astype(float)
    kept = list(colours[np.argsort(-often)[:COMMON]])
    apart = cKDTree(kept).query(colours)[0]
    while len(kept) < min(COLOURS, len(colours)):
        kept.append(colours[np.argmax(apart * often**RARE)])
        apart = np.minimum(apart, np.linalg.norm(colours - kept[-1], axis=1))
    nearest = cKDTree(kept).query(colours)[1].astype(np.uint8)
    small = Image.fromarray(nearest[which].reshape(pixels.shape))
    small.putpalette(np.array(kept, dtype=np.uint8).tobytes())
    return small


def ground(asked: APIRequestContext, address: str) -> Ground:
    """A street, a community with grids, the grid of an incident that waits for somebody, a building in it, the newest plan that
    changes something, and the newest report that somebody asked for."""

    def told(path: str) -> list[dict[str, Any]]:
        return list(asked.get(f"{address}/api/v1{path}").json().get("items", []))

    incident = next(each for each in told("/incidents?state=reported&state=filed&state=returned&state=handling") if each["grid"])
    community, grid = incident["community"]["code"], incident["grid"]["id"]
    lon, lat = incident["place"]
    homes = told(f"/near?layer=buildings&lon={lon}&lat={lat}&radius_m=400")
    house = next((f"&building={each['id']}" for each in homes if each.get("households")), "")
    plan = next((str(each["id"]) for each in told("/plans") if each["counts"]["changed"] or each["counts"]["new"]), None)
    report = next((str(each["id"]) for each in told("/analyses?origin=person&state=done&method=scan")), None)
    street = told("/areas?level=street")[0]["code"]
    return Ground(street, community, str(grid), f"grid={grid}{house}", str(incident["id"]), plan, report)


def main() -> None:
    """Take the pictures that the command line asks for."""
    asked = argparse.ArgumentParser(description="Pictures of a running server.")
    asked.add_argument("address", help="such as http://127.0.0.1:8420")
    asked.add_argument("token", help="a session of who is operator, planner and analyst: the cookie of a sign-in by ./wangge link")
    asked.add_argument("--into", type=Path, default=FOLDER, help="another folder than docs/screens")
    asked.add_argument("--every", action="store_true", help="every page in every language, theme and size")
    asked.add_argument("--only", choices=sorted(KEPT), help="one page alone")
    given = asked.parse_args()
    address = given.address.rstrip("/")
    given.into.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=OFFLINE)
        api = browser.new_context(extra_http_headers={"Authorization": f"Bearer {given.token}"}).request
        for picture in pictures(ground(api, address), every=given.every, only=given.only):
            file = given.into / f"{picture.name}.png"
            take(browser, address, given.token, picture, file)
            print(f"{picture.name:<40} {file.stat().st_size / 1000:>6.0f} kB", flush=True)
        browser.close()
    if given.into == FOLDER:
        shutil.copy(FOLDER / "one-screen-zh-dark-desk.png", FOLDER / "one-screen.png")  # the picture of the READMEs


if __name__ == "__main__":
    main()
