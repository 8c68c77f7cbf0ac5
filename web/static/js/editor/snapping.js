/** Draws a hand-drawn point to what is there: a vertex first, then a border, then a road or a river. */

import Flatbush from "../../vendor/flatbush.js";
import { mercator } from "./lattice.js";
import { nearestOn } from "./shapes.js";

const REACH_PX = 9;
const REACH_TOUCH_PX = 18;

/** Snaps places to a ground and to lines that are added as they become known. */
export class Snapper {
  constructor(draft, map) {
    this.draft = draft;
    this.map = map;
    this.on = true;
    this.segments = [];
    this.index = null;
  }

  /** Roads and water: [{kind, coordinates: [[lon, lat]…]}]. */
  add(lines) {
    for (const { kind, coordinates } of lines) {
      const places = coordinates.map(mercator);
      for (let i = 1; i < places.length; i++) this.segments.push({ kind, from: places[i - 1], to: places[i] });
    }
    this.index = null;
  }

  /** Where a place snaps to: {at, kind, vertex} with kind vertex, border, road, water; or null. */
  near(place, { touch = false, lines = true, vertices = true } = {}) {
    if (!this.on || !this.draft.ground) return null;
    const reach = (touch ? REACH_TOUCH_PX : REACH_PX) / (256 * 2 ** this.map.getZoom());
    const vertex = vertices && nearestVertex(this.draft.ground, place, reach);
    if (vertex) return vertex;
    const border = vertices && nearestBorder(this.draft.ground, place, reach);
    return border || (lines ? this.nearestLine(place, reach) : null);
  }

  nearestLine([x, y], reach) {
    if (!this.segments.length) return null;
    if (!this.index) {
      this.index = new Flatbush(this.segments.length);
      for (const { from, to } of this.segments)
        this.index.add(Math.min(from[0], to[0]), Math.min(from[1], to[1]), Math.max(from[0], to[0]), Math.max(from[1], to[1]));
      this.index.finish();
    }
    let best = null;
    for (const number of this.index.search(x - reach, y - reach, x + reach, y + reach)) {
      const { kind, from, to } = this.segments[number];
      const { at, away } = nearestOn(from, to, [x, y]);
      if (away <= reach * reach && away < (best?.away ?? Infinity)) best = { at, away, kind };
    }
    return best;
  }
}

/** The vertex nearest to a place within reach: {at, kind, vertex, away}. */
export function nearestVertex(ground, [x, y], reach) {
  const { mx, my } = ground.vertices;
  let best = null;
  for (const face of ground.near(x, y, reach))
    for (const ring of face.rings())
      for (const id of ring) {
        const away = (mx[id] - x) ** 2 + (my[id] - y) ** 2;
        if (away <= reach * reach && away < (best?.away ?? Infinity)) best = { at: [mx[id], my[id]], kind: "vertex", vertex: id, away };
      }
  return best;
}

function nearestBorder(ground, [x, y], reach) {
  const { mx, my } = ground.vertices;
  let best = null;
  for (const face of ground.near(x, y, reach))
    for (const ring of face.rings())
      for (let i = 0, j = ring.length - 1; i < ring.length; j = i++) {
        const { at, away } = nearestOn([mx[ring[j]], my[ring[j]]], [mx[ring[i]], my[ring[i]]], [x, y]);
        if (away <= reach * reach && away < (best?.away ?? Infinity)) best = { at, kind: "border", away };
      }
  return best;
}

/** The border between two grids of the plan nearest to a place, within reach: {one, other, ids}. */
export function nearestArc(ground, [x, y], reach) {
  const { mx, my } = ground.vertices;
  const close = new Set(ground.near(x, y, reach));
  let best = null;
  for (const arc of ground.arcs()) {
    if (!arc.other || !close.has(arc.one) || !close.has(arc.other)) continue;
    if (!ground.grids.has(arc.one.id) || !ground.grids.has(arc.other.id)) continue;
    for (let i = 1; i < arc.ids.length; i++) {
      const [a, b] = [arc.ids[i - 1], arc.ids[i]];
      const { away } = nearestOn([mx[a], my[a]], [mx[b], my[b]], [x, y]);
      if (away <= reach * reach && away < (best?.away ?? Infinity)) best = { arc, away };
    }
  }
  return best?.arc ?? null;
}
