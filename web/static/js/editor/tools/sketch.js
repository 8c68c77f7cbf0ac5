/** Lines drawn by hand, by clicks or in one stroke, that become a split, a new border, a road's course or a measurement. */

import { button } from "../../components.js";
import { degrees, metresAt } from "../lattice.js";
import { hectares } from "../figures.js";
import { lengthOf, plainer, twiceArea } from "../shapes.js";
import { nearestArc } from "../snapping.js";
import { count, word } from "../../words.js";
import { Tool } from "./tool.js";

const SLACK_PX = 1.5; // how much of a hand's tremble is not meant
const STROKE_PX = 6; // a press that moves further draws
const SAMPLES = 64;

/** A line in the making: clicks add points, a stroke adds a curve; Enter or a double click ends it. */
class Sketch extends Tool {
  start() {
    this.places = [];
    this.stroke = null;
    this.tip = null;
  }

  snapped(place) {
    const found = this.editor.snap.near(place.at, { touch: place.touch });
    this.caught = found;
    return found ? found.at : place.at;
  }

  down(place) {
    this.pressed = place;
    this.stroke = null;
    return true;
  }

  move(place) {
    const away = Math.hypot(place.point.x - this.pressed.point.x, place.point.y - this.pressed.point.y);
    if (!this.stroke && away < STROKE_PX) return;
    if (!this.stroke) {
      this.draft.cancel();
      this.stroke = [this.snapped(this.pressed)];
    }
    this.stroke.push(place.at);
    this.tip = place.at;
    this.refresh();
  }

  up(place) {
    if (!this.stroke) return this.click(place);
    this.stroke.push(this.snapped(place));
    this.places.push(...plainer(this.stroke, this.editor.pixels(SLACK_PX)));
    this.stroke = null;
    this.finish();
  }

  click(place) {
    if (!this.places.length) this.draft.cancel();
    this.places.push(this.snapped(place));
    this.tip = null;
    this.editor.showOptions();
    this.refresh();
  }

  hover(place) {
    this.tip = this.snapped(place);
    this.refresh();
  }

  // Both clicks of a double click have added the same point.
  double() {
    this.places.pop();
    this.finish();
  }

  hold() {
    this.finish();
  }

  key(event) {
    if (event.key === "Enter" && this.places.length > 1) this.finish();
    else if ((event.key === "Backspace" || event.key === "Delete") && this.places.length) this.places.pop();
    else return false;
    this.editor.showOptions();
    this.refresh();
    return true;
  }

  cancel() {
    const begun = this.places?.length > 0 || Boolean(this.stroke);
    this.start();
    this.editor.showOptions();
    this.refresh();
    return begun;
  }

  settled() {
    this.start();
  }

  finish() {
    const line = this.places.filter((each, i, all) => !i || each[0] !== all[i - 1][0] || each[1] !== all[i - 1][1]);
    if (line.length > 1) this.finished(line);
    this.places = [];
    this.tip = null;
    this.editor.showOptions();
    this.refresh();
  }

  options() {
    const begun = this.places?.length > 0;
    return [
      begun && button("good", word("sketch.finish"), () => this.finish(), { disabled: this.places.length < 2 }),
      begun && button("back", word("sketch.back"), () => this.key({ key: "Backspace" })),
    ].filter(Boolean);
  }

  draw(context, frame, stage) {
    const drawn = [...(this.places ?? []), ...(this.stroke ?? []), ...(this.tip && !this.stroke ? [this.tip] : [])];
    if (this.caught && this.tip) ring(context, frame, stage, this.caught, this.editor);
    if (!drawn.length) return;
    for (const [tint, width] of [
      ["edit-case", 6],
      ["edit-ink", 2.5],
    ]) {
      context.strokeStyle = this.editor.tint(tint);
      context.lineWidth = width;
      context.beginPath();
      stage.points(context, frame, drawn);
      context.stroke();
    }
    context.fillStyle = this.editor.tint("edit-ink");
    context.beginPath();
    for (const place of this.places) stage.dot(context, frame, place, 4);
    context.fill();
  }
}

/** The mark of what a point snaps to: a square on a vertex, a ring on a border or a road. */
function ring(context, frame, stage, { at, kind }, editor) {
  const [scale, left, top] = stage.placing(frame);
  const [x, y] = [at[0] * scale - left, at[1] * scale - top];
  context.strokeStyle = editor.tint(kind === "road" || kind === "water" ? "edit-road" : "accent");
  context.lineWidth = 2.5;
  context.beginPath();
  if (kind === "vertex") context.rect(x - 6, y - 6, 12, 12);
  else context.arc(x, y, 7, 0, 2 * Math.PI);
  context.stroke();
}

