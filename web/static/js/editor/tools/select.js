/** Select grids by click; Shift adds. Merge, lock and balance start from a click as well. */

import { nameOf } from "../figures.js";
import { nearestArc } from "../snapping.js";
import { word } from "../../words.js";
import { Tool } from "./tool.js";

const BORDER_PX = 14;

/** Click selects, Shift-click or a long press adds. */
export class Select extends Tool {
  click(place) {
    const face = this.ground.at(place.at);
    if (place.add) this.editor.toggle(face?.id);
    else this.editor.select(face ? [face.id] : []);
  }

  hold(place) {
    this.editor.toggle(this.ground.at(place.at)?.id);
  }

  double(place) {
    const face = this.ground.at(place.at);
    if (face) this.editor.fit([face]);
  }

  hover(place) {
    this.editor.hover(this.ground.at(place.at)?.id ?? null);
  }
}

/** Click grid after grid; Enter merges them into the first. */
export class Merge extends Select {
  click(place) {
    this.editor.toggle(this.ground.at(place.at)?.id);
    this.maybe();
  }

  start() {
    this.maybe();
  }

  maybe() {
    const grids = [...this.editor.stage.selected];
    if (grids.length < 2) return void this.draft.cancel();
    this.editor.offer({ kind: "merge", grids, keep: grids[0] });
  }
}

/** Click a grid that has too many or too few: its neighbours take or give. */
export class Balance extends Select {
  start() {
    const [only, ...more] = this.editor.stage.selected;
    if (only !== undefined && !more.length) this.editor.offer({ kind: "balance", grid: only });
  }

  click(place) {
    const face = this.ground.at(place.at);
    if (!face) return;
    this.editor.select([face.id]);
    this.editor.offer({ kind: "balance", grid: face.id });
  }
}

/** Click a grid to lock or free it: nobody's operation changes a locked one. */
export class Lock extends Select {
  click(place) {
    const face = this.ground.at(place.at);
    if (face) this.editor.lock(face, !face.facts.locked);
  }

  key({ key }) {
    const faces = [...this.editor.stage.selected].map((id) => this.ground.grids.get(id)).filter(Boolean);
    if (key !== "Enter" || !faces.length) return false;
    const locked = !faces.every(({ facts }) => facts.locked);
    for (const face of faces) this.editor.lock(face, locked);
    return true;
  }
}

/** Click a border: it becomes straight along the road beside it. */
export class Straighten extends Tool {
  start() {
    const pair = [...this.editor.stage.selected];
    if (pair.length === 2) this.editor.offer({ kind: "straighten", between: pair });
  }

  arcAt(place) {
    return nearestArc(this.ground, place.at, this.editor.pixels(place.touch ? 2 * BORDER_PX : BORDER_PX));
  }

  hover(place) {
    const arc = this.arcAt(place);
    if (arc === this.arc) return;
    this.arc = arc;
    this.refresh();
  }

  click(place) {
    const arc = this.arcAt(place);
    if (!arc) return this.editor.say(word("editor.no_border_here"));
    this.editor.offer({ kind: "straighten", between: [arc.one.id, arc.other.id] });
  }

  cancel() {
    this.arc = null;
    return false;
  }

  settled() {
    this.arc = null;
  }

  draw(context, frame, stage) {
    if (!this.arc) return;
    stage.stroke(context, frame, this.ground, [this.arc.ids], this.editor.tint("accent"), 5);
  }
}

/** Click a place and write what should be thought of there. */
export class Comment extends Tool {
  click(place) {
    const face = this.ground.at(place.at);
    this.editor.comment({ at: place.at, grid: face?.id ?? null, name: face ? nameOf(face.facts, this.draft.communities) : "" });
  }
}
