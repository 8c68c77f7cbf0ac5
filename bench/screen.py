"""The one screen in a browser without a graphics card, beside stock Folium, leaflet.vectorgrid and maplibre-gl."""

import json
import re
import statistics
from collections.abc import Callable, Mapping
from importlib import metadata
from pathlib import Path

import folium
import psycopg
from playwright.sync_api import sync_playwright

from api import assets
from bench._ground import TOKEN, prepared
from bench._screen import Opened, opened, told
from bench.harness import BenchContext, Report
from bench.tiles import serving_ours
from web import bundled

ROUNDS = 5
LIMIT = "empty"
"""A page with nothing in it: no other is shown for less."""
DRAGS, HOVERS, RECOLOURS, PICKS = 24, 60, 5, 12
ZOOM = 15.0
PEERS = {"leaflet": "1.9.4", "leaflet.vectorgrid": "1.3.0", "maplibre-gl": "5.9.0"}
"""Fetched when the bench runs, never shipped."""
PAGES = Path(__file__).parent / "pages"
OURS = f"""
    export {{ open }} from "{bundled.WEB}/static/js/map.js";
    export {{ show }} from "{bundled.WEB}/static/js/layers/ground.js";
"""
OUR_STYLES = (bundled.WEB / "static/css/tokens.css", bundled.WEB / "static/vendor/leaflet.css", PAGES / "page.css")
"""Either in one file, as our pages get it and as the peers come."""
BUDGET = {"page": (10, "kB of HTML"), "requests": (30, "requests at start"), "received": (1200, "kB received at start")}
Figures = dict[str, list[float]]
UNDERS = 400
# The clock of a page has steps of 0.1 ms, so many are timed together.
UNDER = """async ([[lon, lat], times]) => {
    const began = performance.now();
    for (let i = 0; i < times; i++) await window.bench.pick([lon + (i % 20) * 2e-5, lat + (i / 20) * 2e-5]);
    return (performance.now() - began) / times;
}"""
# Without the braces the map itself would come back, which the debugger cannot carry.
LOOK = "([place, zoom]) => { window.bench.look(place, zoom); }"
Place = tuple[float, float]


def run(context: BenchContext, report: Report) -> None:
    """Draw, drag, hover and recolour the same ground by four means, each in a browser of its own, in turn."""
    assets.ensure()  # or the whole page runs from its sources, file by file
    work = context.work / "screen"
    work.mkdir()
    beside = [work, PAGES]
    with prepared(context) as owner, serving_ours(context, cache_bytes=256_000_000, beside=beside) as server, sync_playwright() as driver:
        origin = f"http://127.0.0.1:{server.connection.port}"
        (work / "package.json").write_text(json.dumps({"name": "peers", "private": True, "dependencies": PEERS}))
        assets.npm("install", folder=work)
        assets.bundle(assets.WORK, OURS, work / "ours.js")
        (work / "ours.css").write_text("".join(each.read_text("utf-8") for each in OUR_STYLES))
        middle, bounds = _ground(owner)
        homes = _homes(owner, middle)
        for name in ("ours", "vectorgrid", "maplibre"):
            (work / f"{name}.html").write_text(told(PAGES / f"{name}.html", bounds, (*middle, ZOOM)))
        (work / "folium.html").write_text(_stock_folium(owner, middle))
        contestants = ("ours", "folium", "vectorgrid", "maplibre")
        figures: dict[str, Figures] = {name: {} for name in (*contestants, LIMIT)}
        for turn in range(ROUNDS):
            for name in contestants if turn % 2 == 0 else reversed(contestants):
                with opened(driver, origin, {"wangge": TOKEN}) as browser:
                    _measured(browser, f"{origin}/bench/{name}.html", name, homes if turn == 0 else [], middle, figures[name])
            with opened(driver, origin, {"wangge": TOKEN}) as browser:
                _rendered(browser, f"{origin}/bench/{LIMIT}.html", figures[LIMIT])
        whole: Figures = {}
        for _ in range(ROUNDS):
            with opened(driver, origin, {"wangge": TOKEN}) as browser:
                _whole_page(browser, origin, whole)
    _told(report, figures, whole)


