"""The boundary editor in headless Chromium without a GPU: opening, dragging a vertex, painting, against Leaflet's editors."""

import dataclasses
import itertools
import os
import shutil
import statistics
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import orjson
import psycopg
import shapely
from playwright.sync_api import Browser, Page, sync_playwright
from shapely.geometry import Polygon

from api import assets, tokens
from bench._editors import SETTLED_MS, SIZE, Opened, Place, dragged, opened, p95, page_of, peers_server
from bench._ground import NOW
from bench.harness import BenchContext, Report
from bench.plans import ask
from bench.tiles import _ours
from data.demo.load import load_demo
from gis.crs import local_metres
from gis.lattice import STEP

CHROMIUM = os.environ.get("WANGGE_CHROMIUM") or shutil.which("chromium") or "/usr/bin/chromium"
WITHOUT_GPU = ["--no-sandbox", "--headless=new", "--disable-gpu", "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"]
ROUNDS = 5
NEAR, FAR = 17.0, 13.6
DRAG_BAR_MS, OPEN_BAR_S = 16.0, 2.0
APART = 2e-4
"""Degrees between a vertex that is dragged and the next ones, so that nobody grabs another."""


@dataclass
class Ground:
    """A plan's grids as rings (degrees) by number, in the order in which the peers draw them."""

    rings: dict[int, list[list[Place]]]
    communities: dict[int, int]

    def polygons(self) -> list[Polygon]:
        return [Polygon(rings[0], rings[1:]) for rings in self.rings.values()]


def run(context: BenchContext, report: Report) -> None:
    """Measure on a deployment (`--data`) as it is, or on a throw-away demo district."""
    assets.ensure()
    if context.throw_away:
        with context.fresh_database("editor") as name:
            load_demo(context.databases.url("schema", name), context.databases.url("app", name), "district", now=NOW)
            _measure(dataclasses.replace(context, database=name), report)
    else:
        _measure(context, report)


@contextmanager
def _browser() -> Iterator[Browser]:
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=WITHOUT_GPU)
        yield browser
        browser.close()


def _measure(context: BenchContext, report: Report) -> None:
    token = tokens.bearer_token(context.schema_url, "planner", None)
    headers = {"Authorization": f"Bearer {token}"}
    with _ours(context, cache_bytes=64_000_000) as server, psycopg.connect(context.schema_url.replace("+psycopg", "")) as owner:
        address = f"http://127.0.0.1:{server.connection.port}"
        codes = {
            "12 grids": owner.execute(
                "SELECT area.code FROM area JOIN grid ON grid.community_id = area.id AND grid.valid_to IS NULL"
                " WHERE area.valid_to IS NULL GROUP BY area.code ORDER BY abs(count(*) - 12), area.code LIMIT 1"
            ).fetchone(),
            "district": owner.execute("SELECT code FROM area WHERE level = 'district' AND valid_to IS NULL LIMIT 1").fetchone(),
        }
        plans = {}
        for name, code in codes.items():
            assert code is not None
            status, body = ask(server, "POST", "/api/v1/plans", {"name": f"bench {name}", "area": code[0]}, headers)
            assert status == 201, body[:300]
            plans[name] = orjson.loads(body)["id"]

        def ground(plan: int) -> Ground:
            status, told = ask(server, "GET", f"/api/v1/plans/{plan}/ground", None, headers)
            assert status == 200, told[:300]
            return _ground(orjson.loads(told))

        whole = ground(plans["district"])
        one, two, vertex = _shared(whole)
        numbers = list(whole.rings)
        places = {"at": vertex, "zoom": NEAR, "edited": [numbers.index(one), numbers.index(two)]}
        with _browser() as browser, peers_server(context.work, list(whole.rings.values()), **places) as peers:  # type: ignore[arg-type]
            cookie = {"name": "wangge", "value": token, "url": address}
            _openings(report, browser, cookie, {name: f"{address}/plans/{plan}?lang=zh" for name, plan in plans.items()}, peers)
            figures = {name: _peer(browser, f"{peers}/{name}.html", whole) for name in ("geoman", "editable")}
            for name, plan in plans.items():
                mine = ground(plan)
                moves, at = _shared(mine), _address(address, plan, NEAR)
                page, taken = _vertex(browser, cookie, at(moves[2]), mine, moves)
                _accept(page)
                left = _torn(mine.polygons(), ground(plan).polygons())
                for peer, (theirs, _) in figures.items():
                    report.add(
                        f"drag a shared vertex, {name}: p95 of an event; peer {peer}", ours=p95(taken), peer=p95(theirs), unit="ms script"
                    )
                report.note(
                    f"{name}: one shared vertex dragged by us leaves {left[0]:.3f} m² overlap and {left[1]:.3f} m² gap; {_verdict(p95(taken), DRAG_BAR_MS, 'ms')}."
                )
                for zoom in (NEAR, 15.5):
                    painting = _stroke(browser, cookie, _address(address, plan, zoom)(moves[2]), zoom)
                    report.note(
                        f"{name}: painting at zoom {zoom}: p95 {p95(painting):.1f} ms an event, {_verdict(p95(painting), DRAG_BAR_MS, 'ms')}."
                    )
            page, taken = _vertex(browser, cookie, _address(address, plans["district"], FAR)(vertex), whole, (one, two, vertex), FAR)
            report.note(
                f"district in one view (zoom {FAR}): dragging a vertex p95 {p95(taken):.1f} ms an event, {_verdict(p95(taken), DRAG_BAR_MS, 'ms')}."
            )
            page.context.close()
            for peer, (_, (overlap, gap)) in figures.items():
                report.note(f"{peer}: the same drag leaves {overlap:,.0f} m² overlap and {gap:,.0f} m² gap.")
    report.note(
        f"{SIZE['width']}×{SIZE['height']}, no GPU. An event's script is every listener and every frame it asks for. Peers edit two grids of all {len(whole.rings):,}."
    )


