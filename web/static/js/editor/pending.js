/** The bar below the map: what the pending change would do, in figures, with a yes and a no. */

import { make, put } from "../dom.js";
import { count, dayTime, listed, word } from "../words.js";
import { button, segments } from "../components.js";
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
    alternatives(pending.operation, editor),
    sum(pending.answer, editor),
    table(pending.answer, editor),
    notes(pending.answer, editor),
    buttons(
      yes(word("pending.accept"), "Enter", () => editor.accept()),
      no(editor),
    ),
  ],
  refused: ({ problem, operation }, editor) => [
    alternatives(operation, editor),
    make("p", { className: "why" }, `▲ ${told(problem, operation.kind)}`),
    named(problem, editor),
    buttons(unlock(problem, editor), problem.facts.place && place(problem.facts.place, editor), no(editor)),
  ],
  conflict: ({ problem }, editor) => [
    make("p", { className: "why" }, `▲ ${conflict(problem, editor)}`),
    now(problem, editor),
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

/** Proposed alternatives, one after the other on the map. */
function alternatives({ kind, proposal, alternative }, editor) {
  const { asked } = editor;
  if (kind !== "proposal" || asked?.id !== proposal || asked.count < 2) return null;
  const choices = Array.from({ length: asked.count }, (_, i) => [i, word("propose.alternative", { n: i + 1 })]);
  return segments(word("propose.alternatives"), choices, alternative, (i) => editor.offer({ kind, proposal, alternative: i }));
}

const namesOf = (ids, { draft }) => [...new Set(ids)].map((id) => draft.ground.grids.get(id)).filter(Boolean).map(({ facts }) => nameOf(facts, draft.communities));

/** The grids a refusal is about. */
function named({ facts }, editor) {
  const names = namesOf(facts.grids ?? (facts.grid ? [facts.grid] : []), editor);
  return names.length > 0 && make("p", { className: "sub" }, listed(names.slice(0, 12)));
}

/** The way out where a lock is in the way. */
function unlock({ facts }, editor) {
  if (facts.reason !== "locked" || !facts.grids?.length) return null;
  const free = async () => {
    for (const id of facts.grids) await editor.lock(editor.draft.ground.grids.get(id), false);
    editor.draft.retry();
  };
  return button("lock", word("editor.unlock_retry"), free, { className: "button" });
}

/** Who has changed which of the grids in the meantime. */
function conflict({ facts }, editor) {
  const names = namesOf((facts.grids ?? []).map(({ id }) => id), editor);
  const by = facts.by?.name ?? word("pending.somebody");
  return word("pending.conflict", { by, grids: listed(names) || word("pending.these_grids"), when: facts.at ? dayTime(facts.at) : "" });
}

/** The grids that somebody else changed, as they are now. */
function now({ facts }, { draft }) {
  const rows = (facts.changed ?? []).slice(0, ROWS).map((each) => make("li", {}, make("span", { className: "name" }, nameOf(each, draft.communities)), make("b", { className: "number" }, count(each.households))));
  const gone = (facts.grids ?? []).filter(({ now: version }) => version === null).length;
  if (gone) rows.push(make("li", { className: "more" }, word("pending.gone", { n: gone })));
  return rows.length > 0 && make("ul", { className: "deltas", "aria-label": word("pending.as_now") }, rows);
}

/** The whole plan in a line: grids, and how many of them lie in the band, before and after. */
function sum({ changed, ended }, { draft }) {
  const before = [...draft.ground.grids.values()].map(({ facts }) => facts);
  const touched = new Set([...ended, ...changed.map(({ id }) => id)]);
  const after = [...before.filter(({ id }) => !touched.has(id)), ...changed];
  const within = (all) => all.filter(({ households }) => classOf(households, draft.plan) === 0).length;
  const part = (key, from, to) => make("span", {}, `${word(key)} `, make("b", { className: "number" }, from === to ? count(to) : `${count(from)} → ${count(to)}`));
  return make("p", { className: "sum" }, part("plan.grids", before.length, after.length), part("plan.within", within(before), within(after)));
}

/** Households of every grid concerned, before and after, the most changed first. */
function table({ figures, changed, ended }, editor) {
  const { draft } = editor;
  const before = new Map(figures.before.map((each) => [each.id, each]));
  const after = new Map(figures.after.map((each) => [each.id, each]));
  const facts = new Map([...draft.ground.grids].map(([id, face]) => [id, face.facts]));
  for (const each of changed) facts.set(each.id, each);
  const by = (id) => Math.abs((after.get(id)?.households ?? 0) - (before.get(id)?.households ?? 0));
  const ids = [...new Set([...before.keys(), ...after.keys()])].sort((a, b) => by(b) - by(a));
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

const NOTES = 3;

function notes({ warnings = [], changed }, editor) {
  if (!warnings.length) return null;
  const { ground, communities } = editor.draft;
  const called = (id) => nameOf(changed.find((each) => each.id === id) ?? ground.grids.get(id)?.facts ?? { id }, communities);
  const texts = [...new Set(warnings.map((each) => warned(each, called)))];
  const more = texts.length - NOTES;
  return make("ul", { className: "warnings" }, texts.slice(0, NOTES).map((text) => make("li", {}, `▲ ${text}`)), more > 0 && make("li", {}, word("pending.more_notes", { n: more })));
}
