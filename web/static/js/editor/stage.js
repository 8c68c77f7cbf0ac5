/** Draws the ground under edit on canvases: fills by the band, borders once each, names with live figures, and a tool's own ink. */

import { Sheet } from "../canvas.js";
import { colour } from "../palette.js";
import { between, closedRings } from "./before.js";
import { CLASSES, classOf, deviation, mark, nameOf, signed, tintOf } from "./figures.js";
import { count } from "../words.js";

const NAMED_PX = 46; // a grid narrower than this on the screen shows no name
const FULL_PX = 92; // from here on it shows name and figures on two lines

/** The canvases of the editor. */
export class Stage {
  constructor(district, draft) {
    this.map = district.map;
    this.draft = draft;
    this.family = getComputedStyle(document.body).fontFamily;
    this.selected = new Set();
    this.hovered = null;
    this.figures = new Map(); // provisional households of grids, while a stroke goes on
    this.ink = null;
    this.other = null; // a ground to compare with, left of the swipe: {ground, share}
    this.fills = new Sheet((...given) => this.drawFills(...given), { pane: "fill" }).addTo(this.map);
    this.borders = new Sheet((...given) => this.drawBorders(...given), { pane: "hot" }).addTo(this.map);
    this.names = new Sheet((...given) => this.drawNames(...given), { pane: "labels" }).addTo(this.map);
    this.over = new Sheet((...given) => this.drawOver(...given), { pane: "hover" }).addTo(this.map);
    document.addEventListener("theme", () => this.redraw());
  }

  /** Everything again. */
  redraw() {
    for (const sheet of [this.fills, this.borders, this.names, this.over]) sheet.redraw();
  }

  /** Only what a pointer moves. */
  redrawOver() {
    this.over.redraw();
  }

  /** Select grids: their borders and names stand out. */
  select(ids) {
    this.selected = new Set(ids);
    this.names.redraw();
    this.over.redraw();
  }

  /** Where a place of the Mercator square lies on a sheet: [scale, left, top]. */
  placing({ zoom, origin }) {
    return [256 * 2 ** zoom, origin.x, origin.y];
  }

  trace(context, frame, face, ground = this.draft.ground) {
    const [scale, left, top] = this.placing(frame);
    const { mx, my } = ground.vertices;
    for (const ring of face.rings()) {
      context.moveTo(mx[ring[0]] * scale - left, my[ring[0]] * scale - top);
      for (let i = 1; i < ring.length; i++) context.lineTo(mx[ring[i]] * scale - left, my[ring[i]] * scale - top);
      context.closePath();
    }
  }

  line(context, frame, ids, ground = this.draft.ground) {
    const [scale, left, top] = this.placing(frame);
    const { mx, my } = ground.vertices;
    context.moveTo(mx[ids[0]] * scale - left, my[ids[0]] * scale - top);
    for (let i = 1; i < ids.length; i++) context.lineTo(mx[ids[i]] * scale - left, my[ids[i]] * scale - top);
  }

  /** A line of places of the Mercator square. */
  points(context, frame, places, { close = false } = {}) {
    const [scale, left, top] = this.placing(frame);
    places.forEach(([x, y], i) => (i ? context.lineTo(x * scale - left, y * scale - top) : context.moveTo(x * scale - left, y * scale - top)));
    if (close) context.closePath();
  }

  dot(context, frame, [x, y], radius) {
    const [scale, left, top] = this.placing(frame);
    context.moveTo(x * scale - left + radius, y * scale - top);
    context.arc(x * scale - left, y * scale - top, radius, 0, 2 * Math.PI);
  }

  /** Whether a face comes into the view at all. */
  seen({ box }, size, frame) {
    const [scale, left, top] = this.placing(frame);
    return box[2] * scale >= left && box[0] * scale <= left + size.x && box[3] * scale >= top && box[1] * scale <= top + size.y;
  }

  householdsOf(facts) {
    return this.figures.get(facts.id) ?? facts.households;
  }

  /** Left of the swipe what is compared with, right of it this draft. */
  sides(context, size, draw) {
    if (!this.other) return draw(this.draft.ground);
    const cut = size.x * this.other.share;
    for (const [ground, from, to] of [
      [this.other.ground, 0, cut],
      [this.draft.ground, cut, size.x],
    ]) {
      context.save();
      context.beginPath();
      context.rect(from, 0, to - from, size.y);
      context.clip();
      draw(ground);
      context.restore();
    }
  }

  drawFills(context, size, frame) {
    const { ground, plan } = this.draft;
    if (!ground) return;
    context.globalAlpha = frame.zoom >= 16.5 ? 0.55 : 0.78;
    this.sides(context, size, (drawn) => {
      const groups = new Map(CLASSES.map((rank) => [rank, []]));
      for (const face of this.standing(drawn))
        if (this.seen(face, size, frame)) groups.get(classOf(this.householdsOf(face.facts), plan)).push(face);
      for (const [rank, faces] of groups) {
        context.fillStyle = tintOf(rank);
        for (const face of faces) {
          context.beginPath();
          this.trace(context, frame, face, drawn);
          context.fill("evenodd");
        }
      }
    });
    context.globalAlpha = 1;
  }