def _openings(report: Report, browser: Browser, cookie: dict[str, str], ours: dict[str, str], peers: str) -> None:
    """Our pages with map, panels and buildings, and a peer's with the same polygons alone, one after the other."""
    contestants = {**{name: (address, cookie) for name, address in ours.items()}, "geoman": (f"{peers}/geoman.html", None)}
    taken: dict[str, list[Opened]] = {name: [] for name in contestants}
    for _ in range(ROUNDS + 1):
        for name, (address, sent) in contestants.items():
            page = page_of(browser, sent)
            taken[name].append(opened(page, address))
            page.context.close()
    wall = {name: statistics.median(each.wall for each in found[1:]) for name, found in taken.items()}
    thread = {name: statistics.median(each.thread for each in found[1:]) for name, found in taken.items()}
    for name in ours:
        report.add(f"open, {name}; peer geoman with the district's polygons alone", ours=wall[name], peer=wall["geoman"], unit="s wall")
        report.add(f"open, {name}: processor time of the page", ours=thread[name], peer=thread["geoman"], unit="s cpu")
        report.note(f"{name}: opens in {wall[name]:.2f} s, {_verdict(wall[name], OPEN_BAR_S, 's')}.")


def _peer(browser: Browser, address: str, whole: Ground) -> tuple[list[float], tuple[float, float]]:
    page = page_of(browser)
    opened(page, address)
    page.wait_for_timeout(SETTLED_MS)
    taken = dragged(page, (SIZE["width"] / 2, SIZE["height"] / 2))
    after = [Polygon(rings[0], rings[1:]) for rings in page.evaluate("() => window.rings()")]
    page.context.close()
    return taken, _torn(whole.polygons(), after)


