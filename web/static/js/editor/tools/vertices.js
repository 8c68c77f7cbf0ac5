/** Move the vertices of the selected grids; both sides of a border follow, red where borders would cross. */

import { button } from "../../components.js";
import { degrees } from "../lattice.js";
import { allowed, lift, moved } from "../preview.js";
import { nearestOn } from "../shapes.js";
import { word } from "../../words.js";
import { Tool } from "./tool.js";

const GRAB_PX = 12; // handles are 24 pixels wide for a finger
const SHOWN_PX = 4.5;
const STEP = 1;
const FAR_STEP = 10;
const PAUSE_MS = 350; // after the last arrow the server is asked

/** Handles: vertices {vertex, at}, and between them places where a vertex may be made {from, to, at}. */
export class Vertices extends Tool {
  start() {
    this.handle = null;
    this.place = null;
    this.lifted = null;
    this.good = true;
    this.made = null;
  }

  faces() {
    const chosen = [...this.editor.stage.selected].map((id) => this.ground.grids.get(id)).filter(Boolean);
    return chosen.length || !this.editor.stage.hovered ? chosen : [this.ground.grids.get(this.editor.stage.hovered)].filter(Boolean);
  }

  /** Vertices of the faces at hand in the order of their rings, each once. */
  handles() {
    const key = `${this.ground.changedSince}/${this.faces().map(({ id }) => id)}`;
    if (this.made?.key === key) return this.made.handles;
    const { mx, my } = this.ground.vertices;
    const seen = new Set();
    const handles = [];
    for (const face of this.faces())
      for (const ring of face.rings())
        for (const vertex of ring) {
          if (!seen.has(vertex)) handles.push({ vertex, at: [mx[vertex], my[vertex]] });
          seen.add(vertex);
        }
    this.made = { key, handles };
    return handles;
  }

  grabbed(place) {
    const reach = this.editor.pixels(GRAB_PX);
    let best = null;
    for (const handle of this.handles()) {
      const away = Math.hypot(handle.at[0] - place.at[0], handle.at[1] - place.at[1]);
      if (away <= reach && away < (best?.away ?? Infinity)) best = { handle, away };
    }
    return best?.handle ?? this.between(place, reach);
  }

  /** A place on an edge, where a new vertex would begin. */
  between(place, reach) {
    const { mx, my } = this.ground.vertices;
    let best = null;
    for (const face of this.faces())
      for (const ring of face.rings())
        for (let i = 0, j = ring.length - 1; i < ring.length; j = i++) {
          const [from, to] = [ring[j], ring[i]];
          const { at, away } = nearestOn([mx[from], my[from]], [mx[to], my[to]], place.at);
          if (away <= reach * reach && away < (best?.away ?? Infinity)) best = { from, to, at, away };
        }
    return best;
  }

  down(place) {
    const handle = this.grabbed(place);
    if (!handle) return false;
    this.take(handle);
    this.begun = false;
    return true;
  }

  take(handle) {
    this.draft.cancel();
    this.handle = handle;
    this.place = handle.at;
    this.good = true;
    this.lifted = handle.vertex === undefined ? edge(this.ground, handle) : lift(this.ground, handle.vertex);
    this.editor.showOptions();
    this.refresh();
  }

  move(place) {
    this.begun = true;
    const found = this.editor.snap.near(place.at, { touch: place.touch, vertices: false });
    this.put(found ? found.at : place.at);
  }

  put(at) {
    this.place = at;
    this.good = allowed(this.ground, this.lifted, at);
    this.refresh();
  }

  up() {
    if (this.begun) this.offer();
    this.begun = false;
  }

  click(place) {
    const face = this.ground.at(place.at);
    if (this.grabbed(place)) return;
    if (place.add) this.editor.toggle(face?.id);
    else this.editor.select(face ? [face.id] : []);
    this.start();
  }

  hover(place) {
    const found = this.grabbed(place);
    this.aimed = found;
    if (!this.editor.stage.selected.size && !this.handle) this.editor.hover(this.ground.at(place.at)?.id ?? null);
    this.refresh();
  }

  /** Between which grids the edge of a new or a removed vertex runs. */
  sides(from, to) {
    const users = this.ground.usersOf(from).filter((face) => this.ground.usersOf(to).includes(face) && this.ground.grids.has(face.id));
    return users.slice(0, 2).map(({ id }) => id);
  }

  offer() {
    const { vertex, from, to } = this.handle;
    if (!this.good) return this.editor.say(word("vertices.crossing"));
    const at = degrees(this.place);
    if (vertex !== undefined) {
      const start = this.ground.vertices.degrees(vertex);
      return this.editor.offer({ kind: "move_vertex", at: start, to: at, ...this.across() });
    }
    const { vertices } = this.ground;
    const between = this.sides(from, to);
    const line = [vertices.degrees(from), at, vertices.degrees(to)];
    this.editor.offer({ kind: "redraw", line, ...(between.length === 2 ? { between } : {}), ...this.across() });
  }

  across() {
    return this.free ? { cross_communities: true } : {};
  }

  key(event) {
    const { key, shiftKey: far } = event;
    if (key === "Tab") return this.cycle(far ? -1 : 1);
    if (!this.handle) return false;
    const by = far ? FAR_STEP : STEP;
    const step = { ArrowLeft: [-by, 0], ArrowRight: [by, 0], ArrowUp: [0, -by], ArrowDown: [0, by] }[key];
    if (step) return this.nudge(step);
    if (key === "Delete" || key === "Backspace") return this.remove();
    if (key === "Insert") return this.insert();
    return false;
  }

