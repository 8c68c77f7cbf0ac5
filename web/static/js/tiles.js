/** Vector tiles fetched once, parsed once, shared by every layer that draws or asks. */

import Flatbush from "../vendor/flatbush.js";
import { layersOf } from "./mvt.js";

export const TILE = 512;
const KEPT = 240;
const AT_ONCE = 64;
const LATER = 0xffffffff; // in place of a length: ask for this one alone
const AGAIN = [2_000, 5_000, 10_000, 30_000]; // what did not arrive is asked for again after so long
// Degrees beyond the ground's own box that are asked for: from afar its tiles reach kilometres beyond it anyway.
const NEAR = 14;
const FAR_REACH = 0.002;
const NEAR_REACH = 0.02;

/** Tiles of one address; geometry in pixels of a 512-pixel tile. Says `lacking` when some did not arrive, `again` when they are to be asked for. */
export class TileSource extends EventTarget {
  /** `bounds` [west, south, east, north]: far beyond them there is nothing to ask for. */
  constructor(template, bounds) {
    super();
    this.template = template;
    this.bounds = grown(bounds, FAR_REACH);
    this.around = grown(bounds, NEAR_REACH);
    this.query = "";
    this.kept = new Map();
    this.wanted = new Map();
    this.lost = new Set();
    this.tries = 0;
  }

  /** Ask with other parameters from now on; what was kept is forgotten. */
  ask(query) {
    if (query === this.query) return false;
    this.query = query;
    this.kept.clear();
    this.lost.clear();
    return true;
  }

  /** The tile, or an empty one where the server has nothing there. */
  at(z, x, y) {
    const side = 2 ** z;
    if (y < 0 || y >= side || z < 0 || !meets(z < NEAR ? this.bounds : this.around, x, y, side)) return Promise.resolve(EMPTY);
    const key = `${z}/${((x % side) + side) % side}/${y}`;
    let tile = this.kept.get(key);
    if (tile) {
      this.kept.delete(key);
    } else {
      tile = this.load(key).catch((failed) => {
        if (this.kept.get(key) === tile) this.kept.delete(key);
        if (failed.passing) this.lack(key);
        throw failed;
      });
    }
    this.kept.set(key, tile);
    if (this.kept.size > KEPT) this.kept.delete(this.kept.keys().next().value);
    return tile;
  }

  /** Some of the map is missing until somebody has asked for it again and got it. */
  lack(key) {
    this.lost.add(key);
    this.tell();
    this.again ??= setTimeout(() => this.retry(), AGAIN[Math.min(this.tries++, AGAIN.length - 1)]);
  }

  /** Those who draw ask for what they look at now; what they do not look at any more is lacked no more. */
  async retry() {
    this.again = null;
    this.lost.clear();
    const asked = [];
    this.dispatchEvent(new CustomEvent("again", { detail: asked }));
    await Promise.allSettled(asked);
    if (this.lost.size) return;
    this.tries = 0;
    this.tell();
  }

  tell() {
    this.dispatchEvent(new CustomEvent("lacking", { detail: this.lost.size > 0 }));
  }

  /** Fetch the tiles that a change touches anew; returns what puts them in place of the old ones, together. */
  async renew(touches, zoom) {
    const fresh = new Map();
    for (const key of [...this.kept.keys()]) {
      const [z, x, y] = key.split("/").map(Number);
      if (!touches(z, x, y)) continue;
      // Only what is looked at; the rest is fetched when somebody looks.
      if (z === zoom) fresh.set(key, this.load(key));
      else this.kept.delete(key);
    }
    const query = this.query;
    await Promise.all(fresh.values());
    return () => {
      if (query === this.query) for (const [key, tile] of fresh) this.kept.set(key, tile);
      return fresh.size;
    };
  }

  /** A tile by its key "z/x/y". What is asked for in one breath comes in one answer: a request costs more than a tile (decision 49). */
  load(key) {
    const [zoom] = key.split("/");
    if (!this.wanted.size) queueMicrotask(() => this.send());
    if (!this.wanted.has(zoom)) this.wanted.set(zoom, []);
    return new Promise((resolve, reject) => this.wanted.get(zoom).push({ key, resolve, reject }));
  }

