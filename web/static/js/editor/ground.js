/** The ground under edit: grids as rings of shared vertices, borders as arcs between nodes, each drawn and moved once. */

import Flatbush from "../../vendor/flatbush.js";
import { Vertices, rings } from "./lattice.js";
import { roomiest } from "./shapes.js";

/** One grid, or one neighbour beyond the plan: what is known of it and its rings of vertex numbers. */
class Face {
  constructor(facts, parts, vertices) {
    this.id = facts.id;
    this.facts = facts;
    this.parts = parts;
    this.box = boxOf(parts, vertices);
    this.label = null;
  }

  /** All rings, outer ones and holes alike. */
  *rings() {
    for (const polygon of this.parts) yield* polygon;
  }
}

/** Everything the map draws and picks from; `put` and `drop` patch it, the rest is worked out again when it is asked for. */
export class Ground {
  constructor({ origin, grids, around = [] }) {
    this.vertices = new Vertices(origin, grids.length ? 8192 : 4);
    this.grids = new Map();
    this.around = new Map();
    this.changedSince = 0;
    for (const each of around) this.around.set(each.id, this.face(each, origin));
    this.put(grids, origin);
  }

  /** Other faces by number on the same vertices: a ground to draw, not one to patch. */
  with(grids) {
    const ground = new Ground({ origin: this.vertices.origin, grids: [] });
    return Object.assign(ground, { vertices: this.vertices, grids });
  }

  /** Take grids as the server gives them, new or changed. */
  put(grids, origin = this.vertices.origin) {
    for (const each of grids) this.grids.set(each.id, this.face(each, origin));
    this.forget();
  }

  /** Take neighbours beyond the plan whose borders gained vertices. */
  beside(around, origin) {
    for (const each of around) this.around.set(each.id, this.face(each, origin));
    if (around.length) this.forget();
  }

  /** Forget grids that ended. */
  drop(ids) {
    for (const id of ids) this.grids.delete(id);
    this.forget();
  }

  /** A face of these facts on the shared vertices, not yet part of the ground: for what is only proposed. */
  face({ polygons, ...facts }, origin = this.vertices.origin) {
    return new Face(facts, rings(polygons, this.vertices, origin), this.vertices);
  }

  forget() {
    this.index = this.kept = this.users = null;
    this.changedSince += 1;
  }

  /** Every face, those of the plan first. */
  *faces() {
    yield* this.grids.values();
    yield* this.around.values();
  }

  /** The grid of the plan that holds a place of the Mercator square, or null. */
  at([x, y]) {
    for (const face of this.near(x, y, 0)) if (this.holds(face, x, y) && this.grids.has(face.id)) return face;
    return null;
  }

  /** Faces whose box comes as near as `reach` to a place; in units of the Mercator square. */
  near(x, y, reach) {
    if (!this.index) {
      this.indexed = [...this.faces()];
      this.index = new Flatbush(Math.max(1, this.indexed.length));
      for (const { box } of this.indexed) this.index.add(...box);
      if (!this.indexed.length) this.index.add(0, 0, 0, 0);
      this.index.finish();
    }
    if (!this.indexed.length) return [];
    return this.index.search(x - reach, y - reach, x + reach, y + reach).map((number) => this.indexed[number]);
  }

  /** Whether a face holds a place, exactly, holes left out. */
  holds(face, x, y) {
    const { mx, my } = this.vertices;
    let within = false;
    for (const ring of face.rings())
      for (let i = 0, j = ring.length - 1; i < ring.length; j = i++) {
        const [a, b] = [ring[i], ring[j]];
        if (my[a] > y !== my[b] > y && x < ((mx[b] - mx[a]) * (y - my[a])) / (my[b] - my[a]) + mx[a]) within = !within;
      }
    return within;
  }

  /** Where a face's name stands best. */
  labelOf(face) {
    if (!face.label) {
      const { mx, my } = this.vertices;
      const largest = face.parts.reduce((best, part) => (part[0].length > best[0].length ? part : best), face.parts[0]);
      face.label = roomiest(largest.map((ring) => Array.from(ring, (id) => [mx[id], my[id]])));
    }
    return face.label;
  }

  /** Borders: [{ids, one, other}], `other` null at the edge of what is known. */
  arcs() {
    this.kept ??= arcsOf(this);
    return this.kept;
  }

