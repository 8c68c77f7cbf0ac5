"""Takes the pictures of the documentation, so that what they show is what the program does today."""

import argparse
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from pathlib import Path

from PIL import Image
from playwright.sync_api import APIRequestContext, Browser, sync_playwright

FOLDER = Path(__file__).resolve().parents[1] / "docs" / "screens"
CHROMIUM = os.environ.get("WANGGE_CHROMIUM") or shutil.which("chromium") or "/usr/bin/chromium"
OFFLINE = ["--no-sandbox", "--headless=new", "--disable-gpu", "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost"]
SIZES = {"desk": (1920, 1080), "phone": (390, 844)}
LOOKS = tuple(product(("zh", "en"), ("dark", "light"), SIZES))
KEPT = {
    "one-screen": LOOKS,
    "community": (("zh", "dark", "desk"), ("en", "light", "desk"), ("zh", "light", "phone")),
    "grid": (("zh", "dark", "desk"), ("en", "light", "phone")),
    "sign-in": (("zh", "dark", "desk"), ("en", "light", "phone")),
    "assignment": (("zh", "light", "desk"),),
    "not-found": (("zh", "dark", "phone"),),
    "plans": (("zh", "light", "desk"), ("en", "dark", "phone")),
    "design": (("zh", "light", "desk"), ("en", "dark", "desk")),
    "editor": (("zh", "light", "desk"), ("zh", "dark", "desk"), ("en", "light", "desk"), ("zh", "light", "phone")),
}
"""The pictures in the repository; all looks of all pages are for those who change one."""
READY = "() => document.body.dataset.ready === 'true'"
SETTLED_MS = 1500
COLOURS = 256


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
        return self.page not in {"sign-in", "not-found"}


def pictures(community: str, grid: str, plan: str | None, *, every: bool, only: str | None) -> Iterator[Picture]:
    """The pictures to take: those that are kept, or every look; of one page where `only` names it."""
    paths = {
        "one-screen": "/?",
        "community": f"/?area={community}&",
        "grid": f"/?grid={grid}&",
        "sign-in": "/sign-in?",
        "assignment": "/?fill=assignment&layers=officers&",
        "not-found": "/nowhere?",
        "plans": "/plans?state=all&",
        "design": "/design?",
        **({"editor": f"/plans/{plan}?tab=changes&"} if plan else {}),
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
    page.goto(address + picture.path)
    if picture.map:
        page.wait_for_function(READY, timeout=60_000)
    page.wait_for_timeout(SETTLED_MS)
    page.screenshot(path=file, full_page=picture.device == "phone" and picture.page not in {"grid", "editor"})
    context.close()
    with Image.open(file) as full:
        small = full.convert("RGB").quantize(COLOURS, method=Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE)
    small.save(file, optimize=True)


def ground(asked: APIRequestContext, address: str) -> tuple[str, str, str | None]:
    """A community with grids, one of its grids with households to go down to, and the newest plan that changes something."""
    community = next(each["code"] for each in asked.get(f"{address}/api/v1/areas?level=community").json()["items"] if each["grids"] > 3)
    grids = asked.get(f"{address}/api/v1/grids?area={community}").json()["items"]
    plans = asked.get(f"{address}/api/v1/plans").json().get("items", [])
    plan = next((str(each["id"]) for each in plans if each["counts"]["changed"] or each["counts"]["new"]), None)
    return community, str(next((each["id"] for each in grids[3:] if each["households"]), grids[0]["id"])), plan


def main() -> None:
    """Take the pictures that the command line asks for."""
    asked = argparse.ArgumentParser(description="Pictures of a running server.")
    asked.add_argument("address", help="such as http://127.0.0.1:8420")
    asked.add_argument("token", help="such as $(./wangge token); its session is used")
    asked.add_argument("--into", type=Path, default=FOLDER, help="another folder than docs/screens")
    asked.add_argument("--every", action="store_true", help="every page in every language, theme and size")
    asked.add_argument("--only", choices=sorted(KEPT), help="one page alone")
    given = asked.parse_args()
    address = given.address.rstrip("/")
    given.into.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=OFFLINE)
        api = browser.new_context(extra_http_headers={"Authorization": f"Bearer {given.token}"}).request
        for picture in pictures(*ground(api, address), every=given.every, only=given.only):
            file = given.into / f"{picture.name}.png"
            take(browser, address, given.token, picture, file)
            print(f"{picture.name:<40} {file.stat().st_size / 1000:>6.0f} kB", flush=True)
        browser.close()
    if given.into == FOLDER:
        shutil.copy(FOLDER / "one-screen-zh-dark-desk.png", FOLDER / "one-screen.png")  # the picture of the READMEs


if __name__ == "__main__":
    main()
