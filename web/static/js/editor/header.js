/** The head of the editor: the plan's name and state, who else is at work, and what may be done with the plan as a whole. */

import { make, put } from "../dom.js";
import * as tools from "../tools.js";
import { day, listed, word } from "../words.js";
import { button } from "../components.js";
import { icon } from "../icons.js";
import * as steps from "./steps.js";

const at = (id) => document.querySelector(`#${id}`);
let others = [];

/** Only language, theme and the way out: for a plan that does not open. */
export function plain() {
  tools.show(at("tools"), { signedIn: true });
}

/** Show the head for the plan as it is now. */
export function show(editor) {
  const { plan } = editor.draft;
  tools.show(at("tools"), { signedIn: true });
  document.title = `${plan.name} · ${word("plans.one")}`;
  put(at("plan_name"), make("b", { title: plan.name }, plan.name), stateChip(plan));
  put(at("actions"), menu(editor), next(editor));
  people();
}

/** The state of a plan as a chip. */
export function stateChip({ state, effective_at: from }) {
  const kind = { submitted: "watch", approved: "good", publishing: "watch", published: "good" }[state] ?? "";
  const text = word(`plan_state.${state}`);
  return make("span", { className: `chip ${kind}`, "data-state": state }, state === "published" && from ? `${text} · ${day(from)}` : text);
}

/** What comes next in the life of the plan, for those who may. */
function next(editor) {
  const { draft } = editor;
  const act = (name, step, primary) => draft.may(name) && button(step.icon, word(`step.${name}`), () => step.run(editor), { className: primary ? "button primary" : "button" });
  return [
    act("return", steps.turnBack, false),
    act("submit", steps.submit, true),
    act("approve", steps.approve, true),
    act("publish", steps.publish, true),
    act("reverse", steps.reverse, false),
  ].filter(Boolean);
}

function menu(editor) {
  const { draft } = editor;
  const file = (text, href) => make("a", { className: "item", href, download: "" }, text);
  const item = (text, onclick) => make("button", { type: "button", className: "item", onclick }, text);
  const path = `/api/v1${draft.path()}`;
  const box = make(
    "details",
    { className: "menu" },
    make("summary", { className: "button", title: word("menu.title"), "aria-label": word("menu.title") }, make("span", { className: "label" }, word("menu.title")), icon("down")),
    make(
      "div",
      { className: "items" },
      file(word("menu.pdf"), `${path}/document.pdf?language=${document.documentElement.dataset.language}`),
      file(word("menu.gpkg"), `${path}/export?format=gpkg`),
      file(word("menu.shp"), `${path}/export?format=shp`),
      draft.may("edit") && item(word("menu.import"), () => steps.bringIn(editor)),
      item(word("menu.copy"), () => steps.copy(editor)),
      draft.may("edit") && item(word("menu.rename"), () => steps.rename(editor)),
      draft.may("withdraw") && item(word("menu.withdraw"), () => steps.withdraw(editor)),
    ),
  );
  const shut = (event) => {
    if (!box.isConnected) return document.removeEventListener("click", shut);
    if (!box.contains(event.target) || event.target.closest(".item")) box.open = false;
  };
  document.addEventListener("click", shut);
  box.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !box.open) return;
    box.open = false;
    box.querySelector("summary").focus();
    event.stopPropagation();
  });
  return box;
}

/** Who else has this plan open. */
export function present(now) {
  others = now;
  people();
}

const NAMED = 2;

function people() {
  const chip = (text, title) => make("span", { className: "chip", title, role: "img", "aria-label": title }, icon("people"), make("span", { className: "label" }, text));
  const rest = others.slice(NAMED).map(({ name }) => name);
  put(
    at("people"),
    others.slice(0, NAMED).map(({ name }) => chip(name, word("editor.at_work", { name }))),
    rest.length > 0 && chip(`+${rest.length}`, listed(rest)),
  );
}