def _vertex(
    browser: Browser, cookie: dict[str, str], address: str, ground: Ground, moves: tuple[int, int, Place], zoom: float = NEAR
) -> tuple[Page, list[float]]:  # fmt: skip
    """Select a grid, take the vertex tool, drag the vertex in the middle of the map."""
    page = page_of(browser, cookie)
    opened(page, address)
    page.wait_for_timeout(SETTLED_MS)
    box = page.locator("#ground_under_edit").bounding_box()
    assert box
    middle = (box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    within = shapely.Polygon(ground.rings[moves[0]][0]).representative_point()
    scale = 256 * 2**zoom / 360
    # A degree of latitude is as many pixels more as parallels are shorter there.
    stretch = 1 / np.cos(np.radians(moves[2][1]))
    page.mouse.click(middle[0] + (within.x - moves[2][0]) * scale, middle[1] - (within.y - moves[2][1]) * scale * stretch)
    page.keyboard.press("e")
    return page, dragged(page, middle)


def _accept(page: Page) -> None:
    page.wait_for_selector("#pending.ready, #pending.refused", timeout=60_000)
    assert page.locator("#pending.ready").count(), page.inner_text("#pending")
    page.keyboard.press("Enter")
    page.wait_for_selector("#pending", state="hidden", timeout=60_000)
    page.context.close()


def _stroke(browser: Browser, cookie: dict[str, str], address: str, zoom: float) -> list[float]:
    """Paint from the middle of the map with the brush of ten."""
    page = page_of(browser, cookie)
    opened(page, f"{address}&tool=paint")
    page.wait_for_timeout(SETTLED_MS)
    page.mouse.move(SIZE["width"] / 2 + 3, SIZE["height"] / 2 + 3)
    page.mouse.click(SIZE["width"] / 2 + 3, SIZE["height"] / 2 + 3)
    page.wait_for_timeout(SETTLED_MS)
    page.keyboard.press("Escape")
    page.keyboard.press("]")
    page.keyboard.press("]")
    taken = dragged(page, (SIZE["width"] / 2 + 3, SIZE["height"] / 2 + 3))
    page.context.close()
    return taken


def _address(address: str, plan: int, zoom: float) -> Any:
    return lambda place: f"{address}/plans/{plan}?lang=zh&at={place[0]:.7f},{place[1]:.7f},{zoom}"


def _ground(told: dict[str, Any]) -> Ground:
    rings, communities = {}, {}
    for grid in told["grids"]:
        rings[grid["id"]] = [_ring(flat, told["origin"]) for flat in max(grid["polygons"], key=lambda part: len(part[0]))]
        communities[grid["id"]] = grid["community_id"]
    return Ground(rings, communities)


def _ring(flat: list[int], origin: list[int]) -> list[Place]:
    steps = np.cumsum(np.array(flat, dtype=np.int64).reshape(-1, 2), axis=0) + np.array(origin, dtype=np.int64)
    ring = [(x * STEP, y * STEP) for x, y in steps.tolist()]
    return [*ring, ring[0]]


def _shared(ground: Ground) -> tuple[int, int, Place]:
    """Two grids of one community and a vertex that they alone share, far from every other."""
    users: dict[Place, set[int]] = {}
    for id, rings in ground.rings.items():
        for place in itertools.chain.from_iterable(rings):
            users.setdefault(place, set()).add(id)
    middle = np.array(list(users)).mean(axis=0)
    for place in sorted(users, key=lambda each: float(np.hypot(*(np.array(each) - middle)))):
        if len(users[place]) != 2:
            continue
        one, two = sorted(users[place])
        near = [other for id in (one, two) for other in ground.rings[id][0] if other != place]
        if ground.communities[one] == ground.communities[two] and min(np.hypot(x - place[0], y - place[1]) for x, y in near) > APART:
            return one, two, place
    raise RuntimeError("no two grids share a vertex that stands alone")


def _torn(before: list[Polygon], after: list[Polygon]) -> tuple[float, float]:
    """Square metres that two polygons hold after an edit, and that none holds any more."""
    metres = local_metres(*shapely.MultiPolygon(before).centroid.coords[0])
    then, now = (np.array(metres.to_metres(np.array(each, dtype=object)), dtype=object) for each in (before, after))
    now = shapely.make_valid(now)
    tree = shapely.STRtree(now)
    one, two = tree.query(now, predicate="intersects")
    pairs = one < two
    overlap = float(shapely.area(shapely.intersection(now[one[pairs]], now[two[pairs]])).sum())
    gap = float(shapely.area(shapely.difference(shapely.union_all(then), shapely.union_all(now))))
    return overlap, gap


def _verdict(value: float, bar: float, unit: str) -> str:
    return f"within {bar:g} {unit}" if value <= bar else f"MISSES {bar:g} {unit}"
