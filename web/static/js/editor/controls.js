/** Buttons, segments, fields and dialogs of the editor and the list of plans, all of one make. */

import { draw, make, put } from "../dom.js";
import { word } from "../words.js";

const PATHS = {
  select: "M6 3v15l4-4 3 6 2.5-1.2-3-6H18z",
  paint: "M4 20c3 0 5-1 5-4a3 3 0 0 0-3-3c-2 0-3 2-3 4 0 1-1 2-2 2zm5-6L19 4l2 2L11 16",
  redraw: "M3 17c5-1 4-9 9-9s4 8 9 7M3 7h3m12 0h3",
  trace: "M4 20V8l8-4 8 4v12M4 14h16M9 20v-3m6 3v-3",
  split: "M4 4h16v16H4zM12 2v20",
  merge: "M4 4h7v7H4zm9 9h7v7h-7zm-2-2 2 2m0-4V4m-4 16v-4",
  vertices: "M5 6 18 5l1 13-12 1zM3 4h4v4H3zm13-1h4v4h-4zm1 13h4v4h-4zM5 17h4v4H5z",
  straighten: "M3 19 21 5M5 9c2-5 5 2 8-2",
  balance: "M12 3v18m-5 0h10M12 6 5 8m7-2 7-2M2 14l3-6 3 6a3 3 0 0 1-6 0zm14-4 3-6 3 6a3 3 0 0 1-6 0z",
  propose: "M12 3l2 5 5 2-5 2-2 5-2-5-5-2 5-2zM19 15l1 2.5L22.5 19 20 20l-1 2.5-1-2.5-2.5-1 2.5-1.5z",
  lock: "M6 11h12v9H6zm2 0V8a4 4 0 0 1 8 0v3",
  measure: "M3 16 16 3l5 5L8 21zM7 12l2 2m1-5 3 3m0-6 2 2",
  comment: "M4 5h16v11H10l-5 4v-4H4z",
  undo: "M9 7H15a5 5 0 0 1 0 10H8M9 7l4-4M9 7l4 4",
  redo: "M15 7H9a5 5 0 0 0 0 10h7M15 7l-4-4M15 7l-4 4",
  help: "M9 9a3 3 0 1 1 4 3c-1 .5-1 1-1 2.5m0 2.5v.2M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18z",
  back: "M15 5l-7 7 7 7",
  done: "m5 12.5 5 5L19.5 7",
  close: "m6 6 12 12M18 6 6 18",
  more: "M5 12h.01M12 12h.01M19 12h.01",
  down: "m6 9 6 6 6-6",
  fit: "M4 9V4h5m6 0h5v5m0 6v5h-5m-6 0H4v-5",
  one: "M12 10a2 2 0 1 0 0 4 2 2 0 0 0 0-4z",
  three: "M8 14a2.5 2.5 0 1 0 0 5 2.5 2.5 0 0 0 0-5zm8 0a2.5 2.5 0 1 0 0 5 2.5 2.5 0 0 0 0-5zm-4-8a2.5 2.5 0 1 0 0 5 2.5 2.5 0 0 0 0-5z",
  ten: "M12 4a8 8 0 1 0 0 16 8 8 0 0 0 0-16z",
  box: "M4 6h16v12H4z",
  lasso: "M12 4c5 0 9 2.5 9 6s-4 6-9 6-9-2.5-9-6 4-6 9-6zm-5 11c-2 2 0 4 2 5",
  free: "M4 18c4-10 6 4 9-4s4-8 7-8",
  across: "M3 12h6m6 0h6M12 3v4m0 4v2m0 4v4",
  snap: "M6 4v8a6 6 0 0 0 12 0V4h-4v8a2 2 0 0 1-4 0V4zM6 8h4m4 0h4",
  new: "M12 5v14M5 12h14",
  panel: "M4 5h16v14H4zM14 5v14",
  people: "M9 11a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7zM2.5 20c0-4 3-6 6.5-6s6.5 2 6.5 6M17 11a3 3 0 1 0-1-5.8M18 14c2.5.5 4 2.5 4 6",
  flag: "M6 21V4h12l-3 4 3 4H6",
  file: "M6 3h8l4 4v14H6zM14 3v4h4",
};

/** One of the editor's line icons; the button around it says what it means. */
export const glyph = (name) => draw("svg", { viewBox: "0 0 24 24", "aria-hidden": "true" }, draw("path", { d: PATHS[name] ?? PATHS.one }));

/** A small button with an icon and its word. */
export const button = (name, text, onclick, { pressed, disabled, className = "button small" } = {}) =>
  make(
    "button",
    { type: "button", className, onclick, disabled: disabled || undefined, "aria-pressed": pressed === undefined ? undefined : String(pressed) },
    glyph(name),
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
        name ? glyph(name) : text,
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

/** A modal dialog with a title, a body, and what stands at its foot; gone from the page once closed. */
export function dialog(title, content, foot = [], { wide = false, onclose } = {}) {
  const heading = `dialog_${++number}`;
  const box = make(
    "dialog",
    { className: wide ? "dialog wide" : "dialog", "aria-labelledby": heading, tabIndex: -1, autofocus: true },
    make(
      "header",
      {},
      make("h2", { id: heading }, title),
      make("button", { type: "button", className: "tool", "aria-label": word("close"), onclick: () => box.close() }, glyph("close")),
    ),
    make("div", { className: "body" }, content),
    foot.length > 0 && make("footer", {}, foot),
  );
  box.addEventListener("close", () => {
    box.remove();
    onclose?.();
  });
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
      refusal.textContent = explained(problem);
      refusal.hidden = false;
    } finally {
      go.disabled = false;
    }
  });
  (form.querySelector("[autofocus]") ?? form.elements[0] ?? go).focus();
  return box;
}

const labelOf = (input) => input.labels?.[0]?.textContent ?? input.name;

let explain = (problem) => problem.message;

/** How a refusal is told; set once by the page, since what it knows decides the words. */
export const explainWith = (tell) => (explain = tell);

export const explained = (problem) => explain(problem);
