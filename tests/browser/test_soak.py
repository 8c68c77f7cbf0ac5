"""A wall runs for weeks: after many rounds there is no more on the page, and no more kept, than after a few."""

import pytest
from playwright.sync_api import CDPSession

from tests.browser.conftest import Opener

pytestmark = pytest.mark.browser
TURN_MS = 20_000
FEW, MANY = 12, 36


def held(tools: CDPSession) -> dict[str, float]:
    """What the page holds on to once the garbage is gone."""
    for _ in range(3):
        tools.send("HeapProfiler.collectGarbage")
    counters = tools.send("Memory.getDOMCounters")
    return {
        "heap": tools.send("Runtime.getHeapUsage")["usedSize"],
        "nodes": counters["nodes"],
        "listeners": counters["jsEventListeners"],
    }


def test_a_wall_holds_no_more_after_many_rounds_than_after_a_few(opener: Opener) -> None:
    watched = opener()
    watched.page.clock.install()
    page = watched.open("/?wall=1&period=1y")
    tools = page.context.new_cdp_session(page)
    kept: list[dict[str, float]] = []
    for turn in range(1, MANY + 1):
        with page.expect_response(lambda answer: "/overview" in answer.url or "/picture" in answer.url):
            page.clock.fast_forward(TURN_MS)
        if turn in {FEW, MANY}:
            page.wait_for_function("() => !document.querySelector('.leaflet-tile:not(.leaflet-tile-loaded)')")
            kept.append(held(tools))
    few, many = kept
    assert many["nodes"] <= few["nodes"] * 1.1, kept
    assert many["listeners"] <= few["listeners"] * 1.1, kept
    assert many["heap"] <= few["heap"] * 1.15, kept
