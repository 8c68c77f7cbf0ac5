/** Today's borders of what a draft changes, and which of the draft's borders are new ground for a line. */

import { ask } from "../api.js";
import Flatbush from "../../vendor/flatbush.js";
import { STEP } from "./lattice.js";
import { nearestOn } from "./shapes.js";

const ASKED_AT_MOST = 120;
const SAME = (3 * STEP) / 360; // of the Mercator square: a border that only gained vertices moves by less

/** Faces as they are today, by grid; filled when a plan opens and whenever an operation first touches a grid. */
export class Before {
  constructor(draft) {
    this.draft = draft;
    this.faces = new Map();
    this.made = null;
  }

  /** Ask for the borders of grids that the draft had changed or ended when it was opened. */
  async load(ids) {
    const wanted = ids.filter((id) => !this.faces.has(id)).slice(0, ASKED_AT_MOST);
    await Promise.all(
      wanted.map((id) =>
        ask(`/grids/${id}/border`).then(
          (border) => this.faces.set(id, this.faceOf(id, border)),
          () => null, // made by the draft, or gone by now
        ),
      ),
    );
    this.made = null;
  }

  /** An operation is about to change these: keep them as they are, if they are as today. */
  keep(ids) {
    for (const id of ids) {
      const face = this.draft.ground.grids.get(id);
      if (face && !face.facts.changed && face.facts.base_version !== undefined && !this.faces.has(id)) this.faces.set(id, face);
    }
    this.made = null;
  }

  faceOf(id, { type, coordinates }) {
    const { vertices } = this.draft.ground;
    const [west, south] = vertices.origin;
    const flat = (ring) => {
      let before = [0, 0];
      return ring.slice(0, -1).flatMap(([lon, lat]) => {
        const at = [Math.round(lon / STEP) - west, Math.round(lat / STEP) - south];
        const step = [at[0] - before[0], at[1] - before[1]];
        before = at;
        return step;
      });
    };
    const polygons = (type === "Polygon" ? [coordinates] : coordinates).map((rings) => rings.map(flat));
    return this.draft.ground.face({ id, polygons });
  }

  /** What is border now and was not, and what was and is no more: {fresh, gone}, lists of vertices. */
  differences() {
    const { ground } = this.draft;
    if (this.made?.since === ground.changedSince) return this.made;
    const { vertices } = ground;
    const touched = (face) => face && face.facts.changed && !face.facts.noded_only;
    const now = ground.arcs().filter(({ one, other }) => touched(one) || touched(other));
    const then = [...this.faces.values()].flatMap((face) => [...face.rings()].map((ring) => [...ring, ring[0]]));
    // Beside a grid that ended nothing need have changed but the neighbours it had.
    const all = now.length ? ground.arcs() : [];
    const old = new Edges(then, vertices);
    const standing = new Edges(all.map(({ ids }) => ids), vertices);
    const fresh = now.flatMap(({ ids }) => old.missing(ids));
    const gone = all.length ? then.flatMap((ids) => standing.missing(ids)) : [];
    this.made = { since: ground.changedSince, fresh, gone };
    return this.made;
  }
}

/** Segments of many lines, to ask whether another lies on one of them. */
class Edges {
  constructor(lines, vertices) {
    this.vertices = vertices;
    const { mx, my } = vertices;
    this.segments = lines.flatMap((ids) => Array.from(ids).slice(1).map((id, i) => [mx[ids[i]], my[ids[i]], mx[id], my[id]]));
    this.index = new Flatbush(Math.max(1, this.segments.length));
    if (!this.segments.length) this.index.add(-1, -1, -1, -1);
    for (const [ax, ay, bx, by] of this.segments) this.index.add(Math.min(ax, bx), Math.min(ay, by), Math.max(ax, bx), Math.max(ay, by));
    this.index.finish();
  }

  /** The stretches of a line that lie on none of the segments. */
  missing(ids) {
    const { mx, my } = this.vertices;
    const found = [];
    let run = null;
    for (let i = 1; i < ids.length; i++) {
      const [a, b] = [ids[i - 1], ids[i]];
      if (this.hold([(mx[a] + mx[b]) / 2, (my[a] + my[b]) / 2])) run = null;
      else if (run) run.push(b);
      else found.push((run = [a, b]));
    }
    return found;
  }

  hold([x, y]) {
    return this.index.search(x - SAME, y - SAME, x + SAME, y + SAME).some((number) => {
      const [ax, ay, bx, by] = this.segments[number] ?? [-1, -1, -1, -1];
      return nearestOn([ax, ay], [bx, by], [x, y]).away < SAME * SAME;
    });
  }
}