  drawBorders(context, size, frame) {
    if (!this.draft.ground) return;
    context.lineJoin = context.lineCap = "round";
    this.sides(context, size, (ground) => {
      const near = Math.max(0, Math.min(1, (frame.zoom - 12) / 4));
      const groups = { grid: [], community: [], edge: [] };
      const own = ground === this.draft.ground;
      const { fresh, gone } = own ? this.draft.before.differences() : { fresh: [], gone: [] };
      for (const arc of ground.arcs()) {
        const { one, other } = arc;
        if (!this.seen(one, size, frame) && !(other && this.seen(other, size, frame))) continue;
        groups[kindOf(arc, ground)].push(arc.ids);
      }
      const strokes = [
        [groups.grid, "map-border-case", 2 + near * 2.5],
        [groups.grid, "edit-grid", 0.6 + near * 1.2],
        [groups.edge, "edit-beyond", 0.8],
        [groups.community, "map-border-case", 3.5 + near * 3.5],
        [groups.community, "map-street-border", 1.4 + near * 1.6],
        [fresh, "edit-new", 1.2 + near * 2],
      ];
      for (const [lines, tint, width] of strokes) this.stroke(context, frame, ground, lines, colour(tint), width);
      context.setLineDash([7, 6]);
      this.stroke(context, frame, ground, gone, colour("edit-old"), 1.2 + near);
      context.setLineDash([]);
      if (own && this.draft.pending?.answer) this.drawPending(context, frame);
    });
  }

  stroke(context, frame, ground, lines, style, width) {
    context.strokeStyle = style;
    context.lineWidth = width;
    for (let start = 0; start < lines.length; start += 64) {
      context.beginPath();
      for (const ids of lines.slice(start, start + 64)) this.line(context, frame, ids, ground);
      context.stroke();
    }
  }

  drawNames(context, size, frame) {
    if (!this.draft.ground) return;
    const [scale] = this.placing(frame);
    this.sides(context, size, (ground) => {
      const boxes = [];
      const wanted = this.standing(ground)
        .filter((face) => (face.box[2] - face.box[0]) * scale > NAMED_PX && this.seen(face, size, frame))
        .sort((a, b) => this.selected.has(b.id) - this.selected.has(a.id) || b.box[2] - b.box[0] - (a.box[2] - a.box[0]));
      for (const face of wanted) this.name(context, frame, face, boxes, ground);
    });
  }

  /** The faces of a ground as they stand: where a change of this draft is pending, as it would leave them. */
  standing(ground) {
    const { pending } = this.draft;
    if (ground !== this.draft.ground || !pending?.answer) return [...ground.grids.values()];
    const faces = this.proposed(pending);
    const gone = new Set([...pending.answer.ended, ...faces.map(({ id }) => id)]);
    return [...[...ground.grids.values()].filter(({ id }) => !gone.has(id)), ...faces];
  }

  /** Faces of the pending change, made once. */
  proposed(pending) {
    pending.faces ??= pending.answer.changed.map((each) => this.draft.ground.face(each, pending.answer.origin));
    return pending.faces;
  }

  /** One grid's name and figures, unless they would lie on another's. */
  name(context, frame, face, boxes, ground) {
    const { plan, communities } = this.draft;
    const [scale, left, top] = this.placing(frame);
    const [mx, my] = ground.labelOf(face);
    const [x, y] = [mx * scale - left, my * scale - top];
    const live = ground === this.draft.ground && !this.draft.pending?.answer;
    const n = live ? this.householdsOf(face.facts) : face.facts.households;
    const rank = classOf(n, plan);
    const lines = [{ text: `${mark(rank)} ${count(n)}`.trim(), weight: 650, size: 13, tint: "map-label" }];
    if ((face.box[2] - face.box[0]) * scale > FULL_PX) {
      lines.unshift({ text: nameOf(face.facts, communities), weight: 500, size: 12, tint: "map-label-2" });
      lines.push({ text: signed(deviation(n, plan)), weight: 500, size: 11.5, tint: "map-label-2" });
    }
    const high = lines.length * 8 + 2;
    context.font = `600 13px ${this.family}`;
    const wide = Math.max(...lines.map(({ text }) => context.measureText(text).width)) / 2 + 3;
    const box = [x - wide, y - high, x + wide, y + high];
    if (boxes.some((other) => box[0] < other[2] && box[2] > other[0] && box[1] < other[3] && box[3] > other[1])) return;
    boxes.push(box);
    context.textAlign = "center";
    context.textBaseline = "middle";
    context.lineJoin = "round";
    lines.forEach(({ text, weight, size: px, tint }, i) => {
      context.font = `${weight} ${px}px ${this.family}`;
      const at = y + (i - (lines.length - 1) / 2) * 15;
      context.lineWidth = 3.5;
      context.strokeStyle = colour("map-halo");
      context.strokeText(text, x, at);
      context.fillStyle = colour(tint);
      context.fillText(text, x, at);
    });
    if (face.facts.locked) padlock(context, x + wide + 7, y);
  }

