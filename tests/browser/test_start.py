"""How little the one screen needs at its start, as it is served: few requests, few bytes, a small page."""

import pytest

from tests.browser.conftest import Opener
from web import bundled

pytestmark = pytest.mark.browser
REQUESTS = 30
BYTES = 1_200_000
HTML_BYTES = 10_000
DRAWN = "() => document.querySelector('.leaflet-tile') && !document.querySelector('.leaflet-tile:not(.leaflet-tile-loaded)')"


@pytest.mark.parametrize("size", [(1920, 1080), (390, 844)])
@pytest.mark.parametrize("look", ["lang=zh&theme=dark", "lang=en&theme=light"])
def test_the_one_screen_starts_with_few_requests_and_bytes(opener: Opener, look: str, size: tuple[int, int]) -> None:
    assert "screen.js" in bundled.files(), "the bundles fit the sources, as after ./wangge up"
    # What nobody has drawn yet may come tile by tile (decision 49): that takes its time from the machine, not from the page.
    opener(*size).open(f"/?{look}").wait_for_function(DRAWN)
    watched = opener(*size)
    asked: list[str] = []
    received: list[int] = []
    network = watched.page.context.new_cdp_session(watched.page)
    network.send("Network.enable")
    network.on("Network.requestWillBeSent", lambda event: asked.append(event["request"]["url"]))
    network.on("Network.loadingFinished", lambda event: received.append(int(event["encodedDataLength"])))
    page = watched.open(f"/?{look}")
    page.wait_for_selector("#feed [data-incident]")
    page.wait_for_selector("#trend svg")
    page.wait_for_function(DRAWN)
    page.wait_for_selector('#live[data-state="live"]')
    sent = [url for url in asked if not url.startswith(("data:", "blob:"))]
    assert len(sent) <= REQUESTS, sent
    assert sum(received) <= BYTES
    html = watched.page.context.request.get(f"{watched.address}/?{look}").body()
    assert len(html) <= HTML_BYTES
