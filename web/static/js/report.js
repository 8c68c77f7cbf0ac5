/** A report with a map: the live map beside its tables, each leading to the other. */

import { ask } from "./api.js";
import { make, put } from "./dom.js";
import * as tools from "./tools.js";
import { colour } from "./palette.js";
import { count, decimal, language, word } from "./words.js";

const at = (id) => document.querySelector(`#${id}`);

/** Bring the page to life. */
export async function start(district, { analysis }) {
  tools.show(at("tools"), { signedIn: true });
  const linked = new Linked(district, await ask(`/reports/${analysis}/map`, { language }));
  linked.show();
  document.body.dataset.ready = "true";
}

/** The map and the table of clusters: a click on either shows the other's. */
class Linked {
  constructor(district, { units, clusters, points, key, picture }) {
    Object.assign(this, { district, units, clusters, points, key, picture });
    this.map = district.map;
    this.fills = new Map(key.map(({ fill, colour: tint }) => [fill, tint]));
    this.outlines = new Map();
    district.free = () => ({ left: 16, top: 16, right: 16, bottom: 16 });
  }

  show() {
    const L = window.L;
    const canvas = L.canvas({ pane: "ink", padding: 0.4 });
    const quiet = new Set(["plain", "missing", "ratio-1", "ratio-2"]);
    this.ground = L.geoJSON(this.units, {
      renderer: canvas,
      style: ({ properties: { fill } }) => ({
        color: colour("map-grid"),
        weight: 0.6,
        fillColor: this.fills.get(fill),
        fillOpacity: quiet.has(fill) ? 0.25 : 0.8,
      }),
      onEachFeature: ({ properties }, layer) => this.explain(layer, properties),
    }).addTo(this.map);
    if (this.picture) L.imageOverlay(`data:image/png;base64,${this.picture.png}`, this.picture.bounds, { pane: "ink", opacity: 0.8 }).addTo(this.map);
    L.geoJSON(this.clusters, {
      pane: "marks",
      style: { color: "#7a0177", weight: 3, fillOpacity: 0.08, fillColor: "#7a0177", className: "cluster" },
      pointToLayer: (_, place) => L.circleMarker(place, { radius: 9 }),
      onEachFeature: ({ properties: { rank } }, layer) => this.hang(rank, layer),
    }).addTo(this.map);
    for (const { rank, lon, lat } of this.points) this.hang(rank, L.circleMarker([lat, lon], { pane: "marks", radius: 9, color: "#7a0177", weight: 2, fillOpacity: 0.5 }).addTo(this.map));
    for (const [rank, layer] of this.outlines) this.number(rank, layer);
    this.rows();
    this.showKey();
    const bounds = this.ground.getBounds();
    if (bounds.isValid()) this.map.fitBounds(bounds, { padding: [12, 12], animate: false });
    document.addEventListener("theme", () => this.ground.setStyle({ color: colour("map-grid") }));
  }

  /** A cluster's outline takes clicks. */
  hang(rank, layer) {
    this.outlines.set(rank, layer);
    layer.on("click", () => this.toTable(rank));
  }

  number(rank, layer) {
    const L = window.L;
    const place = layer.getBounds ? layer.getBounds().getCenter() : layer.getLatLng();
    // For the mouse alone: numbers lie close together, and the rows below lead to the same places by keyboard.
    const label = make("span", { className: "rank", "aria-hidden": "true", title: word("reports.to_row", { n: rank }) }, String(rank));
    const mark = L.marker(place, { icon: L.divIcon({ className: "rank-mark", html: label, iconSize: [26, 26] }), keyboard: false, pane: "labels", interactive: true });
    label.addEventListener("click", () => this.toTable(rank));
    mark.addTo(this.map);
    mark.getElement().style.pointerEvents = "auto";
  }

  rows() {
    for (const row of document.querySelectorAll("tr[data-rank]")) {
      const rank = Number(row.dataset.rank);
      if (!this.outlines.has(rank)) continue;
      const first = row.cells[0];
      const go = make("button", { type: "button", className: "to-map", title: word("reports.to_map"), "aria-label": word("reports.to_map_n", { n: rank }) }, first.textContent);
      put(first, go);
      row.classList.add("linked");
      row.addEventListener("click", () => this.toMap(rank));
    }
  }

  toMap(rank) {
    const layer = this.outlines.get(rank);
    const box = layer.getBounds ? layer.getBounds() : window.L.latLngBounds([layer.getLatLng()]);
    at("report_map").scrollIntoView({ block: "nearest" });
    this.map.fitBounds(box.pad(0.6), { maxZoom: 17 });
    this.choose(rank);
  }

  toTable(rank) {
    const row = document.querySelector(`tr[data-rank="${rank}"]`);
    row?.scrollIntoView({ block: "center" });
    row?.querySelector("button")?.focus({ preventScroll: true });
    this.choose(rank);
  }

  choose(rank) {
    for (const row of document.querySelectorAll("tr[data-rank]")) row.classList.toggle("chosen", Number(row.dataset.rank) === rank);
    for (const [each, layer] of this.outlines) layer.setStyle({ weight: each === rank ? 5 : 3 });
  }

  explain(layer, facts) {
    const tip = at("tip");
    layer.on("mousemove", ({ originalEvent: { clientX, clientY } }) => {
      put(
        tip,
        make("b", {}, `${facts.community} ${facts.name}`),
        word("reports.tip", { n: facts.observed === null ? word("reports.held_back") : count(facts.observed), ratio: facts.ratio == null ? "–" : decimal(facts.ratio, 2) }),
      );
      tip.style.left = `${Math.min(clientX + 14, innerWidth - 240)}px`;
      tip.style.top = `${clientY + 14}px`;
      tip.hidden = false;
    });
    layer.on("mouseout", () => (tip.hidden = true));
  }

  showKey() {
    const swatch = (tint) => {
      const made = make("i", { className: "swatch" });
      made.style.background = tint;
      return made;
    };
    put(at("key"), make("ul", {}, this.key.map(({ colour: tint, text }) => make("li", {}, swatch(tint), text))));
  }
}
