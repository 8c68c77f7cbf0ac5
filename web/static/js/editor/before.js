/** Today's ground under a draft, which of the draft's borders are new, and which of today's it takes away. */

import { ask } from "../api.js";
import Flatbush from "../../vendor/flatbush.js";
import { STEP } from "./lattice.js";
import { nearestOn } from "./shapes.js";

const SAME = (3 * STEP) / 360; // of the Mercator square: a border that only gained vertices moves by less

/** Faces as they are today, by grid; asked for when a plan opens, kept whenever an operation first touches a grid. */
export class Before {
  constructor(draft) {
    this.draft = draft;
    this.faces = new Map();
    this.whole = false; // until all are here, a border that is not among them is not yet a new one
    this.made = null;
  }

  /** Ask for what the draft had drawn over when it was opened. */
  async load() {
    const { origin, grids } = this.draft.plan.revision ? await ask(this.draft.path("/before")) : { grids: [] };
    for (const each of grids) if (!this.faces.has(each.id)) this.faces.set(each.id, this.draft.ground.face({ ...each, community_id: this.communityOf(each) }, origin));
    this.whole = true;
    this.made = null;
  }

  /** The community of a grid of today: as in the draft, where it stands there, else by its code. */
  communityOf({ id, code }) {
    const { ground, communities } = this.draft;
    const all = [...communities.values()];
    return ground.grids.get(id)?.facts.community_id ?? (all.find((each) => each.code && code?.startsWith(each.code)) ?? all[0])?.id;
  }

  /** An operation is about to change these: keep them as they are, if they are as today. */
  keep(ids) {
    for (const id of ids) {
      const face = this.draft.ground.grids.get(id);
      if (face && !face.facts.changed && face.facts.base_version !== undefined && !this.faces.has(id)) this.faces.set(id, face);
    }
    this.made = null;
  }

  /** The ground without the draft. */
  ground() {
    const { ground } = this.draft;
    const untouched = [...ground.grids].filter(([id, { facts }]) => facts.base_version != null && !this.faces.has(id));
    return ground.with(new Map([...untouched, ...this.faces]));
  }

  /** What is border now and was not, and what was and is no more: {fresh, gone}, lists of vertices. */
  differences() {
    const { ground } = this.draft;
    if (!this.whole) return { fresh: [], gone: [] };
    if (this.made?.since === ground.changedSince) return this.made;
    const touched = (face) => face && face.facts.changed && !face.facts.noded_only;
    const now = ground.arcs().filter(({ one, other }) => touched(one) || touched(other));
    const then = closedRings(this.faces.values());
    const { fresh } = between(then, now.map(({ ids }) => ids), ground.vertices);
    // Beside a grid that ended nothing need have changed but the neighbours it had.
    const { gone } = between(then, now.length ? ground.arcs().map(({ ids }) => ids) : then, ground.vertices);
    this.made = { since: ground.changedSince, fresh, gone };
    return this.made;
  }
}

/** The rings of faces as lines that end where they begin. */
export const closedRings = (faces) => [...faces].flatMap((face) => [...face.rings()].map((ring) => [...ring, ring[0]]));

/** The stretches of lines of vertices that are new, and those that are no more. */
export function between(before, after, vertices) {
  const [old, standing] = [new Edges(before, vertices), new Edges(after, vertices)];
  return { fresh: after.flatMap((ids) => old.missing(ids)), gone: before.flatMap((ids) => standing.missing(ids)) };
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
