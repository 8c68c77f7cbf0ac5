/** The measure that fills the grids: values and class breaks from the API, colours and words from here. */

import { ask } from "./api.js";
import { officerColour, ramp } from "./palette.js";
import { count, decimal, percent, word } from "./words.js";

/** The measures, each with the permission it needs. */
export const METRICS = {
  rate: "statistics",
  open: "statistics",
  overdue_share: "statistics",
  households: "map",
  officer_load: "officers",
  assignment: "officers",
  care: "care",
  service: "facilities",
  none: "map",
};
const NOTHING = { assignment: "officer", officer_load: "officer", care: "few", service: "homes", overdue_share: "open" };
const SHARES = new Set(["overdue_share", "care", "service"]);

/** What fills the grids now; `show(query)` asks for another and tells `changed` when it has come. */
export class Fill {
  constructor(changed) {
    this.changed = changed;
    this.metric = null;
    this.answer = null;
    this.asked = null;
  }

  async show(metric, query) {
    const key = JSON.stringify([metric, query]);
    if (key === this.asked) return;
    this.asked = key;
    const answer = metric === "none" ? null : await ask("/fills", { metric, ...query });
    if (key === this.asked) this.take(metric, query, answer);
  }

  /** Show an answer that came together with others; null where nothing is to be filled. */
  take(metric, query, answer) {
    this.asked = JSON.stringify([metric, query]);
    this.metric = metric;
    this.answer = answer;
    this.paint();
    this.changed(this);
  }

  /** Choose the colours again: for another answer, or another theme. */
  paint() {
    this.colours = ramp();
    const officers = this.metric === "assignment" ? Object.keys(this.answer.officers ?? {}) : [];
    this.tints = new Map(officers.map((id, rank) => [Number(id), officerColour(rank)]));
  }

  /** The colour of a grid; "hatch" where there is no value, null where nothing is to be filled. */
  colourOf = (id) => {
    if (!this.answer) return null;
    const value = this.answer.values[id];
    if (value === undefined) return null;
    if (value === null) return "hatch";
    if (this.metric === "assignment") return this.tints.get(value) ?? "hatch";
    return this.colours[this.classOf(value)];
  };

  /** 0 to 4. A value on a break belongs to the class below it, as in the breaks' own definition. */
  classOf(value) {
    let rank = 0;
    while (rank < this.answer.breaks.length && value > this.answer.breaks[rank]) rank += 1;
    return Math.min(rank, 4);
  }

  /** A grid's value in words. */
  textOf(id) {
    const value = this.answer?.values[id];
    if (value === undefined) return null;
    const name = word(`fill.${this.metric}`);
    if (this.metric === "assignment")
      return value === null ? nothingOf(this.metric) : `${word("officer.one")} ${this.answer.officers?.[value] ?? value}`;
    if (value === null) return `${name} ${nothingOf(this.metric)}`;
    const small = this.answer.small?.includes(Number(id)) ? ` · ${word("fill.small")}` : "";
    return `${name} ${figure(this.metric, value)}${small}`;
  }
}

/** What it means that a grid has no value of a measure. */
export const nothingOf = (metric) => word(`fill.nothing.${NOTHING[metric] ?? "rate"}`);

/** A value of a measure as people read it. */
export function figure(metric, value) {
  if (SHARES.has(metric)) return percent(value, metric === "care" ? 1 : 0);
  if (metric === "rate" || metric === "officer_load") return decimal(value, value < 100 ? 1 : 0);
  return count(value);
}
