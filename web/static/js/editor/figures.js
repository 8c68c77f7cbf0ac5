/** Figures of grids as people read them, and the class of a grid against its plan's band. */

import { colour } from "../palette.js";
import { count, decimal, namedIn, percent, word } from "../words.js";

const FAR = 0.2; // this share beyond the band is far

/** -2 far too few households, -1 too few, 0 in the band, 1 too many, 2 far too many. */
export function classOf(households, { household_min: low, household_max: high }) {
  if (households < low) return households < low * (1 - FAR) ? -2 : -1;
  if (households > high) return households > high * (1 + FAR) ? 2 : 1;
  return 0;
}

const TINTS = new Map([
  [-2, "dev-low-2"],
  [-1, "dev-low-1"],
  [0, "dev-mid"],
  [1, "dev-high-1"],
  [2, "dev-high-2"],
]);

export const CLASSES = [...TINTS.keys()];

export const tintOf = (rank) => colour(TINTS.get(rank));

/** A class in words; colour never says it alone. */
export const classText = (rank) => word(`band.${["far_below", "below", "within", "above", "far_above"][rank + 2]}`);

/** How far from the middle of the band, as a signed share. */
export function deviation(households, { household_min: low, household_max: high }) {
  const middle = (low + high) / 2;
  return middle ? households / middle - 1 : 0;
}

export const signed = (share) => `${share > 0 ? "+" : share < 0 ? "−" : "±"}${percent(Math.abs(share), 0)}`;

/** An arrow beside a figure outside the band. */
export const mark = (rank) => (rank < 0 ? "▼" : rank > 0 ? "▲" : "");

export const households = (n) => word("building.households", { n: count(n) });

export const hectares = (m2) => word("unit.hectares", { n: decimal(m2 / 10_000, 2) });

/** A grid's short name; a new one has no number yet. */
export function nameOf(facts, communities) {
  const community = communities?.get(facts.community_id) ?? [...(communities?.values() ?? [])].find(({ name }) => facts.name?.startsWith(name));
  if (!facts.name && !facts.code) return word("editor.new_grid", { n: facts.id });
  return namedIn({ ...facts, no: facts.code }, community) || word("editor.new_grid", { n: facts.id });
}

/** The change of a figure with its sign. */
export const change = (before, after) => {
  const by = (after ?? 0) - (before ?? 0);
  return by === 0 ? "±0" : `${by > 0 ? "+" : "−"}${count(Math.abs(by))}`;
};
