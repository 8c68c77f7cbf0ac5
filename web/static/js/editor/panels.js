/** The panel at the right: one tab each for the plan, its changes, issues, comments, history and impact. */

import { make, put, skeleton } from "../dom.js";
import { keepingFocus } from "../focus.js";
import { change, state } from "../state.js";
import { word } from "../words.js";
import { button } from "../components.js";
import { told } from "./refusals.js";
import * as changes from "./panels/changes.js";
import * as comments from "./panels/comments.js";
import * as history from "./panels/history.js";
import * as impact from "./panels/impact.js";
import * as issues from "./panels/issues.js";
import * as plan from "./panels/plan.js";

const TABS = { plan, changes, issues, comments, history, impact };
const SOON_MS = 250;

/** Show the panel in `host`; returns {follow, selected, write, fold}. */
export function show(host, editor) {
  const bar = make("div", { className: "tabs", role: "tablist", "aria-label": word("editor.panel") });
  const body = make("div", { className: "body", role: "tabpanel", id: "tab_body", tabIndex: 0 });
  const fold = button("panel", word("editor.panel"), () => host.classList.toggle("open"), { className: "button sheet-handle" });
  put(host, fold, bar, body);
  let turn = 0;
  let soon = null;
  const draw = async (fresh = false) => {
    const mine = ++turn;
    const { tab } = state();
    const shown = TABS[tab] ? tab : "plan";
    for (const each of bar.children) {
      each.setAttribute("aria-selected", String(each.dataset.tab === shown));
      each.tabIndex = each.dataset.tab === shown ? 0 : -1;
    }
    body.setAttribute("aria-labelledby", `tab_${shown}`);
    if (fresh) put(body, skeleton());
    try {
      const content = await TABS[shown].show(editor, () => draw());
      if (mine === turn) keeping(body, () => put(body, content));
    } catch (problem) {
      if (!problem.facts) throw problem;
      if (mine === turn) put(body, failed(problem, () => draw(true)));
    }
  };
  const open = (name) => {
    change({ tab: name });
    host.classList.add("open"); // on a phone the panel is a sheet, and a tab that shows nothing says nothing
    draw(true);
  };
  put(bar, Object.keys(TABS).map((name) => tab(name, open)));
  bar.addEventListener("keydown", (event) => step(event, bar));
  const later = () => {
    clearTimeout(soon);
    soon = setTimeout(draw, SOON_MS);
  };
  for (const kind of ["ground", "plan", "comments", "locks"]) editor.draft.on(kind, later);
  draw(true);
  return {
    follow: () => draw(true),
    fold: () => host.classList.remove("open"),
    selected: () => state().tab === "plan" && draw(),
    write: (about) => {
      comments.about(about);
      open("comments");
    },
  };
}

const tab = (name, open) =>
  make(
    "button",
    { type: "button", role: "tab", id: `tab_${name}`, "data-tab": name, "aria-controls": "tab_body", onclick: () => open(name) },
    word(`tab.${name}`),
  );

function step(event, bar) {
  const by = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
  if (!by) return;
  event.preventDefault();
  const tabs = [...bar.children];
  const next = tabs[(tabs.indexOf(document.activeElement) + by + tabs.length) % tabs.length];
  next.focus();
  next.click();
}

/** What was typed and where one was reading stays when a panel is drawn again. */
function keeping(body, work) {
  const typed = body.querySelector("textarea")?.value;
  const top = body.scrollTop;
  keepingFocus(body, work);
  body.scrollTop = top;
  const again = body.querySelector("textarea");
  if (typed && again && !again.value) again.value = typed;
}

const failed = (problem, again) =>
  make(
    "div",
    { className: "failed" },
    make("p", {}, `▲ ${told(problem)}`),
    make("button", { type: "button", className: "button small", onclick: again }, word("retry")),
  );
