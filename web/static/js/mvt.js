/** Vector tiles read into flat arrays: a district has tens of thousands of rings, and an object each would cost more than drawing them. */

import { Pbf } from "../vendor/pbf.js";

// Numbers of the Mapbox Vector Tile Specification 2.1: fields of a feature, commands of a geometry, kinds of geometry.
const [NUMBER, TAGS, TYPE, GEOMETRY] = [8, 18, 24, 34];
const [MOVE, CLOSE] = [1, 7];
const POLYGON = 3;
const READERS = [, "readString", "readFloat", "readDouble", "readVarint64", "readVarint", "readSVarint", "readBoolean"]; // prettier-ignore

/** The layers of a tile as { name: [Feature] }, geometry scaled to a tile `side` pixels wide. */
export function layersOf(bytes, side) {
  const layers = {};
  new Pbf(bytes).readFields((tag, _, pbf) => {
    if (tag !== 3) return;
    const layer = pbf.readMessage(readLayer, { name: "", extent: 4096, keys: [], values: [], starts: [] });
    layers[layer.name] = featuresOf(layer, pbf, side);
  });
  return layers;
}

function readLayer(tag, layer, pbf) {
  if (tag === 1) layer.name = pbf.readString();
  else if (tag === 2) layer.starts.push(pbf.pos);
  else if (tag === 3) layer.keys.push(pbf.readString());
  else if (tag === 4) layer.values.push(readValue(pbf));
  else if (tag === 5) layer.extent = pbf.readVarint();
}

function readValue(pbf) {
  const end = pbf.readVarint() + pbf.pos;
  const read = READERS[pbf.readVarint() >> 3];
  const value = read ? pbf[read]() : null;
  pbf.pos = end;
  return value;
}

/** Rings of one layer one behind the other: pairs of coordinates, and where each ring ends among them. */
class Shapes {
  constructor() {
    this.places = new Float32Array(256); // most layers of a tile are small, and hundreds of tiles are kept
    this.ends = [];
    this.used = 0;
  }

  /** The array of coordinates, with room for so many more. */
  room(more) {
    if (this.used + more > this.places.length) {
      const larger = new Float32Array(Math.max(this.used + more, this.places.length * 2));
      larger.set(this.places);
      this.places = larger;
    }
    return this.places;
  }
}

/** A feature of a tile: its kind, its properties, and its rings among those of its layer. */
class Feature {
  constructor(shapes, type, properties, first, last) {
    this.shapes = shapes;
    this.type = type;
    this.properties = properties;
    this.first = first;
    this.last = last;
  }

  /** Where the coordinates of ring `number` begin among those of the layer. */
  start(number) {
    return number ? this.shapes.ends[number - 1] : 0;
  }

  /** The rings, or lines, or points: x and y in turn. */
  get rings() {
    const rings = [];
    for (let ring = this.first; ring < this.last; ring++) rings.push(this.shapes.places.subarray(this.start(ring), this.shapes.ends[ring]));
    return rings;
  }

  /** [left, top, right, bottom]. */
  get box() {
    const { places, ends } = this.shapes;
    const box = [Infinity, Infinity, -Infinity, -Infinity];
    for (let i = this.start(this.first); i < ends[this.last - 1]; i += 2) {
      box[0] = Math.min(box[0], places[i]);
      box[1] = Math.min(box[1], places[i + 1]);
      box[2] = Math.max(box[2], places[i]);
      box[3] = Math.max(box[3], places[i + 1]);
    }
    return box;
  }

  /** Add all rings to the current path of a context. */
  trace(context) {
    const { places, ends } = this.shapes;
    let i = this.start(this.first);
    for (let ring = this.first; ring < this.last; ring++) {
      context.moveTo(places[i], places[i + 1]);
      for (i += 2; i < ends[ring]; i += 2) context.lineTo(places[i], places[i + 1]);
      if (this.type === POLYGON) context.closePath();
    }
  }

