"""Browsers for the bench of the editor: pages of the peers, what every script spends on a moved pointer, one drag."""

import functools
import json
import statistics
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page

from api import assets

Place = tuple[float, float]
PACKAGES = {"leaflet": "1.9.4", "@geoman-io/leaflet-geoman-free": "2.20.2", "leaflet-editable": "1.3.2"}
LEAFLET, EDITABLE = "node_modules/leaflet/dist", "node_modules/leaflet-editable/src/Leaflet.Editable.js"
GEOMAN = "node_modules/@geoman-io/leaflet-geoman-free/dist/leaflet-geoman"
SIZE = {"width": 1920, "height": 1080}
STEPS = 120
RADIUS_PX = 30
SETTLED_MS = 1500

SPENT = """
const spent = new Map(); let last = null; window.spentOnMoves = spent;
const note = (from) => last !== null && spent.set(last, (spent.get(last) ?? 0) + performance.now() - from);
const timed = new WeakMap();
const { addEventListener: add, removeEventListener: remove } = EventTarget.prototype;
EventTarget.prototype.addEventListener = function (type, listener, options) {
  if (!/^(pointer|mouse)move$/.test(type) || typeof listener !== "function") return add.call(this, type, listener, options);
  if (!timed.has(listener)) timed.set(listener, function (event) {
    last = event.timeStamp; const from = performance.now();
    try { return listener.call(this, event); } finally { note(from); }
  });
  return add.call(this, type, timed.get(listener), options);
};
EventTarget.prototype.removeEventListener = function (type, listener, options) {
  return remove.call(this, type, timed.get(listener) ?? listener, options);
};
const frame = window.requestAnimationFrame.bind(window);
window.requestAnimationFrame = (work) => frame((at) => { const from = performance.now(); try { work(at); } finally { note(from); } });
"""
"""Every listener of a moved pointer and every frame asked for is timed; what belongs to one event is added up."""

PEER = """<!doctype html><meta charset="utf-8"><link rel="stylesheet" href="{leaflet}/leaflet.css">{style}
<style>html, body, #map {{ height: 100%; margin: 0 }}</style><div id="map"></div>
<script src="{leaflet}/leaflet.js"></script><script src="{script}"></script><script>
(async () => {{
  const {{ grids, centre, zoom, edited }} = await (await fetch("grids.json")).json();
  const map = L.map("map", {{ center: centre, zoom, editable: true, zoomSnap: 0 }});
  const shapes = grids.map((rings) => L.polygon(rings).addTo(map));
  for (const number of edited) {edit};
  window.rings = () => shapes.map((shape) => shape.getLatLngs().map((ring) => ring.map(({{ lat, lng }}) => [lng, lat])));
  requestAnimationFrame(() => (document.body.dataset.ready = "true"));
}})();
</script>"""
PEERS = {
    "geoman": PEER.format(
        leaflet=LEAFLET, script=f"{GEOMAN}.min.js", style=f'<link rel="stylesheet" href="{GEOMAN}.css">',
        edit="shapes[number].pm.enable({ snappable: true })",
    ),
    "editable": PEER.format(leaflet=LEAFLET, script=EDITABLE, style="", edit="shapes[number].enableEdit()"),
}  # fmt: skip


@dataclass
class Opened:
    """What opening a page took: wall time, and processor time of the page's main thread; seconds."""

    wall: float
    thread: float


@contextmanager
def peers_server(folder: Path, grids: list[list[list[Place]]], *, at: Place, zoom: float, edited: list[int]) -> Iterator[str]:
    """The peers' pages on a free port, with the same grids; yields the address. Packages come from npm into `folder`."""
    (folder / "package.json").write_text(json.dumps({"private": True, "dependencies": PACKAGES}))
    assets.npm("install", folder=folder)
    turned = [[[(lat, lon) for lon, lat in ring[:-1]] for ring in rings] for rings in grids]
    (folder / "grids.json").write_text(json.dumps({"grids": turned, "centre": [at[1], at[0]], "zoom": zoom, "edited": edited}))
    for name, text in PEERS.items():
        (folder / f"{name}.html").write_text(text)

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, format: str, *args: Any) -> None:
            """Nothing on the console."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()


def page_of(browser: Browser, cookie: dict[str, str] | None = None) -> Page:
    """A page of its own, with nothing kept from before."""
    context = browser.new_context(viewport=SIZE, locale="zh-CN")  # type: ignore[arg-type]
    if cookie:
        context.add_cookies([cookie])  # type: ignore[list-item]
    page = context.new_page()
    page.add_init_script(SPENT)
    return page


def opened(page: Page, address: str) -> Opened:
    """Open an address and wait until the page says that it is ready."""
    told = page.context.new_cdp_session(page)
    told.send("Performance.enable", {"timeDomain": "threadTicks"})
    page.goto(address, wait_until="commit")
    page.wait_for_function("() => document.body?.dataset.ready === 'true'", timeout=120_000)
    wall = page.evaluate("performance.now()") / 1000
    metrics = {each["name"]: each["value"] for each in told.send("Performance.getMetrics")["metrics"]}
    return Opened(wall, metrics["TaskDuration"])


def dragged(page: Page, at: Place, *, reach_px: float = RADIUS_PX) -> list[float]:
    """Drag from a place of the window, to and fro and ever further; milliseconds of script of each event."""
    page.mouse.move(*at)
    page.mouse.down()
    page.evaluate("window.spentOnMoves.clear()")
    for step in range(1, STEPS + 1):
        reach = reach_px * step / STEPS
        page.mouse.move(at[0] + (reach if step % 4 < 2 else reach / 2), at[1] + reach * 0.7)
    page.wait_for_timeout(SETTLED_MS / 5)
    taken = page.evaluate("() => [...window.spentOnMoves.values()]")
    page.mouse.up()
    return [float(each) for each in taken]


def p95(values: list[float]) -> float:
    """The value that one in twenty exceeds."""
    return statistics.quantiles(values, n=20)[-1]
