/** What people say of the plan, pinned to places; open ones first. */

import { ask, tell } from "../../api.js";
import { make } from "../../dom.js";
import { age, word } from "../../words.js";
import { button, explained, formDialog } from "../../components.js";
import { degrees, mercator } from "../lattice.js";
import { nameOf } from "../figures.js";

let place = null;

/** The next comment is about this place: {at, grid, name}. */
export const about = (given) => (place = given);

/** The list and the box to write in. */
export async function show(editor, again) {
  const { items } = await ask(editor.draft.path("/comments"));
  const open = items.filter(({ resolved_at: done }) => !done);
  editor.pins = open.filter((each) => each.place).map((each) => mercator(each.place));
  editor.stage.redrawOver();
  return [
    editor.draft.may("comment") && writing(editor, again),
    items.length === 0 && make("div", { className: "empty" }, word("comments.none")),
    make(
      "ul",
      { className: "comments" },
      [...open, ...items.filter(({ resolved_at: done }) => done)].map((each) => make("li", { className: each.resolved_at ? "done" : "" }, one(editor, each, again))),
    ),
  ].filter(Boolean);
}

function one(editor, { id, body, place: where, grid, person, at, resolved_at: done }, again) {
  const face = editor.draft.ground.grids.get(grid?.id ?? grid);
  const go = () => {
    if (face) editor.select([face.id]);
    if (where) editor.fly(where, 17);
    else if (face) editor.fit([face]);
  };
  const resolve = () => editor.attempt(() => tell(editor.draft.path(`/comments/${id}/resolve`), {}).then(again));
  const remove = () =>
    formDialog(word("comments.delete"), [make("p", {}, word("comments.delete_text")), make("blockquote", {}, body)], word("comments.delete"), () =>
      tell(editor.draft.path(`/comments/${id}`), undefined, "DELETE").then(again), { danger: true },
    );
  return [
    make("p", { className: "sub" }, make("b", {}, person?.name ?? ""), ` · ${age(at)}`, done && make("span", { className: "chip good" }, word("comments.resolved"))),
    make("p", { className: "words" }, body),
    make(
      "div",
      { className: "row" },
      (where || face) && button("full", face ? nameOf(face.facts, editor.draft.communities) : word("comments.there"), go),
      !done && editor.draft.may("comment") && button("good", word("comments.resolve"), resolve),
      person?.id === editor.me.person_id && editor.draft.may("comment") && button("close", word("comments.delete"), remove),
    ),
  ];
}

function writing(editor, again) {
  const words = make("textarea", { className: "field", rows: 3, maxLength: 4000, "aria-label": word("comments.write"), placeholder: word("comments.write"), "data-focus": "write" });
  const refusal = make("p", { className: "refusal", role: "alert", hidden: true });
  const send = async () => {
    if (!words.value.trim()) return words.focus();
    try {
      await tell(editor.draft.path("/comments"), { body: words.value.trim(), place: place ? degrees(place.at) : null, grid: place?.grid ?? null });
      place = null;
      words.value = "";
      again();
    } catch (problem) {
      refusal.textContent = explained(problem);
      refusal.hidden = false;
    }
  };
  const drop = () => {
    place = null;
    again();
  };
  if (place) queueMicrotask(() => words.isConnected && words.focus());
  return make(
    "div",
    { className: "stack writing" },
    place ? button("close", word("comments.about", { name: place.name || word("comments.there") }), drop) : make("p", { className: "sub" }, word("comments.hint")),
    words,
    refusal,
    make("div", { className: "row" }, button("comment", word("comments.send"), send, { className: "button primary" })),
  );
}