const inDegrees = (line) => line.map(degrees);

/** The grids of the plan a line runs through, with how much of it each holds. */
function under(ground, line) {
  const long = lengthOf(line);
  const share = new Map();
  for (let i = 1; i < line.length; i++) {
    const [from, to] = [line[i - 1], line[i]];
    const part = lengthOf([from, to]);
    const steps = Math.max(2, Math.round((SAMPLES * part) / long));
    for (let step = 0; step < steps; step++) {
      const t = (step + 0.5) / steps;
      const face = ground.at([from[0] + t * (to[0] - from[0]), from[1] + t * (to[1] - from[1])]);
      if (face) share.set(face.id, (share.get(face.id) ?? 0) + part / steps);
    }
  }
  return share;
}

/** A line across a grid cuts it in two: the selected one, or the one it runs through most. */
export class Split extends Sketch {
  finished(line) {
    const share = under(this.ground, line);
    const chosen = [...this.editor.stage.selected].filter((id) => share.has(id));
    const grid = chosen.length === 1 ? chosen[0] : [...share].sort((a, b) => b[1] - a[1])[0]?.[0];
    if (grid === undefined) return this.editor.say(word("editor.no_grid_here"));
    this.editor.offer({ kind: "split", grid, line: inDegrees(line) });
  }
}

/** A line across a border becomes the border. */
export class Redraw extends Sketch {
  start() {
    super.start();
    this.across ??= false;
  }

  finished(line) {
    const pair = [...this.editor.stage.selected];
    const between = pair.length === 2 ? { between: pair } : {};
    this.editor.offer({ kind: "redraw", line: inDegrees(line), ...between, ...(this.across ? { cross_communities: true } : {}) });
  }

  options() {
    const turn = () => {
      this.across = !this.across;
      this.editor.showOptions();
    };
    return [...super.options(), button("across", word("sketch.across"), turn, { pressed: this.across })];
  }
}

/** Places along a road: the border between two grids follows the road through them. */
export class Trace extends Sketch {
  finished(line) {
    const pair = [...this.editor.stage.selected];
    const arc = pair.length === 2 ? null : nearestArc(this.ground, line[0], this.editor.pixels(40));
    const between = pair.length === 2 ? pair : arc && [arc.one.id, arc.other.id];
    if (!between) return this.editor.say(word("editor.trace_where"));
    this.editor.offer({ kind: "trace", between, waypoints: inDegrees(line) });
  }
}

/** How long a line is and how much ground it holds; changes nothing. */
export class Measure extends Sketch {
  finished(line) {
    this.kept = line;
    this.editor.say(this.text(line));
  }

  cancel() {
    const had = Boolean(this.kept);
    this.kept = null;
    return super.cancel() || had;
  }

  click(place) {
    this.kept = null;
    super.click(place);
  }

  text(line) {
    const metre = metresAt(line[0][1]);
    const long = word("unit.metres", { n: count(lengthOf(line) * metre) });
    if (line.length < 3) return long;
    return `${long} · ${hectares((Math.abs(twiceArea(line)) / 2) * metre * metre)}`;
  }

  draw(context, frame, stage) {
    super.draw(context, frame, stage);
    const line = this.kept ?? [...this.places, ...(this.stroke ?? []), ...(this.tip && !this.stroke && this.places.length ? [this.tip] : [])];
    if (line.length < 2) return;
    const [scale, left, top] = stage.placing(frame);
    if (this.kept) {
      context.strokeStyle = this.editor.tint("edit-ink");
      context.lineWidth = 2.5;
      context.beginPath();
      stage.points(context, frame, line);
      context.stroke();
    }
    const [x, y] = line.at(-1);
    context.font = `650 13px ${getComputedStyle(document.body).fontFamily}`;
    context.textAlign = "left";
    context.textBaseline = "bottom";
    context.lineWidth = 4;
    context.strokeStyle = this.editor.tint("map-halo");
    context.strokeText(this.text(line), x * scale - left + 10, y * scale - top - 8);
    context.fillStyle = this.editor.tint("map-label");
    context.fillText(this.text(line), x * scale - left + 10, y * scale - top - 8);
  }
}
