/** Opens the Leaflet map that Folium composed and knows where a click may lead. */

import { make } from "./dom.js";
import { TileSource, TILE } from "./tiles.js";
import { change, state } from "./state.js";
import { word } from "./words.js";

const L = window.L;
const PANES = { fill: 210, ink: 230, hot: 240, marks: 410, veil: 415, labels: 420, hover: 430 };
/** How wide the card of what is chosen is with its gap, rem; on a phone, where it begins at the highest, and how wide it is on one that lies on its side, shares of the window. */
const CARD = { width: 21, top: 0.3, beside: 0.52 };
const lying = window.matchMedia("(max-width: 900px) and (max-height: 480px) and (orientation: landscape)");
const calm = window.matchMedia("(prefers-reduced-motion: reduce)");

/** A map on the element `id`; layers hang themselves on what this returns. */
export function open(id, { bounds, minZoom, maxZoom }) {
  const map = L.map(id, {
    minZoom,
    maxZoom,
    zoomSnap: 0.1,
    zoomDelta: 0.5,
    wheelPxPerZoomLevel: 90,
    zoomControl: false,
    attributionControl: false,
    fadeAnimation: false,
    zoomAnimation: !calm.matches,
    inertia: !calm.matches,
    keyboardPanDelta: 120,
    boxZoom: true,
  });
  for (const [name, order] of Object.entries(PANES)) {
    const pane = map.createPane(name);
    pane.style.zIndex = order;
    pane.style.pointerEvents = "none";
  }
  const district = new District(map, bounds);
  const { at } = state();
  if (district.near(at)) map.setView([at[1], at[0]], at[2], { reset: true });
  else {
    if (at) change({ at: null });
    district.fit(bounds, { animate: false });
  }
  // Wide enough that the district may stand beside the panels, near enough that nobody gets lost.
  const whole = L.latLngBounds([bounds[1], bounds[0]], [bounds[3], bounds[2]]);
  map.setMinZoom(Math.max(minZoom, Math.floor(map.getBoundsZoom(whole)) - 2));
  map.setMaxBounds(whole.pad(4));
  // Letters and sizes of these are read while the server looks for the tiles that the layers ask for meanwhile.
  setTimeout(() => furnish(district, whole));
  return district;
}

/** What stands on the map for whoever uses it. */
function furnish(district, whole) {
  const { map } = district;
  L.control.zoom({ position: "bottomright", zoomInTitle: word("map.in"), zoomOutTitle: word("map.out") }).addTo(map);
  L.control.scale({ position: "bottomright", imperial: false, maxWidth: 110 }).addTo(map);
  wayBack(district, whole);
}

/** A button in the middle while none of the ground is to be seen. */
function wayBack(district, whole) {
  const { map } = district;
  const home = make("button", { type: "button", className: "button home", hidden: true, onclick: () => district.fit(district.bounds) }, word("map.home"));
  L.DomEvent.disableClickPropagation(map.getContainer().appendChild(home));
  const look = () => {
    const { left, top, right, bottom } = district.free();
    const { x, y } = map.getSize();
    const seen = [[left, y - bottom], [x - right, top]].map((corner) => map.containerPointToLatLng(corner)); // prettier-ignore
    home.hidden = whole.intersects(seen);
  };
  map.on("moveend", look);
  look();
}

/** The map of one district, its tile sources and what layers offer to each other: `marks` to pick, `spots` that names give way to. */
class District {
  constructor(map, bounds) {
    this.map = map;
    this.bounds = bounds;
    this.sources = new Map();
    this.focus = { level: "district", code: "", grid: null, building: null };
    this.marks = [];
    this.spots = [];
    this.categories = new Map();
    this.moves = 0; // how often somebody said where the map is to stand
  }

  /** One source per address, however many layers draw from it. */
  source(template) {
    if (!this.sources.has(template)) {
      const source = new TileSource(template, this.bounds);
      source.addEventListener("lacking", () => document.dispatchEvent(new CustomEvent("lacking", { detail: this.lacks() })));
      this.sources.set(template, source);
    }
    return this.sources.get(template);
  }

