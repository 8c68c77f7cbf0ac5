/** Every grid the draft touches, before and after: households, area, load, compactness, officer. */

import { ask } from "../../api.js";
import { make } from "../../dom.js";
import { count, decimal, listed, word } from "../../words.js";
import { classOf, mark, nameOf } from "../figures.js";

const hectares = (m2) => (m2 == null ? "–" : decimal(m2 / 10_000, 1));

const COLUMNS = [
  ["card.households", (each) => count(each.households)],
  ["figure.area_ha", (each) => hectares(each.area_m2)],
  ["figure.year_incidents", (each) => count(each.year_incidents)],
  ["figure.compactness", (each) => (each.compactness == null ? "–" : decimal(each.compactness, 2))],
];

const PARTS = 4;

/** The table, or that nothing is changed yet. */
export async function show(editor) {
  const { grids, moves } = await ask(editor.draft.path("/impact"), { against: "today" });
  if (!grids.length) return make("div", { className: "empty" }, make("p", {}, word("changes.none")), make("p", {}, word("changes.hint")));
  return make(
    "div",
    { className: "scroll", id: "changes" },
    make(
      "table",
      { className: "figures" },
      make("caption", { className: "unseen" }, word("changes.caption")),
      make(
        "thead",
        {},
        make("tr", {}, make("th", { scope: "col" }, word("kind.grid")), COLUMNS.map(([key]) => make("th", { scope: "col" }, word(key)))),
      ),
      make(
        "tbody",
        {},
        grids.map((each) => row(editor, each, lineage(each, grids, moves, editor))),
      ),
    ),
  );
}

/** Where a grid's households come from, or where those of a grid that ends go. */
function lineage({ id, before, after }, grids, moves, { draft }) {
  const facts = new Map([...grids.map((each) => [each.id, each]), ...[...draft.ground.grids].map(([number, face]) => [number, face.facts])]);
  const [own, other, key] = after ? ["to_grid", "from_grid", "changes.from"] : ["from_grid", "to_grid", "changes.to"];
  const found = moves.filter((each) => each[own] === id && (each.households > 0 || !before || !after));
  const parts = found.slice(0, PARTS).map((each) => word("changes.part", { name: nameOf(facts.get(each[other]) ?? { id: each[other] }, draft.communities), n: count(each.households) }));
  return parts.length ? `${word(key)} ${listed(parts)}${found.length > PARTS ? " …" : ""}` : null;
}

function row(editor, { id, code, name, name_en: nameEn, before, after }, succession) {
  const { draft } = editor;
  const face = draft.ground.grids.get(id);
  const facts = face?.facts ?? { id, code, name, name_en: nameEn };
  const rank = after ? classOf(after.households, draft.plan) : 0;
  const [from, to] = [before?.officer?.name ?? "–", after?.officer?.name ?? "–"];
  const go = () => face && (editor.select([id]), editor.fit([face]));
  return [
    make(
      "tr",
      {},
      make("th", { scope: "rowgroup", rowSpan: 2 }, make("button", { type: "button", onclick: go, "data-focus": `g${id}`, disabled: !face }, nameOf(facts, draft.communities)), status(before, after)),
      COLUMNS.map(([, text], i) =>
        make(
          "td",
          { className: i === 0 && rank ? "out" : "" },
          make("span", { className: "was" }, before ? text(before) : "–"),
          make("b", {}, i === 0 && rank ? `${mark(rank)} ` : "", after ? text(after) : "–"),
        ),
      ),
    ),
    make(
      "tr",
      { className: "who" },
      make(
        "td",
        { colSpan: COLUMNS.length },
        make("span", {}, `${word("card.officer")} `, from === to ? to : make("span", {}, make("s", {}, from), ` → ${to}`)),
        succession && make("span", {}, succession),
      ),
    ),
  ];
}

const status = (before, after) =>
  !before ? make("span", { className: "chip good" }, word("pending.begins")) : !after ? make("span", { className: "chip" }, word("pending.ends")) : null;