  drawOver(context, size, frame) {
    if (!this.draft.ground) return;
    context.lineJoin = context.lineCap = "round";
    this.drawSelected(context, frame);
    this.ink?.draw(context, frame, this);
  }

  /** Shapes of an issue: thick and bright, a ring where there is only a place. */
  show(context, frame, lines) {
    for (const [tint, width] of [
      ["edit-case", 8],
      ["edit-bad", 4],
    ]) {
      context.strokeStyle = colour(tint);
      context.lineWidth = width;
      context.beginPath();
      for (const line of lines) {
        if (line.length === 1) this.dot(context, frame, line[0], 14);
        else this.points(context, frame, line);
      }
      context.stroke();
    }
  }

  /** Comments on the map. */
  pins(context, frame, places) {
    const [scale, left, top] = this.placing(frame);
    for (const [mx, my] of places) {
      const [x, y] = [mx * scale - left, my * scale - top];
      context.beginPath();
      context.moveTo(x, y);
      context.lineTo(x - 6, y - 9);
      context.arc(x, y - 15, 8.5, Math.PI * 0.75, Math.PI * 0.25);
      context.closePath();
      context.fillStyle = colour("accent");
      context.strokeStyle = colour("edit-case");
      context.lineWidth = 2;
      context.fill();
      context.stroke();
    }
  }

  /** Where Space would click. */
  crosshair(context, { x, y }) {
    for (const [tint, width] of [
      ["edit-case", 5],
      ["edit-ink", 2],
    ]) {
      context.strokeStyle = colour(tint);
      context.lineWidth = width;
      context.beginPath();
      for (const [dx, dy] of [[1, 0], [-1, 0], [0, 1], [0, -1]]) {
        context.moveTo(x + dx * 5, y + dy * 5);
        context.lineTo(x + dx * 16, y + dy * 16);
      }
      context.stroke();
    }
  }

  drawSelected(context, frame) {
    const { grids } = this.draft.ground;
    for (const [ids, width] of [
      [this.hovered ? [this.hovered] : [], 2],
      [this.selected, 3.5],
    ]) {
      const faces = [...ids].map((id) => grids.get(id)).filter(Boolean);
      if (!faces.length) continue;
      for (const [tint, extra] of [
        ["edit-case", 3],
        ["accent", 0],
      ]) {
        context.strokeStyle = colour(tint);
        context.lineWidth = width + extra;
        context.beginPath();
        for (const face of faces) this.trace(context, frame, face);
        context.stroke();
      }
    }
  }

  /** The pending change: borders that would go dashed, those that would come solid. */
  drawPending(context, frame) {
    const { ground, pending } = this.draft;
    const { fresh, gone } = this.changing(pending);
    context.setLineDash([]);
    for (const lines of [gone, fresh]) this.stroke(context, frame, ground, lines, colour("edit-case"), 6.5);
    this.stroke(context, frame, ground, fresh, colour("edit-new"), 3.5);
    context.setLineDash([7, 6]);
    this.stroke(context, frame, ground, gone, colour("edit-old"), 2.25);
    context.setLineDash([]);
  }

  /** The faces whose ground the pending change moves, as they would be. */
  moving() {
    const { pending } = this.draft;
    const noded = new Set(pending.answer.noded);
    return this.proposed(pending).filter(({ id }) => !noded.has(id));
  }

  /** Which borders the pending change makes and unmakes, worked out once. */
  changing(pending) {
    const { grids, vertices } = this.draft.ground;
    const after = this.moving();
    const before = [...new Set([...after.map(({ id }) => id), ...pending.answer.ended])].map((id) => grids.get(id)).filter(Boolean);
    pending.changing ??= between(closedRings(before), closedRings(after), vertices);
    return pending.changing;
  }
}

/** What a border is between: two grids, two communities, or ground beyond the plan. */
function kindOf({ one, other }, ground) {
  if (!ground.grids.has(one.id) && !(other && ground.grids.has(other.id))) return "edge";
  if (!other || one.facts.community_id !== other.facts.community_id || !ground.grids.has(one.id) !== !ground.grids.has(other.id)) return "community";
  return "grid";
}

function padlock(context, x, y) {
  context.fillStyle = colour("map-label");
  context.strokeStyle = colour("map-label");
  context.lineWidth = 1.6;
  context.fillRect(x - 4.5, y - 1, 9, 7);
  context.beginPath();
  context.arc(x, y - 1, 3, Math.PI, 0);
  context.stroke();
}