def _measured(browser: Opened, address: str, name: str, homes: list[tuple[int, Place]], middle: Place, into: Figures) -> None:
    page = browser.page

    def note(what: str, value: float) -> None:
        into.setdefault(what, []).append(value)

    _rendered(browser, address, into)
    note("drag", browser.cpu(lambda: _dragged(browser)) / DRAGS)
    note("hover", browser.cpu(lambda: _hovered(browser)) / HOVERS)
    note("recolour", browser.cpu(lambda: _recoloured(browser)) / RECOLOURS)
    if name in {"ours", "maplibre"}:
        note("under", float(page.evaluate(UNDER, [middle, UNDERS])) / 1000)
    if homes and name != "folium":
        right = 0
        for number, place in homes:
            page.evaluate(LOOK, [place, 18])
            browser.settle()
            right += _picked(browser, place) == number
        note("picks", right)
    page.evaluate(LOOK, [middle, ZOOM])


def _rendered(browser: Opened, address: str, into: Figures) -> None:
    def opening() -> None:
        browser.page.goto(address, timeout=180_000, wait_until="load")
        browser.page.wait_for_function("() => window.bench", timeout=180_000)

    cpu, wall = browser.cost(opening)
    into.setdefault("render", []).append(cpu)
    into.setdefault("wall", []).append(wall)


def _picked(browser: Opened, place: Place) -> int | None:
    page = browser.page
    if page.evaluate("() => 'pick' in window.bench"):
        found: int | None = page.evaluate("place => window.bench.pick(place)", place)
        return found
    page.mouse.click(960, 540)
    page.wait_for_timeout(100)
    clicked: int | None = page.evaluate("() => window.bench.clicked()")
    return clicked


def _dragged(browser: Opened) -> None:
    mouse = browser.page.mouse
    mouse.move(1200, 700)
    mouse.down()
    for step in range(DRAGS):
        mouse.move(1200 - 25 * (step + 1), 700 - 12 * (step + 1))
        browser.page.wait_for_timeout(16)
    mouse.up()


def _hovered(browser: Opened) -> None:
    for step in range(HOVERS):
        browser.page.mouse.move(500 + 12 * step, 300 + (step * 37) % 400)
        browser.page.wait_for_timeout(16)


def _recoloured(browser: Opened) -> None:
    for _ in range(RECOLOURS):
        browser.page.evaluate("() => window.bench.recolour()")
        browser.page.wait_for_timeout(60)


def _whole_page(browser: Opened, origin: str, into: Figures) -> None:
    def opening() -> None:
        answer = browser.page.goto(f"{origin}/?layers=hotspots,incidents", timeout=120_000)
        assert answer is not None
        into.setdefault("page", []).append(len(answer.body()) / 1000)
        browser.page.wait_for_function("() => document.body.dataset.ready === 'true'", timeout=120_000)

    cpu, wall = browser.cost(opening)
    into.setdefault("render", []).append(cpu)
    into.setdefault("wall", []).append(wall)
    into.setdefault("requests", []).append(len(browser.requests))
    into.setdefault("received", []).append(browser.received / 1000)


def _told(report: Report, figures: Mapping[str, Figures], whole: Figures) -> None:
    middle: Callable[[str, str], float] = lambda name, what: statistics.median(figures[name][what]) * 1000
    cases = {
        "wall": "first full render, time",
        "render": "first full render, CPU",
        "drag": "a step of a drag, CPU",
        "hover": "a hover, CPU",
        "recolour": "a recolour of 1,007 grids, CPU",
    }
    for what, case in cases.items():
        for peer in ("folium", "vectorgrid", "maplibre"):
            report.add(f"{case}, against {peer}", ours=middle("ours", what), peer=middle(peer, what), unit="ms")
    for what in ("wall", "render"):
        report.add(f"{cases[what]}, against a page with nothing in it", ours=middle("ours", what), peer=middle(LIMIT, what), unit="ms")
    report.add("what lies under the pointer, against maplibre", ours=middle("ours", "under"), peer=middle("maplibre", "under"), unit="ms")
    for what, unit in (("wall", "time"), ("render", "CPU")):
        ours = statistics.median(whole[what]) * 1000
        report.add(f"the whole page against stock Folium's bare map, {unit}", ours=ours, peer=middle("folium", what), unit="ms")
    for what, (most, unit) in BUDGET.items():
        report.add(f"the whole page: {what} against its budget", ours=statistics.median(whole[what]), peer=most, unit=unit)
    right = {name: int(found["picks"][0]) for name, found in figures.items() if "picks" in found}
    report.note(f"Buildings picked right of {PICKS}: " + ", ".join(f"{name} {number}" for name, number in right.items()) + ".")
    report.note("CPU is that of all the browser's processes until they are quiet; no graphics card, 1920 × 1080, tiles from a warm cache.")
    report.note("Time ends when the browser has nothing left to do, to a twentieth of a second.")
    report.note(
        "Peers: "
        + ", ".join(f"{name} {version}" for name, version in PEERS.items())
        + f", folium {metadata.version('folium')} with inline GeoJSON."
    )


