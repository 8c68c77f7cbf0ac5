/** The log: who did what and when, what was taken back; named states to come back to. */

import { ask, tell } from "../../api.js";
import { make } from "../../dom.js";
import { age, coded, count, dayTime, word } from "../../words.js";
import { button, field, formDialog } from "../../components.js";

const SHOWN = 200;

/** The newest operation first, and the named states above. */
export async function show(editor, again) {
  const { draft } = editor;
  const [items, { items: named }] = await Promise.all([draft.log(), ask(draft.path("/snapshots"))]);
  const own = undoable(items, draft.me.person_id);
  return [
    snapshots(editor, named, again),
    make("h3", {}, word("history.title")),
    items.length === 0 && make("div", { className: "empty" }, word("history.none")),
    make(
      "ol",
      { className: "log" },
      items
        .slice(-SHOWN)
        .reverse()
        .map((each) => make("li", { className: each.undone ? "undone" : "" }, one(editor, each, own, again))),
    ),
  ].filter(Boolean);
}

/** Numbers of the caller's operations that undo can still reach, the last first. */
function undoable(items, person) {
  return items.filter((each) => !each.undone && !each.undoes && each.person?.id === person).map(({ seq }) => seq);
}

function one(editor, { seq, at, person, kind, facts, undone, undoes, redoes }, own, again) {
  const back = own.filter((each) => each >= seq).length;
  const to = async () => {
    for (let i = 0; i < back; i++) if (!(await editor.attempt(() => editor.draft.undo()))) break;
    again();
  };
  const moved = facts?.moved_m2 ? ` · ${word("history.moved", { n: count(facts.moved_m2) })}` : "";
  return [
    make("span", { className: "seq number" }, seq),
    make(
      "span",
      { className: "what" },
      make("b", {}, coded("operation", kind)),
      (undoes || redoes) && make("small", {}, ` #${undoes ?? redoes}`),
      undone && make("span", { className: "chip" }, word("history.undone")),
      make("small", { title: dayTime(at) }, `${person?.name ?? ""} · ${age(at)}${moved}`),
    ),
    editor.draft.may("edit") && own.includes(seq) && button("undo", word("history.back"), to),
  ];
}

function snapshots(editor, named, again) {
  const { draft } = editor;
  const name = () => {
    const input = make("input", { className: "field", name: "name", required: true, maxLength: 100, autofocus: true });
    formDialog(word("history.name"), field(word("editor.name"), input), word("save"), async () => {
      await tell(draft.path("/snapshots"), { name: input.value.trim() });
      again();
    });
  };
  return make(
    "section",
    {},
    make("h3", {}, word("history.snapshots"), draft.may("edit") && button("new", word("history.name"), name)),
    named.length > 0 &&
      make(
        "ul",
        { className: "snapshots" },
        named.map((each) =>
          make(
            "li",
            {},
            make("span", {}, each.name, make("small", {}, ` #${each.seq} · ${each.person?.name ?? ""} · ${age(each.at)}`)),
            draft.may("edit") && button("undo", word("history.restore"), () => editor.offer({ kind: "restore", snapshot: each.name })),
          ),
        ),
      ),
  );
}
