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
from bench._draft import ask
from bench._editors import PEERS, SETTLED_MS, SIZE, Opened, Place, dragged, opened, p95, page_of, peers_server
from bench._ground import NOW
from bench._processes import Server
from bench.harness import BenchContext, Report
from bench.tiles import serving_ours
from data.demo.load import load_demo
from gis.crs import local_metres
from gis.lattice import STEP

CHROMIUM = os.environ.get("WANGGE_CHROMIUM") or shutil.which("chromium") or "/usr/bin/chromium"
WITHOUT_GPU = ["--no-sandbox", "--headless=new", "--disable-gpu", "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"]
ROUNDS = 3
NEAR, MIDDLE, FAR = 17.0, 15.5, 13.6
STROKE_PX = 160
AREAS = {
    "12 grids": """
        SELECT area.code FROM area JOIN grid ON grid.community_id = area.id AND grid.valid_to IS NULL
         WHERE area.valid_to IS NULL GROUP BY area.code ORDER BY abs(count(*) - 12), area.code LIMIT 1""",
    "district": "SELECT code FROM area WHERE level = 'district' AND valid_to IS NULL LIMIT 1",
}
DRAG_BAR_MS, OPEN_BAR_S = 16.0, 2.0
APART = 2.5e-4
"""Degrees between a vertex that is dragged and the next ones, so that nobody grabs another nor crosses a border."""


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


@dataclass
class Site:
    """A running server with a plan over a community of some twelve grids and one over the district."""

    server: Server
    headers: dict[str, str]
    address: str
    cookie: dict[str, str]
    plans: dict[str, int]

    def ground(self, name: str) -> Ground:
        """A plan's ground as the server has it."""
        status, told = ask(self.server.connection, "GET", f"/api/v1/plans/{self.plans[name]}/ground", None, self.headers)
        assert status == 200, told[:300]
        return _ground(orjson.loads(told))

    def page(self, name: str, at: Place | None = None, zoom: float = NEAR) -> str:
        """The address of the editor on a plan, with a place in the middle of the map."""
        view = "" if at is None else f"&at={at[0]:.7f},{at[1]:.7f},{zoom}"
        return f"{self.address}/plans/{self.plans[name]}?lang=zh{view}"


@contextmanager
def _site(context: BenchContext) -> Iterator[Site]:
    token = tokens.bearer_token(context.schema_url, "planner", None)
    headers = {"Authorization": f"Bearer {token}"}
    with serving_ours(context, cache_bytes=64_000_000) as server, psycopg.connect(context.schema_url.replace("+psycopg", "")) as owner:
        address = f"http://127.0.0.1:{server.connection.port}"
        plans = {}
        for name, query in AREAS.items():
            found = owner.execute(query).fetchone()
            assert found is not None
            status, body = ask(server.connection, "POST", "/api/v1/plans", {"name": f"bench {name}", "area": found[0]}, headers)
            assert status == 201, body[:300]
            plans[name] = orjson.loads(body)["id"]
        yield Site(server, headers, address, {"name": "wangge", "value": token, "url": address}, plans)


def _measure(context: BenchContext, report: Report) -> None:
    with _site(context) as site, _browser() as browser:
        whole = site.ground("district")
        one, two, vertex = _shared(whole)
        edited = [list(whole.rings).index(each) for each in (one, two)]
        with peers_server(context.work, list(whole.rings.values()), at=vertex, zoom=NEAR, edited=edited) as peers:
            _openings(report, browser, site, peers)
            figures = {name: _peer(browser, f"{peers}/{name}.html", whole) for name in PEERS}
        for name in AREAS:
            _drags(report, browser, site, name, {peer: taken for peer, (taken, _) in figures.items()})
        page, far = _vertex(browser, site, "district", site.ground("district"), FAR)
        page.context.close()
        report.note(f"district in one view (zoom {FAR}): dragging a vertex takes {_verdict(p95(far))} an event.")
    for peer, (_, (overlap, gap)) in figures.items():
        report.note(f"{peer}: the same drag leaves {overlap:,.0f} m² overlap and {gap:,.0f} m² gap.")
    report.note(f"{SIZE['width']}×{SIZE['height']}, no GPU. An event's script: every listener of it and every frame it asks for.")
    report.note(f"Peers draw all {len(whole.rings):,} grids, edit two of them, and have neither figures nor a base map.")


