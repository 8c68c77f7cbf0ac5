/** What the draft would mean: figures against today or another draft, who changes officer, which households move. */

import { ask } from "../../api.js";
import { make } from "../../dom.js";
import { change, state } from "../../state.js";
import { count, decimal, word } from "../../words.js";
import { button, field, select } from "../../components.js";
import * as compare from "../compare.js";

const TOTALS = [
  ["plan.grids", "grids", count],
  ["plan.within", "in_range", count],
  ["impact.fewest", "households_min", count],
  ["impact.most", "households_max", count],
  ["card.households", "households", count],
  ["figure.residents", "residents", count],
  ["figure.care", "care_households", count],
  ["card.buildings", "buildings", count],
  ["card.open", "open_incidents", count],
  ["figure.year_incidents", "year_incidents", count],
  ["figure.compactness", "compactness", (value) => decimal(value, 2)],
  ["impact.officers_n", "officers", count],
];
const PAIRS = 60;

/** The impact against what the address says. */
export async function show(editor, again) {
  const { draft } = editor;
  const [{ items: all }, impact] = await Promise.all([
    ask("/plans", { area: draft.plan.area.code }),
    ask(draft.path("/impact"), { against: state().against || "today" }),
  ]);
  const others = all.filter(({ id, state: now }) => id !== draft.id && now !== "withdrawn");
  const plans = [["", word("impact.today")], ...others.map((each) => [String(each.id), each.name])];
  const called = (id) => plans.find(([value]) => value === (id ?? ""))?.[1];
  const beside = () => compare.show(editor, state().against || compare.TODAY, called(state().against));
  const choose = select(plans, state().against, {
    "data-focus": "against",
    onchange: async (event) => {
      change({ against: event.target.value });
      if (event.target.value || editor.stage.other) await editor.attempt(beside);
      again();
    },
  });
  if (state().against && !editor.stage.other) beside().catch(() => null);
  return [
    make("div", { className: "beside" }, field(word("impact.against"), choose), button("across", word("impact.swipe"), () => editor.attempt(beside))),
    totals(impact.totals, Boolean(state().against)),
    moved(editor, impact),
    officers(impact.officers_changed ?? []),
  ].filter(Boolean);
}

function totals({ before, after }, other) {
  const rows = TOTALS.filter(([, key]) => before?.[key] != null || after?.[key] != null);
  if (!rows.length) return null;
  return make(
    "table",
    { className: "figures plain" },
    make("caption", {}, word("impact.touched")),
    make(
      "thead",
      {},
      make("tr", {}, make("th", { scope: "col" }, word("impact.figure")), make("th", { scope: "col" }, word(other ? "impact.other" : "impact.today")), make("th", { scope: "col" }, word("impact.this"))),
    ),
    make(
      "tbody",
      {},
      rows.map(([label, key, text]) =>
        make(
          "tr",
          {},
          make("th", { scope: "row" }, word(label)),
          make("td", {}, before?.[key] == null ? "–" : text(before[key])),
          make("td", {}, make("b", {}, after?.[key] == null ? "–" : text(after[key]))),
        ),
      ),
    ),
  );
}

function moved(editor, { moved: gone = {}, changed_area_m2: area }) {
  return make(
    "section",
    {},
    make("h3", {}, word("impact.moved")),
    make(
      "dl",
      { className: "facts" },
      [
        ["card.households", count(gone.households)],
        ["card.buildings", count(gone.buildings)],
        ["figure.care", count(gone.care_households)],
        ["card.open", count(gone.open_incidents)],
        ["impact.area", word("unit.hectares", { n: decimal((area ?? 0) / 10_000, 2) })],
      ].map(([key, value]) => make("div", {}, make("dt", {}, word(key)), make("dd", {}, value))),
    ),
    make("p", {}, make("a", { className: "button small", href: `/api/v1${editor.draft.path("/impact/moved.csv")}?against=${state().against || "today"}`, download: "" }, word("impact.csv"))),
  );
}

/** Households and buildings by who answered for them and who will. */
function officers(changed) {
  const pairs = new Map();
  for (const { households = 0, from_officer: from, to_officer: to } of changed) {
    const key = `${from?.id ?? 0}/${to?.id ?? 0}`;
    const known = pairs.get(key) ?? { from, to, buildings: 0, households: 0 };
    known.buildings += 1;
    known.households += households;
    pairs.set(key, known);
  }
  if (!pairs.size) return null;
  const name = (officer) => officer?.name ?? word("fill.unassigned");
  return make(
    "section",
    {},
    make("h3", {}, word("impact.officers")),
    make(
      "table",
      { className: "figures plain people" },
      make("thead", {}, make("tr", {}, ["impact.from", "impact.to", "card.households", "card.buildings"].map((key) => make("th", { scope: "col" }, word(key))))),
      make(
        "tbody",
        {},
        [...pairs.values()]
          .sort((a, b) => b.households - a.households)
          .slice(0, PAIRS)
          .map(({ from, to, households, buildings }) =>
            make("tr", {}, make("td", {}, name(from)), make("td", {}, name(to)), make("td", {}, make("b", {}, count(households))), make("td", {}, count(buildings))),
          ),
      ),
    ),
  );
}