  cycle(by) {
    const handles = this.handles();
    if (!handles.length || document.activeElement !== this.editor.map.getContainer()) return false;
    const now = handles.findIndex(({ vertex }) => vertex === this.handle?.vertex);
    const next = now < 0 ? (by > 0 ? 0 : handles.length - 1) : now + by;
    // Beyond the last handle Tab leaves the map, as on any page.
    if (next < 0 || next >= handles.length) return this.cancel() && false;
    this.take(handles[next]);
    this.editor.reveal(handles[next].at);
    this.editor.say(word("vertices.at", { n: next + 1, all: handles.length }));
    return true;
  }

  nudge([dx, dy]) {
    const pixel = this.editor.pixels(1);
    this.put([this.place[0] + dx * pixel, this.place[1] + dy * pixel]);
    clearTimeout(this.waiting);
    this.waiting = setTimeout(() => this.handle && this.offer(), PAUSE_MS);
    return true;
  }

  /** A vertex less: its border goes straight from the one before it to the one behind. */
  remove() {
    const { vertex } = this.handle;
    if (vertex === undefined) return this.cancel();
    const ends = this.lifted.neighbours;
    if (ends.length !== 2) {
      this.editor.say(word("vertices.node"));
      return true;
    }
    const between = this.sides(vertex, vertex);
    const line = ends.map((end) => this.ground.vertices.degrees(end));
    this.editor.offer({ kind: "redraw", line, ...(between.length === 2 ? { between } : {}), ...this.across() });
    return true;
  }

  /** A vertex more: in the middle between this handle and the next. */
  insert() {
    const { vertex } = this.handle;
    if (vertex === undefined) return true;
    const next = this.lifted.neighbours.at(-1);
    const { mx, my } = this.ground.vertices;
    this.take({ from: vertex, to: next, at: [(mx[vertex] + mx[next]) / 2, (my[vertex] + my[next]) / 2] });
    return true;
  }

  cancel() {
    const had = Boolean(this.handle);
    clearTimeout(this.waiting);
    this.start();
    this.refresh();
    return had;
  }

  settled() {
    this.start();
  }

  options() {
    const turn = () => {
      this.free = !this.free;
      this.editor.showOptions();
    };
    return [
      button("across", word("sketch.across"), turn, { pressed: Boolean(this.free) }),
      this.handle && this.handle.vertex !== undefined && button("close", word("vertices.remove"), () => this.remove()),
    ].filter(Boolean);
  }

  draw(context, frame, stage) {
    if (this.handle && !this.draft.pending?.answer) this.drawMoved(context, frame, stage);
    const finger = this.editor.touched;
    this.dots(context, frame, stage, this.handles(), finger ? 8 : SHOWN_PX, "edit-handle");
    if (this.aimed && !this.handle) this.dots(context, frame, stage, [this.aimed], finger ? 10 : 6.5, "accent");
    if (this.handle) this.dots(context, frame, stage, [{ at: this.place }], finger ? 12 : 8, this.good ? "accent" : "edit-bad");
  }

  /** The faces that follow, where they would lie. */
  drawMoved(context, frame, stage) {
    const { faces, vertex } = this.lifted;
    const shapes = this.handle.vertex === undefined ? bent(this.ground, this.lifted, this.place) : faces.flatMap((face) => moved(this.ground, face, vertex, this.place));
    context.globalAlpha = 0.22;
    context.fillStyle = this.editor.tint(this.good ? "accent" : "edit-bad");
    for (const shape of shapes) {
      context.beginPath();
      stage.points(context, frame, shape, { close: true });
      context.fill();
    }
    context.globalAlpha = 1;
    context.strokeStyle = this.editor.tint(this.good ? "edit-new" : "edit-bad");
    context.lineWidth = 3;
    context.beginPath();
    const { mx, my } = this.ground.vertices;
    for (const end of this.lifted.neighbours) stage.points(context, frame, [[mx[end], my[end]], this.place]);
    context.stroke();
  }

  dots(context, frame, stage, handles, radius, tint) {
    context.fillStyle = this.editor.tint(tint);
    context.strokeStyle = this.editor.tint("edit-ink");
    context.lineWidth = 1.5;
    context.beginPath();
    for (const { at } of handles) stage.dot(context, frame, at, radius);
    context.fill();
    context.stroke();
  }
}

/** What follows when a new vertex between two is pulled: as a lifted vertex whose neighbours are the ends of the edge. */
function edge(ground, { from, to }) {
  const users = ground.usersOf(from).filter((face) => ground.usersOf(to).includes(face));
  const { mx, my } = ground.vertices;
  const fixed = [];
  for (const face of users)
    for (const ring of face.rings())
      for (let i = 0, j = ring.length - 1; i < ring.length; j = i++) {
        const [a, b] = [ring[j], ring[i]];
        if ((a === from && b === to) || (a === to && b === from)) continue;
        fixed.push(mx[a], my[a], mx[b], my[b], a, b);
      }
  return { faces: users, neighbours: [from, to], fixed: Float64Array.from(fixed), from, to };
}

/** The rings of two faces with a place put between two neighbouring vertices. */
function bent(ground, { faces, from, to }, place) {
  const { mx, my } = ground.vertices;
  return faces.flatMap((face) =>
    [...face.rings()].map((ring) => {
      const shape = [];
      for (let i = 0; i < ring.length; i++) {
        const [a, b] = [ring[i], ring[(i + 1) % ring.length]];
        shape.push([mx[a], my[a]]);
        if ((a === from && b === to) || (a === to && b === from)) shape.push(place);
      }
      return shape;
    }),
  );
}
