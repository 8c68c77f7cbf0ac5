/** Atoms of the communities at hand: the pieces of ground a brush takes, each with its households, asked for once. */

import { ask } from "../api.js";
import Flatbush from "../../vendor/flatbush.js";
import { Vertices, rings } from "./lattice.js";
import { inside, roomiest } from "./shapes.js";

/** The atoms of one community, indexed by place. */
class Fabric {
  constructor({ origin, atoms }) {
    const vertices = new Vertices(origin, 16384);
    this.vertices = vertices;
    this.atoms = new Map();
    const flat = [];
    for (const { polygons, ...facts } of atoms) {
      const parts = rings(polygons, vertices, origin);
      const box = [Infinity, Infinity, -Infinity, -Infinity];
      for (const [outer] of parts)
        for (const id of outer) {
          box[0] = Math.min(box[0], vertices.mx[id]);
          box[1] = Math.min(box[1], vertices.my[id]);
          box[2] = Math.max(box[2], vertices.mx[id]);
          box[3] = Math.max(box[3], vertices.my[id]);
        }
      const at = roomiest(parts[0].map((ring) => Array.from(ring, (id) => [vertices.mx[id], vertices.my[id]])));
      const atom = { ...facts, parts, at };
      this.atoms.set(facts.id, atom);
      flat.push({ atom, box });
    }
    this.list = flat.map(({ atom }) => atom);
    this.boxes = new Flatbush(Math.max(1, flat.length));
    for (const { box } of flat) this.boxes.add(...box);
    if (!flat.length) this.boxes.add(0, 0, 0, 0);
    this.boxes.finish();
    this.middles = new Flatbush(Math.max(1, flat.length));
    for (const { at } of this.list) this.middles.add(at[0], at[1], at[0], at[1]);
    if (!flat.length) this.middles.add(0, 0, 0, 0);
    this.middles.finish();
  }

  /** The atom that holds a place. */
  at([x, y]) {
    const { mx, my } = this.vertices;
    const found = this.boxes.search(x, y, x, y).map((number) => this.list[number]);
    return found.find((atom) => atom?.parts.some(([outer]) => inside(Array.from(outer, (id) => [mx[id], my[id]]), [x, y]))) ?? null;
  }

  /** The `n` atoms whose middles are nearest to a place; with one, the atom that holds it. */
  near(place, n) {
    if (n === 1 || !this.list.length) return [this.at(place)].filter(Boolean);
    return this.middles.neighbors(place[0], place[1], n).map((number) => this.list[number]);
  }

  /** Atoms whose middle lies in a ring of places. */
  inside(ring) {
    const xs = ring.map(([x]) => x);
    const ys = ring.map(([, y]) => y);
    const found = this.middles.search(Math.min(...xs), Math.min(...ys), Math.max(...xs), Math.max(...ys));
    return found.map((number) => this.list[number]).filter((atom) => atom && inside(ring, atom.at));
  }
}

/** Fabrics by community, each asked for when a brush first needs it. */
export class Atoms {
  constructor(draft) {
    this.draft = draft;
    this.kept = new Map();
  }

  /** The fabric of a community, or null while it is on its way. */
  of(community) {
    const known = this.kept.get(community.id);
    return known instanceof Fabric ? known : null;
  }

  /** The fabric of a community, when it has come. */
  async load(community) {
    if (!this.kept.has(community.id)) {
      const asked = ask(this.draft.path("/atoms"), { community: community.code }).then(
        (answer) => {
          const fabric = new Fabric(answer);
          this.kept.set(community.id, fabric);
          return fabric;
        },
        (problem) => {
          this.kept.delete(community.id);
          throw problem;
        },
      );
      this.kept.set(community.id, asked);
    }
    return this.kept.get(community.id);
  }
}