def _drags(report: Report, browser: Browser, site: Site, name: str, peers: dict[str, list[float]]) -> None:
    """A vertex, accepted; then strokes of the brush near and far."""
    before = site.ground(name)
    page, taken = _vertex(browser, site, name, before)
    _accept(page)
    overlap, gap = _torn(before.polygons(), site.ground(name).polygons())
    for peer, theirs in peers.items():
        report.add(f"{name}: an event of dragging a vertex, p95; peer {peer}", ours=p95(taken), peer=p95(theirs), unit="ms script")
    report.note(f"{name}: dragging a vertex takes {_verdict(p95(taken))} an event and leaves {overlap:.3f} m² overlap, {gap:.3f} m² gap.")
    for zoom in (NEAR, MIDDLE):
        stroke = _stroke(browser, site, site.page(name, _shared(before)[2], zoom))
        report.note(f"{name}: painting at zoom {zoom} takes {_verdict(p95(stroke))} an event.")


def _openings(report: Report, browser: Browser, site: Site, peers: str) -> None:
    """Our pages with map, panels and buildings, and a peer's with the same polygons alone, one after the other."""
    contestants = {**{name: (site.page(name), site.cookie) for name in AREAS}, "geoman": (f"{peers}/geoman.html", None)}
    taken: dict[str, list[Opened]] = {name: [] for name in contestants}
    for _ in range(ROUNDS + 1):
        for name, (address, sent) in contestants.items():
            page = page_of(browser, sent)
            taken[name].append(opened(page, address))
            page.context.close()
    wall = {name: statistics.median(each.wall for each in found[1:]) for name, found in taken.items()}
    thread = {name: statistics.median(each.thread for each in found[1:]) for name, found in taken.items()}
    for name in AREAS:
        report.add(f"open, {name}; peer geoman with the district's polygons alone", ours=wall[name], peer=wall["geoman"], unit="s wall")
        report.add(f"open, {name}: processor time of the page", ours=thread[name], peer=thread["geoman"], unit="s cpu")
        verdict = "within" if wall[name] <= OPEN_BAR_S else "MISSES"
        report.note(f"{name}: opens in {wall[name]:.2f} s, {verdict} {OPEN_BAR_S:g} s.")


def _peer(browser: Browser, address: str, whole: Ground) -> tuple[list[float], tuple[float, float]]:
    page = page_of(browser)
    opened(page, address)
    page.wait_for_timeout(SETTLED_MS)
    taken = dragged(page, (SIZE["width"] / 2, SIZE["height"] / 2))
    after = [Polygon(rings[0], rings[1:]) for rings in page.evaluate("() => window.rings()")]
    page.context.close()
    return taken, _torn(whole.polygons(), after)


def _vertex(browser: Browser, site: Site, name: str, ground: Ground, zoom: float = NEAR) -> tuple[Page, list[float]]:
    """Select a grid, take the vertex tool, drag the vertex in the middle of the map."""
    one, _, vertex = _shared(ground)
    page = page_of(browser, site.cookie)
    opened(page, site.page(name, vertex, zoom))
    page.wait_for_timeout(SETTLED_MS)
    box = page.locator("#ground_under_edit").bounding_box()
    assert box
    middle = (box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    within = Polygon(ground.rings[one][0]).representative_point()
    scale = 256 * 2**zoom / 360
    # A degree of latitude is as many pixels more as parallels are shorter there.
    stretch = 1 / np.cos(np.radians(vertex[1]))
    page.mouse.click(middle[0] + (within.x - vertex[0]) * scale, middle[1] - (within.y - vertex[1]) * scale * stretch)
    page.keyboard.press("e")
    return page, dragged(page, middle)


def _accept(page: Page) -> None:
    page.wait_for_selector("#pending.ready, #pending.refused", timeout=60_000)
    assert page.locator("#pending.ready").count(), page.inner_text("#pending")
    page.keyboard.press("Enter")
    page.wait_for_selector("#pending", state="hidden", timeout=60_000)
    page.context.close()


def _stroke(browser: Browser, site: Site, address: str) -> list[float]:
    """Paint from the middle of the map with the brush of ten."""
    page = page_of(browser, site.cookie)
    at = (SIZE["width"] / 2 + 30, SIZE["height"] / 2 + 30)
    # A plan of one community asks for its atoms at once, one of the district when a stroke first needs them.
    with page.expect_response(lambda answer: "/atoms" in answer.url, timeout=60_000):
        opened(page, f"{address}&tool=paint")
        page.wait_for_timeout(SETTLED_MS)
        page.mouse.move(*at)
        page.mouse.click(*at)
    page.wait_for_timeout(SETTLED_MS)
    for key in ("Escape", "]", "]"):
        page.keyboard.press(key)
    taken = dragged(page, at, reach_px=STROKE_PX)
    page.context.close()
    return taken


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


def _verdict(value: float) -> str:
    return f"{value:.1f} ms (p95, {'within' if value <= DRAG_BAR_MS else 'MISSES'} {DRAG_BAR_MS:g})"
