/** The bar below the map: what the pending change would do, in figures, with a yes and a no. */

import { make, put } from "../dom.js";
import { count, date, listed, word } from "../words.js";
import { icon } from "../icons.js";
import { change, classOf, classText, mark, nameOf } from "./figures.js";
import { told, warned } from "./refusals.js";

const ROWS = 4;

/** Show what is pending, or nothing. */
export function show(host, editor) {
  const { pending } = editor.draft;
  host.hidden = !pending;
  host.className = `pending card ${pending?.state ?? ""}`;
  if (!pending) return put(host);
  const title = make("h2", {}, word(`operation.${pending.operation.kind}`));
  put(host, title, (STATES[pending.state] ?? STATES.asking)(pending, editor));
}

const STATES = {
  asking: () => waiting("pending.asking"),
  sending: () => waiting("pending.sending"),
  ready: (pending, editor) => [
    table(pending.answer, editor),
    notes(pending.answer),
    buttons(
      yes(word("pending.accept"), "Enter", () => editor.accept()),
      no(editor),
    ),
  ],
  refused: ({ problem }, editor) => [
    make("p", { className: "why" }, `▲ ${told(problem)}`),
    buttons(problem.facts.place && place(problem.facts.place, editor), no(editor)),
  ],
  conflict: ({ problem }, editor) => [
    make("p", { className: "why" }, `▲ ${conflict(problem, editor)}`),
    buttons(
      yes(word("pending.retry"), "Enter", () => editor.draft.retry()),
      no(editor),
    ),
  ],
  lost: ({ problem }, editor) => [
    make("p", { className: "why" }, `▲ ${told(problem)}`),
    buttons(
      yes(word("retry"), "", () => {
        editor.draft.pending.state = "ready";
        editor.accept();
      }),
      no(editor),
    ),
  ],
};

const waiting = (key) => make("p", { className: "waiting" }, word(key));

const buttons = (...given) => make("div", { className: "row" }, given.filter(Boolean));

const yes = (text, key, onclick) =>
  make("button", { type: "button", className: "button primary", onclick }, icon("good"), text, key && make("kbd", {}, key));

const no = (editor) =>
  make("button", { type: "button", className: "button", onclick: () => editor.back() }, word("cancel"), make("kbd", {}, "Esc"));

const place = (at, editor) => make("button", { type: "button", className: "button", onclick: () => editor.fly(at, 18) }, word("pending.place"));

/** Who has changed which of the grids in the meantime. */
function conflict({ facts }, editor) {
  const { grids } = editor.draft.ground;
  const names = (facts.grids ?? []).map(({ id }) => grids.get(id)).filter(Boolean).map((face) => nameOf(face.facts, editor.draft.communities));
  const by = facts.by?.name ?? word("pending.somebody");
  const when = facts.at ? date(facts.at) : "";
  return word("pending.conflict", { by, grids: listed(names) || "–", when });
}

/** Households of every grid concerned, before and after; the area beside it where there is room. */
function table({ figures, changed, ended }, editor) {
  const { draft } = editor;
  const before = new Map(figures.before.map((each) => [each.id, each]));
  const after = new Map(figures.after.map((each) => [each.id, each]));
  const facts = new Map([...draft.ground.grids].map(([id, face]) => [id, face.facts]));
  for (const each of changed) facts.set(each.id, each);
  const ids = [...new Set([...before.keys(), ...after.keys()])].filter((id) => !changed.find((each) => each.id === id)?.noded_only);
  const rows = ids.slice(0, ROWS).map((id) => row(facts.get(id) ?? { id }, before.get(id), after.get(id), draft, ended.includes(id)));
  if (ids.length > ROWS) rows.push(make("li", { className: "more" }, word("pending.more", { n: ids.length - ROWS })));
  return make("ul", { className: "deltas" }, rows);
}

function row(facts, before, after, draft, gone) {
  const rank = after ? classOf(after.households, draft.plan) : 0;
  const n = (each) => (each ? count(each.households) : "–");
  return make(
    "li",
    {},
    make("span", { className: "name" }, nameOf(facts, draft.communities)),
    make(
      "span",
      { className: "number" },
      n(before),
      " → ",
      make("b", {}, n(after)),
      make("small", {}, ` ${change(before?.households, after?.households)}`),
    ),
    gone ? make("span", { className: "chip" }, word("pending.ends")) : !before ? make("span", { className: "chip good" }, word("pending.begins")) : null,
    rank !== 0 && make("span", { className: "chip watch", title: classText(rank) }, `${mark(rank)} ${classText(rank)}`),
  );
}

const notes = ({ warnings = [] }) =>
  warnings.length > 0 && make("ul", { className: "warnings" }, warnings.slice(0, 3).map((each) => make("li", {}, `▲ ${warned(each)}`)));
