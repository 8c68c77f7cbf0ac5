/** The plan in a card: what it is about, who made it, how its grids lie in the band; and what is selected. */

import { make } from "../../dom.js";
import { count, dayTime, decimal, listed, named, percent, word } from "../../words.js";
import { button, field, formDialog, select } from "../../components.js";
import { CLASSES, classOf, classText, deviation, hectares, households, mark, nameOf, signed } from "../figures.js";
import { stateChip } from "../header.js";
import * as failure from "./failure.js";
import * as past from "./past.js";

/** The card of the plan, and of the selected grids below it. */
export function show(editor, redraw) {
  const { plan } = editor.draft;
  const [alone, more] = chosen(editor);
  if (alone && !more && alone.facts.open_incidents == null)
    editor.draft.countIncidents(alone).then(
      (known) => known && redraw(),
      () => null,
    );
  return [selection(editor), failure.show(editor), card(editor), plan.note && make("p", { className: "note-text" }, plan.note), decision(plan), bandTable(editor), outside(editor)];
}

function card(editor) {
  const { plan, ground, communities } = editor.draft;
  const all = [...ground.grids.values()];
  const changed = all.filter(({ facts }) => facts.changed && !facts.noded_only).length;
  const total = all.reduce((sum, { facts }) => sum + facts.households, 0);
  const within = all.filter(({ facts }) => classOf(facts.households, plan) === 0).length;
  return make(
    "section",
    {},
    make("h2", {}, plan.name, stateChip(plan)),
    make("p", { className: "sub" }, [named(plan.area), plan.scheme && named(plan.scheme), plan.made_by?.name, dayTime(plan.made_at)].filter(Boolean).join(" · ")),
    make(
      "dl",
      { className: "facts" },
      [
        ["plan.grids", count(all.length)],
        ["plan.communities", count(communities.size)],
        ["plan.households", count(total)],
        ["plan.within", `${count(within)} · ${percent(all.length ? within / all.length : 0, 0)}`],
        ["plan.changed", count(changed)],
        ["plan.band", `${count(plan.household_min)}–${count(plan.household_max)}`],
      ].map(([key, value]) => make("div", {}, make("dt", {}, word(key)), make("dd", {}, value))),
    ),
  );
}

/** Who decided and why. */
function decision(plan) {
  const lines = [];
  if (plan.submitted_at) lines.push(word("plan.submitted", { name: plan.submitted_by?.name ?? "", when: dayTime(plan.submitted_at) }));
  const verdict = { draft: "returned", submitted: "decided", withdrawn: "decided" }[plan.state] ?? "approved";
  if (plan.decided_at) lines.push(word(`plan.${verdict}`, { name: plan.decided_by?.name ?? "", when: dayTime(plan.decided_at) }));
  if (plan.decision_note) lines.push(`“${plan.decision_note}”`);
  if (plan.effective_at) lines.push(word("plan.effective", { when: dayTime(plan.effective_at) }));
  return lines.length > 0 && make("ul", { className: "decision" }, lines.map((line) => make("li", {}, line)));
}

/** How many grids lie in each class of the band. */
function bandTable(editor) {
  const { plan, ground } = editor.draft;
  const counts = new Map(CLASSES.map((rank) => [rank, 0]));
  for (const { facts } of ground.grids.values()) counts.set(classOf(facts.households, plan), counts.get(classOf(facts.households, plan)) + 1);
  const most = Math.max(1, ...counts.values());
  const bar = (n, rank) => {
    const made = make("i", { className: `swatch c${rank + 2}` });
    made.style.width = `${(100 * n) / most}%`;
    made.hidden = n === 0;
    return made;
  };
  return make(
    "section",
    {},
    make("h3", {}, word("plan.distribution")),
    make(
      "ul",
      { className: "bandbars" },
      [...counts].map(([rank, n]) =>
        make("li", {}, make("span", {}, `${mark(rank)} ${classText(rank)}`), make("span", { className: "track" }, bar(n, rank)), make("b", { className: "number" }, count(n))),
      ),
    ),
  );
}

const LISTED = 60;

/** The grids outside the band, the furthest first; a click goes there. A market's or a school's own grid is not meant to be in it. */
function outside(editor) {
  const { plan, ground, communities } = editor.draft;
  const far = [...ground.grids.values()]
    .filter(({ facts }) => classOf(facts.households, plan) !== 0 && facts.kind !== "dedicated")
    .sort((a, b) => Math.abs(deviation(b.facts.households, plan)) - Math.abs(deviation(a.facts.households, plan)));
  if (!far.length) return null;
  const go = (face) => {
    editor.select([face.id]);
    editor.fit([face], { maxZoom: 17 });
  };
  const name = ({ facts }) => (communities.size > 1 ? named(facts) : nameOf(facts, communities));
  const entry = (face) =>
    make(
      "button",
      { type: "button", className: "line pair", onclick: () => go(face), "data-focus": `o${face.id}` },
      make("span", {}, name(face)),
      make("b", { className: "number" }, `${mark(classOf(face.facts.households, plan))} ${count(face.facts.households)}`),
      make("small", { className: "number" }, signed(deviation(face.facts.households, plan))),
    );
  return make(
    "section",
    {},
    make("h3", {}, word("plan.outside"), make("span", { className: "chip watch" }, count(far.length))),
    make("ul", {}, far.slice(0, LISTED).map((face) => make("li", {}, entry(face)))),
    far.length > LISTED && make("p", { className: "sub" }, word("pending.more", { n: far.length - LISTED })),
  );
}

