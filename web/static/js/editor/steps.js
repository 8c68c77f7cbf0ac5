/** The steps of a plan's life: submitted, returned, approved, published, reversed; and copies, names and files. */

import { ask, tell } from "../api.js";
import { make, put } from "../dom.js";
import { keeping } from "../tools.js";
import { count, isoDay, now, startOf, word } from "../words.js";
import { field, formDialog } from "../components.js";

const note = (properties = {}) => make("textarea", { className: "field", name: "note", rows: 3, maxLength: 4000, ...properties });

const nameField = (value) =>
  make("input", { className: "field", name: "name", required: true, maxLength: 200, value: value.slice(0, 200), autofocus: true });

async function step(editor, path, body) {
  await tell(editor.draft.path(path), body ?? {});
  await editor.draft.reloadPlan();
  editor.stage.redraw();
}

const ASKED = ["moves", "officers", "incidents", "issues"];

const figure = (name, value) => make("div", {}, make("dt", {}, word(`step.${name}`)), make("dd", { "data-figure": name }, value));

/** What the step is about, in figures, before anybody says yes. Each has its place from the start: no button moves as they come. */
function outlook({ draft }) {
  const { changed, new: made, ended } = draft.plan.counts;
  const grids = word("plans.changes", { changed: count(changed), made: count(made), ended: count(ended) });
  const host = make("dl", { className: "facts outlook", "aria-busy": "true" }, figure("grids", grids), ASKED.map((name) => figure(name, "–")));
  Promise.all([ask(draft.path("/impact")), ask(draft.path("/checks"))])
    .then(([{ moved, officers_changed_total: officers }, { items }]) => {
      const told = {
        moves: count(moved.households),
        officers: count(officers.households),
        incidents: count(moved.open_incidents),
        issues: items.length ? `▲ ${count(items.length)}` : "✓ 0",
      };
      for (const name of ASKED) put(host.querySelector(`[data-figure=${name}]`), told[name]);
    })
    .catch(() => null) // a figure nobody could tell stays a dash; the step itself is asked of the server
    .finally(() => host.removeAttribute("aria-busy"));
  return host;
}

export const submit = {
  icon: "flag",
  run: (editor) =>
    formDialog(word("step.submit"), [outlook(editor), make("p", {}, word("step.submit.text"))], word("step.submit"), () => step(editor, "/submit")),
};

export const approve = {
  icon: "good",
  run: (editor) =>
    formDialog(
      word("step.approve"),
      [outlook(editor), make("p", {}, word("step.approve.text")), field(word("step.note"), note())],
      word("step.approve"),
      (form) => step(editor, "/approve", { note: form.elements.note.value.trim() }),
    ),
};

export const turnBack = {
  icon: "undo",
  run: (editor) =>
    formDialog(word("step.return"), field(word("step.reason"), note({ required: true, autofocus: true })), word("step.return"), (form) =>
      step(editor, "/return", { reason: form.elements.note.value.trim() }),
    ),
};

export const publish = {
  icon: "flag",
  run: (editor) => {
    const today = isoDay(now());
    const date = make("input", { type: "date", className: "field", name: "from", min: today });
    formDialog(
      word("step.publish"),
      [outlook(editor), make("p", {}, word("step.publish.text")), field(word("step.publish.from"), date, { hint: word("step.publish.hint") })],
      word("step.publish"),
      () => step(editor, "/publish", { effective_at: date.value && date.value !== today ? startOf(date.value) : null }),
    );
  },
};

export const reverse = {
  icon: "undo",
  run: (editor) => {
    const name = nameField(word("step.reverse_name", { name: editor.draft.plan.name }));
    formDialog(word("step.reverse"), [make("p", {}, word("step.reverse.text")), field(word("plans.name"), name)], word("step.reverse"), async () => {
      const made = await tell(editor.draft.path("/reverse"), { name: name.value.trim() });
      location.assign(keeping(`/plans/${made.id}`));
    });
  },
};

/** Ask for a name and make a copy with all its operations' outcome. */
export function copy({ draft }) {
  copyOf(draft.plan);
}

/** The same from the list of plans. */
export function copyOf(plan) {
  const name = nameField(word("plans.copy_name", { name: plan.name }));
  formDialog(word("menu.copy"), field(word("plans.name"), name), word("plans.copy"), async () => {
    const made = await tell(`/plans/${plan.id}/copy`, { name: name.value.trim() });
    location.assign(keeping(`/plans/${made.id}`));
  });
}

/** Another name and note. */
export function rename(editor) {
  const { plan } = editor.draft;
  const name = nameField(plan.name);
  const text = note({ value: plan.note });
  formDialog(word("menu.rename"), [field(word("plans.name"), name), field(word("plans.note"), text)], word("save"), async () => {
    await tell(editor.draft.path(), { name: name.value.trim(), note: text.value.trim() }, "PATCH");
    await editor.draft.reloadPlan();
  });
}

/** Give the plan up, after a question. */
export function withdraw(editor) {
  withdrawn(editor.draft.plan, () => editor.draft.reloadPlan());
}

/** The same from the list of plans; `then` runs once it is done. */
export function withdrawn(plan, then) {
  formDialog(
    word("menu.withdraw"),
    make("p", {}, word("plans.withdraw_text", { name: plan.name })),
    word("plans.withdraw"),
    async () => {
      await tell(`/plans/${plan.id}/withdraw`, {});
      await then();
    },
    { danger: true },
  );
}

/** A file that was edited elsewhere comes back as one operation, shown before it is taken. */
export function bringIn(editor) {
  const file = make("input", { type: "file", name: "file", className: "field", required: true, accept: ".gpkg,.zip,.geojson,.json" });
  formDialog(word("menu.import"), [make("p", {}, word("import.text")), field(word("import.file"), file)], word("import.check"), async () => {
    const pending = await editor.draft.offer({ kind: "import", file: file.files[0] });
    if (pending.problem) {
      editor.draft.cancel();
      throw pending.problem;
    }
  });
}
