"""Takes the pictures of the documentation, so that what they show is what the program does today."""

import os
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

FOLDER = Path(__file__).resolve().parents[1] / "docs" / "screens"
CHROMIUM = os.environ.get("WANGGE_CHROMIUM") or shutil.which("chromium") or "/usr/bin/chromium"
OFFLINE = ["--no-sandbox", "--headless=new", "--disable-gpu", "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost"]
DESK, PHONE = (1920, 1080), (390, 844)
READY = "() => document.body.dataset.ready === 'true'"
SETTLED_MS = 1500


@dataclass(frozen=True)
class Picture:
    """One file: its name, the address after the server's, the window, and whether it shows the one screen."""

    name: str
    path: str
    size: tuple[int, int]
    map: bool = True


def pictures(area: str, grid: str) -> Iterator[Picture]:
    """Every page and state that the documentation shows."""
    for language in ("zh", "en"):
        for theme in ("dark", "light"):
            look = f"lang={language}&theme={theme}"
            for device, size in (("desk", DESK), ("phone", PHONE)):
                yield Picture(f"one-screen-{language}-{theme}-{device}", f"/?{look}", size)
    yield Picture("one-screen", "/?lang=zh&theme=dark", DESK)  # the picture of the READMEs
    yield Picture("sign-in-zh-dark-desk", "/sign-in?lang=zh&theme=dark", DESK, map=False)
    yield Picture("sign-in-en-light-phone", "/sign-in?lang=en&theme=light", PHONE, map=False)
    yield Picture("street-zh-dark-desk", f"/?lang=zh&theme=dark&area={area}", DESK)
    yield Picture("grid-zh-dark-desk", f"/?lang=zh&theme=dark&grid={grid}", DESK)
    yield Picture("grid-en-light-phone", f"/?lang=en&theme=light&grid={grid}", PHONE)
    yield Picture("assignment-zh-light-desk", "/?lang=zh&theme=light&fill=assignment&layers=officers", DESK)
    yield Picture("not-found-zh-dark-desk", "/nowhere?lang=zh&theme=dark", DESK, map=False)


def take(browser: Browser, address: str, token: str, picture: Picture) -> None:
    """Open one page and write its file; a phone's page is taken at its full length."""
    width, height = picture.size
    context = browser.new_context(viewport={"width": width, "height": height})
    if not picture.path.startswith("/sign-in"):
        context.add_cookies([{"name": "wangge", "value": token, "url": address}])
    page = context.new_page()
    page.goto(address + picture.path)
    if picture.map:
        page.wait_for_function(READY, timeout=60_000)
    page.wait_for_timeout(SETTLED_MS)
    page.screenshot(path=FOLDER / f"{picture.name}.png", full_page=picture.size == PHONE)
    context.close()


def main(address: str, token: str) -> None:
    """Take all pictures of the server at `address`, signed in by a bearer token's session."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=OFFLINE)
        asked = browser.new_context(extra_http_headers={"Authorization": f"Bearer {token}"}).request
        area = asked.get(f"{address}/api/v1/areas?level=street").json()["items"][0]["code"]
        grid = asked.get(f"{address}/api/v1/grids?area={area}").json()["items"][3]["id"]
        for picture in pictures(area, str(grid)):
            take(browser, address, token, picture)
            print(picture.name)
        browser.close()


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit("Usage: scripts/screenshots ADDRESS TOKEN, such as http://127.0.0.1:8420 $(./wangge token)")
    main(sys.argv[1].rstrip("/"), sys.argv[2])