const chosen = (editor) => [...editor.stage.selected].map((id) => editor.draft.ground.grids.get(id)).filter(Boolean);

/** What is selected, with what can be done to it. */
function selection(editor) {
  const faces = chosen(editor);
  if (!faces.length) return null;
  return make("section", { className: "selection" }, faces.length === 1 ? one(editor, faces[0]) : many(editor, faces), acts(editor, faces));
}

function one(editor, face) {
  const { facts } = face;
  const { plan, communities } = editor.draft;
  const rank = classOf(facts.households, plan);
  return [
    make(
      "h2",
      {},
      nameOf(facts, communities),
      make("span", { className: rank ? "chip watch" : "chip good" }, `${mark(rank)} ${classText(rank)}`),
      facts.locked && make("span", { className: "chip" }, word("editor.is_locked")),
    ),
    make("p", { className: "sub number" }, [facts.code || word("editor.no_code"), named(communities.get(facts.community_id) ?? {})].join(" · ")),
    make(
      "dl",
      { className: "facts" },
      [
        ["card.households", `${count(facts.households)} (${signed(deviation(facts.households, plan))})`],
        ["card.area", hectares(facts.area_m2)],
        ["figure.compactness", facts.compactness == null ? "–" : decimal(facts.compactness, 2)],
        ["card.officer", facts.officer?.name ?? word("fill.unassigned")],
        ["card.open", count(facts.open_incidents)],
        ["figure.year_incidents", count(facts.year_incidents)],
      ].map(([key, value]) => make("div", {}, make("dt", {}, word(key)), make("dd", {}, value))),
    ),
    facts.code && make("div", { className: "row" }, button("clock", word("past.open"), () => editor.attempt(() => past.show(editor, face)))),
  ];
}

function many(editor, faces) {
  const sum = faces.reduce((total, { facts }) => total + facts.households, 0);
  return [
    make("h2", {}, word("editor.selected", { n: faces.length })),
    make("p", { className: "sub" }, `${households(sum)} · ${hectares(faces.reduce((total, { facts }) => total + facts.area_m2, 0))}`),
    make("p", { className: "names" }, listed(faces.map(({ facts }) => nameOf(facts, editor.draft.communities)))),
  ];
}

function acts(editor, faces) {
  if (!editor.draft.may("edit")) return null;
  const ids = faces.map(({ id }) => id);
  const single = faces.length === 1;
  const within = new Set(faces.map(({ facts }) => facts.community_id));
  return make(
    "div",
    { className: "row" },
    single && button("balance", word("tool.balance"), () => editor.offer({ kind: "balance", grid: ids[0] })),
    !single && within.size === 1 && button("merge", word("tool.merge"), () => editor.offer({ kind: "merge", grids: ids, keep: ids[0] })),
    ids.length === 2 && button("straighten", word("tool.straighten"), () => editor.offer({ kind: "straighten", between: ids })),
    single && button("lock", word(faces[0].facts.locked ? "editor.unlock" : "tool.lock"), () => editor.lock(faces[0], !faces[0].facts.locked)),
    single && button("file", word("editor.rename"), () => rename(editor, faces[0])),
    editor.draft.communities.size > 1 && button("flag", word("editor.transfer"), () => transfer(editor, ids, within)),
    within.size === 1 && button("split", word("editor.new_community"), () => newCommunity(editor, ids, [...within][0])),
    within.size > 1 && button("merge", word("editor.merge_communities"), () => mergeCommunities(editor, [...within])),
  );
}

const text = (value, name = "name") => make("input", { className: "field", name, required: name === "name", maxLength: 200, value });

function rename(editor, { id, facts }) {
  const [zh, en] = [text(facts.name), text(facts.name_en ?? "", "name_en")];
  formDialog(word("editor.rename"), [field(word("editor.name"), zh), field(word("editor.name_en"), en)], word("pending.preview"), () =>
    editor.offer({ kind: "rename", grid: id, name: zh.value.trim(), name_en: en.value.trim() }),
  );
}

const choices = (editor, without = new Set()) =>
  [...editor.draft.communities.values()].filter(({ id }) => !without.has(id)).map((each) => [String(each.id), named(each)]);

function transfer(editor, grids, from) {
  const to = select(choices(editor, from.size === 1 ? from : new Set()), null, { name: "community", required: true });
  formDialog(word("editor.transfer"), [make("p", {}, word("editor.transfer_text")), field(word("level.community"), to)], word("pending.preview"), () =>
    editor.offer({ kind: "transfer", grids, community: Number(to.value) }),
  );
}

function newCommunity(editor, grids, community) {
  const [zh, en] = [text(""), text("", "name_en")];
  formDialog(
    word("editor.new_community"),
    [make("p", {}, word("editor.new_community_text")), field(word("editor.name"), zh), field(word("editor.name_en"), en)],
    word("pending.preview"),
    () => editor.offer({ kind: "split_community", community, grids, name: zh.value.trim(), name_en: en.value.trim() }),
  );
}

function mergeCommunities(editor, communities) {
  const listed = choices(editor).filter(([id]) => communities.includes(Number(id)));
  const keep = select(listed, listed[0][0], { name: "keep" });
  formDialog(word("editor.merge_communities"), [make("p", {}, word("editor.merge_communities_text")), field(word("editor.keep"), keep)], word("pending.preview"), () =>
    editor.offer({ kind: "merge_communities", communities, keep: Number(keep.value) }),
  );
}
