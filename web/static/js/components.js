/** The components every page is made of: buttons, segments, fields, tables, dialogs, drawers, and what stands where nothing is. */

import { make, put } from "./dom.js";
import { icon } from "./icons.js";
import { signIn } from "./notices.js";
import { known, word } from "./words.js";

/** A small button with an icon and its word. */
export const button = (name, text, onclick, { pressed, disabled, className = "button small" } = {}) =>
  make(
    "button",
    { type: "button", className, onclick, disabled: disabled || undefined, "aria-pressed": pressed === undefined ? undefined : String(pressed) },
    icon(name),
    text,
  );

/** One of several: [[value, text, icon?]…]. */
export function segments(label, choices, chosen, choose) {
  const host = make("div", { className: "segments", role: "group", "aria-label": label });
  put(
    host,
    choices.map(([value, text, name]) =>
      make(
        "button",
        {
          type: "button",
          "aria-pressed": String(value === chosen),
          title: text,
          "aria-label": name ? text : undefined,
          onclick: () => choose(value),
        },
        name ? icon(name) : text,
      ),
    ),
  );
  return host;
}

let number = 0;

/** A label over its field. */
export function field(text, input, { hint = "" } = {}) {
  input.id ||= `field_${++number}`;
  if (hint) input.setAttribute("aria-describedby", `${input.id}_hint`);
  return make(
    "div",
    { className: "labelled" },
    make("label", { htmlFor: input.id }, text),
    input,
    hint && make("small", { id: `${input.id}_hint` }, hint),
  );
}

/** A drop-down: [[value, text]…]. */
export const select = (choices, chosen, properties = {}) =>
  make(
    "select",
    { className: "field", ...properties },
    choices.map(([value, text]) => make("option", { value, selected: value === chosen }, text)),
  );

/** A short word in a pill; `kind` is good, watch, alarm, s1, s2, s3 or nothing. */
export const chip = (text, kind = "", mark = null) => make("span", { className: kind ? `chip ${kind}` : "chip" }, mark && icon(mark), text);

/** A table: columns [{text, n?}], rows of cells (nodes or text); what is a number stands at the right. */
export const table = (caption, columns, rows) =>
  make(
    "table",
    { className: "table" },
    make("caption", { className: "unseen" }, caption),
    make("thead", {}, make("tr", {}, columns.map(({ text, n }) => make("th", { scope: "col", className: n ? "n" : "" }, text)))),
    make("tbody", {}, rows.map((cells) => make("tr", {}, cells.map((cell, rank) => make("td", { className: columns[rank].n ? "n" : "" }, cell))))),
  );

/** What stands where there is nothing: an icon, what that means, and what to do about it. */
export const nothing = (name, title, text, ...acts) =>
  make("div", { className: "empty large" }, icon(name), make("h2", {}, title), text && make("p", {}, text), acts);

/** What stands where an answer did not come, with the way to ask again. */
export const failed = (problem, again) =>
  make(
    "div",
    { className: "failed" },
    make("p", {}, `▲ ${explained(problem)}`),
    again && make("button", { type: "button", className: "button small", onclick: again }, word("retry")),
  );

/** A modal dialog with a title, a body, and what stands at its foot; gone from the page once closed. */
export const dialog = (title, content, foot = [], { wide = false, onclose } = {}) =>
  modal(wide ? "dialog wide" : "dialog", title, content, foot, onclose);

/** A sheet from the side for lists that belong to what is under it; closes as a dialog does. */
export const drawer = (title, content, foot = [], { onclose } = {}) => modal("drawer", title, content, foot, onclose);

function modal(className, title, content, foot, onclose) {
  const heading = `dialog_${++number}`;
  const box = make(
    "dialog",
    { className, "aria-labelledby": heading, tabIndex: -1, autofocus: true },
    make(
      "header",
      {},
      make("h2", { id: heading }, title),
      make("button", { type: "button", className: "tool", "aria-label": word("close"), onclick: () => box.close() }, icon("close")),
    ),
    make("div", { className: "body" }, content),
    foot.length > 0 && make("footer", {}, foot),
  );
  box.addEventListener("close", () => {
    box.remove();
    onclose?.();
  });
  // A click beside a drawer closes it; a dialog may hold what somebody wrote.
  if (className === "drawer") box.addEventListener("click", ({ target }) => target === box && box.close());
  document.body.append(box);
  box.showModal();
  return box;
}

/** A form in a dialog; `send` may throw a Problem, which is told beside the button. */
export function formDialog(title, fields, submit, send, { wide = false, danger = false } = {}) {
  const refusal = make("p", { className: "refusal", role: "alert", hidden: true });
  const go = make("button", { type: "submit", className: danger ? "button danger" : "button primary" }, submit);
  const form = make("form", { className: "stack", method: "dialog", noValidate: true }, fields, refusal);
  form.id = `form_${++number}`;
  go.setAttribute("form", form.id);
  const stop = make("button", { type: "button", className: "button", onclick: () => box.close() }, word("cancel"));
  const box = dialog(title, form, [stop, go], { wide });
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const wrong = [...form.elements].find((each) => !each.checkValidity());
    if (wrong) {
      refusal.textContent = word(wrong.validity.valueMissing ? "form.missing" : "form.wrong", { name: labelOf(wrong) });
      refusal.hidden = false;
      return wrong.focus();
    }
    go.disabled = true;
    refusal.hidden = true;
    try {
      await send(form);
      box.close();
    } catch (problem) {
      // The way back in opens beside this page, so that what was typed stays.
      put(refusal, explained(problem), problem.status === 401 && signIn({ beside: true }));
      refusal.hidden = false;
    } finally {
      go.disabled = false;
    }
  });
  (form.querySelector("[autofocus]") ?? form.elements[0] ?? go).focus();
  return box;
}

const labelOf = (input) => input.labels?.[0]?.textContent ?? input.name;

let explain = (problem) =>
  problem.status === 401
    ? word("error.signed_out")
    : problem.status === 403
      ? word("error.not_permitted")
      : word(known(`refusal.${problem.code}`) ? `refusal.${problem.code}` : "error.failed");

/** How a refusal is told; set once by the page, since what it knows decides the words. */
export const explainWith = (tell) => (explain = tell);

export const explained = (problem) => problem.told ?? explain(problem);