  /** Whether any tile that somebody looks at has not arrived. */
  lacks() {
    return [...this.sources.values()].some(({ lost }) => lost.size);
  }

  /** Whether a place [longitude, latitude, …] lies on the ground or no farther from it than it is wide. */
  near(at) {
    const [west, south, east, north] = this.bounds;
    const [wide, high] = [east - west, north - south];
    return Boolean(at) && at[0] > west - wide && at[0] < east + wide && at[1] > south - high && at[1] < north + high;
  }

  /** Show a box [west, south, east, north] in the part of the map that no panel covers. */
  fit([west, south, east, north], { animate = true, maxZoom = 18 } = {}) {
    const corners = [[south, west], [north, east]]; // prettier-ignore
    this.atRest(() => {
      const free = this.free();
      this.map.fitBounds(corners, {
        paddingTopLeft: [free.left, free.top],
        paddingBottomRight: [free.right, free.bottom],
        animate: animate && !calm.matches,
        maxZoom,
        duration: 0.6,
      });
    });
  }

  /** Show a place at least as near as `zoom`, in the middle of the uncovered part. */
  fly([lon, lat], zoom = 17, { animate = true } = {}) {
    this.atRest(() => {
      const target = Math.max(this.map.getZoom(), zoom);
      const free = this.free();
      const shift = L.point((free.right - free.left) / 2, (free.bottom - free.top) / 2);
      const centre = this.map.unproject(this.map.project([lat, lon], target).add(shift), target);
      this.map.setView(centre, target, { animate: animate && !calm.matches });
    });
  }

  /** Stand where an address says: [longitude, latitude, zoom]. */
  stand([lon, lat, zoom]) {
    this.atRest(() => this.map.setView([lat, lon], zoom));
  }

  /** Move the map when it has come to rest, the last move that was asked for: while it zooms, Leaflet drops what is asked of it. */
  atRest(move) {
    const mine = ++this.moves;
    const rest = () => {
      if (mine !== this.moves) return;
      if (this.map._animatingZoom) this.map.once("moveend", rest);
      else move();
    };
    rest();
  }

  /** How much of each side the panels cover, pixels. */
  free() {
    const around = { left: 16, right: 16, top: 16, bottom: 16 };
    const box = this.map.getContainer().getBoundingClientRect();
    const edge = (selector) => document.querySelector(selector)?.getBoundingClientRect();
    const chosen = Boolean(state().grid || state().building || state().incident);
    const bar = edge("#pending:not([hidden])");
    if (lying.matches && !bar?.height) return { ...around, right: chosen ? Math.max(16, box.right - (1 - CARD.beside) * window.innerWidth) : 16 };
    if (window.innerWidth <= 900) {
      const low = bar?.height ? bar.top : chosen ? CARD.top * window.innerHeight : box.bottom;
      return { ...around, bottom: Math.max(16, box.bottom - low + (bar?.height ? 16 : 0)), top: bar?.height ? 112 : 16 };
    }
    const [left, right, time] = [edge("aside.left"), edge("aside.right"), edge("#time")];
    const legend = document.querySelector("#legend:not(.folded)") && edge("#legend");
    if (left?.width) around.left = Math.max(left.right, legend?.right ?? 0) - box.left + 24;
    if (right?.width) around.right = box.right - right.left + 24;
    // Room for the card that is on its way, too: what was chosen is not shown under it.
    if (chosen && right?.width) around.right += CARD.width * parseFloat(getComputedStyle(document.documentElement).fontSize);
    around.top = 64;
    const below = time?.height ? time : bar;
    if (below?.height) around.bottom = box.bottom - below.top + 20;
    return around;
  }

  /** Where a place lies on a sheet: world pixels at the sheet's zoom, less its origin. */
  onSheet([lon, lat], { zoom, origin }) {
    const point = this.map.project([lat, lon], zoom);
    return [point.x - origin.x, point.y - origin.y];
  }
}

/** The place of a tile's pixel on a sheet. */
export const fromTile = ({ left, top, scale }, [x, y], { origin }) => [left + x * scale - origin.x, top + y * scale - origin.y];

export { TILE, calm };