  /** The faces that use a vertex. */
  usersOf(vertex) {
    if (!this.users) {
      this.users = new Map();
      for (const face of this.faces())
        for (const ring of face.rings())
          for (const id of ring) {
            const known = this.users.get(id);
            if (!known) this.users.set(id, [face]);
            else if (!known.includes(face)) known.push(face);
          }
    }
    return this.users.get(vertex) ?? [];
  }

  /** The box [west, south, east, north] in units of the Mercator square around some grids, all by default. */
  boxOf(faces = [...this.grids.values()]) {
    const box = [Infinity, Infinity, -Infinity, -Infinity];
    for (const { box: own } of faces) {
      box[0] = Math.min(box[0], own[0]);
      box[1] = Math.min(box[1], own[1]);
      box[2] = Math.max(box[2], own[2]);
      box[3] = Math.max(box[3], own[3]);
    }
    return box;
  }
}

function boxOf(parts, { mx, my }) {
  const box = [Infinity, Infinity, -Infinity, -Infinity];
  for (const [outer] of parts)
    for (const id of outer) {
      if (mx[id] < box[0]) box[0] = mx[id];
      if (my[id] < box[1]) box[1] = my[id];
      if (mx[id] > box[2]) box[2] = mx[id];
      if (my[id] > box[3]) box[3] = my[id];
    }
  return box;
}

/** Every edge once, with the faces on its two sides: numbers of ends and faces in flat lists. */
function edgesOf(ground) {
  const number = new Map();
  const edges = { from: [], to: [], one: [], other: [] };
  const span = ground.vertices.size;
  for (const face of ground.faces())
    for (const ring of face.rings())
      for (let i = 0, j = ring.length - 1; i < ring.length; j = i++) {
        const [a, b] = ring[i] < ring[j] ? [ring[i], ring[j]] : [ring[j], ring[i]];
        const key = a * span + b;
        const known = number.get(key);
        if (known === undefined) {
          number.set(key, edges.from.length);
          edges.from.push(a);
          edges.to.push(b);
          edges.one.push(face);
          edges.other.push(null);
        } else edges.other[known] = face;
      }
  return edges;
}

/** Chains of edges between the same two faces, from node to node; a ring without a node is one closed arc. */
function arcsOf(ground) {
  const edges = edgesOf(ground);
  const at = edgesAt(edges, ground.vertices.size);
  const done = new Uint8Array(edges.from.length);
  const same = (a, b) =>
    (edges.one[a] === edges.one[b] && edges.other[a] === edges.other[b]) || (edges.one[a] === edges.other[b] && edges.other[a] === edges.one[b]);
  const onward = (edge, vertex) => {
    const [start, end] = [at.starts[vertex], at.starts[vertex + 1]];
    if (end - start !== 2) return -1;
    const next = at.edges[start] === edge ? at.edges[start + 1] : at.edges[start];
    return same(edge, next) ? next : -1;
  };
  const walk = (edge, vertex) => {
    const ids = [vertex];
    for (let next = edge; next >= 0 && !done[next]; ) {
      done[next] = 1;
      const end = edges.from[next] === ids.at(-1) ? edges.to[next] : edges.from[next];
      ids.push(end);
      next = onward(next, end);
    }
    return { ids: Int32Array.from(ids), one: edges.one[edge], other: edges.other[edge] };
  };
  const arcs = [];
  for (let edge = 0; edge < done.length; edge++)
    for (const vertex of [edges.from[edge], edges.to[edge]]) if (!done[edge] && onward(edge, vertex) < 0) arcs.push(walk(edge, vertex));
  for (let edge = 0; edge < done.length; edge++) if (!done[edge]) arcs.push(walk(edge, edges.from[edge]));
  return arcs;
}

/** The edges at each vertex, as one list with the place where each vertex's part starts. */
function edgesAt({ from, to }, size) {
  const starts = new Int32Array(size + 1);
  for (const ends of [from, to]) for (const vertex of ends) starts[vertex + 1] += 1;
  for (let i = 0; i < size; i++) starts[i + 1] += starts[i];
  const filled = starts.slice();
  const edges = new Int32Array(from.length * 2);
  for (let edge = 0; edge < from.length; edge++) {
    edges[filled[from[edge]]++] = edge;
    edges[filled[to[edge]]++] = edge;
  }
  return { starts, edges };
}