  /** Whether a polygon holds a point, exactly: the even-odd rule over all rings, holes and parts alike. */
  holds(x, y) {
    const { places, ends } = this.shapes;
    let inside = false;
    for (let ring = this.first; ring < this.last; ring++) {
      const start = this.start(ring);
      for (let i = start, j = ends[ring] - 2; i < ends[ring]; j = i, i += 2) {
        const yi = places[i + 1];
        const yj = places[j + 1];
        if (yi > y !== yj > y && x < ((places[j] - places[i]) * (y - yi)) / (yj - yi) + places[i]) inside = !inside;
      }
    }
    return inside;
  }
}

/** A feature from rings of one's own, as those of a tile are. */
export function polygon(rings) {
  const shapes = new Shapes();
  for (const ring of rings) {
    shapes.room(ring.length * 2).set(ring.flat(), shapes.used);
    shapes.ends.push((shapes.used += ring.length * 2));
  }
  return new Feature(shapes, POLYGON, {}, 0, rings.length);
}

function featuresOf({ starts, keys, values, extent }, pbf, side) {
  const after = pbf.pos;
  const shapes = new Shapes();
  const features = starts.map((start) => {
    pbf.pos = start;
    return featureOf(pbf, keys, values, shapes, side / extent);
  });
  pbf.pos = after;
  return features;
}

function featureOf(pbf, keys, values, shapes, scale) {
  const end = pbf.readVarint() + pbf.pos;
  const first = shapes.ends.length;
  let properties = {};
  let [number, type] = [0, 0];
  while (pbf.pos < end) {
    const tag = pbf.readVarint();
    if (tag === NUMBER) number = pbf.readVarint();
    else if (tag === TAGS) properties = readTags(pbf, keys, values);
    else if (tag === TYPE) type = pbf.readVarint();
    else if (tag === GEOMETRY) readRings(pbf, shapes, scale);
    else pbf.skip(tag);
  }
  // Tiles made for drawing carry the number of a thing once.
  if (number) properties.id ??= number;
  return new Feature(shapes, type, properties, first, shapes.ends.length);
}

// The two loops below read varints by themselves: a call for each number costs more than the numbers (decision 43).

/** Pairs of a key's number and a value's. */
function readTags(pbf, keys, values) {
  const end = pbf.readVarint() + pbf.pos;
  const { buf } = pbf;
  const properties = {};
  let at = pbf.pos;
  let key = null;
  while (at < end) {
    let byte = buf[at++];
    let number = byte & 127;
    for (let shift = 7; byte > 127; shift += 7) number |= ((byte = buf[at++]) & 127) << shift;
    if (key === null) key = keys[number];
    else {
      properties[key] = values[number];
      key = null;
    }
  }
  pbf.pos = end;
  return properties;
}

/** Commands and steps from place to place. */
function readRings(pbf, shapes, scale) {
  const end = pbf.readVarint() + pbf.pos;
  const { buf } = pbf;
  let at = pbf.pos;
  const places = shapes.room(end - at);
  let used = shapes.used;
  let start = used;
  let [x, y] = [0, 0];
  let [command, left, across] = [0, 0, true];
  while (at < end) {
    let byte = buf[at++];
    let number = byte & 127;
    for (let shift = 7; byte > 127; shift += 7) number |= ((byte = buf[at++]) & 127) << shift;
    if (!left) {
      command = number & 7;
      left = command === CLOSE ? 0 : (number >> 3) * 2;
      if (command === MOVE && used > start) shapes.ends.push((start = used));
      continue;
    }
    left--;
    const step = (number >>> 1) ^ -(number & 1);
    if (across) places[used++] = (x += step) * scale;
    else places[used++] = (y += step) * scale;
    across = !across;
  }
  if (used > start) shapes.ends.push(used);
  shapes.used = used;
  pbf.pos = end;
}
