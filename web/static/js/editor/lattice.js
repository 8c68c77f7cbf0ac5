/** Vertices exist once: whole numbers of lattice steps from one origin, found again by their numbers, never by distance. */

export const STEP = 2 ** -27; // degrees
const FREE = -1;

/** A growing table of lattice points, each with its place on a Mercator square of side 1. */
export class Vertices {
  /** `origin` [ix, iy]: what every number here is counted from, so that 32 bits are enough. */
  constructor(origin, room = 4096) {
    this.origin = origin;
    this.size = 0;
    this.xs = new Int32Array(room);
    this.ys = new Int32Array(room);
    this.mx = new Float64Array(room);
    this.my = new Float64Array(room);
    this.slots = new Int32Array(room * 4).fill(FREE);
  }

  /** The number of the vertex at x, y; made where there is none. */
  at(x, y) {
    const slot = this.slotOf(x, y);
    if (this.slots[slot] !== FREE) return this.slots[slot];
    if (this.size === this.xs.length) {
      this.grow();
      return this.at(x, y);
    }
    const id = this.size++;
    this.slots[slot] = id;
    this.xs[id] = x;
    this.ys[id] = y;
    [this.mx[id], this.my[id]] = mercator(this.degreesOf(x, y));
    return id;
  }

  /** The vertex at x, y, or -1. */
  find(x, y) {
    return this.slots[this.slotOf(x, y)];
  }

  /** Longitude and latitude of lattice numbers. */
  degreesOf(x, y) {
    return [(this.origin[0] + x) * STEP, (this.origin[1] + y) * STEP];
  }

  /** Longitude and latitude of a vertex, exact. */
  degrees(id) {
    return this.degreesOf(this.xs[id], this.ys[id]);
  }

  /** The lattice numbers nearest to a place in degrees. */
  nearest([lon, lat]) {
    return [Math.round(lon / STEP) - this.origin[0], Math.round(lat / STEP) - this.origin[1]];
  }

  slotOf(x, y) {
    const mask = this.slots.length - 1;
    let slot = (Math.imul(x, 0x9e3779b1) ^ Math.imul(y, 0x85ebca6b)) >>> 0;
    slot = (slot ^ (slot >>> 15)) & mask;
    for (;;) {
      const id = this.slots[slot];
      if (id === FREE || (this.xs[id] === x && this.ys[id] === y)) return slot;
      slot = (slot + 1) & mask;
    }
  }

  grow() {
    const room = this.xs.length * 2;
    for (const name of ["xs", "ys", "mx", "my"]) {
      const larger = new this[name].constructor(room);
      larger.set(this[name]);
      this[name] = larger;
    }
    this.slots = new Int32Array(room * 4).fill(FREE);
    for (let id = 0; id < this.size; id++) this.slots[this.slotOf(this.xs[id], this.ys[id])] = id;
  }
}

/** Polygons of the wire as rings of vertex numbers: [[ring, hole…], …]. `origin` is the wire's own. */
export function rings(polygons, vertices, origin) {
  const shift = [origin[0] - vertices.origin[0], origin[1] - vertices.origin[1]];
  return polygons.map((polygon) => polygon.map((flat) => ring(flat, vertices, shift)));
}

/** One ring: absolute numbers first, then steps from each vertex to the next; not closed. */
function ring(flat, vertices, [shiftX, shiftY]) {
  const ids = new Int32Array(flat.length / 2);
  let x = shiftX;
  let y = shiftY;
  for (let i = 0; i < ids.length; i++) {
    x += flat[2 * i];
    y += flat[2 * i + 1];
    ids[i] = vertices.at(x, y);
  }
  return ids;
}

/** A place in degrees on the Mercator square of side 1, north at 0. */
export function mercator([lon, lat]) {
  const sine = Math.sin((lat * Math.PI) / 180);
  return [lon / 360 + 0.5, 0.5 - Math.log((1 + sine) / (1 - sine)) / (4 * Math.PI)];
}

/** Degrees of a place on the Mercator square of side 1. */
export const degrees = ([x, y]) => [(x - 0.5) * 360, (Math.atan(Math.sinh(Math.PI * (1 - 2 * y))) * 180) / Math.PI];

const EARTH_M = 40_075_016.686;

/** Metres on the ground of one unit of the Mercator square at its height `y`. */
export const metresAt = (y) => EARTH_M / Math.cosh(Math.PI * (1 - 2 * y));