  /** Ask for what is wanted by now. */
  send() {
    const wanted = this.wanted;
    this.wanted = new Map();
    for (const [zoom, tiles] of wanted)
      for (let start = 0; start < tiles.length; start += AT_ONCE) this.together(zoom, tiles.slice(start, start + AT_ONCE));
  }

  /** Several tiles of one zoom in one answer; those it has no time for, alone. */
  async together(zoom, wanted) {
    if (wanted.length === 1) return this.alone(wanted[0]);
    const places = wanted.map(({ key }) => key.split("/").slice(1).join(".")).join(",");
    const url = `${this.template.replace("/{x}/{y}", "").replace("{z}", zoom)}?at=${places}${this.query.replace("?", "&")}`;
    try {
      const bytes = await asked(url);
      const lengths = new DataView(bytes);
      let at = 0;
      for (const each of wanted) {
        const length = lengths.getUint32(at, true);
        at += 4;
        if (length === LATER) this.alone(each);
        else each.resolve(tileOf(new Uint8Array(bytes, at, length)));
        at += length === LATER ? 0 : length;
      }
    } catch (failed) {
      for (const { reject } of wanted) reject(failed);
    }
  }

  alone({ key, resolve, reject }) {
    const [z, x, y] = key.split("/");
    const url = this.template.replace("{z}", z).replace("{x}", x).replace("{y}", y) + this.query;
    asked(url)
      .then((bytes) => resolve(tileOf(new Uint8Array(bytes))))
      .catch(reject);
  }
}

async function asked(url) {
  const answer = await fetch(url).catch(() => ({ ok: false, status: 0 }));
  if (!answer.ok) throw Object.assign(new Error(`${url}: ${answer.status}`), { passing: passes(answer.status) });
  return answer.arrayBuffer();
}

/** Whether another try may succeed: the line or the server was away, nobody said no. */
const passes = (status) => status === 0 || status === 429 || status >= 500;

const tileOf = (bytes) => (bytes.length ? new Tile(layersOf(bytes, TILE)) : EMPTY);

const grown = ([west, south, east, north], reach) => [west - reach, south - reach, east + reach, north + reach];

/** Whether tile x, y of a world `side` tiles wide shares ground with the bounds. */
function meets([west, south, east, north], x, y, side) {
  const column = (lon) => Math.floor(((lon + 180) / 360) * side);
  const row = (lat) => Math.floor((0.5 - Math.asinh(Math.tan((lat * Math.PI) / 180)) / (2 * Math.PI)) * side);
  return x >= column(west) && x <= column(east) && y >= row(north) && y <= row(south);
}

/** One parsed tile: features by layer, and an index of their boxes where somebody picks. */
class Tile {
  constructor(layers) {
    this.layers = layers;
    this.indexes = new Map();
  }

  of(layer) {
    return this.layers[layer] ?? [];
  }

  /** Features of a polygon layer that hold a point, exactly. */
  holding(layer, x, y) {
    const features = this.of(layer);
    if (!features.length) return [];
    let index = this.indexes.get(layer);
    if (!index) {
      index = new Flatbush(features.length);
      for (const { box } of features) index.add(box[0], box[1], box[2], box[3]);
      index.finish();
      this.indexes.set(layer, index);
    }
    return index
      .search(x, y, x, y)
      .map((number) => features[number])
      .filter((feature) => feature.holds(x, y));
  }
}

export const EMPTY = new Tile({});

const BATCH = 16;

/** Fill or stroke many features a few at a time: one huge path is slower than its parts. */
export function batches(context, features, paint) {
  for (let start = 0; start < features.length; start += BATCH) {
    context.beginPath();
    for (let i = start; i < Math.min(start + BATCH, features.length); i++) features[i].trace(context);
    paint(context);
  }
}
