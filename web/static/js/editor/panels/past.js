/** A grid through the years: the states it has had, which grids it came from and what became of it. */

import { ask } from "../../api.js";
import { dialog } from "../../components.js";
import { make } from "../../dom.js";
import { coded, count, isoDay as day, named, percent, word } from "../../words.js";
import { hectares, nameOf } from "../figures.js";

/** Open the history of a grid that is or was in force. */
export async function show(editor, { id, facts }) {
  const { code, states, lineage } = await ask(`/grids/${id}/history`);
  dialog(word("past.title", { name: nameOf(facts, editor.draft.communities) }), [
    make("p", { className: "sub number" }, code),
    make("table", { className: "figures plain" }, head(), make("tbody", {}, states.map(row))),
    lineage.length > 0 && [make("h3", {}, word("past.lineage")), make("ul", { className: "lineage" }, lineage.map((each) => make("li", {}, link(each))))],
  ]);
}

const head = () =>
  make("thead", {}, make("tr", {}, ["past.when", "editor.name", "card.households", "card.area"].map((key) => make("th", { scope: "col" }, word(key)))));

const row = (state) =>
  make(
    "tr",
    {},
    make("th", { scope: "row" }, word(state.valid_to ? "past.between" : "past.since", { from: day(state.valid_from), to: state.valid_to && day(state.valid_to) })),
    make("td", {}, named(state)),
    make("td", {}, count(state.households)),
    make("td", {}, hectares(state.area_m2)),
  );

function link({ from, to, at, kind, area_share: area, household_share: households }) {
  const shares = word("past.shares", { area: percent(area, 0), households: percent(households, 0) });
  return [make("b", {}, `${day(at)} ${coded("lineage", kind)}`), ` ${from.code} → ${to.code} `, make("small", { className: "sub" }, shares)];
}
