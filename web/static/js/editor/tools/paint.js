/** Paint buildings into a grid: a brush of one, three or ten pieces of ground, a rectangle, a lasso, or a free outline. */

import { button, segments } from "../../components.js";
import { degrees } from "../lattice.js";
import { nameOf } from "../figures.js";
import { notice } from "../../notices.js";
import { plainer } from "../shapes.js";
import { word } from "../../words.js";
import { Tool } from "./tool.js";

const SIZES = { one: 1, three: 3, ten: 10 };
const ORDER = ["one", "three", "ten", "box", "lasso", "free"];
const SLACK_PX = 1.5;

/** The grid that grows is the selected one, or the one in which the stroke begins. */
export class Paint extends Tool {
  constructor(editor) {
    super(editor);
    this.brush = "one";
    this.clear();
  }

  clear() {
    this.taken = new Map(); // atom id → atom
    this.area = null;
    this.outline = null;
    this.to = null;
    this.under = null;
  }

  start() {
    this.clear();
    this.warm();
  }

  /** Ask for the atoms of the community at hand before the first stroke needs them. */
  warm() {
    const community = this.editor.community();
    if (community && !this.editor.atoms.of(community))
      this.editor.atoms.load(community).then(
        () => this.refresh(),
        (problem) => this.editor.refuse(problem),
      );
  }

  /** What a stroke on this place works with: the grid that grows and its community's fabric. */
  begin(place) {
    const chosen = this.editor.stage.selected.size === 1 ? [...this.editor.stage.selected][0] : null;
    const face = this.ground.grids.get(this.to ?? chosen) ?? this.ground.at(place.at);
    if (!face) return null;
    const community = this.draft.communities.get(face.facts.community_id);
    const fabric = this.editor.atoms.of(community);
    if (!fabric) {
      notice("atoms", word("paint.loading"));
      this.editor.atoms.load(community).then(
        () => (notice("atoms"), this.refresh()),
        (problem) => this.editor.refuse(problem),
      );
      return null;
    }
    if (this.to === null) this.editor.select([face.id], { keep: true });
    this.to = face.id;
    return fabric;
  }

  down(place) {
    if (!this.ground.at(place.at) && this.to === null) return false;
    this.fabric = this.begin(place);
    this.erases = place.add;
    this.outline = this.brush in SIZES ? null : [place.at];
    if (this.fabric && !this.outline) this.dab(place.at);
    return true;
  }

  move(place) {
    if (!this.fabric) return;
    if (this.brush === "box") this.outline = corners(this.outline[0], place.at);
    else if (this.outline) this.outline.push(place.at);
    else this.dab(place.at);
    this.refresh();
  }

  up() {
    if (!this.fabric) return;
    if (this.outline) this.close();
    this.outline = null;
    this.offer();
  }

  // Space on the crosshair is a stroke of one dab.
  click(place) {
    if (this.down(place)) this.up(place);
  }

  dab(at) {
    this.take(this.fabric.near(at, SIZES[this.brush]));
  }

  take(atoms) {
    for (const atom of atoms) {
      if (this.erases) this.taken.delete(atom.id);
      else if (this.ground.at(atom.at)?.id !== this.to) this.taken.set(atom.id, atom);
    }
    this.live();
  }

  close() {
    if (this.outline.length < 3) return;
    if (this.brush === "free") this.area = plainer(this.outline, this.editor.pixels(SLACK_PX));
    else this.take(this.fabric.inside(this.outline));
  }

  /** Households on the map follow the stroke. */
  live() {
    const figures = new Map();
    const add = (id, n) => figures.set(id, (figures.get(id) ?? this.ground.grids.get(id)?.facts.households ?? 0) + n);
    for (const { at, households } of this.taken.values()) {
      const from = this.ground.at(at);
      if (!from) continue;
      add(from.id, -households);
      add(this.to, households);
    }
    this.editor.stage.figures = figures;
    this.editor.stage.names.redraw();
    this.refresh();
  }

  offer() {
    this.editor.showOptions();
    if (this.area) this.editor.offer({ kind: "give", to: this.to, lasso: this.area.map(degrees) });
    else if (this.taken.size) this.editor.offer({ kind: "give", to: this.to, atoms: [...this.taken.keys()] });
    else this.draft.cancel();
  }

  hover(place) {
    const face = this.ground.at(place.at);
    const community = face && this.draft.communities.get(face.facts.community_id);
    const fabric = community && this.editor.atoms.of(community);
    this.under = fabric && this.brush in SIZES ? { fabric, atoms: fabric.near(place.at, SIZES[this.brush]) } : null;
    this.editor.hover(face?.id ?? null);
    this.refresh();
  }

  key({ key }) {
    const step = key === "[" ? -1 : key === "]" ? 1 : 0;
    if (!step) return false;
    this.choose(ORDER[Math.max(0, Math.min(ORDER.length - 1, ORDER.indexOf(this.brush) + step))]);
    return true;
  }

  choose(brush) {
    this.brush = brush;
    this.editor.showOptions();
  }

  cancel() {
    const begun = this.taken.size > 0 || Boolean(this.area) || Boolean(this.outline);
    this.clear();
    if (this.editor.stage.figures.size) {
      this.editor.stage.figures = new Map();
      this.editor.stage.redraw();
    }
    this.refresh();
    this.editor.showOptions();
    return begun;
  }

  settled() {
    this.cancel();
  }

  options() {
    const choices = ORDER.map((name) => [name, word(`brush.${name}`), name]);
    const face = this.ground.grids.get(this.to);
    return [
      segments(word("brush.title"), choices, this.brush, (name) => this.choose(name)),
      face && !face.gone && makeTarget(word("paint.into", { name: nameOf(face.facts, this.draft.communities) })),
      this.taken.size > 0 && button("close", word("paint.clear"), () => (this.cancel(), this.draft.cancel())),
    ].filter(Boolean);
  }

  draw(context, frame, stage) {
    if (this.under && !this.fabric?.drawing) fill(context, frame, stage, this.under.fabric, this.under.atoms, this.editor.tint("edit-under"));
    if (this.taken.size && !this.draft.pending?.answer)
      fill(context, frame, stage, this.fabric, [...this.taken.values()], this.editor.tint("edit-taken"));
    const shape = this.outline ?? this.area;
    if (!shape || shape.length < 2) return;
    context.strokeStyle = this.editor.tint("edit-ink");
    context.lineWidth = 2;
    context.setLineDash([6, 4]);
    context.beginPath();
    stage.points(context, frame, shape, { close: true });
    context.stroke();
    context.setLineDash([]);
  }
}

const corners = ([x1, y1], [x2, y2]) => [
  [x1, y1],
  [x2, y1],
  [x2, y2],
  [x1, y2],
];

const makeTarget = (text) => {
  const chip = document.createElement("span");
  chip.className = "chip";
  chip.textContent = text;
  return chip;
};

function fill(context, frame, stage, fabric, atoms, style) {
  const [scale, left, top] = stage.placing(frame);
  const { mx, my } = fabric.vertices;
  context.fillStyle = style;
  context.strokeStyle = style;
  context.lineWidth = 1;
  context.beginPath();
  for (const { parts } of atoms)
    for (const polygon of parts)
      for (const ids of polygon) {
        ids.forEach((id, i) => context[i ? "lineTo" : "moveTo"](mx[id] * scale - left, my[id] * scale - top));
        context.closePath();
      }
  context.fill("evenodd");
  context.stroke();
}