def _ground(owner: psycopg.Connection) -> tuple[Place, tuple[float, ...]]:
    row = owner.execute(
        "SELECT ST_XMin(box), ST_YMin(box), ST_XMax(box), ST_YMax(box), ST_X(middle), ST_Y(middle) FROM"
        " (SELECT ST_Extent(geom)::geometry AS box FROM area WHERE level = 'district') AS district,"
        " (SELECT ST_Centroid(ST_Collect(ST_Centroid(geom))) AS middle FROM building) AS built"
    ).fetchone()
    assert row is not None
    return (row[4], row[5]), tuple(row[:4])


def _homes(owner: psycopg.Connection, middle: Place) -> list[tuple[int, Place]]:
    rows = owner.execute(
        "SELECT id, ST_X(place), ST_Y(place) FROM (SELECT id, ST_PointOnSurface(geom) AS place FROM building"
        " ORDER BY geom <-> ST_SetSRID(ST_MakePoint(%s, %s), 4490) LIMIT 400) AS near ORDER BY md5(id::text) LIMIT %s",
        [*middle, PICKS],
    )
    return [(number, (lon, lat)) for number, lon, lat in rows]


def _stock_folium(owner: psycopg.Connection, middle: Place) -> str:
    """What the library does by itself: every grid and building inside the page, each an element of its own."""
    drawn = folium.Map(location=(middle[1], middle[0]), zoom_start=int(ZOOM), tiles=None)
    for table, colour in (("grid", "#17537a"), ("building", "#2c4456")):
        where = "WHERE valid_to IS NULL" if table == "grid" else ""
        rows = owner.execute(f"SELECT id, ST_AsGeoJSON(geom, 7) FROM {table} {where} ORDER BY id")
        shapes = [{"type": "Feature", "properties": {"id": number}, "geometry": json.loads(shape)} for number, shape in rows]
        folium.GeoJson(
            {"type": "FeatureCollection", "features": shapes},
            name=table,
            style_function=lambda _, colour=colour: {"fillColor": colour, "fillOpacity": 0.8, "color": "#0a161f", "weight": 1},
            highlight_function=(lambda _: {"color": "#56cfe6", "weight": 2}) if table == "grid" else None,
        ).add_to(drawn)
    page = drawn.get_root().render()
    page = re.sub(
        r'<script src="https://[^"]*leaflet(?:\.min)?\.js"></script>',
        '<script src="/bench/node_modules/leaflet/dist/leaflet.js"></script>',
        page,
    )
    page = re.sub(
        r'<link rel="stylesheet" href="https://[^"]*leaflet(?:\.min)?\.css"\s*/>',
        '<link rel="stylesheet" href="/bench/node_modules/leaflet/dist/leaflet.css"/>',
        page,
    )
    page = re.sub(r'<(?:script src|link rel="stylesheet" href)="https://[^>]*>(?:</script>)?', "", page)
    grids = next(name for name in re.findall(r"var (geo_json_\w+) = L\.geoJson", page))
    tail = """<script>
    const colours = ["#12324a", "#17537a", "#1f7a9e", "#4fb0b8", "#c9f0d0"];
    let turn = 0;
    window.bench = {
      look: ([lon, lat], zoom) => MAP.setView([lat, lon], zoom, {animate: false}),
      recolour: () => { turn += 1; GRIDS.setStyle((f) => ({fillColor: colours[(f.properties.id * 7 + turn) % 5]})); },
    };
    </script></html>"""
    return page.replace("</html>", tail.replace("MAP", drawn.get_name()).replace("GRIDS", grids))
